"""Builds the fuzz targets of native/fuzz and runs them (docs/fuzzing.md).

In: a number of executions over all targets, or seconds for each. Out: a table of what was executed
and found; exit code 1 where something was found. The corpus grows in target/fuzz/corpus, inputs of
findings are kept in target/fuzz/findings.
"""

from __future__ import annotations

import argparse
import base64
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CRATE = ROOT / "native" / "fuzz"
WORK = ROOT / "target" / "fuzz"

RUST_FLAGS = (
    "--cfg=fuzzing",
    # Coverage as libFuzzer reads it: counters in line and a table of places. Compared values would
    # halve the executions a second, for the arithmetic compares most: dictionaries replace them.
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Zsanitizer=address",
)

SANITIZERS = (
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=undefined",
    "-fno-omit-frame-pointer",
)
"""Of C."""

C_FLAGS = (*SANITIZERS, "-fsanitize-coverage=trace-pc")

SECONDS = 10
"""Seconds on the clock after which libFuzzer ends an input. The targets themselves allow one second
of processor time; this is for what never returns, on a machine that may be busy."""

MEBIBYTES = 256
"""Most memory of a target, and of one allocation."""

LENGTH = 4096
"""Largest input in bytes."""

INTERRUPTED = 72
"""Exit code of libFuzzer after Ctrl-C: what was done until then counts."""

STOPPED = threading.Event()
"""Set by Ctrl-C, which the targets get too: no other starts, and the table is printed."""

ATTEMPTS = 8
"""Findings of one run after which its target is not started again."""


@dataclass(frozen=True)
class Run:
    """One target in one environment."""

    target: str
    note: str = ""
    environment: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """As the table says it."""
        return f"{self.target}, {self.note}" if self.note else self.target

    @property
    def folder(self) -> str:
        """Of its corpus: inputs that reach new code in one environment may not in the other."""
        return f"{self.target}-{self.note.replace(' ', '-')}" if self.note else self.target


WITHOUT_SIMD = (("JSIMD_FORCENONE", "1"),)
"""libjpeg-turbo runs its C code instead of its assembly, which no sanitizer sees."""

RUNS = (
    Run("jpeg"),
    Run("jpeg", "no assembly", WITHOUT_SIMD),
    Run("png"),
    Run("resize"),
    Run("load"),
)


@dataclass
class Outcome:
    """Counts and findings of one run."""

    executions: int = 0
    seconds: float = 0.0
    findings: list[str] = field(default_factory=list)


def host() -> str:
    """The triple of this machine.

    Named even though it is this machine: build scripts are then built without a sanitizer.
    """
    versions = subprocess.run(["rustc", "-vV"], check=True, capture_output=True, text=True).stdout
    triple: str = re.findall(r"^host: (.+)$", versions, re.MULTILINE)[0]
    return triple


def sanitized(work: Path, triple: str, rust: Sequence[str], c: Sequence[str]) -> dict[str, str]:
    """The environment of a build in ``work`` with these flags for Rust and for C."""
    variable = triple.replace("-", "_")
    return {
        **os.environ,
        # Sanitizers are options that a stable compiler has, but hides.
        "RUSTC_BOOTSTRAP": "1",
        "CARGO_ENCODED_RUSTFLAGS": "\x1f".join(rust),
        f"CFLAGS_{variable}": " ".join(c),
        # libFuzzer itself, the only C++, is no subject.
        f"CXXFLAGS_{variable}": "-fno-sanitize=all",
        "CARGO_TARGET_DIR": str(work),
    }


def build() -> Path:
    """Builds every target with the sanitizers, C code included, and says where they are."""
    WORK.mkdir(parents=True, exist_ok=True)
    triple = host()
    # The build of a C library links programs too: their coverage calls need a place to go.
    nothing = WORK / "none.o"
    subprocess.run(["cc", "-c", CRATE / "csrc" / "none.c", "-o", nothing], check=True)
    environment = sanitized(WORK, triple, RUST_FLAGS, [*C_FLAGS, f"-Wl,{nothing}"])
    command = ["cargo", "build", "--release", "--locked", "--quiet", "--target", triple]
    subprocess.run([*command, "--manifest-path", CRATE / "Cargo.toml"], env=environment, check=True)
    return WORK / triple / "release"


