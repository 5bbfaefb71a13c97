"""A program that is not the one that the same weights gave before."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn import draw_folders, write_task

from biobench import load_results
from biobench._common.store import Store
from biobench.models import exact_backbone, program_change
from biobench.models.program import moves
from biobench.models.program.lowering import RULES
from biobench.pipeline import run
from biobench.run.options import Options

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Options:
    """A run of the demo model, whose store has its program and features."""
    folder = tmp_path_factory.mktemp("changed")
    draw_folders(folder / "data" / "drawn", {"train": 8, "test": 4})
    options = Options(
        model="demo", tasks=(write_task(folder, "classes"),), data=folder / "data",
        out=folder / "out", store=folder / "store", workers=1,
    )  # fmt: skip
    run(options)
    return options


def test_a_run_says_which_line_differs_once(
    first: Options, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Protects: whoever scores the same weights after an update of a library sees that the program
    is another one, its first line that differs, and the versions; a run with the same program is
    silent, as is the next one with the new program."""
    run(replace(first, out=tmp_path / "same"))
    assert "another program" not in capsys.readouterr().err

    # As of another version of a library: each new shape has a sum with zero behind it.
    def longer(lowering: Any, x: Any, *rest: Any) -> Any:
        value = moves.shaped(lowering, x, *rest)
        return RULES["aten.add.Tensor"](lowering, value, 0.0)

    def versions(names: tuple[str, ...] = ()) -> dict[str, str]:
        return {"torch": "99.0", "numpy": np.__version__}

    for module in (exact_backbone, program_change):
        monkeypatch.setattr(module, "package_versions", versions)
    for name in ("aten.flatten.using_ints", "aten.view.default", "aten.reshape.default"):
        monkeypatch.setitem(RULES, name, longer)
    run(replace(first, out=tmp_path / "other"))
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "another program" in line]
    assert "model 'demo': these weights gave another program before" in line
    assert "line " in line
    assert " = add(" in line
    assert "torch " in line
    assert "now 99.0" in line
    assert "numpy" not in line
    assert first.out is not None
    before, after = (load_results(out).document for out in (first.out, tmp_path / "other"))
    assert before["model"]["program"] != after["model"]["program"]
    assert before["model"]["weights"] == after["model"]["weights"]
    run(replace(first, out=tmp_path / "next"))
    assert "another program" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "arrays",
    [
        {},
        {"lines": b"\xff\xfe", "made_by": b"{}"},
        {"lines": b"input", "made_by": b"[1]"},
        {"lines": b"input", "made_by": b"not JSON"},
    ],
)
def test_an_entry_that_is_not_ours_counts_as_none(
    first: Options, arrays: dict[str, bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Protects: a whole entry with other content, which anyone may have written to a shared store,
    ends no run and is replaced."""
    assert first.store is not None
    store = Store(first.store)
    for key in store.keys(program_change.KIND):
        found = {k: np.frombuffer(v, np.uint8) for k, v in (arrays or {"x": b"y"}).items()}
        store.put(program_change.KIND, key, found)
    run(replace(first, out=tmp_path / "out"))
    assert "another program" not in capsys.readouterr().err
    (key,) = store.keys(program_change.KIND)
    kept = store.get(program_change.KIND, key)
    assert kept is not None
    assert "torch" in json.loads(bytes(kept[program_change.MADE_BY]))
