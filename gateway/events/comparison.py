"""What a comparison says of one property's value. `records/criteria_sql` says the same in SQL, and
a property test holds the two equal.

A value is compared as text: its own, or the JSON it is stored as for a number, true or false.
Missing, null, a list or an object is no text, and no comparison but `is set` holds for it; a
negated comparison is true exactly where the plain one is false.
"""

import math
import re
from enum import Enum, auto
from functools import lru_cache
from typing import Any

import msgspec
import re2

PATTERN_CHARS_MAX = 500
PATTERN_STEPS_MAX = 2_000  # instructions of the compiled pattern: each may cost a step a byte

_NUMBER = re.compile(r"[ \t\n\r]*(-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?)[ \t\n\r]*")
_INTEGERS = range(-(2**63), 2**63)  # what SQLite keeps exactly


class Compare(Enum):
    EQUALS = auto()
    CONTAINS = auto()
    MATCHES = auto()
    GREATER = auto()
    LESS = auto()
    SET = auto()


class Test(msgspec.Struct, frozen=True, array_like=True):
    """`text` is in lower case, a pattern's as written; `number` is there where it reads as one."""

    compare: Compare
    negated: bool = False
    text: str = ""
    number: int | float | None = None


def holds(test: Test, value: Any) -> bool:
    """Whether a property of this value passes."""
    return _plainly(test, value) != test.negated


def _plainly(test: Test, value: Any) -> bool:
    if test.compare is Compare.SET:
        return value is not None and value != ""
    if test.compare in (Compare.GREATER, Compare.LESS):
        return _is_beyond(test, value)
    text = text_of(value)
    if text is None:
        return False
    if test.compare is Compare.MATCHES:
        return search(test.text, text)
    if test.compare is Compare.CONTAINS:
        return test.text in text.casefold()
    if isinstance(value, int | float) and not isinstance(value, bool):
        return text in spellings(test.number)
    return text.casefold() == test.text


def _is_beyond(test: Test, value: Any) -> bool:
    number = number_of(value)
    if number is None or test.number is None:
        return False
    return number > test.number if test.compare is Compare.GREATER else number < test.number


def text_of(value: Any) -> str | None:
    """What a value is compared as; None for what is no text."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, dict | list):
        return None
    return msgspec.json.encode(value).decode()


def number_of(value: Any) -> float | None:
    """A number, or a text that JSON would read as one; whole ones exactly, up to 64 bits."""
    if isinstance(value, str):
        read = _NUMBER.fullmatch(value)
        if read is None:
            return None
        # A whole number of thousands of digits is read as what it is nearest to: infinity.
        fraction, exponent = read[2], read[3]
        value = float(read[1]) if fraction or exponent or len(read[1]) > 20 else int(read[1])
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if isinstance(value, int) and value not in _INTEGERS else value


@lru_cache
def spellings(number: float | None) -> frozenset[str]:
    """How a number equal to this one may be stored: 50 as `50` and as `50.0`."""
    if number is None or not math.isfinite(number):
        return frozenset()
    if number == 0:
        return frozenset({"0", "0.0", "-0.0"})
    alike: tuple[float, ...] = (int(number), float(number))
    stored = [each for each in alike if each == number and number_of(each) is each]
    return frozenset(msgspec.json.encode(each).decode() for each in stored)


def fault_of(pattern: str) -> str | None:
    """What is wrong with a regular expression, as the end of a sentence; None for nothing."""
    if len(pattern) > PATTERN_CHARS_MAX:
        return f"write a pattern of at most {PATTERN_CHARS_MAX} characters"
    try:
        compiled = _compile(pattern)
    except re2.error as error:
        return f"it is no regular expression as RE2 reads them ({_said(error)})"
    if compiled.programsize > PATTERN_STEPS_MAX:
        return "the pattern is too large: repeat less in it"
    return None


def search(pattern: str, text: str) -> bool:
    """Whether the pattern is found anywhere in the text: in time that grows with their lengths
    only, whatever the pattern."""
    return _compile(pattern).search(text) is not None


@lru_cache(256)
def _compile(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.max_mem = 1 << 20
    return re2.compile(pattern, options)


def _said(error: re2.error) -> str:
    message = error.args[0] if error.args else ""
    return message.decode(errors="replace") if isinstance(message, bytes) else str(message)
