"""A backbone made of a torch module: frozen, in eval mode, float32 (SPEC.md, section "Features").

In: a loaded module, how its features are taken, which tensors its checkpoint lacked. Out: a
:class:`ModuleBackbone` whose features depend on no tensor that the checkpoint lacked.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from biobench._common.text import first_of
from biobench.errors import ModelError, counted
from biobench.models.base import ModelInfo
from biobench.models.weights import non_finite, parameter_count, weights_digest
from biobench.spec.canonical import sha256_bytes

if TYPE_CHECKING:
    import torch

    from biobench.decode.recipe import Recipe
    from biobench.models.names import ModelName

    Forward = Callable[[torch.Tensor], torch.Tensor]


NAMES = 5
"""Names of tensors that a message has."""


@dataclass(frozen=True)
class WeightsOrigin:
    """The origin of weights; the fields are those of :class:`ModelInfo`."""

    source: str
    revision: str | None
    licence: str | None
    pinned: bool
    trusted: bool = True


class ModuleBackbone:
    """A frozen module, the function that takes its features, and their description."""

    def __init__(
        self, module: torch.nn.Module, forward: Forward, recipe: Recipe, info: ModelInfo
    ) -> None:
        self.module = module
        self.recipe = recipe
        self.info = info
        self._forward = forward

    @property
    def forward(self) -> Forward:
        """The function that takes the features of a batch, for whoever traces it."""
        return self._forward

    def to(self, device: str) -> None:
        """Move the weights to ``cpu`` or ``cuda``."""
        self.module.to(device)

    def embed(self, batch: torch.Tensor) -> torch.Tensor:
        """Embed one batch: float32 (N, 3, H, W) -> float32 (N, dim), on the same device."""
        return self._forward(batch).float()


def freeze(module: torch.nn.Module) -> None:
    """Set eval mode and float32, without gradients."""
    module.eval()
    module.float()
    module.requires_grad_(False)


def finish(
    name: ModelName,
    module: torch.nn.Module,
    forward: Forward,
    recipe: Recipe,
    *,
    feature: str,
    origin: WeightsOrigin,
    missing: Sequence[str] = (),
) -> ModuleBackbone:
    """Freeze, refuse features that rest on missing tensors, and describe the result.

    One image of ramps goes through the model twice: to measure the length of a feature row, to find
    models that draw random numbers in eval mode (masked autoencoders do), and for the fingerprint.

    Args:
        name: The name that was asked for.
        module: The model.
        forward: Gives the features of a batch.
        recipe: The preprocessing.
        feature: Name of the output that is taken.
        origin: Where the weights come from.
        missing: Names of tensors that the checkpoint lacks.

    Raises:
        ModelError: The features need a tensor of ``missing`` or one that is not finite (attention
            on the CPU can make finite features of a NaN); or the forward pass fails at the recipe's
            size, gives anything but one row of float numbers, or differs the second time.
    """
    import torch

    freeze(module)
    with forward_errors(name, recipe):
        needed = needed_tensors(module, forward, missing, recipe.crop)
        broken = needed_tensors(module, forward, non_finite(module), recipe.crop)
    if needed:
        raise missing_tensors(name, needed)
    if broken:
        raise ModelError(
            f"{counted(len(broken), 'tensor')} of its weights hold NaN or infinity: "
            f"{first_of(broken, NAMES)}",
            where=f"model {name.given!r}",
            remedy="fetch the checkpoint again, or use another one",
        )
    row: Any
    again: Any
    with forward_errors(name, recipe), torch.inference_mode(), one_thread():
        image = torch.linspace(-1, 1, 3 * recipe.crop[0] * recipe.crop[1])
        image = image.reshape(1, 3, *recipe.crop)
        row, again = forward(image), forward(image)
    if not (
        isinstance(row, torch.Tensor)
        and row.is_floating_point()
        and row.dim() == 2
        and row.shape[0] == 1
        and row.shape[1] > 0
    ):
        shape = tuple(row.shape) if isinstance(row, torch.Tensor) else type(row).__name__
        raise ModelError(
            f"one image gives {shape} where a row of features is expected",
            where=f"model {name.given!r}",
            remedy="use an encoder of images; embed of a py: class returns (images, features)",
        )
    if not isinstance(again, torch.Tensor) or not torch.equal(row.nan_to_num(), again.nan_to_num()):
        raise ModelError(
            "two passes over one image give different features: it draws random numbers",
            where=f"model {name.given!r}",
            remedy="use a variant without random masking or sampling",
        )
    given, resolved = name.recorded
    entry, pinned = name.entry, name.pinned_entry
    info = ModelInfo(
        name=given,
        resolved=resolved,
        source=origin.source,
        revision=origin.revision,
        licence=(entry.licence if entry else None) or origin.licence,
        weights=weights_digest(module),
        feature=feature,
        dim=int(row.shape[1]),
        parameters=parameter_count(module),
        pinned=origin.pinned,
        trusted=origin.trusted,
        fingerprint=sha256_bytes(row.float().cpu().numpy().astype("<f4").tobytes()),
        revision_sources=pinned.revision_sources if pinned else None,
        training_data=entry.training_data if entry else None,
        overlap=entry.overlap if entry else (),
    )
    return ModuleBackbone(module, forward, recipe, info)


@contextmanager
def forward_errors(name: ModelName, recipe: Recipe) -> Iterator[None]:
    """Turn whatever a model's code raises in a forward pass into a ModelError that names both."""
    try:
        yield
    except (Exception, SystemExit) as error:  # frameworks and users raise anything
        raise ModelError(
            f"the forward pass fails on a {recipe.crop[0]} x {recipe.crop[1]} image: "
            f"{described(error)}",
            where=f"model {name.given!r}",
            remedy="use a recipe of the size that the model takes, or correct code of your own",
        ) from error


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread a forward pass, as in a run: bits, and so fingerprints, follow no core count."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def missing_tensors(name: ModelName, needed: Sequence[str]) -> ModelError:
    """The error for weights that the features need and the checkpoint lacks."""
    return ModelError(
        f"the checkpoint lacks {len(needed)} tensor{'s' if len(needed) > 1 else ''} that the "
        f"features need: {first_of(needed, NAMES)}",
        where=f"model {name.given!r}",
        remedy="use a complete checkpoint of this architecture",
    )


