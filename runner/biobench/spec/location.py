"""The location of the specification (SPEC.md, section "The bundle").

In: nothing. Out: the folder that holds ``v1/``: a checkout's own, else the copy in the wheel.
"""

from __future__ import annotations

from pathlib import Path

from biobench.errors import SpecError

_PACKAGE = Path(__file__).resolve().parent.parent


def spec_root() -> Path:
    """The folder that holds ``v1/suite.yaml``.

    Raises:
        SpecError: The installation has none.
    """
    checkout = _PACKAGE.parent.parent
    # The workspace's own files tell a checkout from site-packages below some other project.
    if _PACKAGE.parent.name == "runner" and (checkout / "Cargo.toml").is_file():
        return checkout / "spec"
    packaged = _PACKAGE / "_spec"
    if (packaged / "v1" / "suite.yaml").is_file():
        return packaged
    raise SpecError(
        "the installation has no specification",
        where=str(packaged),
        remedy="install the biobench wheel again",
    )
