"""Facts at hand about a scored task, beside its entry in the result.

In: outcomes of a run, or a result that was saved, with or without its data. Out: predictions, names
and pictures for the page.
"""

from __future__ import annotations

import base64
import gzip
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from biobench.data.manifest import Manifest
from biobench.data.predictions import Predictions
from biobench.report.page.names import Names
from biobench.report.page.thumbnails import thumbnails
from biobench.spec.documents import Task

Pictures = Callable[[Manifest, Iterable[str]], Mapping[str, str]]
"""Gives the address of each item's picture, without those that cannot be read."""

PICTURES_OFF_REASON = "left out by --no-pictures"
"""The reason why a task has no pictures, where its run was asked for none."""


@dataclass(frozen=True)
class PageEvidence:
    """A scored task.

    Attributes:
        task: Its document; None where that is not here.
        manifest: Its data; None where they are absent or pictures are not wanted.
        absent: Why there is no manifest.
    """

    predictions: Predictions
    names: Names
    task: Task | None
    manifest: Manifest | None
    absent: str | None = None


def inline_pictures(manifest: Manifest, ids: Iterable[str]) -> dict[str, str]:
    """Addresses that hold the pictures themselves."""
    from markupsafe import Markup

    # Letters of base64 need no escaping, and a page cuts a long text that may be anyone's.
    return {
        id: Markup(f"data:image/jpeg;base64,{base64.b64encode(data).decode()}")
        for id, data in thumbnails(manifest, ids).items()
    }


def packed(data: bytes) -> str:
    """Bytes as a page holds them: gzip, then base64."""
    return base64.b64encode(gzip.compress(data, 6, mtime=0)).decode()


def packed_rows(predictions: Predictions) -> str:
    """Canonical JSON of predictions as a page holds it."""
    return packed(b"".join(predictions.canonical()))
