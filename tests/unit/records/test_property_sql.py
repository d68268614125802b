"""A comparison in SQL is the comparison in Python, for every value it may meet."""

import sqlite3
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import Refused
from gateway.events import comparison, criteria
from gateway.events.criteria import EventRule
from gateway.records import property_sql
from tests.unit.records.comparing import (
    COMPARED,
    NUMBERS,
    PATTERNS,
    TEXTS,
    scalars,
    values,
    variations,
)

MISSING = object()


@pytest.fixture
def db(db: sqlite3.Connection) -> sqlite3.Connection:
    property_sql.register(db)
    return db


def read(operator: str, wanted: Any) -> comparison.Test | None:
    """The test a rule asks for; None where nothing can be compared with that."""
    rule = {
        "type": "website-events", "event": "buy", "operator": operator, "event_parameter": "p",
        "value": wanted,
    }  # fmt: skip
    try:
        (parsed,) = criteria.parse([rule]).members
    except Refused:
        return None
    assert isinstance(parsed, EventRule)
    return parsed.test


def in_sql(db: sqlite3.Connection, test: comparison.Test, candidates: list[Any]) -> list[bool]:
    """What SQL says of each."""
    bound: dict[str, Any] = {}

    def bind(value: Any) -> str:
        bound[f"v{len(bound)}"] = value
        return f":v{len(bound) - 1}"

    stored = [{} if value is MISSING else {"p": value, "other": "p"} for value in candidates]
    sql = f"""
        select {property_sql.passes(test, bind)} from (
            select {property_sql.value("j.value", "p", bind)} as x
            from json_each(:all) j order by j.key limit -1)"""
    texts = [msgspec.json.encode(each).decode() for each in stored]
    bound["all"] = msgspec.json.encode(texts).decode()
    return [bool(row[0]) for row in db.execute(sql, bound)]


def in_python(test: comparison.Test, candidates: list[Any]) -> list[bool]:
    return [comparison.holds(test, None if each is MISSING else each) for each in candidates]


@pytest.mark.slow
@pytest.mark.parametrize("operator", COMPARED)
def test_odd_values_compare_alike(db: sqlite3.Connection, operator: str) -> None:
    """Each of them with each other, with all but itself, and with nothing."""
    odd = [*TEXTS, *NUMBERS, True, False]
    candidates = [*odd, None, MISSING, [], {}, ["a"], {"a": 5}]
    near = PATTERNS if "regex" in operator else [each for one in odd for each in variations(one)]
    tests = {test for wanted in near if (test := read(operator, wanted))}
    assert tests
    for test in tests:
        assert in_sql(db, test, candidates) == in_python(test, candidates), test


@pytest.mark.slow
@settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    operator=st.sampled_from(COMPARED),
    candidates=st.lists(values, min_size=1, max_size=5),
    other=scalars,
)
def test_any_values_compare_alike(
    db: sqlite3.Connection, operator: str, candidates: list[Any], other: Any
) -> None:
    near = [each for value in candidates for each in variations(value)]
    for wanted in PATTERNS if "regex" in operator else (other, *near):
        test = read(operator, wanted)
        if test:
            assert in_sql(db, test, candidates) == in_python(test, candidates)


@pytest.mark.parametrize("name", ["p", "$p", "a.b", "a b", "[0]", "ключ", 'say "p"', "a\\b", "\n"])
def test_a_property_is_found_whatever_its_name(db: sqlite3.Connection, name: str) -> None:
    bound: list[Any] = []

    def bind(value: Any) -> str:
        bound.append(value)
        return "?"

    sql = property_sql.value("?1", name, bind).replace("?", "?2").replace("?21", "?1")
    said = msgspec.json.encode({"other": 1, name: {"deep": [name]}, "last": 2}).decode()
    (found,) = db.execute(f"select {sql}", (said, *bound)).fetchone()
    assert msgspec.json.decode(found) == {"deep": [name]}
