"""Section 6.2: the YAML that is allowed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from vectors.case import Case, Section, VectorFile

SECTION = Section("yaml", "6.2", "D", "documents", optional=True)

VALID = {
    "mapping-and-list": "a: 1\nb:\n  - x\n  - {c: true, d: [1, 2]}\n",
    "words": "[true, false, null]\n",
    "integers": "[0, -1, 42, 9007199254740991, -9007199254740991]\n",
    "floats": "[0.5, -1.25, 0.00001, 1.0, 0.0]\n",
    "exponents": "[1.5e+3, 2.0e-2]\n",
    "quoted-words": "['yes', \"no\", 'null', \"1\", '1.5', \"2020-01-01\", '~', '']\n",
    "plain-strings": "[train-test, a b, 1.0.0, v1, 10.2.1, e5, image_folder, .5a]\n",
    "strings-that-begin-as-numbers": "[12 images, 3rd, -x, 0.1.2]\n",
    "folded-and-literal": "a: >-\n  one\n  two\nb: |\n  one\n  two\n",
    "quoted-keys": '"yes": 1\n"1": 2\n',
    "comments": "# first\na: 1 # second\n\n# third\n",
    "not-ascii": "a: Andr\u00e9, \U0001f41a\n",
    "escapes": '"\\u00e9\\n\\t\\x41"\n',
    "escape-beyond-16-bits": '"\\U0001f41a"\n',
    "quoted-text-over-lines": "a: 'one\n  two\n\n\n  three'\n",
    "one-scalar": "moths\n",
    "plain-text-over-lines": "a: one\n  two\n\n  three\nb: [x\n  y, z]\n",
    "points": "[., .., a.b]\n",
}
# Text and error id. The first are what readers of YAML 1.1 and 1.2 take differently.
FLAWS = {
    "yes": ("a: yes\n", "ambiguous-scalar"),
    "no-in-capitals": ("a: NO\n", "ambiguous-scalar"),
    "on": ("[on]\n", "ambiguous-scalar"),
    "off": ("[Off]\n", "ambiguous-scalar"),
    "letter-y": ("[y]\n", "ambiguous-scalar"),
    "tilde": ("a: ~\n", "ambiguous-scalar"),
    "null-in-capitals": ("a: NULL\n", "ambiguous-scalar"),
    "true-with-a-capital": ("a: True\n", "ambiguous-scalar"),
    "octal": ("a: 017\n", "ambiguous-scalar"),
    "octal-of-1-2": ("a: 0o17\n", "ambiguous-scalar"),
    "hexadecimal": ("a: 0x1F\n", "ambiguous-scalar"),
    "base-60": ("a: 1:30\n", "ambiguous-scalar"),
    "underscore": ("a: 1_000\n", "ambiguous-scalar"),
    "infinity": ("a: -.inf\n", "ambiguous-scalar"),
    "nan": ("a: .NaN\n", "ambiguous-scalar"),
    "date": ("a: 2020-01-01\n", "ambiguous-scalar"),
    "plus-sign": ("a: +1\n", "ambiguous-scalar"),
    "no-digit-before-the-point": ("a: .5\n", "ambiguous-scalar"),
    "no-digit-after-the-point": ("a: 1.\n", "ambiguous-scalar"),
    "equals-sign": ("a: =\n", "ambiguous-scalar"),
    "binary": ("a: 0b101\n", "ambiguous-scalar"),
    "time": ("a: 2020-01-01 10:00:00\n", "ambiguous-scalar"),
    "number-as-key": ("1: x\n", "ambiguous-scalar"),
    "fraction-as-key": ("{1.5: x}\n", "ambiguous-scalar"),
    "minus-zero": ("a: -0\n", "ambiguous-scalar"),
    "no-value": ("a:\nb: 1\n", "ambiguous-scalar"),
    "ambiguous-key": ("on: 1\n", "ambiguous-scalar"),
    "key-twice": ("a: 1\nb: 2\na: 3\n", "duplicate-key"),
    "key-twice-quoted": ("a: 1\n'a': 3\n", "duplicate-key"),
    "integer-too-large": ("a: 9007199254740992\n", "value"),
    "float-too-large": ("a: 1.0e+309\n", "value"),
    "anchor": ("a: &x 1\nb: 2\n", "syntax"),
    "alias": ("a: &x [1]\nb: *x\n", "syntax"),
    "alias-alone": ("b: *x\n", "syntax"),
    "merge-key": ("b: {<<: {c: 1}}\n", "ambiguous-scalar"),
    "second-document-after-a-text": ("moths\n---\nbees\n", "syntax"),
    "another-flaw-before-syntax": ("a: yes\nb: [1\n", "syntax"),
    "control-character": ('a: "b\u0001"\n', "syntax"),
    "delete-character": ('a: "b\u007f"\n', "syntax"),
    "tag": ("a: !!str 1\n", "syntax"),
    "own-tag": ("a: !thing 1\n", "syntax"),
    "second-document": ("a: 1\n---\nb: 2\n", "syntax"),
    "list-as-key": ("[1, 2]: 3\n", "syntax"),
    "tab-as-indentation": ("a:\n\tb: 1\n", "syntax"),
    "open-bracket": ("a: [1, 2\n", "syntax"),
    "empty": ("\n", "syntax"),
    "comment-only": ("# nothing\n", "syntax"),
}


def as_pyyaml(given: Any, output: Any) -> bool:
    return bool(output == {"value": yaml.safe_load(given["text"])})


def files() -> Iterator[VectorFile]:
    yield SECTION.file(
        "valid",
        "Texts on which readers of YAML 1.1 and 1.2 agree, and their values.",
        [Case(f"yaml/valid/{k}", {"text": text}, as_pyyaml) for k, text in VALID.items()],
        source="PyYAML",
        operation="yaml",
    )
    yield SECTION.file(
        "refused",
        "Texts that a reader refuses.",
        [
            Case(
                f"yaml/refused/{k}",
                {"text": text},
                lambda given, output, error=error: output == {"error": error},
            )
            for k, (text, error) in FLAWS.items()
        ],
        source="section 6.2, by hand",
        operation="yaml",
    )
