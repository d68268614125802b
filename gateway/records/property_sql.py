"""Whether an event's property passes a test, in SQL.

SQL finds the rows and the property, and decides what is clear: what is missing, and numbers that
are not close to each other. What a comparison means of the rest is asked of `events/comparison`
itself, once for equal values, for what is answered is remembered.
"""

import hashlib
import sqlite3
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec

from gateway.events import comparison
from gateway.events.comparison import Compare, Test
from gateway.records import people

NEAR = 1e-9  # relative
REMEMBERED = 65_536
REMEMBERED_CHARS = 200  # longer values are judged anew

Bind = Callable[[Any], str]


def value(source: str, name: str, bind: Bind) -> str:
    """The JSON of the property of this name in the JSON object `source`; null where it has none."""
    if '"' in name or "\\" in name or min(name) < " ":  # no JSON path can say it
        return f"property_json({source}, {bind(name)})"
    path = f'$."{name}"'
    return f"iif({source} = '{{}}', null, {source} -> {bind(path)})"


def passes(test: Test, bind: Bind) -> str:
    """Whether the test holds for `x`, a column with the JSON of a property or null."""
    if test.compare is Compare.SET:
        return f"{'not ' * test.negated}coalesce(x not in ('null', '\"\"'), 0)"
    written = bind(msgspec.json.encode(test).decode())
    asked = f"""iif(length(x) > {REMEMBERED_CHARS}, property_judged({written}, x),
        property_passes({written}, x))"""
    cases = [f"when {case} then {int(says != test.negated)}" for case, says in _clear(test, bind)]
    return f"case {' '.join(cases)} when x is null then {int(test.negated)} else {asked} end"


def _clear(test: Test, bind: Bind) -> list[tuple[str, bool]]:
    """Where SQL can say it alone, and whether the plain comparison holds there."""
    if test.compare is Compare.EQUALS:
        spelt = comparison.spellings(test.number) | ({"true", "false"} & {test.text})
        same = ", ".join(map(bind, (msgspec.json.encode(test.text).decode(), *sorted(spelt))))
        return [(f"lower(x) in ({same})", True), (_IS_PLAIN, False)]
    if test.compare is Compare.CONTAINS and not {'"', "\\"} & {*test.text}:
        is_in = f"{_IS_PLAIN} and x < '[' and instr(lower(x), {bind(test.text)})"
        return [(is_in, True), (f"{_IS_PLAIN} and x < '['", False)]
    if test.compare in (Compare.GREATER, Compare.LESS):
        assert test.number is not None
        near = abs(test.number) * NEAR
        below = f"{_IS_NUMBER} and cast(x as real) < {bind(float(test.number - near))}"
        above = f"{_IS_NUMBER} and cast(x as real) > {bind(float(test.number + near))}"
        return [(below, test.compare is Compare.LESS), (above, test.compare is Compare.GREATER)]
    return []


# The first character of a JSON value tells what it is: a number, or, below `[`, one or a text.
# A plain value is of ASCII without escapes, which SQLite reads as it stands.
_IS_NUMBER = "x >= '-' and x < ':'"
_IS_PLAIN = r"(length(x) = length(cast(x as blob)) and instr(x, '\') = 0)"


def register(db: sqlite3.Connection) -> None:
    """Our functions, once a connection."""
    try:
        db.execute("select property_passes(null, null)")
    except sqlite3.OperationalError:
        for name, arguments, function in _FUNCTIONS:
            db.create_function(name, arguments, function, deterministic=True)


_decode = msgspec.json.Decoder(dict[str, Any]).decode
_test = lru_cache(1_000)(msgspec.json.Decoder(Test).decode)


def _judged(test: str | None, value: str | None) -> bool | None:
    if test is None:
        return None
    return comparison.holds(_test(test), None if value is None else msgspec.json.decode(value))


def _json(properties: str, name: str) -> str | None:
    found = _decode(properties)
    return msgspec.json.encode(found[name]).decode() if name in found else None


def _lot(seed: int, subscriber_id: int) -> bytes:
    """A subscriber's place in a draw: the same in every one by this seed."""
    return hashlib.blake2b(f"{seed}:{subscriber_id}".encode(), digest_size=8).digest()


_FUNCTIONS: tuple[tuple[str, int, Callable[..., Any]], ...] = (
    ("property_passes", 2, lru_cache(REMEMBERED)(_judged)),
    ("property_judged", 2, _judged),
    ("property_json", 2, _json),
    ("property_uuid", 1, people.uuid_text),
    ("segment_lot", 2, _lot),
)
