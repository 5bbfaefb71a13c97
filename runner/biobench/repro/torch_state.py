"""The state of torch in this thread, which a program can change at any time.

In: the thread; some switches, such as the number of threads, are its own. Out: every switch that
chooses other kernels or another arithmetic, and those that are not as level E needs them
(SPEC.md, section "Levels").
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any

_ON, _OFF = frozenset({"True"}), frozenset({"False"})
_PLAIN = frozenset({"none", "ieee"})
EXPECTED: Mapping[str, frozenset[str]] = {
    "get_default_dtype": frozenset({"torch.float32"}),
    "get_default_device": frozenset({"cpu"}),
    "get_float32_matmul_precision": frozenset({"highest"}),
    "is_autocast_enabled(cpu)": _OFF,
    "is_autocast_enabled(cuda)": _OFF,
    "backends.fp32_precision": _PLAIN,
    "backends.mkldnn.enabled": _ON,
    "backends.mkldnn.deterministic": _OFF,
    "backends.mkldnn.allow_tf32": frozenset({"None", "False"}),
    "backends.mkldnn.fp32_precision": _PLAIN,
    "backends.mkldnn.conv.fp32_precision": _PLAIN,
    "backends.mkldnn.matmul.fp32_precision": _PLAIN,
    "backends.nnpack.enabled": _ON,
    "backends.mha.get_fastpath_enabled": _ON,
    "backends.cuda.flash_sdp_enabled": _ON,
    "backends.cuda.math_sdp_enabled": _ON,
    "backends.cuda.mem_efficient_sdp_enabled": _ON,
    "backends.cuda.cudnn_sdp_enabled": _ON,
    "backends.cuda.matmul.allow_fp16_accumulation": _OFF,
    "backends.cuda.matmul.allow_fp16_reduced_precision_reduction": _ON,
    "backends.cudnn.enabled": _ON,
    "backends.cudnn.deterministic": _OFF,
}
"""Switches below ``torch`` and the values that they may have: torch's own defaults. One that this
version of torch lacks is left out."""
_GETTERS: Mapping[str, str] = {"backends.nnpack.enabled": "_C._get_nnpack_enabled"}
"""Places of switches that torch has only a setter for."""
WORKSPACE = "cuBLAS workspace"
"""The switch for the memory that cuBLAS may use for a product, which decides how it adds up."""
_WORKSPACE_VARIABLE, _WORKSPACE_SIZE = "CUBLAS_WORKSPACE_CONFIG", ":4096:8"
HELD: Mapping[str, frozenset[str]] = {
    "are_deterministic_algorithms_enabled": _ON,
    "is_deterministic_algorithms_warn_only_enabled": _OFF,
    "get_num_threads": frozenset({"1"}),
    "backends.cudnn.benchmark": _OFF,
    "backends.cudnn.allow_tf32": _OFF,
    "backends.cuda.matmul.allow_tf32": _OFF,
    WORKSPACE: frozenset({"fixed"}),
}
"""Switches that a run sets itself, which a model's code can set back."""
ARITHMETIC: Mapping[str, frozenset[str]] = {
    "subnormal numbers": frozenset({"kept"}),
    "rounding": frozenset({"to nearest"}),
}
"""Modes of the processor's control register of this thread; new threads inherit them."""


_workspace: dict[str, str] = {}
"""The switch :data:`WORKSPACE`, once it was set."""


def fix_workspace() -> None:
    """Give cuBLAS a workspace of fixed size, which torch reads when CUDA starts.

    Where it has started with another one, the switch :data:`WORKSPACE` is altered from here on.
    """
    import torch

    started = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    late = started and os.environ.get(_WORKSPACE_VARIABLE) != _WORKSPACE_SIZE
    _workspace.setdefault(WORKSPACE, "fixed")
    if late:
        _workspace[WORKSPACE] = "not fixed"
    # Where it is late as well: torch would take a product for one without a fixed order.
    os.environ[_WORKSPACE_VARIABLE] = _WORKSPACE_SIZE


def read_state() -> dict[str, str]:
    """Every switch by name, in a fixed order; those of torch only where it was imported."""
    state = {"subnormal numbers": _subnormal_numbers(), "rounding": _rounding()}
    torch = sys.modules.get("torch")
    state |= _workspace
    if torch is not None:
        found = {name: _value(torch, name) for name in (*EXPECTED, *HELD)}
        state |= {name: value for name, value in found.items() if value is not None}
    return state


def altered(state: Mapping[str, str], *, in_run: bool) -> dict[str, str]:
    """The switches of ``state`` with a value that level E does not allow.

    Args:
        state: Switches by name.
        in_run: True to check the switches in :data:`HELD` too, which a run sets only while torch
            embeds.
    """
    allowed = {**EXPECTED, **ARITHMETIC, **(HELD if in_run else {})}
    return {
        name: value
        for name, value in state.items()
        if name in allowed and value not in allowed[name]
    }


def merged(states: Iterable[Mapping[str, str]], *, in_run: bool) -> dict[str, str]:
    """Several readings of one run as one; a switch that was altered in any has that value.

    ``in_run``: as for :func:`altered`.
    """
    found: dict[str, str] = {}
    changes: dict[str, str] = {}
    for state in states:
        found |= state
        changes = {**altered(state, in_run=in_run), **changes}
    return {**found, **changes}


def _value(torch: Any, name: str) -> str | None:
    """The value of a switch as text, None where torch has no such switch."""
    path, _, argument = _GETTERS.get(name, name).removesuffix(")").partition("(")
    found = torch
    try:
        for part in path.split("."):
            found = getattr(found, part)
        return str(found(*filter(None, [argument])) if callable(found) else found)
    except (AttributeError, TypeError):
        return None
    except RuntimeError as error:
        # torch raises where its old and its new names of a switch contradict each other.
        return " ".join(str(error).split())[:80] or "refused"


def _subnormal_numbers() -> str:
    # float() keeps the interpreter from computing it when it compiles.
    smallest = float("2.2250738585072014e-308")
    return "kept" if smallest / 4.0 * 4.0 == smallest else "flushed"


def _rounding() -> str:
    one, half = float("1"), float("1.1102230246251565e-16")
    nearest = one + half == one and one - half / 2.0 == one and -one - half == -one
    return "to nearest" if nearest else "directed"
