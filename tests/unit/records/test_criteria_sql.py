"""Whom criteria mean: what SQL finds among many people's events is what `matches` says of each."""

import sqlite3
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.events import criteria
from gateway.events.criteria import Criteria, EventRule, Group
from gateway.events.vocabulary import kind_of
from gateway.records import audience, criteria_sql, event_log, happenings, people
from gateway.records.criteria_sql import Members
from gateway.records.event_log import StoredEvent
from tests.unit.records.comparing import COMPARED, NUMBERS, PATTERNS, scalars, values, variations
from tests.unit.records.shop import Shop

ODD = 'an "odd" \\name\n'
PROPERTIES = ("$pageTitle", "$screen_width", "$device_type", "price", "ключ", ODD, "missing",
              "$list_id", "$uuid", "$sent_at")  # fmt: skip
NAMES = ("pageView", "page_view", "buy", "Kauf ü")
History = list[tuple[str, dict[str, Any]]]


@dataclass
class Scenario:
    """What some people did, and rules about the few things that were done."""

    histories: list[History]
    document: list[Any]


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=2))
    parameters = draw(st.lists(st.sampled_from(PROPERTIES), min_size=1, max_size=2))
    said = draw(st.lists(values, min_size=1, max_size=4))
    event = st.tuples(
        st.sampled_from(names),
        st.dictionaries(st.sampled_from(parameters), st.sampled_from(said), max_size=2),
    )
    near = [variation for value in said for variation in variations(value)]
    rule = rules(names, parameters, st.sampled_from(near) | scalars if near else scalars)
    group = st.lists(rule | st.lists(rule, min_size=1, max_size=2), min_size=1, max_size=2)
    return Scenario(
        draw(st.lists(st.lists(event, max_size=3), min_size=1, max_size=4)),
        draw(st.lists(rule | group, max_size=2)),
    )


@st.composite
def rules(
    draw: st.DrawFn, names: list[str], parameters: list[str], wanted: st.SearchStrategy[Any]
) -> dict[str, Any]:
    operator = draw(st.sampled_from((*COMPARED, "happened", "did not happen")))
    if "regex" in operator:
        wanted = st.sampled_from(PATTERNS)
    if "than" in operator:
        wanted = wanted.filter(lambda value: not isinstance(value, str | bool))
        wanted |= st.sampled_from(NUMBERS)
    return {
        "type": "website-events", "event": draw(st.sampled_from(names)), "operator": operator,
        "event_parameter": draw(st.sampled_from(parameters)),
        "value": draw(wanted.filter(lambda value: value != "")),
    }  # fmt: skip


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


def people_with(shop: Shop, histories: list[History]) -> list[int]:
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
    max_examples=250,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    scenario=scenarios(),
    match_all=st.booleans(),
    folded=st.integers(0, 12),
    frequent=st.sampled_from((1, 1_000)),
)
def test_segments_and_triggers_mean_the_same(
    shop: Shop, scenario: Scenario, match_all: bool, folded: int, frequent: int
) -> None:
    """However much of the log is in the summary, whichever way the events are read, and whether
    all are asked for or one."""
    wanted = criteria.parse(scenario.document, match_all=match_all)
    db = shop.db
    db.execute("savepoint example")
    try:
        ids = people_with(shop, scenario.histories)
        happenings.fold_some(db, folded)
        expected = {person for person in ids if is_member(shop, wanted, person)}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(criteria_sql, "FREQUENT", frequent)
            assert found(db, shop, wanted) == expected
        for person in ids:
            alone = found(db, shop, wanted, subscriber_id=person) & {person}
            assert alone == expected & {person}
    finally:
        db.execute("rollback to example")
        db.execute("release example")


def is_member(shop: Shop, wanted: Criteria, person: int) -> bool:
    """What Python says; of somebody's only event what a trigger says of it."""
    events = event_log.newest_of_subscriber(shop.db, person, rows=9, offset=0)
    member = meant(wanted, events)
    if len(events) == 1:
        (only,) = events
        judged = criteria.matches(wanted, only.properties, only.event, kind_of(only.event))
        assert judged is member
    return member
