"""Section 3: canonical JSON."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from vectors.case import Case, Section, VectorFile, refused_with

SECTION = Section("canonical", "3", "S", "canonical")

# The samples of RFC 8785, appendix B: bits of a float64 and its text.
RFC_8785 = {
    "0000000000000000": "0",
    "8000000000000000": "0",
    "0000000000000001": "5e-324",
    "8000000000000001": "-5e-324",
    "7fefffffffffffff": "1.7976931348623157e+308",
    "ffefffffffffffff": "-1.7976931348623157e+308",
    "4340000000000000": "9007199254740992",
    "c340000000000000": "-9007199254740992",
    "4430000000000000": "295147905179352830000",
    "44b52d02c7e14af5": "9.999999999999997e+22",
    "44b52d02c7e14af6": "1e+23",
    "44b52d02c7e14af7": "1.0000000000000001e+23",
    "444b1ae4d6e2ef4e": "999999999999999700000",
    "444b1ae4d6e2ef4f": "999999999999999900000",
    "444b1ae4d6e2ef50": "1e+21",
    "3eb0c6f7a0b5ed8c": "9.999999999999997e-7",
    "3eb0c6f7a0b5ed8d": "0.000001",
    "41b3de4355555553": "333333333.3333332",
    "41b3de4355555554": "333333333.33333325",
    "41b3de4355555555": "333333333.3333333",
    "41b3de4355555556": "333333333.3333334",
    "41b3de4355555557": "333333333.33333343",
    "becbf647612f3696": "-0.0000033333333333333333",
    "43143ff3c1cb0959": "1424953923781206.2",
}
# Where a printer of shortest decimals goes wrong: powers of two, and a tenth of them.
OTHERS = [0.1, 1 / 3, 2.0**-1022, 2.0**-24, 2.0**60, 1e22, 123456789012.5, -1e-7, 0.3 - 0.2]


def bits(value: float) -> str:
    return struct.pack(">d", value).hex()


def number(given: Any, output: Any) -> bool:
    if given["float64"] in RFC_8785:
        return bool(output == {"text": RFC_8785[given["float64"]]})
    (value,) = struct.unpack(">d", bytes.fromhex(given["float64"]))
    text = output["text"]
    digits = re.sub(r"e.*|[-.]", "", text).strip("0")
    # The shortest decimal that reads back, and of those the nearest: at a power of two the nearest
    # decimal of all may read back as the float below.
    shorter = float(f"{value:.{max(len(digits) - 2, 0)}e}")
    rounded = f"{value:.{len(digits) - 1}e}"
    texts = [t for t in (text, rounded) if float(t) == value]
    nearest = min(texts, key=lambda t: abs(Fraction(t) - Fraction(value)))
    grammar = re.fullmatch(r"-?(0|[1-9][0-9]*)(\.[0-9]*[1-9])?(e[+-][1-9][0-9]*)?", text)
    return bool(
        grammar
        and float(text) == value
        and (len(digits) == 1 or shorter != value)
        and Fraction(nearest) == Fraction(text)
    )


def equals(text: str) -> Any:
    def check(given: Any, output: Any) -> bool:
        assert json.loads(given["text"]) == json.loads(text)
        return bool(output == {"canonical": text})

    return check


# Text, and the canonical text as RFC 8785 says.
TEXTS = {
    "literals": (" [ null , true,\tfalse\n] ", "[null,true,false]"),
    "empty": (" { } ", "{}"),
    "nested": ('{"a": [{"b": []}, {}]}', '{"a":[{"b":[]},{}]}'),
    "integer-valued": ("[1.0, 1, -0, -0.0, 1E2, 10e-1]", "[1,1,0,0,100,1]"),
    "numbers": (
        "[4.50, 2e-3, 0.000000000000000000000000001, 333333333.33333329, 1.5e300]",
        "[4.5,0.002,1e-27,333333333.3333333,1.5e+300]",
    ),
    "largest-integers": (
        "[9007199254740991, -9007199254740991]",
        "[9007199254740991,-9007199254740991]",
    ),
    "members-sorted": (
        '{"b":1,"a":2,"":3,"aa":4,"A":5,"1":6}',
        '{"":3,"1":6,"A":5,"a":2,"aa":4,"b":1}',
    ),
    # U+1F600 is D83D DE00 in UTF-16 and so comes before U+FB33, unlike in code-point order.
    "members-by-utf-16": (
        '{"\\ufb33":1,"\\ud83d\\ude00":2,"\\u20ac":3,"\\u00f6":4,"\\u0080":5,"1":6,"\\r":7}',
        '{"\\r":7,"1":6,"\u0080":5,"\u00f6":4,"\u20ac":3,"\U0001f600":2,"\ufb33":1}',
    ),
    "members-sorted-at-every-depth": (
        '[{"b":{"d":1,"c":2},"a":[{"f":1,"e":2}]}]',
        '[{"a":[{"e":2,"f":1}],"b":{"c":2,"d":1}}]',
    ),
    "escapes": (
        '"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/\\b\\f\\n\\r\\t"',
        '"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/\\b\\f\\n\\r\\t"',
    ),
    "control-characters": ('"\\u0000\\u001F\\u007f"', '"\\u0000\\u001f\u007f"'),
    "escaped-names": ('{"\\u0062":1,"\\u0061":2}', '{"a":2,"b":1}'),
    "beyond-the-basic-plane": ('"\\ud83d\\udc1a"', '"\U0001f41a"'),
    "not-normalised": ('["A\\u030a", "\\u00c5"]', '["A\u030a","\u00c5"]'),
    "scalar": (' "a" ', '"a"'),
    "every-space": ("\n[\r\n\t1 ,\r2 ]\r\n", "[1,2]"),
    "every-control-character": (
        json.dumps("".join(map(chr, range(32)))),
        json.dumps("".join(map(chr, range(32)))),
    ),
    "delete-as-it-is": ('"\u007f"', '"\u007f"'),
    "signs-of-html": ("\"<a href='x'>&amp;</a>\"", "\"<a href='x'>&amp;</a>\""),
    "line-separators": ('"\\u2028\\u2029\\u0085"', '"\u2028\u2029\u0085"'),
    "names-that-are-numbers": ('{"10":1,"9":2,"1":3}', '{"1":3,"10":1,"9":2}'),
    "names-alike-when-composed": (
        '{"\\u00c5":1,"A\\u030a":2,"\\ufb01":3,"fi":4}',
        '{"A\u030a":2,"fi":4,"\u00c5":1,"\ufb01":3}',
    ),
    "names-alike-but-for-space": ('{" a":1,"a":2,"a ":3}', '{" a":1,"a":2,"a ":3}'),
    "names-of-every-object": (
        '{"toString":1,"__proto__":2,"constructor":3}',
        '{"__proto__":2,"constructor":3,"toString":1}',
    ),
    "large-with-a-point": ("[9007199254740993.0]", "[9007199254740992]"),
    "too-small-for-float64": ("[1e-400, -1e-400]", "[0,0]"),
}
FLAWS = {
    "repeated-name": ('{"a":1,"b":2,"a":1}', "duplicate-key"),
    "repeated-name-by-escape": ('{"a":1,"\\u0061":1}', "duplicate-key"),
    "repeated-name-deep": ('[{"a":{"b":1,"b":2}}]', "duplicate-key"),
    "integer-too-large": ("9007199254740992", "value"),
    "integer-too-small": ("[-9007199254740993]", "value"),
    "beyond-float64": ("1e309", "value"),
    "lone-high-surrogate": ('"\\ud83d"', "value"),
    "lone-low-surrogate": ('["a\\udc1ab"]', "value"),
    "lone-surrogate-in-a-name": ('{"\\ud83d\\ud83d":1}', "value"),
    "nan": ("[NaN]", "syntax"),
    "infinity": ("-Infinity", "syntax"),
    "trailing-comma": ("[1,]", "syntax"),
    "single-quotes": ("{'a':1}", "syntax"),
    "leading-zero": ("[01]", "syntax"),
    "control-character": ('"\u0001"', "syntax"),
    "two-values": ("1 2", "syntax"),
    "no-value": (" ", "syntax"),
    "comment": ("[1] // one", "syntax"),
    "point-without-a-fraction": ("[1.]", "syntax"),
    "point-before-an-exponent": ("[1.e2]", "syntax"),
    "point-without-a-whole-part": ("[.5]", "syntax"),
    "negative-point-without-a-whole-part": ("[-.5]", "syntax"),
    "plus-sign": ("[+1]", "syntax"),
    "exponent-without-digits": ("[1e]", "syntax"),
    "hexadecimal-number": ("[0x1f]", "syntax"),
    "hexadecimal-escape": ('"\\x41"', "syntax"),
    "escaped-apostrophe": ('"\\\'"', "syntax"),
    "escaped-zero": ('"\\0"', "syntax"),
    "short-escape": ('"\\u41"', "syntax"),
    "tab-in-a-text": ('"a\tb"', "syntax"),
    "line-end-in-a-text": ('"a\nb"', "syntax"),
    "open-text": ('"a', "syntax"),
    "form-feed": ("[1,\f2]", "syntax"),
    "vertical-tab": ("[1,\v2]", "syntax"),
    "no-break-space": ("[1,\u00a02]", "syntax"),
    "byte-order-mark": ("\ufeff[1]", "syntax"),
    "true-with-a-capital": ("[True]", "syntax"),
    "true-in-capitals": ("[TRUE]", "syntax"),
    "none": ("[None]", "syntax"),
    "undefined": ("[undefined]", "syntax"),
    "comma-at-the-end-of-an-object": ('{"a":1,}', "syntax"),
    "name-without-quotes": ("{a:1}", "syntax"),
    "number-as-name": ("{1:2}", "syntax"),
    "open-list": ("[1", "syntax"),
    "member-without-a-value": ('{"a"}', "syntax"),
}


def files() -> Iterator[VectorFile]:
    named = {f"rfc-8785-{i + 1}": b for i, b in enumerate(RFC_8785)}
    named |= {f"shortest-{i + 1}": bits(value) for i, value in enumerate(OTHERS)}
    yield SECTION.file(
        "number",
        "A float64, given by its bits, as text.",
        [Case(f"canonical/number/{k}", {"float64": b}, number) for k, b in named.items()]
        + [
            Case(f"canonical/number/{k}", {"float64": b}, refused_with("value"))
            for k, b in {
                "nan": "7ff8000000000000",
                "infinity": "7ff0000000000000",
                "minus-infinity": "fff0000000000000",
            }.items()
        ],
        source="RFC 8785, appendix B, and exact fractions",
    )
    yield SECTION.file(
        "json",
        "A JSON text and its canonical text.",
        [
            Case(f"canonical/json/{k}", {"text": text}, equals(wanted))
            for k, (text, wanted) in TEXTS.items()
        ],
        source="RFC 8785, by hand",
    )
    yield SECTION.file(
        "errors",
        "Texts that are not JSON, or have no canonical form.",
        [
            Case(f"canonical/errors/{k}", {"text": text}, refused_with(error))
            for k, (text, error) in FLAWS.items()
        ],
        source="RFC 8259 and RFC 7493, by hand",
        operation="json",
    )
