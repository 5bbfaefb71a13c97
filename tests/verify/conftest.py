"""The runs that the tests of this folder look at, made once."""

from __future__ import annotations

import pytest
from made import Made, make_declared, make_demo, make_own, make_ranked


@pytest.fixture(scope="session")
def own(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Five tasks of a person's own, which must not be changed."""
    return make_own(tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="session")
def ranked(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Two tasks of a person's own with exact probes, which must not be changed."""
    return make_ranked(tmp_path_factory.mktemp("ranked"))


@pytest.fixture(scope="session")
def declared(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Two tasks of the specification beside a declared score, which must not be changed."""
    return make_declared(tmp_path_factory.mktemp("declared"))


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Two tasks of the specification, which must not be changed."""
    return make_demo(tmp_path_factory.mktemp("demo"))
