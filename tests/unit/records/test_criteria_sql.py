"""Whom criteria mean: what SQL finds among many people's events is what `matches` says of each."""

import sqlite3
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import Refused
from gateway.events import criteria
from gateway.events.criteria import Criteria, EventRule, Group
from gateway.events.vocabulary import kind_of
from gateway.records import audience, criteria_sql, event_log, happenings, people
from gateway.records.criteria_sql import Members
from gateway.records.event_log import StoredEvent
from tests.unit.records.shop import Shop

ODD = 'an "odd" \\name\n'
PROPERTIES = ("$pageTitle", "$screen_width", "$device_type", "price", "ключ", ODD, "missing",
              "$list_id", "$uuid", "$sent_at")  # fmt: skip
TEXTS = (
    "", "a", "A", "Straße", "STRASSE", "İ", "\u212a", "\u017f", "e\u0301", "é", "É", "😀", "5", "5.0",
    " 5 ", "05", "5e0", "-0", "1e400", "true", "null", "0x1", "a\0B", "\0", 'say "hi"', "%", "_",
    "back\\slash", "\\u0041", "\u2028", "9007199254740993", "9223372036854775808", "1" * 400,
    "é" * 300,
)  # fmt: skip
NUMBERS = (
    0, -0.0, 5, 5.0, -5, 0.1, 0.30000000000000004, 0.3, 2**53, 2**53 + 1, float(2**53), 2**63 - 1,
    -(2**63) + 1, 1e22, 1e300, 5e-324, 123456789.12345679,
)  # fmt: skip
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
NAMES = ("pageView", "page_view", "buy", "Kauf ü")
event = st.tuples(
    st.sampled_from(NAMES),
    st.dictionaries(st.sampled_from(PROPERTIES), values, max_size=4),
)
COMPARED = (
    "equals", "does not equal", "contains", "does not contain", "matches regex",
    "does not match regex", "greater than", "less than", "is set", "is not set",
)  # fmt: skip
PATTERNS = ("^a", "(?i)a", r"\d", "ß|é", "^$", r"\.0$", "true", ".")


@st.composite
def rules(draw: st.DrawFn) -> dict[str, Any]:
    operator = draw(st.sampled_from((*COMPARED, "happened", "did not happen")))
    wanted = draw(scalars)
    if "regex" in operator:
        wanted = draw(st.sampled_from(PATTERNS))
    if "than" in operator:
        wanted = draw(st.sampled_from(NUMBERS) | st.floats(allow_nan=False, allow_infinity=False))
    return {
        "type": "website-events", "event": draw(st.sampled_from(NAMES)), "operator": operator,
        "event_parameter": draw(st.sampled_from(PROPERTIES)), "value": wanted,
    }  # fmt: skip


documents = st.lists(
    rules() | st.lists(rules() | st.lists(rules(), min_size=1, max_size=2), min_size=1, max_size=3),
    max_size=3,
)


def found(db: sqlite3.Connection, shop: Shop, wanted: Criteria, **more: Any) -> set[int]:
    """Whom SQL finds."""
    condition = criteria_sql.condition(
        db, shop.list_id, Members(wanted), named=lambda _: None, now_ms=shop.now_ms, **more
    )
    return set(audience.ids(db, shop.list_id, condition))


def meant(wanted: Group, events: list[StoredEvent]) -> bool:
    """Whether a person with these events is meant: each rule by itself, of any of the events."""

    def holds(member: Any) -> bool:
        if isinstance(member, Group):
            return meant(member, events)
        assert isinstance(member, EventRule)
        had = any(
            criteria.is_meant(member, each.properties, each.event, kind_of(each.event))
            for each in events
        )
        return had != member.absent

    judged = [holds(member) for member in wanted.members]
    return all(judged) if wanted.every or not judged else any(judged)


def people_with(shop: Shop, histories: list[list[tuple[str, dict[str, Any]]]]) -> list[int]:
    """A person for each history, by a browser of their own."""
    made = []
    for number, history in enumerate(histories):
        browser = shop.browser()
        person = shop.person(f"p{number}@example.com")
        for name, properties in history:
            shop.send(name, browser, properties=dict(properties))
        if history:
            people.point(shop.db, shop.visitor(browser).id, person.id, 1)
        made.append(person.id)
    return made


@pytest.mark.slow
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    histories=st.lists(st.lists(event, max_size=3), min_size=1, max_size=4),
    document=documents,
    match_all=st.booleans(),
    folded=st.integers(0, 12),
)
def test_segments_and_triggers_mean_the_same(
    shop: Shop, histories: Any, document: Any, match_all: bool, folded: int
) -> None:
    """However much of the log is in the summary, and whether all are asked for or one. A value
    that nothing can be compared with is refused, and nothing is to be held equal."""
    try:
        wanted = criteria.parse(document, match_all=match_all)
    except Refused:
        return
    db = shop.db
    db.execute("savepoint example")
    try:
        ids = people_with(shop, histories)
        happenings.fold_some(db, folded)
        expected = set()
        for person in ids:
            events = event_log.newest_of_subscriber(db, person, rows=9, offset=0)
            if meant(wanted, events):
                expected.add(person)
            if len(events) == 1:
                (only,) = events
                judged = criteria.matches(wanted, only.properties, only.event, kind_of(only.event))
                assert judged is (person in expected)
        assert found(db, shop, wanted) == expected
        for person in ids:
            alone = found(db, shop, wanted, subscriber_id=person) & {person}
            assert alone == expected & {person}
    finally:
        db.execute("rollback to example")
        db.execute("release example")
