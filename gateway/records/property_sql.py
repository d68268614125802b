"""Whether an event's property passes a test, in SQL.

SQL finds the rows and the property; what a comparison means is asked of `events/comparison` itself,
so that segments and triggers cannot differ, and asked once for equal values: what is answered is
remembered.
"""

import hashlib
import sqlite3
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec

from gateway.events import comparison
from gateway.events.comparison import Test
from gateway.records import people

REMEMBERED = 65_536
REMEMBERED_CHARS = 200  # longer values are judged anew

Bind = Callable[[Any], str]


def value(source: str, name: str, bind: Bind) -> str:
    """The JSON of the property of this name in the JSON object `source`; null where it has none."""
    if '"' in name or "\\" in name or min(name) < " ":  # no JSON path can say it
        return f"property_json({source}, {bind(name)})"
    path = f'$."{name}"'
    return f"iif({source} = '{{}}', null, {source} -> {bind(path)})"


def passes(test: Test, value: str, bind: Bind) -> str:
    """Whether the test holds for `value`, the SQL of a property's JSON."""
    written = bind(msgspec.json.encode(test).decode())
    return f"""(select iif(length(x) > {REMEMBERED_CHARS},
        property_judged({written}, x), property_passes({written}, x))
        from (select {value} as x limit 1))"""  # noqa: S608 - texts of this file


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
