"""The runs that the tests of this folder look at, made once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from small_runs import (
    Made,
    demo_options,
    exact_options,
    make_declared,
    make_demo,
    make_exact,
    make_own,
    make_ranked,
    own_options,
)


@pytest.fixture(scope="session")
def own(made_once: Callable[..., Path]) -> Made:
    """Five tasks of a person's own, which must not be changed."""
    folder = made_once("verify-own", make_own)
    return Made(folder, own_options(folder))


@pytest.fixture(scope="session")
def ranked(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Two tasks of a person's own with exact probes, which must not be changed."""
    return make_ranked(tmp_path_factory.mktemp("ranked"))


@pytest.fixture(scope="session")
def declared(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Two tasks of the specification beside a declared score, which must not be changed."""
    return make_declared(tmp_path_factory.mktemp("declared"))


@pytest.fixture(scope="session")
def demo(made_once: Callable[..., Path]) -> Made:
    """Two tasks of the specification, which must not be changed."""
    folder = made_once("verify-demo", make_demo)
    return Made(folder, demo_options(folder))


@pytest.fixture(scope="session")
def exact(made_once: Callable[..., Path]) -> Made:
    """A task of the specification by the exact engine, which must not be changed."""
    folder = made_once("verify-exact", make_exact)
    return Made(folder, exact_options(folder))
