"""Checks what the project is built of: licences, sources, hashes, and known vulnerabilities.

In: deny.toml, the two Cargo.lock files, the hashed Python locks. Out: a line for each finding and
exit code 1, or what was checked. Licences, sources and hashes need no network. Advisories are asked
of OSV, which holds RustSec's and PyPI's, and are reported as skipped where it cannot be reached.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
MANIFESTS = ("Cargo.toml", "native/fuzz/Cargo.toml")
LOCKS = ("requirements/*.txt", "containers/installer.txt")
ADVISORIES = "https://api.osv.dev/v1/querybatch"
AT_ONCE = 500
"""Packages in one question; OSV takes 1,000."""

TOKEN = re.compile(r"\s*(\(|\)|AND\b|OR\b|WITH\b|[A-Za-z0-9.+-]+)")
PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)")


@dataclass(frozen=True, order=True)
class Package:
    """A package as OSV knows it."""

    ecosystem: str
    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.ecosystem} {self.name} {self.version}"


def permitted(expression: str, allowed: Iterable[str]) -> bool:
    """True where an SPDX expression can be met with allowed licences alone."""
    # Before SPDX, crates wrote a slash for OR.
    tokens = TOKEN.findall(expression.replace("/", " OR "))
    names, place = set(allowed), 0

    def alternative() -> bool:
        nonlocal place
        found = joint()
        while place < len(tokens) and tokens[place] == "OR":
            place += 1
            found = joint() or found
        return found

    def joint() -> bool:
        nonlocal place
        found = one()
        while place < len(tokens) and tokens[place] == "AND":
            place += 1
            found = one() and found
        return found

    def one() -> bool:
        nonlocal place
        token = tokens[place]
        place += 1
        if token == "(":
            found = alternative()
            place += 1
            return found
        if tokens[place : place + 1] == ["WITH"]:
            token = f"{token} WITH {tokens[place + 1]}"
            place += 2
        return token in names

    try:
        found = alternative()
    except IndexError:
        return False
    return found and place == len(tokens)


def crates(manifest: Path) -> list[dict[str, Any]]:
    """Every package that a manifest's lock names, as ``cargo metadata`` gives it."""
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--all-features"]
    done = subprocess.run(
        [*command, "--manifest-path", manifest], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"audit: {done.stderr.strip() or 'cargo metadata fails'}")
    found: list[dict[str, Any]] = json.loads(done.stdout)["packages"]
    return found


def crate_faults(packages: Sequence[dict[str, Any]], rules: dict[str, Any]) -> list[str]:
    """Licences and sources that deny.toml does not allow."""
    allowed = rules["licenses"]["allow"]
    registries = {f"registry+{url}" for url in rules["sources"]["allow-registry"]}
    faults = []
    for crate in packages:
        name = f"{crate['name']} {crate['version']}"
        if crate["source"] is None:
            if not Path(crate["manifest_path"]).is_relative_to(ROOT):
                faults.append(f"{name}: from a folder outside the checkout")
        elif crate["source"] not in registries:
            faults.append(f"{name}: from {crate['source']}")
        if not crate["license"]:
            faults.append(f"{name}: states no licence")
        elif not permitted(crate["license"], allowed):
            faults.append(f"{name}: licence {crate['license']}")
    return faults


def lock_faults(name: str, text: str) -> list[str]:
    """Crates of a Cargo.lock that come from elsewhere and have no checksum."""
    return [
        f"{name}: {entry['name']} {entry['version']} has no checksum"
        for entry in tomllib.loads(text).get("package", ())
        if "source" in entry and "checksum" not in entry
    ]


def requirement_faults(name: str, text: str) -> list[str]:
    """Lines of a hashed lock that are no pin with a sha256."""
    faults = []
    for entry in entries(text):
        if not PIN.match(entry):
            faults.append(f"{name}: {entry.split()[0]} is not pinned to a version")
        elif "--hash=sha256:" not in entry:
            faults.append(f"{name}: {entry.split()[0]} has no hash")
    return faults


def entries(text: str) -> list[str]:
    """Requirements of a lock, each on one line, without comments and options."""
    joined = re.sub(r"\\\n\s*", " ", re.sub(r"(?m)^\s*#.*$", "", text))
    lines = (line.strip() for line in joined.splitlines())
    return [line for line in lines if line and not line.startswith("--")]


def pinned(text: str) -> list[Package]:
    """The packages of a hashed lock; a local version (``+cpu``) is that of the release."""
    pins = (PIN.match(entry) for entry in entries(text))
    return [Package("PyPI", m[1].lower(), m[2].partition("+")[0]) for m in pins if m]


def advisories(
    packages: Sequence[Package], address: str, ignored: Iterable[str]
) -> tuple[list[str], str | None]:
    """Known vulnerabilities, one line each, and why they could not be asked for."""
    findings, skip = [], set(ignored)
    for start in range(0, len(packages), AT_ONCE):
        part = packages[start : start + AT_ONCE]
        queries = [
            {"package": {"ecosystem": p.ecosystem, "name": p.name}, "version": p.version}
            for p in part
        ]
        request = urllib.request.Request(
            address,
            json.dumps({"queries": queries}).encode(),
            {"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                results = json.loads(answer.read(50_000_000))["results"]
            ids = [[str(v["id"]) for v in result.get("vulns", ())] for result in results]
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            return [], f"{address} gives no answer ({type(error).__name__}: {error})"
        if len(ids) != len(part):
            return [], f"{address} answers {len(ids)} of {len(part)} questions"
        findings += [
            f"{package}: {id}"
            for package, known in zip(part, ids, strict=True)
            for id in known
            if id not in skip
        ]
    return findings, None


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--advisories", default=ADVISORIES, help="address that is asked")
    parser.add_argument("--offline", action="store_true", help="ask nobody")
    arguments = parser.parse_args()
    rules = tomllib.loads((ROOT / "deny.toml").read_text())
    faults: list[str] = []
    packages: set[Package] = set()
    for manifest in MANIFESTS:
        found = crates(ROOT / manifest)
        faults += crate_faults(found, rules)
        packages |= {Package("crates.io", c["name"], c["version"]) for c in found if c["source"]}
        lock = (ROOT / manifest).with_name("Cargo.lock")
        faults += lock_faults(lock.relative_to(ROOT).as_posix(), lock.read_text())
    for path in sorted(path for pattern in LOCKS for path in ROOT.glob(pattern)):
        text = path.read_text()
        faults += requirement_faults(path.relative_to(ROOT).as_posix(), text)
        packages |= set(pinned(text))
    count = f"{len(packages)} packages"
    findings, why = (
        ([], "not asked for")
        if arguments.offline
        else advisories(sorted(packages), arguments.advisories, rules["advisories"]["ignore"])
    )
    for line in (*faults, *findings):
        print(f"audit: {line}", file=sys.stderr)
    if not faults:
        print(f"licences of crates, sources, checksums and hashes of {count} are as they should be")
    if why is not None:
        print(f"skipped: advisories, {why}")
    elif not findings:
        print(f"no advisory on any of {count}")
    return 1 if faults or findings else 0


if __name__ == "__main__":
    os.environ.setdefault("CARGO_TERM_COLOR", "never")
    sys.exit(main())
