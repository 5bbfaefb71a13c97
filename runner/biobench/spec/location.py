"""Where the specification lies (SPEC.md, section "The bundle").

In: nothing. Out: the folder that holds ``v1/``: the checkout's own in a checkout, else the copy that
the wheel carries.
"""

from __future__ import annotations

from pathlib import Path

from biobench.errors import SpecError

_PACKAGE = Path(__file__).resolve().parent.parent


def spec_root() -> Path:
    """The folder that holds ``v1/suite.yaml``; raises SpecError where an installation has none."""
    checkout = _PACKAGE.parent.parent
    # The crate beside it tells a checkout from some other project's folder named spec.
    if (checkout / "native" / "python" / "Cargo.toml").is_file() or (
        checkout / "pyproject.toml"
    ).is_file():
        candidate = checkout / "spec"
        if (candidate / "v1" / "suite.yaml").is_file() and _PACKAGE.parent.name == "runner":
            return candidate
    packaged = _PACKAGE / "_spec"
    if (packaged / "v1" / "suite.yaml").is_file():
        return packaged
    raise SpecError(
        "the installation has no specification",
        where=str(packaged),
        remedy="install the biobench wheel again",
    )
