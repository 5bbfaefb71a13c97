"""Small checkpoints are made as in the tests of models."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "models"))
