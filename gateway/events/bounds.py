"""What an event's properties may be: how many, how long, how deep, and text that can be stored.

Each finding is a numbered problem that says what to change; nothing here raises.
"""

import math
from typing import Any

from gateway.errors import Problem
from gateway.events.event import Properties
from gateway.events.vocabulary import KNOWN_PROPERTIES, URL_PROPERTIES
from gateway.settings import Limits

PROPERTIES_NO_OBJECT = Problem(1003, "Properties must be an object.")

INTEGER_MAX = 2**63 - 1


def properties(value: Any, limits: Limits, problems: list[Problem]) -> Properties:
    if value is None or value == [] or value == "":  # PHP writes an empty object as []
        return {}
    if not isinstance(value, dict):
        problems.append(PROPERTIES_NO_OBJECT)
        return {}
    if len(value) > limits.properties_max:
        problems.append(Problem(1004, f"More than {limits.properties_max} properties: send fewer."))
        return value
    # Nearly all are short texts, whole numbers, flags or null under plain names: nothing to look
    # into.
    short = min(limits.value_bytes_max, limits.url_chars_max)
    name_max = limits.property_name_chars_max
    for name, inner in value.items():
        kind = type(inner)
        if (
            (len(inner) <= short and inner.isascii())
            if kind is str
            else inner is None or kind is bool or (kind is int and 0 <= inner <= INTEGER_MAX)
        ) and (name in KNOWN_PROPERTIES or _is_plain_name(name, name_max)):
            continue
        _check_property(name, inner, limits, problems)
    return value


def _is_plain_name(name: Any, chars_max: int) -> bool:
    return type(name) is str and 0 < len(name) <= chars_max and name.isascii() and "\0" not in name


def _check_property(name: Any, value: Any, limits: Limits, problems: list[Problem]) -> None:
    if (
        not isinstance(name, str)
        or not 0 < len(name) <= limits.property_name_chars_max
        or not is_storable(name)
    ):
        longest = limits.property_name_chars_max
        problems.append(
            Problem(1005, f"Invalid property name: write 1 to {longest} characters of text.")
        )
    elif name in URL_PROPERTIES and isinstance(value, str) and len(value) > limits.url_chars_max:
        problems.append(
            Problem(1008, f"Property {name} is longer than {limits.url_chars_max} characters.")
        )
    else:
        fault = _fault(value, limits, depth=1)
        if fault:
            problems.append(Problem(1006, f"Property {name} {fault}"))


def _fault(value: Any, limits: Limits, depth: int) -> str | None:
    """What is wrong with a property's value, as the end of a sentence; None for nothing."""
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, str):
        return _text_fault(value, limits)
    if isinstance(value, (int, float)):
        # Beyond 64 bits neither JSON readers nor SQLite keep a whole number as it is.
        bounded = abs(value) <= INTEGER_MAX if isinstance(value, int) else math.isfinite(value)
        return None if bounded else "is a number out of range: send it as text."
    if not isinstance(value, (dict, list)):
        return "is no JSON value."
    if depth > limits.nesting_max:
        return f"is nested deeper than {limits.nesting_max} levels: flatten it."
    if isinstance(value, dict):
        if not all(isinstance(name, str) and is_unicode(name) for name in value):
            return "has a name in it that is no text."
        inner = list(value.values())
    else:
        inner = value
    return next((fault for item in inner if (fault := _fault(item, limits, depth + 1))), None)


def _text_fault(value: str, limits: Limits) -> str | None:
    if value.isascii():
        size = len(value)
    elif not is_unicode(value):
        return "is no valid Unicode text."
    else:
        size = len(value.encode())
    if size > limits.value_bytes_max:
        return f"is longer than {limits.value_bytes_max} bytes: shorten it."
    return None


def is_storable(text: str) -> bool:
    return "\0" not in text and is_unicode(text)


def is_unicode(text: str) -> bool:
    """Whether `text` can be written as UTF-8: it holds no half of a surrogate pair."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