def fuzz(binaries: Path, run: Run, executions: int | None, seconds: int | None) -> Outcome:
    """One run, started again after each finding until it has done its share."""
    outcome = Outcome()
    corpus = WORK / "corpus" / run.folder
    findings = WORK / "findings" / run.folder
    for folder in (corpus, findings):
        folder.mkdir(parents=True, exist_ok=True)
    dictionary = CRATE / "dictionaries" / run.target
    options = [f"-dict={dictionary}"] if dictionary.is_file() else []
    kept = [CRATE / kind / run.target for kind in ("seeds", "findings")]
    while len(outcome.findings) < ATTEMPTS and not STOPPED.is_set():
        left = None if executions is None else executions - outcome.executions
        if left is not None and left <= 0:
            break
        limit = [f"-runs={left}"] if left is not None else [f"-max_total_time={seconds}"]
        before = set(findings.iterdir())
        start = time.monotonic()
        log = WORK / f"{run.folder}.log"
        with log.open("wb") as output:
            status = subprocess.run(
                [
                    binaries / run.target,
                    *limit,
                    *options,
                    f"-max_len={LENGTH}",
                    f"-timeout={SECONDS}",
                    f"-rss_limit_mb={MEBIBYTES}",
                    f"-malloc_limit_mb={MEBIBYTES}",
                    "-print_final_stats=1",
                    "-reload=0",
                    f"-artifact_prefix={findings}/",
                    corpus,
                    *[folder for folder in kept if folder.is_dir()],
                ],
                stdout=output,
                stderr=subprocess.STDOUT,
                # Freed memory is held back for a while to find later uses; not more than fits.
                env={
                    **os.environ,
                    "ASAN_OPTIONS": "quarantine_size_mb=16",
                    **dict(run.environment),
                },
                check=False,
            ).returncode
        outcome.seconds += time.monotonic() - start
        text = log.read_text(errors="replace")
        done = re.findall(r"stat::number_of_executed_units:\s*(\d+)", text)
        done = done or re.findall(r"^#(\d+)", text, re.MULTILINE)
        outcome.executions += int(done[-1]) if done else 0
        if status in (0, INTERRUPTED):
            break
        new = sorted(set(findings.iterdir()) - before)
        found = new[0].name if new else "no input"
        if new and new[0].stat().st_size <= LENGTH:
            found += " = " + base64.b64encode(new[0].read_bytes()).decode()
        log.rename(log.with_name(f"{run.folder}.{len(outcome.findings)}.log"))
        outcome.findings.append(f"{run.name}: {cause(text)}\n  {found}")
        if seconds is not None:
            break
    return outcome


def cause(text: str) -> str:
    """The line of a log that says why a run ended."""
    lines = text.splitlines()
    for index, line in enumerate(lines):
        if "panicked at" in line:
            return " ".join(part.strip() for part in lines[index : index + 2])
    for line in lines:
        if line.startswith(("SUMMARY:", "==")) and ("ERROR" in line or "SUMMARY" in line):
            return line.split("ERROR: ")[-1]
    return lines[-1] if lines else "no output"


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument("--executions", type=int, default=10_000_000, help="over all targets")
    amount.add_argument("--seconds", type=int, help="for each target, in place of executions")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="targets at a time")
    parser.add_argument("target", nargs="*", help="those to run (default: all)")
    arguments = parser.parse_args()
    names = sorted({run.target for run in RUNS})
    if unknown := sorted(set(arguments.target) - set(names)):
        parser.error(f"no target {unknown[0]!r}; there are {', '.join(names)}")
    runs = [run for run in RUNS if not arguments.target or run.target in arguments.target]
    share = None
    if arguments.seconds is None:
        share = -(-arguments.executions // len(runs))
    try:
        binaries = build()
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"fuzz: the targets could not be built: {error}", file=sys.stderr)
        return 1
    signal.signal(signal.SIGINT, lambda *_: STOPPED.set())
    with ThreadPoolExecutor(arguments.jobs) as pool:
        outcomes = list(pool.map(lambda run: fuzz(binaries, run, share, arguments.seconds), runs))
    return report(runs, outcomes)


def report(runs: list[Run], outcomes: list[Outcome]) -> int:
    """Prints the table; 1 where there are findings."""
    head = ("target", "executions", "a second", "findings")
    rows = [
        (
            run.name,
            f"{outcome.executions:,}",
            f"{outcome.executions / max(outcome.seconds, 1e-9):,.0f}",
            str(len(outcome.findings)),
        )
        for run, outcome in zip(runs, outcomes, strict=True)
    ]
    total = sum(outcome.executions for outcome in outcomes)
    findings = [finding for outcome in outcomes for finding in outcome.findings]
    rows.append(("all", f"{total:,}", "", str(len(findings))))
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(4)]
    for row in [head, *rows]:
        cells = [row[0].ljust(widths[0]), *(row[i].rjust(widths[i]) for i in range(1, 4))]
        print("  ".join(cells))
    for finding in findings:
        print(f"finding: {finding}", file=sys.stderr)
    if findings:
        print(f"their inputs: {WORK / 'findings'}, their logs beside it", file=sys.stderr)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
