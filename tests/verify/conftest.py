"""The runs that the tests of this folder look at, made once."""

from __future__ import annotations

import pytest
from made import Made, make_demo, make_own


@pytest.fixture(scope="session")
def own(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Five tasks of a person's own, which must not be changed."""
    return make_own(tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Two tasks of the specification, which must not be changed."""
    return make_demo(tmp_path_factory.mktemp("demo"))
