"""A user's own model: ``py:package.module:Class`` (docs/models.md).

In: a class that the user names. Out: a backbone around one instance. Its code is the user's choice
and runs as it is, so the result is never official.

``Class()`` must give an object with

- ``recipe``: a :class:`biobench.decode.recipe.Recipe`, as ``biobench.models.recipes.image_recipe``
  makes one;
- ``embed(batch)``: float32 (N, 3, H, W) -> float (N, dim), callable from several threads at once.

It is a ``torch.nn.Module`` or holds its modules as attributes; they are frozen, moved to the device
and hashed.
"""

from __future__ import annotations

import dataclasses
import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from biobench.decode.recipe import Recipe
from biobench.errors import ModelError
from biobench.models.module_backbone import ModuleBackbone, WeightsOrigin, described, finish
from biobench.models.names import ModelName
from biobench.spec.canonical import sha256_bytes, sha256_json


def load_python(name: ModelName) -> ModuleBackbone:
    """Import the class, make one instance, and check its recipe and methods.

    The digest of the weights also covers the bytes of the class's source file, because the code
    decides the features as much as the tensors do. Files that it imports or reads are not covered.
    The store recomputes features where such a change moves the features of the image that the
    fingerprint is taken of; a change that only other images show goes unnoticed.

    Raises:
        ModelError: The import or the call fails, or the object lacks what a model needs.
    """
    try:
        return _load(name)
    except ModelError:
        raise
    except (Exception, SystemExit) as error:  # the user's code raises anything
        raise ModelError(
            described(error),
            where=f"model {name.given!r}",
            remedy='make the class as docs/models.md, "Your own model", shows',
        ) from error


def _load(name: ModelName) -> ModuleBackbone:
    where = f"model {name.given!r}"
    path, _, attribute = name.target.partition(":")
    with _current_folder_importable():
        try:
            factory: Any = importlib.import_module(path)
            for part in attribute.split("."):
                factory = getattr(factory, part)
            if not callable(factory):
                raise ModelError(
                    f"{attribute} is not a class",
                    where=where,
                    remedy="give py:package.module:Class, where Class() makes the model",
                )
            instance = factory()
        except ModelError:
            raise
        except (Exception, SystemExit) as error:  # the user's code raises anything
            raise ModelError(
                described(error),
                where=where,
                remedy="the class must be importable from here and take no arguments",
            ) from error
    if not isinstance(getattr(instance, "recipe", None), Recipe):
        raise ModelError(
            "has no attribute recipe that is a biobench.decode.recipe.Recipe",
            where=where,
            remedy="make one with biobench.models.recipes.image_recipe(...)",
        )
    if not callable(getattr(instance, "embed", None)):
        raise ModelError(
            "has no method embed(batch)",
            where=where,
            remedy="add one that returns floats of the shape (images, features)",
        )
    backbone = finish(
        name,
        _modules(instance),
        instance.embed,
        instance.recipe,
        feature="embed",
        origin=WeightsOrigin("python", None, None, pinned=False, trusted=False),
    )
    source = getattr(sys.modules[path], "__file__", None)
    code = sha256_bytes(Path(source).read_bytes()) if source else None
    weights = sha256_json([backbone.info.weights, code])
    backbone.info = dataclasses.replace(backbone.info, weights=weights)
    return backbone


def _modules(instance: Any) -> Any:
    """The instance if it is a module, else a container of the modules among its attributes."""
    import torch

    if isinstance(instance, torch.nn.Module):
        return instance
    attributes = getattr(instance, "__dict__", {})
    found = {k: v for k, v in attributes.items() if isinstance(v, torch.nn.Module)}
    container = torch.nn.Module()
    for key in sorted(found):
        # add_module refuses names that torch's own class has.
        setattr(container, key, found[key])
    return container


@contextmanager
def _current_folder_importable() -> Iterator[None]:
    """Put the working folder first on the import path, as ``python -m`` does."""
    here = os.getcwd()
    sys.path.insert(0, here)
    try:
        yield
    finally:
        if here in sys.path:
            sys.path.remove(here)
