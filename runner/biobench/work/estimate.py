"""The work of a plan that is stored, and the time that the rest takes.

In: a plan and a store. Out: counts and times by model and task, and the measurements that the times
are made of. No model is loaded and no image is read: what the store has is known of models that it
has a measurement of, and of images whose digests it knows.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench._common.claims import Claims
from biobench._common.store import Store
from biobench.data.file_hashes import BLOCK, ContentIndex, Identity, identity_of
from biobench.data.manifest import Manifest
from biobench.embed import rates
from biobench.embed.rates import Rate
from biobench.embed.shards import FILES, kind_of, revision, shard_key, whole_parts
from biobench.run.task_features import rate_of
from biobench.work import file_digests
from biobench.work.document import WorkPlan
from biobench.work.jobs import claims_folder
from biobench.work.make import Prepared, wanted_rows

_Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class TaskEstimate:
    """A task by a model.

    Attributes:
        images: Images whose features are needed.
        images_left: Those of them that the store is not known to have.
        parts: Parts of the plan.
        stored: Parts whose features the store has.
        seconds: Time to embed the rest by one worker; None where no rate was measured.
    """

    model: str
    task: str
    images: int
    images_left: int
    parts: int
    stored: int
    seconds: float | None


@dataclass(frozen=True)
class Estimate:
    """A plan with what is left of it; ``rates``: by model, the measurement, None where there is
    none."""

    plan: WorkPlan
    tasks: tuple[TaskEstimate, ...]
    rates: tuple[Rate | None, ...]

    @property
    def seconds(self) -> float | None:
        """Time to embed all that is left by one worker; None where a rate is not known."""
        times = [task.seconds for task in self.tasks]
        known = [time for time in times if time is not None]
        return sum(known) if len(known) == len(times) else None

    def value(self) -> dict[str, Any]:
        """The estimate as a JSON value."""
        models = [
            {
                "model": model.model,
                "precision": model.precision,
                "folder": model.folder,
                "images_per_s": None if rate is None else rate.images_per_s,
                "peak_memory_bytes": None if rate is None else rate.peak_memory_bytes,
                "measured": None
                if rate is None
                else {"images": rate.images, "workers": rate.workers, "hardware": rate.hardware},
            }
            for model, rate in zip(self.plan.models, self.rates, strict=True)
        ]
        return {
            "plan": self.plan.digest,
            "models": models,
            "tasks": [vars(task) for task in self.tasks],
            "seconds": self.seconds,
        }


def estimate(prepared: Prepared, root: Path) -> Estimate:
    """Look a plan up in the store in the folder ``root``."""
    plan, store = prepared.plan, Store(root)
    claims = Claims(claims_folder(root, plan), 0.0)
    done = claims.list().done
    files = [_Files(prepared, task, store) for task in range(len(plan.tasks))]
    wanted = [wanted_rows(prepared.runs[0], task) for task in range(len(plan.tasks))]
    tasks, found = [], []
    parts = iter(plan.parts)
    for run in prepared.runs:
        rate = rates.recall(store, rate_of(run.options))
        found.append(rate)
        features = None if rate is None else _Features(rate, store)
        for number, task in enumerate(plan.tasks):
            names = [(next(parts).name, rows) for rows in task.slices]
            lacks = None
            if features is not None:
                lacks = ~features.rows(files[number])
                if (only := wanted[number]) is not None:
                    lacks &= only
            images = left = stored = 0
            for name, rows in names:
                lacking = 0 if name in done else rows.images
                if lacking and lacks is not None:
                    lacking = int(lacks[rows.start : rows.stop].sum())
                images += rows.images
                left += lacking
                stored += not lacking
            seconds = None if rate is None else left / rate.images_per_s
            model = run.options.model_name
            tasks.append(
                TaskEstimate(
                    model, task.task, images, left, len(names), stored, 0.0 if not left else seconds
                )
            )
    return Estimate(plan, tuple(tasks), tuple(found))


class _Files:
    """The digests of the files of a task as far as the store knows them, looked up once."""

    def __init__(self, prepared: Prepared, task: int, store: Store) -> None:
        self.manifest: Manifest = prepared.runs[0].manifests[task]
        self._store = store
        self._found: tuple[npt.NDArray[np.uint8], _Mask] | None = None

    @property
    def digests(self) -> tuple[npt.NDArray[np.uint8], _Mask]:
        """SHA-256 of each row's file, uint8 (rows, 32), and the rows whose file is known."""
        if self._found is None:
            self._found = self._look()
        return self._found

    def _look(self) -> tuple[npt.NDArray[np.uint8], _Mask]:
        rows = self.manifest.rows
        paths = [os.path.join(self.manifest.root, row.path) for row in rows]
        digests, known = np.zeros((len(rows), 32), np.uint8), np.zeros(len(rows), np.bool_)
        place = self._store.root / "files.sqlite"
        # An estimate writes nothing.
        learnt, kept = ContentIndex(None), ContentIndex(place if place.exists() else None)
        try:
            file_digests.import_digests(self._store, learnt, self.manifest.digest, paths, set())
            for start in range(0, len(paths), BLOCK):
                block = paths[start : start + BLOCK]
                identities = list(_identities(block))
                for index in (kept, learnt):
                    for i, digest in enumerate(index.known(block, identities), start):
                        if digest is not None:
                            digests[i] = np.frombuffer(bytes.fromhex(digest[7:]), np.uint8)
                            known[i] = True
        finally:
            learnt.close()
            kept.close()
        return digests, known


def _identities(paths: Iterable[str]) -> Iterable[Identity | None]:
    for path in paths:
        try:
            yield identity_of(path)
        except OSError:
            yield None


class _Features:
    """The features of a model that the store has, by the base of their keys."""

    def __init__(self, rate: Rate, store: Store) -> None:
        self._rate = rate
        self._store = store
        self._kind = kind_of(rate.base)
        self._there = rate.base.get("revision") == revision() and store.began_with(self._kind)
        self._images: npt.NDArray[np.void] | None = None

    def rows(self, files: _Files) -> _Mask:
        """The rows of a task whose features are stored, bool (rows,)."""
        if not self._there:
            return np.zeros(len(files.manifest.rows), np.bool_)
        digests, known = files.digests
        if self._rate.by_item:
            if self._images is None:
                listed = self._store.rows_of_bytes(self._kind, FILES, 32)
                self._images = _comparable(
                    np.concatenate([np.zeros((0, 32), np.uint8), *(rows for _, rows in listed)])
                )
            stored: _Mask = known & np.isin(_comparable(digests), self._images)
            return stored
        have = np.zeros(len(known), np.bool_)
        for rows in whole_parts(files.manifest, int(self._rate.base["micro_batch"])):
            if known[rows].all():
                names = [f"sha256:{row.tobytes().hex()}" for row in digests[rows]]
                key = shard_key(self._rate.base, names)
                have[rows] = self._store.path(self._kind, key).exists()
        return have


def _comparable(digests: npt.NDArray[np.uint8]) -> npt.NDArray[np.void]:
    return np.ascontiguousarray(digests).view("S32").reshape(-1)
