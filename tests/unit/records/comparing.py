"""Values that are easily compared wrongly, and what somebody may compare them with."""

import math
from typing import Any

from hypothesis import strategies as st

TEXTS = (
    "", "a", "A", "Straße", "STRASSE", "İ", "\u212a", "\u017f", "e\u0301", "é", "É", "😀", "%", "_",
    "5", "5.0", " 5 ", "05", "5e0", "-0", "1e400", "true", "null", "0x1", "a\0B", "\0", 'say "hi"',
    "back\\slash", "\\u0041", "\u2028", "9007199254740993", "9223372036854775808", "1" * 400,
    "é" * 300,
)  # fmt: skip
NUMBERS = (
    0, -0.0, 5, 5.0, -5, 0.1, 0.30000000000000004, 0.3, 2**53, 2**53 + 1, float(2**53), 2**63 - 1,
    -(2**63) + 1, 1e22, 1e300, 5e-324, 123456789.12345679,
)  # fmt: skip
COMPARED = (
    "equals", "does not equal", "contains", "does not contain", "matches regex",
    "does not match regex", "greater than", "less than", "is set", "is not set",
)  # fmt: skip
PATTERNS = ("^a", "(?i)a", r"\d", "ß|é", "^$", r"\.0$", "true", ".")


scalars = (
    st.sampled_from((*TEXTS, *NUMBERS, True, False))
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-(2**63) + 1, 2**63 - 1)
)
values = (
    scalars
    | st.none()
    | st.lists(scalars, max_size=2)
    | st.dictionaries(st.sampled_from("ba"), scalars, max_size=2)
)


def variations(value: Any) -> list[Any]:
    """What somebody may compare a value with: itself, or all but itself."""
    if isinstance(value, str):
        return [value, value.swapcase(), value[1:], value[:-1]]
    if isinstance(value, bool):
        return [value, str(value).upper()]
    if isinstance(value, float):
        return [value, repr(value), math.nextafter(value, 1e300), math.nextafter(value, -1e300)]
    if isinstance(value, int):
        return [value, str(value), value + 1, value - 1, float(value)]
    return []
