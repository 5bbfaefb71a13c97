"""Tables that libraries compute, by the engine's functions while a module is traced.

In: a loaded module. Out: the same module, whose rotary modules and windows give tables of SPEC.md,
section "Constants of a model", and have their own again afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from biobench.models.program import offsets, rotary

if TYPE_CHECKING:
    import torch

MODULES = {**rotary.MODULES, **offsets.MODULES}
"""By the full name of a class: the methods and buffers that replace its own."""


@contextmanager
def exact_tables(module: torch.nn.Module) -> Iterator[frozenset[str]]:
    """While it is entered, modules give tables by the engine's functions; the value is the names of
    the buffers that hold such tables.

    Raises:
        NotCarried: A module's tables have a form that is not defined.
    """
    replaced: list[tuple[dict[str, Any], str, Any]] = []
    buffers = set()
    try:
        for place, part in module.named_modules():
            found = MODULES.get(f"{type(part).__module__}.{type(part).__qualname__}")
            for name, ours in (found(part) if found else {}).items():
                # On the instance, so that the class and other models keep theirs.
                held = part._buffers if name in part._buffers else part.__dict__
                replaced.append((held, name, held.get(name)))
                held[name] = ours
                if held is part._buffers:
                    buffers.add(f"{place}.{name}" if place else name)
        yield frozenset(buffers)
    finally:
        for held, name, theirs in reversed(replaced):
            if theirs is None:
                del held[name]
            else:
                held[name] = theirs