def needed_tensors(
    module: torch.nn.Module, forward: Forward, names: Sequence[str], size: tuple[int, int]
) -> list[str]:
    """Those of ``names`` that the features of an image of ``size`` depend on, sorted.

    A parameter is needed where autograd finds a path from it to the features. A buffer counts as
    needed, except BatchNorm's step counter, which eval mode does not read. Where autograd does not
    follow the forward pass at all, every parameter counts as needed.
    """
    import torch

    if not names:
        return []
    parameters = dict(module.named_parameters(remove_duplicate=False))
    suspects = [n for n in sorted(names) if n in parameters]
    needed = [
        n for n in sorted(names) if n not in parameters and not n.endswith("num_batches_tracked")
    ]
    if suspects:
        module.requires_grad_(True)
        with torch.inference_mode(False), torch.enable_grad():
            total = forward(torch.zeros(1, 3, *size)).float().sum()
            gradients: Sequence[Any] = [True] * len(suspects)
            if total.requires_grad:
                gradients = torch.autograd.grad(
                    total, [parameters[n] for n in suspects], allow_unused=True
                )
        module.requires_grad_(False)
        needed += [n for n, g in zip(suspects, gradients, strict=True) if g is not None]
    return sorted(needed)


def first_line(error: BaseException) -> str:
    """The first line of an error's text, without its final full stop, at most 200 characters."""
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0].strip().rstrip(".")[:200]


def described(error: BaseException) -> str:
    """An error's class and the first line of its text; a KeyError's text alone says little."""
    return f"{type(error).__name__}: {first_line(error)}"


_RECORDING = threading.Lock()


@contextmanager
def recorded_loads(unexpected: list[str] | None = None) -> Iterator[list[str]]:
    """Collect the names of tensors that ``load_state_dict`` misses, in this thread, and in
    ``unexpected`` those that it has no place for.

    timm and open_clip drop the report of torch and go on with random values where they load
    leniently. Inside this context loads are lenient and every missing name lands in the list, so
    that one rule, "do the features need it", decides for all of them.
    """
    import torch

    thread = threading.get_ident()
    missing: list[str] = []
    original = torch.nn.Module.load_state_dict

    def load_state_dict(
        module: torch.nn.Module, state: Any, strict: bool = True, assign: bool = False
    ) -> Any:
        if threading.get_ident() != thread:
            return original(module, state, strict=strict, assign=assign)
        report = original(module, state, strict=False, assign=assign)
        missing.extend(report.missing_keys)
        if unexpected is not None:
            unexpected.extend(report.unexpected_keys)
        return report

    with _RECORDING:
        torch.nn.Module.load_state_dict = load_state_dict  # type: ignore[method-assign,assignment]
        try:
            yield missing
        finally:
            torch.nn.Module.load_state_dict = original  # type: ignore[method-assign]
