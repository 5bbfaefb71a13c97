"""The regular expressions of the schemas (SPEC.md, section "Files"): those of ECMA-262.

In: a pattern of a schema. Out: Python's expression of the same texts. Unchanged, Python's
``$`` also matches before an end of line that ends the text, so an id might end in one, and its
``.`` does not stop where JavaScript's does.
"""

from __future__ import annotations

import re
from functools import cache

_PARTS = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|[$.]", re.DOTALL)
_SAME = {"$": r"\Z", ".": "[^\\n\\r\\u2028\\u2029]"}


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """Compile the expression of a schema.

    Raises:
        re.error: The expression is not valid.
    """
    return re.compile(_PARTS.sub(lambda part: _SAME.get(part[0], part[0]), pattern), re.ASCII)
