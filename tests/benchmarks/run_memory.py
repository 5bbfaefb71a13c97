"""Memory of a run by its number of images, and of the manifest of a large table.

    python tests/benchmarks/run_memory.py [--images N ...] [--rows N] [--quick]

Runs have a stub as their model and images of 8 x 8 pixels, so that what grows is what the runner
keeps of each image: its row, its digests and 64 features. The table has the columns and the
options of FungiCLEF's layout with made-up cells and empty files. Each measurement is a process of
its own, which has the modules loaded.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from forked import quiet
from peak import Cost, measure
from side_by_side import table, versions
from stub import draw_images, write_model

from biobench.cli import execute
from biobench.data.build import build_manifest
from biobench.spec.documents import Task
from biobench.spec.load import load_spec

DIM = 64
TASK = "fungiclef"
TEST_SHARE = 0.17
"""Rows of the table of test images: 60,832 of FungiCLEF's 356,770."""
SPECIES = 1604
CELLS = (
    "2019-07-14", "7", "14", "Fungi", "Basidiomycota", "Agaricomycetes", "Agaricales",
    "Cortinariaceae", "Cortinarius", "Cortinarius sp.", "soil", "Mixed woodland (with coniferous)",
    "55.86321", "12.44152", "Denmark", "Capital Region", "Rude Skov", "SPECIES",
)  # fmt: skip
"""The cells of a row that the layout does not read."""


def cost_of_run(root: Path, count: int) -> Cost:
    """The cost of a run over so many images, from nothing to its result."""
    model, task = write_model(root / "stub", DIM), draw_images(root, count)
    command = [
        *("run", "--model", model, "--engine", "exact", "--task", task),
        *("--data", str(root / "data"), "--store", str(root / "store"), "--out", str(root / "out")),
        *("--workers", "2", "--no-pictures"),
    ]

    def run() -> None:
        assert execute(command) == 0

    with quiet(root / "said.txt"):
        return measure(run)


def write_tables(root: Path, task: Task, rows: int) -> None:
    """Write the tables of a task with FungiCLEF's layout, and the files that they name, empty."""
    options = task.dataset.layout.options
    head = ["observationID", "image_path", "class_id", *(f"other{i}" for i in range(len(CELLS)))]
    tested = max(SPECIES, round(rows * TEST_SHARE))
    for split, count in (("train", rows - tested), ("test", tested)):
        folder = root / options["path"][split].partition("/")[0]
        folder.mkdir(parents=True)
        with (root / options["tables"][split]).open("w") as file:
            file.write(",".join(head) + "\n")
            for i in range(count):
                image = f"{3_000_000_000 + i if split == 'test' else 2_000_000_000 + i}-{i:06}.JPG"
                (folder / image).touch()
                observation = f"{split}-{i // 2}"
                file.write(",".join([observation, image, str(i // 2 % SPECIES), *CELLS]) + "\n")
    listing = "".join(f"{species},{int(species % 50 == 0)}\n" for species in range(SPECIES))
    (root / options["poisonous"]["table"]).write_text(f"class_id,poisonous\n{listing}")


def cost_of_manifest(root: Path, rows: int) -> Cost:
    """The cost of reading tables with so many rows to a manifest with its digest."""
    spec = load_spec()
    task = spec.task(TASK)
    write_tables(root, task, rows)

    def read() -> None:
        made = build_manifest(task, root, spec.suites["biobench"].seed)
        assert made.digest
        assert len(made.rows) <= rows

    return measure(read)


def line(name: str, count: int, cost: Cost) -> list[str]:
    """A row of the table."""
    return [
        name,
        f"{count}",
        f"{cost.memory / 1e6:.0f}",
        f"{cost.memory / count / 1e3:.2f}",
        f"{cost.cpu:.1f}",
    ]


def measured(images: Sequence[int], rows: int) -> list[list[str]]:
    """The rows of the table."""
    lines = []
    for count in images:
        with tempfile.TemporaryDirectory() as folder:
            lines.append(line("run of a stub", count, cost_of_run(Path(folder), count)))
    with tempfile.TemporaryDirectory() as folder:
        lines.append(
            line("manifest of FungiCLEF's layout", rows, cost_of_manifest(Path(folder), rows))
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, nargs="*", default=[1_000, 10_000, 100_000])
    parser.add_argument("--rows", type=int, default=275_034)
    parser.add_argument("--quick", action="store_true", help="1,000 images, 20,000 rows")
    arguments = parser.parse_args()
    images, rows = ([1_000], 20_000) if arguments.quick else (arguments.images, arguments.rows)
    lines = measured(images, rows)
    print(f"2 workers; {versions('numpy')}", end="\n\n")
    table(["what", "images", "peak memory beyond the start, MB", "kB an image", "CPU s"], lines)


if __name__ == "__main__":
    main()
