"""Write the part of the JavaScript port that a page runs, as one classic script.

A page that was opened from a file can load no module: browsers refuse `import` there. Each module
becomes a function that runs once, in the order of its imports, and nothing else changes.
``--check`` writes nothing and fails where the file is not the one that the port gives.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PORT = ROOT / "spec/ports/javascript"
OUT = ROOT / "runner/biobench/report/page/assets/specification.js"
ENTRIES = ("digest.js", "interval.js", "metrics.js", "association.js")
"""Modules whose exports the page uses."""

_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([a-z0-9_]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:function\*?|class|const) (\w+))", re.MULTILINE)
_OTHER = re.compile(r"^\s*(?:import|export)\b", re.MULTILINE)


def script() -> str:
    """The text of the script: a function that returns the exports of :data:`ENTRIES`."""
    done: dict[str, str] = {}
    for entry in ENTRIES:
        _add(entry, done)
    lines = [
        "// Written by tools/make_page_port.py from spec/ports/javascript; not edited by hand.",
        '"use strict";',
        "function biobenchSpecification() {",
        *done.values(),
        f"return {{ {', '.join(f'...{_name(entry)}' for entry in ENTRIES)} }};",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _name(module: str) -> str:
    return f"${module.removesuffix('.js')}"


def _add(module: str, done: dict[str, str]) -> None:
    text = (PORT / module).read_text(encoding="utf-8")
    head = []
    for names, other in _IMPORT.findall(text):
        if other not in done:
            _add(other, done)
        taken = ", ".join(
            re.sub(r"\s+as\s+", ": ", n.strip()) for n in names.split(",") if n.strip()
        )
        head.append(f"const {{ {taken} }} = {_name(other)};")
    body = _IMPORT.sub("", text)
    exported = _EXPORT.findall(body)
    body = _EXPORT.sub("", body)
    if _OTHER.search(body):
        raise SystemExit(
            f"{module}: an import or export that is not of the one form: {body!r:.200}"
        )
    done[module] = "\n".join(
        [
            f"const {_name(module)} = (() => {{",
            *head,
            body,
            f"return {{ {', '.join(exported)} }};",
            "})();",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    text = script()
    if not parser.parse_args().check:
        OUT.write_text(text, encoding="utf-8")
    elif not OUT.is_file() or OUT.read_text(encoding="utf-8") != text:
        sys.exit(f"{OUT.relative_to(ROOT)} is stale: run tools/make_page_port.py")


if __name__ == "__main__":
    main()
