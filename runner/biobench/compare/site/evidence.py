"""Predictions, names and pictures of results that were saved.

In: results, and the folder of the data. Out: the evidence of each task, as far as it is here.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from biobench.data.class_folders.task_file import notes_of
from biobench.data.diagnostics import data_lines
from biobench.data.manifest import Manifest
from biobench.errors import BiobenchError, DataError, SpecError
from biobench.report.curve import FILE as CURVE
from biobench.report.page.evidence import PICTURES_OFF_REASON, PageEvidence
from biobench.report.page.names import names_of_manifest
from biobench.report.page.thumbnails import thumbnails
from biobench.report.results import Results
from biobench.spec.documents import Division, Task
from biobench.spec.load import Spec, task_from_file
from biobench.verify.from_data import Images, find_root, sampled
from biobench.verify.load import tasks_beside
from biobench.verify.rules import task_rules

_ABSENT = "the data are not here; --data names their folder"


@dataclass
class SavedEvidence:
    """The evidence of saved results; what several of them share is made once.

    Attributes:
        folder: Folder of the site.
        data: Folder of the data sets; None for the embedded ones alone.
        own: Tasks of a person's own by id, which go before those of files beside a result.
        pictures_wanted: False leaves pictures out.
    """

    spec: Spec
    folder: Path
    data: Path | None
    own: Mapping[str, Task]
    pictures_wanted: bool
    _manifests: dict[tuple[str, str, Path | None], Manifest | str] = field(default_factory=dict)
    _made: dict[tuple[str, Path, str], str | None] = field(default_factory=dict)
    _roots: dict[str, list[Path]] = field(default_factory=dict)

    def documents(self, results: Results) -> dict[str, Task]:
        """The documents of a result's tasks, as far as they are here; of declared scores too."""
        rules, _ = task_rules(results, self.spec, self._own(results))
        found = {id: rule.document for id, rule in rules.items() if rule.document is not None}
        division: Division = "compat" if results.document["division"] == "compat" else "official"
        for id, entry in results.tasks.items():
            if entry["declared"]:
                with contextlib.suppress(SpecError):
                    found[id] = self.spec.task(id, division, entry["version"])
        return found

    def _own(self, results: Results) -> dict[str, Task]:
        beside = tasks_beside(results.folder, self.spec) if results.folder is not None else {}
        read = {id: task_from_file(path, self.spec) for id, path in beside.items()}
        return {**read, **self.own}

    def notes(self, results: Results) -> dict[str, tuple[str, ...]]:
        """By task of a person's own, the notes in the file that the run wrote; of a task whose file
        was given to the run, those that the data give, where they are read for pictures."""
        folder = results.folder
        beside = {} if folder is None else tasks_beside(folder, self.spec)
        # Above the folder lies a curve's own file, or one that a person put there.
        found = {
            id: notes_of(path) for id, path in beside.items()
            if id in results.tasks and (path.parent == folder or (path.parent / CURVE).is_file())
        }  # fmt: skip
        for id, task in self.documents(results).items():
            if id in found or task.division != "open" or not self.pictures_wanted:
                continue
            manifest = None if results.tasks[id]["declared"] else self._manifest(results, id, task)
            if isinstance(manifest, Manifest):
                found[id] = tuple(data_lines(task, manifest))
        return found

    def of(self, results: Results, id: str, task: Task | None) -> PageEvidence:
        """The evidence of a task.

        Raises:
            DataError: The task's predictions cannot be read.
        """
        predictions = results.predictions(id)
        found = self._manifest(results, id, task) if self.pictures_wanted else PICTURES_OFF_REASON
        if isinstance(found, str):
            return PageEvidence(predictions, results.names(id), task, None, found)
        return PageEvidence(predictions, names_of_manifest(found), task, found)

    def _manifest(self, results: Results, id: str, task: Task | None) -> Manifest | str:
        if task is None:
            return "a task of one's own, whose file --task names"
        key = (id, str(results.tasks[id]["digests"]["manifest"]), task.dataset.folder)
        if key not in self._manifests:
            self._manifests[key] = self._read(results, task)
        return self._manifests[key]

    def _read(self, results: Results, task: Task) -> Manifest | str:
        images = Images(self.data, self.own, 1, quiet=True)
        suite = self.spec.suites[str(results.document["suite"])]
        try:
            root = find_root(task, results, images)
            if root is None:
                return _ABSENT
            manifest = sampled(task, results, images.manifest(task, results, root, suite.seed))
        except BiobenchError as error:
            return f"the data here make no list of images ({error.what})"
        if manifest.digest != results.tasks[task.id]["digests"]["manifest"]:
            return "the data here are not those that were scored"
        return manifest

    def pictures(self, manifest: Manifest, ids: Iterable[str], task: str) -> dict[str, str]:
        """Addresses of pictures as a page one folder below the site's names them; makes those that
        are not there yet."""
        wanted, root = list(ids), manifest.root
        roots = self._roots.setdefault(task, [])
        if root not in roots:
            roots.append(root)
        # Two tasks of different persons may share an id.
        folder = task if roots[0] == root else f"{task}-{roots.index(root) + 1}"
        fresh = [id for id in wanted if (task, root, id) not in self._made]
        made = thumbnails(manifest, fresh)
        for id in fresh:
            self._made[task, root, id] = None
            if id in made:
                name = f"images/{folder}/{hashlib.sha256(id.encode()).hexdigest()[:16]}.jpg"
                (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                (self.folder / name).write_bytes(made[id])
                self._made[task, root, id] = f"../{name}"
        addresses = {id: self._made[task, root, id] for id in wanted}
        return {id: address for id, address in addresses.items() if address is not None}


def evidence_or_none(
    saved: SavedEvidence, results: Results, id: str, task: Task | None
) -> tuple[PageEvidence | None, str | None]:
    """The evidence of a task, or None and the reason in one line."""
    try:
        return saved.of(results, id, task), None
    except DataError as error:
        return None, error.what
