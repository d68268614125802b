"""The values in a management call's parameters: text, yes or no, dates, pages, objects in JSON.

Forms send everything as text and JSON does not, so each is read from both. What cannot be read
raises Refused: with the problem the call has a number for, else 1003 and what to write.
"""

import datetime
import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from gateway import clock
from gateway.edge.commands.command import Call, is_missing, whole_number
from gateway.edge.commands.parameter import TEXT_CHARS_MAX
from gateway.edge.parameters import Parameters
from gateway.errors import NotJson, Problem, Refused
from gateway.events import parse
from gateway.records import lists
from gateway.records.lists import SubscriberList

PAGE_ROWS = 100
PAGE_ROWS_MAX = 1_000
IDS_MAX = 10_000
DEPTH_MAX = 30

_WORDS = {"true": True, "1": True, "yes": True, "on": True, "enabled": True}
_WORDS |= {"false": False, "0": False, "no": False, "off": False, "disabled": False}


@dataclass(frozen=True, slots=True)
class Page:
    """`order` is in lower case."""

    rows: int
    offset: int
    order: str
    descending: bool


def invalid(name: str, write: str) -> Problem:
    """What is said of a parameter that its call has no number for."""
    return Problem(1003, f"Invalid {name} parameter: write {write}.")


def text(parameters: Parameters, name: str, default: str = "") -> str:
    """One line or more of text; a number as its digits."""
    value = parameters.get(name.lower())
    if value is None:
        return default
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or len(value) > TEXT_CHARS_MAX or "\0" in value:
        raise Refused(invalid(name, f"text of at most {TEXT_CHARS_MAX} characters"))
    return value.strip()


def choice(
    parameters: Parameters, name: str, words: Collection[str], problem: Problem | None = None
) -> str | None:
    """One of these words, found without regard to case; None when absent."""
    value = parameters.get(name.lower())
    if is_missing(value):
        return None
    by_key = {word.casefold(): word for word in words}
    found = by_key.get(value.strip().casefold()) if isinstance(value, str) else None
    if found is None:
        raise Refused(problem or invalid(name, "one of " + ", ".join(words)))
    return found


def flag(
    parameters: Mapping[str, Any], name: str, default: bool = False, problem: Problem | None = None
) -> bool:
    """Yes or no, in any of the ways clients spell it."""
    value = parameters.get(name.lower())
    if is_missing(value):
        return default
    word = _WORDS.get(str(value).strip().lower())
    if word is None:
        raise Refused(problem or invalid(name, "true or false"))
    return word


def instant(parameters: Parameters, name: str, problem: Problem) -> int | None:
    """`2026-01-31`, `2026-01-31 12:00:00` or ISO 8601, as milliseconds; UTC unless it says."""
    value = parameters.get(name.lower())
    if is_missing(value):
        return None
    try:
        moment = datetime.datetime.fromisoformat(str(value).strip())
        moment = moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
        # What is past the last day of year 9999 in UTC could be kept, and never shown again.
        at_ms = int(moment.astimezone(datetime.UTC).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise Refused(problem) from None
    if at_ms < 0:
        raise Refused(problem)
    return at_ms


def page(
    parameters: Parameters,
    orders: Collection[str],
    *,
    rows: int = PAGE_ROWS,
) -> Page:
    """`RecordsPerRequest`, `RecordsFrom`, `OrderField`, `OrderType`. 0 records: as many as may."""
    order = text(parameters, "OrderField").lower() or next(iter(orders))
    if order not in orders:
        raise Refused(invalid("OrderField", "one of " + ", ".join(orders)))
    direction = choice(parameters, "OrderType", ("ASC", "DESC"))
    return Page(
        rows=number(parameters, "RecordsPerRequest", rows, PAGE_ROWS_MAX) or PAGE_ROWS_MAX,
        offset=number(parameters, "RecordsFrom", 0),
        order=order,
        descending=direction == "DESC",
    )


def number(parameters: Parameters, name: str, default: int, at_most: int = 2**62) -> int:
    """A whole number from 0; more than `at_most` is `at_most`."""
    value = parameters.get(name.lower())
    if is_missing(value):
        return default
    if value in (0, "0") and value is not False:
        return 0
    found = whole_number(value)
    if found is None:
        raise Refused(invalid(name, "a whole number from 0"))
    return min(found, at_most)


def id_list(value: Any, problem: Problem) -> list[int]:
    """`"1,2,3"`, `[1, 2, 3]` or `1`: each id once."""
    parts = value if isinstance(value, list) else str(value).split(",")
    found = [whole_number(part) for part in parts if not is_missing(part)]
    if None in found or len(found) > IDS_MAX:
        raise Refused(problem)
    return list(dict.fromkeys(each for each in found if each is not None))


def object_of(parameters: Parameters, name: str, problem: Problem | None = None) -> dict[str, Any]:
    """An object, or its JSON in a text; empty when absent."""
    value = structure(parameters, name, problem or invalid(name, "an object"))
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Refused(problem or invalid(name, "an object"))
    return value


def structure(parameters: Parameters, name: str, problem: Problem) -> Any:
    """JSON, whether it stands there itself or in a text; None when absent."""
    value = parameters.get(name.lower())
    if is_missing(value):
        return None
    if isinstance(value, str):
        try:
            value = parse.decode(value.encode())
        except (NotJson, UnicodeEncodeError):
            raise Refused(problem) from None
        check_depth(name, value)
    return value


def check_depth(name: str, value: Any) -> None:
    """Raises Refused for what is nested so deep that nobody means it. Level by level, for what
    calls itself would run out of stack on it."""
    level = [value]
    for _ in range(DEPTH_MAX):
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return
    raise Refused(invalid(name, f"a value nested less than {DEPTH_MAX} levels deep"))


def owned_list(db: sqlite3.Connection, call: Call, name: str, problem: Problem) -> SubscriberList:
    """The caller's list that a parameter names. Raises Refused for any other."""
    list_id = whole_number(call.parameters.get(name.lower()))
    found = list_id and lists.owned(db, list_id, call.caller.account_id)
    if not found:
        raise Refused(problem)
    return found


def stamp(instant_ms: int | None) -> str | None:
    """`2026-01-31 12:00:00`, UTC: how the management calls write an instant."""
    return None if instant_ms is None else clock.iso(instant_ms)[:19].replace("T", " ")
