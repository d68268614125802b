"""The custom field values that `subscriber.create` and `subscriber.update` bring, checked.

Named by alias or by `CustomField<ID>` (or its number), as everywhere. What a field asks of its
values (required, unique, a validation method) is held only where the call says so.
"""

import re
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.errors import Problem, Refused
from gateway.events import parse
from gateway.events.parse import finite_number
from gateway.records import fields
from gateway.records.fields import CustomField

VALUE_CHARS_MAX = 8_192


@dataclass(frozen=True, slots=True)
class Codes:
    """What a call says of each fault."""

    invalid: Problem
    missing: Problem
    not_unique: Problem
    failed_method: Problem


@dataclass(frozen=True, slots=True)
class Values:
    """Field id → value, and the names that are no field of the list."""

    known: dict[int, Any]
    unknown: list[str]


def read(db: sqlite3.Connection, list_id: int, given: Mapping[str, Any], codes: Codes) -> Values:
    """Raises Refused for a value that cannot be kept."""
    named = {f"CustomField{name}" if name.isdecimal() else name: given[name] for name in given}
    of_list = fields.of_list(db, list_id)
    known = fields.resolve(of_list, named)
    unknown = [name for name in named if not fields.resolve(of_list, {name: named[name]})]
    for value in known.values():
        if isinstance(value, str) and (len(value) > VALUE_CHARS_MAX or "\0" in value):
            raise Refused(codes.invalid)
        if isinstance(value, dict | list) and len(str(value)) > VALUE_CHARS_MAX:
            raise Refused(codes.invalid)
    return Values(known, unknown)


def enforce(
    db: sqlite3.Connection,
    list_id: int,
    subscriber_id: int | None,
    values: Mapping[int, Any],
    codes: Codes,
) -> None:
    """Hold the values to what their fields ask. Raises Refused with all that fails."""
    kept = fields.values(db, subscriber_id) if subscriber_id is not None else {}
    problems: list[Problem] = []
    for field in fields.of_list(db, list_id):
        value = _text(values.get(field.id, kept.get(field.id, "")))
        if not value:
            problems += [codes.missing] * (field.options.get("IsRequired") == "Yes")
            continue
        if field.options.get("IsUnique") == "Yes":
            holder = fields.holder(db, field.id, value)
            problems += [codes.not_unique] * (holder not in (None, subscriber_id))
        if not _passes(field, value):
            problems.append(codes.failed_method)
    if problems:
        raise Refused(*dict.fromkeys(problems))


def write(db: sqlite3.Connection, subscriber_id: int, values: Mapping[int, Any]) -> None:
    for field_id, value in values.items():
        fields.put(db, subscriber_id, field_id, value)


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else "" if value is None else str(value)


def _passes(field: CustomField, value: str) -> bool:
    """A rule of the owner's own (`Custom`) is kept, and not run here."""
    method = _METHODS.get(str(field.options.get("ValidationMethod")))
    return method is None or method(value)


def _like(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda value: compiled.fullmatch(value) is not None


_METHODS: dict[str, Callable[[str], bool]] = {
    "Letters": lambda value: value.replace(" ", "").isalpha(),
    "Numbers": lambda value: finite_number(value) is not None,
    "Letters and numbers": lambda value: value.replace(" ", "").isalnum(),
    "Email address": parse.is_email,
    "URL": _like(r"https?://\S+"),
    "Date": _like(r"\d{4}-\d\d-\d\d"),
    "Time": _like(r"\d\d:\d\d(:\d\d)?"),
}
