"""Runs the tests of native/pixels with C and Rust under sanitizers (docs/fuzzing.md).

The corpus of the fuzz targets is among them. In: the checkout. Out: what cargo test prints; exit
code 1 where a sanitizer or a test finds something. Addresses are watched in Rust and C, undefined
behaviour in C, overflow and Rust's own debug assertions in Rust.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

from fuzz import ROOT, SANITIZERS, WITHOUT_SIMD, host, sanitized

WORK = ROOT / "target" / "sanitize"
RUST_FLAGS = ("-Zsanitizer=address", "-Cdebug-assertions=on", "-Coverflow-checks=on")
WAYS = {"libjpeg-turbo's assembly": (), "its C code in place of the assembly": WITHOUT_SIMD}
"""No sanitizer sees assembly, so that everything runs without it too."""


def main() -> int:
    """The command line."""
    triple = host()
    environment = sanitized(WORK, triple, RUST_FLAGS, SANITIZERS)
    command = ["cargo", "test", "--profile", "develop", "--locked", "--quiet", "--target", triple]
    command += ["--package", "biobench-pixels", "--lib", "--tests"]
    status = 0
    for way, more in WAYS.items():
        print(f"sanitize: {way}", flush=True)
        began = time.monotonic()
        options = {"ASAN_OPTIONS": "quarantine_size_mb=64", "UBSAN_OPTIONS": "print_stacktrace=1"}
        done = subprocess.run(
            command, cwd=ROOT, env={**environment, **options, **dict(more)}, check=False
        )
        status |= done.returncode
        print(f"sanitize: {time.monotonic() - began:.0f} s", flush=True)
    return 1 if status else 0


if __name__ == "__main__":
    os.environ.setdefault("CARGO_TERM_COLOR", "never")
    sys.exit(main())
