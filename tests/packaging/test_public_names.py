"""The names that notebooks and other tools rely on: each can be imported as it is documented."""

from __future__ import annotations

import inspect
import pydoc
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import biobench

DOCUMENTED = re.compile(r"\.\. auto(?:function|class|module):: (biobench[\w.]*)")
IMPORTED = re.compile(r"^from (biobench[\w.]*) import ([\w, ]+)$", re.MULTILINE)
SURFACE = {
    "biobench.native": "load_batch ImageLoader",
    "biobench.probe": "LinearProbe LogisticProbe KNNProbe CentroidProbe TraitsProbe SVMProbe",
    "biobench.metric": "macro_f1 accuracy traits_f1 user_loss average_precision association",
    "biobench.errors": "BiobenchError UsageError DataError SpecError ModelError VerificationError",
}
METHODS = {
    "Results": "to_frame tasks mean digests per_class per_group errors plot predictions "
    "_repr_html_",
    "ResultSet": "to_frame compare names per_class per_group errors plot _repr_html_",
    "Curve": "to_frame plot _repr_html_",
    "Figure": "save _repr_html_ _repr_svg_",
}


def test_every_name_of_the_reference_is_there(repository: Path) -> None:
    """Protects: docs/api.md names nothing that cannot be imported, and has every public name."""
    names = DOCUMENTED.findall((repository / "docs/api.md").read_text(encoding="utf-8"))
    assert len(names) > 25
    for name in names:
        found = pydoc.locate(name)
        assert found is not None, name
        assert inspect.ismodule(found) or found.__doc__, name
    missing = {f"biobench.{name}" for name in biobench.__all__ if name != "__version__"}
    assert missing - set(names) == set()


def test_the_reference_has_what_pages_import(repository: Path) -> None:
    """Protects: a name that a page tells people to import is in docs/api.md, wherever it lives."""
    reference = (repository / "docs/api.md").read_text(encoding="utf-8")
    imported = {
        f"{module}.{name}"
        for page in [repository / "README.md", *sorted((repository / "docs").rglob("*.md"))]
        for module, names in IMPORTED.findall(page.read_text(encoding="utf-8"))
        for name in names.split(", ")
    }
    assert "biobench.native.load_batch" in imported
    assert imported - set(DOCUMENTED.findall(reference)) == set()


def test_the_names_of_the_surface_stay() -> None:
    """Protects: names are added and not renamed; methods too."""
    for module, names in SURFACE.items():
        for name in names.split():
            assert pydoc.locate(f"{module}.{name}") is not None, name
    for kind, names in METHODS.items():
        for name in names.split():
            assert hasattr(getattr(biobench, kind), name), f"{kind}.{name}"
    assert set(SURFACE) == {f"biobench.{name}" for name in biobench.MODULES}
    assert {*biobench.__all__, *biobench.MODULES} <= set(dir(biobench))


def test_the_version_is_that_of_the_package() -> None:
    """Protects: `biobench.__version__` is what the command prints."""
    assert biobench.__version__ == version("biobench")
    with pytest.raises(AttributeError, match="no attribute 'other'"):
        biobench.other  # noqa: B018


@pytest.mark.slow
def test_one_import_gives_every_name() -> None:
    """Protects: `import biobench` alone suffices, and loads neither torch nor numpy."""
    names = [f"{module}.{name}" for module, names in SURFACE.items() for name in names.split()]
    program = (
        "import sys, biobench; biobench.__version__; "
        "assert not {'torch', 'numpy', 'rich'} & set(sys.modules); "
        + "; ".join(["biobench.metric.association.spearman", *names])
    )
    subprocess.run([sys.executable, "-c", program], check=True)
