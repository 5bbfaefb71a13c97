"""Small real runs that the tests of this folder look at: drawn images, one task of each kind, and
two tasks of the demo suite, with a backbone of mean colours."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

# The drawn data sets and the humble backbone are those of the tests of the flow.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "pipeline"))

import yaml
from backbones import MeanColour
from drawn import TASKS, draw, draw_folders, draw_table, metric, write_task

from biobench import Results, load_results
from biobench._common.store import Store
from biobench.data.locate import EMBEDDED
from biobench.data.predictions import Predictions
from biobench.pipeline import run
from biobench.report.item_digests import STAGES, ItemDigests, place_of
from biobench.run.external_scores import Declaration
from biobench.run.options import Options
from biobench.spec.load import load_spec, task_from_file
from biobench.verify.check import Places
from biobench.verify.from_data import Images
from biobench.verify.verdict import Verdict, verify_one

DEMO = ("demo-beluga", "demo-fungiclef")


@dataclass(frozen=True)
class Made:
    """A run that was made, with everything it left: data, out and store in one folder."""

    folder: Path
    options: Options

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def results(self) -> Results:
        return load_results(self.out)

    def results_held(self) -> dict[str, Predictions]:
        """The predictions as a submission holds them."""
        return {id: self.results.predictions(id) for id in self.results.tasks}

    def digests_held(self) -> dict[str, ItemDigests]:
        """The digests of items as a submission holds them."""
        results = self.results
        return {
            place_of(id, stage): results.item_digests(id, stage)
            for id in results.tasks
            for stage in STAGES
        }

    def places(self, *, data: bool = True, store: bool = True, **changes: Any) -> Places:
        """The place of its evidence, as far as it is to be looked at."""
        spec = load_spec()
        files = [Path(task) for task in self.options.tasks if task.endswith(".yaml")]
        own = {task.id: task for task in (task_from_file(path, spec) for path in files)}
        images = Images(self.folder / "data" if data else None, own if data else {}, 1, True)
        return Places(images, [Store(self.folder / "store")] if store else [])

    def verify(self, **changes: Any) -> Verdict:
        """The findings of `biobench verify` about it."""
        return verify_one(self.out, load_spec(), self.places(**changes))

    def copy(self, folder: Path) -> Made:
        """The same run in another folder, to be damaged."""
        for name in ("data", "out", "store"):
            shutil.copytree(self.folder / name, folder / name)
        return Made(folder, at(folder, self.options))


def at(folder: Path, options: Options) -> Options:
    return replace(options, data=folder / "data", out=folder / "out", store=folder / "store")


def options_of(folder: Path, tasks: tuple[str, ...]) -> Options:
    return at(folder, Options(model=MeanColour(), tasks=tasks, workers=1, quiet=True))


def make(folder: Path, options: Options) -> Made:
    run(options)
    return Made(folder, options)


def own_options(folder: Path) -> Options:
    """Of the run of five tasks of a person's own."""
    return options_of(folder, tuple(str(folder / f"{kind}.yaml") for kind in TASKS))


def make_own(folder: Path) -> Made:
    """Five tasks of a person's own: classes, groups, clips, observations, traits."""
    draw_table(folder / "data" / "drawn", 12, 4)
    for kind in TASKS:
        write_task(folder, kind)
    return make(folder, own_options(folder))


def demo_options(folder: Path) -> Options:
    """Of the run of two tasks of the specification."""
    return options_of(folder, DEMO)


INDIVIDUALS = {
    "task": "individuals",
    "dataset": {
        "id": "drawn",
        "layout": {"id": "image-folder", "options": {"splits": {"gallery": "train"}}},
    },
    "split": "leave-one-out",
    "protocol": "knn",
    "metrics": [
        *metric("mean_average_precision"),
        {"id": "top1", "higher_is_better": True, "interval": None},
    ],
}


def make_ranked(folder: Path) -> Made:
    """Two tasks of a person's own whose probes are exact: nearest neighbours, and centroids with
    poisonous classes."""
    draw_table(folder / "data" / "drawn", 12, 4)
    path = folder / "individuals.yaml"
    path.write_text(yaml.safe_dump(INDIVIDUALS))
    tasks = (str(path), write_task(folder, "observations"))
    return make(folder, options_of(folder, tasks))


def make_declared(folder: Path) -> Made:
    """Two tasks of the specification, groups and a trained probe, and a declared score."""
    draw_folders(folder / "data/inat21", {"train_mini": 4, "val": 2})
    rows = ["id,task,label,split"]
    for split, label, i in (("train", 0, 0), ("train", 1, 1), ("test", 0, 2), ("test", 1, 3)):
        draw(folder / f"data/newt/newt2021_images/{i}.jpg", i, label)
        rows.append(f"{i},age,{label},{split}")
    (folder / "data/newt/newt2021_labels.csv").write_text("\n".join(rows))
    said = Declaration("imagenet1k", 0.812, "a paper")
    options = Options(
        model=MeanColour(), suite="prior-work", declare=(said,), workers=1, quiet=True
    )
    return make(folder, at(folder, options))


def make_demo(folder: Path) -> Made:
    """Two tasks of the specification whose probes are exact, on a copy of the demo's data."""
    for task in DEMO:
        shutil.copytree(EMBEDDED / task, folder / "data" / task)
    return make(folder, demo_options(folder))


SAMPLED = "demo-fungiclef"
"""A task whose items are pooled from several photographs, and whose probe is soon fitted."""


def exact_options(folder: Path) -> Options:
    """Of the run whose features the exact engine computes."""
    return at(folder, Options(model="demo", tasks=(SAMPLED,), workers=2, quiet=True))


def make_exact(folder: Path) -> None:
    """Run the demo model on one task; its images come with the package."""
    (folder / "data").mkdir()
    run(replace(exact_options(folder), data=None))
