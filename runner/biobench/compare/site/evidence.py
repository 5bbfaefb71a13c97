"""Predictions, names and pictures of results that were saved.

In: results, and the folder of the data. Out: the evidence of each task, as far as it is here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from biobench.data.build import build_manifest
from biobench.data.manifest import Manifest
from biobench.errors import BiobenchError, DataError
from biobench.report.page.evidence import WITHOUT, Evidence
from biobench.report.page.names import names_of_manifest, names_of_result
from biobench.report.page.thumbnails import thumbnails
from biobench.report.results import Results
from biobench.spec.documents import Task
from biobench.spec.load import Spec
from biobench.verify.from_data import Images, find_root, sampled
from biobench.verify.rules import task_rules

_ABSENT = "the data are not here; --data names their folder"


@dataclass
class SavedEvidence:
    """The evidence of saved results; what several of them share is made once.

    Attributes:
        folder: Folder of the site.
        own: Tasks of a person's own by id.
        images: False where pictures are not wanted.
    """

    spec: Spec
    folder: Path
    data: Path | None
    own: Mapping[str, Task]
    images: bool
    _manifests: dict[tuple[str, str], Manifest | str] = field(default_factory=dict)
    _made: dict[tuple[str, str], str | None] = field(default_factory=dict)

    def documents(self, results: Results) -> dict[str, Task | None]:
        """The documents of a result's tasks, as far as they are here."""
        rules, _ = task_rules(results, self.spec, self.own)
        return {id: rule.document for id, rule in rules.items()}

    def of(self, results: Results, id: str, task: Task | None) -> Evidence:
        """The evidence of a task; raises DataError where its predictions cannot be read."""
        predictions = results.predictions(id)
        found = self._manifest(results, id, task) if self.images else WITHOUT
        if isinstance(found, str):
            return Evidence(predictions, names_of_result(results, id), task, None, found)
        return Evidence(predictions, names_of_manifest(found), task, found)

    def _manifest(self, results: Results, id: str, task: Task | None) -> Manifest | str:
        if task is None:
            return "a task of one's own, whose file --task names"
        key = (id, str(results.tasks[id]["digests"]["manifest"]))
        if key not in self._manifests:
            self._manifests[key] = self._read(results, task)
        return self._manifests[key]

    def _read(self, results: Results, task: Task) -> Manifest | str:
        root = find_root(task, results, Images(self.data, self.own, 1, quiet=True))
        suite = self.spec.suites[str(results.document["suite"])]
        if root is None:
            return _ABSENT
        try:
            manifest = sampled(task, results, build_manifest(task, root, suite.seed))
        except BiobenchError as error:
            return f"the data here make no list of images ({error.what})"
        if manifest.digest != results.tasks[task.id]["digests"]["manifest"]:
            return "the data here are not those that were scored"
        return manifest

    def pictures(self, manifest: Manifest, ids: Iterable[str], task: str) -> dict[str, str]:
        """Addresses of pictures as a page one folder below the site's names them; makes those that
        are not there yet."""
        wanted = list(ids)
        fresh = [id for id in wanted if (task, id) not in self._made]
        made = thumbnails(manifest, fresh)
        for id in fresh:
            self._made[task, id] = None
            if id in made:
                name = f"images/{task}/{hashlib.sha256(id.encode()).hexdigest()[:16]}.jpg"
                (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                (self.folder / name).write_bytes(made[id])
                self._made[task, id] = f"../{name}"
        addresses = {id: self._made[task, id] for id in wanted}
        return {id: address for id, address in addresses.items() if address is not None}


def evidence_or_none(
    saved: SavedEvidence, results: Results, id: str, task: Task | None
) -> tuple[Evidence | None, str | None]:
    """The evidence of a task, or None and the reason in one line."""
    try:
        return saved.of(results, id, task), None
    except DataError as error:
        return None, error.what
