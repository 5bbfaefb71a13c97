"""Ends the replacing of a result by SIGKILL at each call that changes the disk, one after another.

Called with a folder for the copies, the folder of an earlier result and that of a new one. Prints
one line a crash: which of the two the folder then holds, before and after the next claim.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path

from biobench.report.current import PENDING
from biobench.report.replace import claimed, replacing
from biobench.report.results import load_results

EVENTS = (
    "os.rename",
    "os.link",
    "os.remove",
    "os.mkdir",
    "os.rmdir",
    "os.chmod",
    "tempfile.mkdtemp",
)
NOTES = ("notes.txt", "predictions/notes.txt")


def fill(fresh: Path, source: Path) -> None:
    """Copy a result file by file."""
    for path in sorted(source.rglob("*")):
        target = fresh / path.relative_to(source)
        if path.is_dir():
            target.mkdir()
        else:
            target.write_bytes(path.read_bytes())


def crash(folder: Path, new: Path, number: int) -> bool:
    """Replace in a process that kills itself at the call ``number``; whether it came so far."""
    child = os.fork()
    if child == 0:
        left = number

        def hook(event: str, arguments: object) -> None:
            nonlocal left
            if event in EVENTS:
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        with claimed(folder), replacing(folder) as fresh:
            fill(fresh, new)
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def held(folder: Path) -> str:
    """The digest of the result that a folder holds, whose predictions are all those it was scored
    on; for a learning curve those of its sizes."""
    curve = [path.name for path in sorted(folder.glob("n-*"))]
    pending = sorted((folder / PENDING).glob("n-*"))
    names = [path.name for path in pending] if (folder / PENDING).is_dir() else curve
    digests = []
    for place in [folder / name for name in names] or [folder]:
        results = load_results(place)
        for task in results.tasks:
            results.predictions(task)
        digests.append(results.digests["result"])
    return ",".join(digests)


def files(folder: Path) -> list[str]:
    """All files below a folder."""
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def main(folder: Path, old: Path, new: Path) -> None:
    expected = {tuple(sorted({*files(source), *NOTES})): held(source) for source in (old, new)}
    number = 0
    going_on = True
    while going_on:
        place = folder / str(number)
        shutil.copytree(old, place)
        (place / "predictions").mkdir(exist_ok=True)
        for name in NOTES:
            (place / name).write_text("mine")
        going_on = crash(place, new, number)
        before = held(place)
        with claimed(place):
            pass
        after = expected.get(tuple(files(place)), "neither")
        mine = all((place / name).read_text() == "mine" for name in NOTES)
        print(number, going_on, before, after, held(place), mine)
        number += 1


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
