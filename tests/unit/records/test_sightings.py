"""The catalog's figures: each event counted once, from the log, and nothing personal in them."""

import asyncio
import sqlite3
from collections.abc import Sequence
from typing import Any

import pytest

from gateway.events.vocabulary import Door
from gateway.records import catalog, erasure, lists, removal, rights, seen, sightings
from gateway.records.rights import Name
from gateway.records.seen import SeenEvent, SeenProperty
from gateway.store.database import savepoint
from tests import traces
from tests.unit.records.shop import NOON_MS, Shop

ANN = "Ann@example.com"


def count(db: sqlite3.Connection, events: int = 1_000) -> int:
    """Count everything, so many events at a time. In how many steps."""
    steps = 0
    while gathered := sightings.gather(db, events):
        assert sightings.add(db, gathered)
        steps += 1
    return steps


def send(shop: Shop, *values: Any, name: str = "cart", **more: Any) -> None:
    """An event for each value of its property `a`; without it for an Ellipsis."""
    for value in values:
        properties = {} if value is ... else {"a": value}
        shop.send(name, shop.browser(), properties=properties, **more)


def event(shop: Shop, name: str = "cart") -> SeenEvent:
    [found] = [each for each in seen.events(shop.db, shop.list_id, rows=99)[0] if each.name == name]
    return found


def a(shop: Shop, property_name: str = "a") -> SeenProperty:
    found = seen.properties(shop.db, event(shop))
    return next(each for each in found if each.name == property_name)


def table(shop: Shop) -> list[tuple[Any, ...]]:
    rows = shop.db.execute("select * from seen_properties order by name_id, property, type")
    return [tuple(row) for row in rows]


def test_an_event_has_its_count_its_senders_and_its_times(shop: Shop) -> None:
    send(shop, 1, 2, at_ms=NOON_MS)
    send(shop, 3, door=Door.API, at_ms=NOON_MS + 5_000)
    count(shop.db)
    cart = event(shop)
    assert (cart.count, cart.senders) == (3, [("tracker", 2), ("API", 1)])
    assert (cart.first_at_ms, cart.last_at_ms) == (NOON_MS, NOON_MS + 5_000)


def test_a_property_has_its_types_each_with_its_share(shop: Shop) -> None:
    """Mixed types are shown, whatever they are."""
    send(shop, "5", "5", "6", 5, True, None, [1], {"b": 1}, ..., "5")
    count(shop.db)
    assert {each.type: each.count for each in a(shop).types} == {
        "text": 4, "number": 1, "true/false": 1, "null": 1, "list": 1, "object": 1,
    }  # fmt: skip
    assert (a(shop).count, a(shop).is_mixed) == (9, True)
    assert a(shop).types[0].examples == ["5", "6"]


def test_standard_properties_are_counted_though_they_are_kept_once_for_many(shop: Shop) -> None:
    browser = shop.browser()
    for page in ("/", "/", "/mug"):
        shop.send("cart", browser, page=page)
    count(shop.db)
    url = a(shop, "$current_url")
    assert (url.count, url.examples) == (3, ["https://shop.example/", "https://shop.example/mug"])
    assert a(shop, "$referrer").types == []


@pytest.mark.parametrize("events", [1, 2, 7, 1_000])
def test_the_figures_are_the_same_in_steps_of_any_size(shop: Shop, events: int) -> None:
    """But for the examples, of which the newest step's come first."""
    values = [1, "x", ..., None, 2, "y", 3.5, ..., "z", 4, "u", "v"]
    send(shop, *values)
    assert count(shop.db, events) == -(-len(values) // events)
    rows = [row[:-1] for row in table(shop)]
    shop.db.executescript(
        "delete from seen_properties; delete from seen_events; update seen_upto set event_id = 0"
    )
    count(shop.db)
    assert [row[:-1] for row in table(shop)] == rows


def test_the_newest_examples_are_kept(shop: Shop) -> None:
    send(shop, "a", "b", "c", "d")
    count(shop.db)
    send(shop, "e", "a")
    count(shop.db)
    assert a(shop).examples == ["e", "a", "b"]


def test_an_example_has_nothing_personal(shop: Shop) -> None:
    send(shop, "ask ann@example.com")
    shop.send("cart", properties={"email": "ann@example.com", "b": {"phone": "1"}})
    count(shop.db)
    assert a(shop).examples == ["ask [email]"]
    assert a(shop, "email").examples == ["[hidden]"]
    assert a(shop, "b").examples == ['{"phone":"[hidden]"}']


def test_what_is_shown_of_a_text_depends_on_the_property_it_is_in(shop: Shop) -> None:
    """Also where the same text comes again and again."""
    for _ in range(2):
        shop.send("cart", shop.browser(), properties={"a": "Rome", "city": "Rome"})
    count(shop.db)
    assert (a(shop).examples, a(shop, "city").examples) == (["Rome"], ["[hidden]"])


def test_a_property_that_is_now_of_another_type_has_changed(shop: Shop) -> None:
    send(shop, 1, 2, None, "3", "4")
    count(shop.db)
    changed = a(shop).changed_to
    assert changed
    assert changed.type == "text"
    assert not a(shop).is_mixed
    send(shop, 5)
    count(shop.db)
    assert a(shop).changed_to is None
    assert a(shop).is_mixed


def test_null_is_no_other_type(shop: Shop) -> None:
    send(shop, 1, None)
    count(shop.db)
    assert not a(shop).is_odd


@pytest.mark.parametrize("events", [3, 1_000])
def test_a_property_that_its_event_comes_without_has_vanished(shop: Shop, events: int) -> None:
    """Once ten of it are missing, also where it was never on all of them."""
    send(shop, 1, 2, 3)
    send(shop, *[...] * 9)
    count(shop.db, events)
    assert a(shop).missing_since == 0
    send(shop, ...)
    count(shop.db, events)
    assert a(shop).missing_since == 10
    send(shop, 4)
    count(shop.db, events)
    assert a(shop).missing_since == 0
    send(shop, *[...] * 29)
    count(shop.db, events)
    assert a(shop).missing_since == 0  # 4 in 14 had it: 9 of 29 would be expected
    send(shop, *[...] * 6)
    count(shop.db, events)
    assert a(shop).missing_since == 35


def test_only_what_is_in_the_catalog_is_counted(shop: Shop) -> None:
    """So whoever makes up names fills no table."""
    send(shop, 1)
    shop.send("made up", shop.browser(), properties={"b": 1})
    name_id = shop.db.execute("select id from event_names where name = 'made up'").fetchone()[0]
    shop.db.execute("delete from catalog where property = 'a' or name_id = ?", (name_id,))
    count(shop.db)
    assert [each.name for each in seen.events(shop.db, shop.list_id, rows=9)[0]] == ["cart"]
    assert "a" not in [row[1] for row in table(shop)]
    assert catalog.for_list(shop.db, shop.list_id).keys() == {"cart"}


def test_large_events_are_gathered_few_at_a_time(shop: Shop) -> None:
    """However many are asked for."""
    large = {f"p{number}": "x" * 8_000 for number in range(50)}
    for _ in range(6):
        shop.send("cart", properties=large)
    assert count(shop.db) == 2
    assert event(shop).count == 6


def test_large_contexts_are_gathered_few_at_a_time(shop: Shop) -> None:
    """Unless events share them: then they are read once."""
    browser = shop.browser()
    for number in range(300):
        shop.view(browser, f"/{number % 2}?{'x' * 4_000}")
    assert count(shop.db) == 1
    for number in range(300):
        shop.view(browser, f"/{number}?{'x' * 4_000}")
    assert count(shop.db) > 1


@pytest.mark.parametrize("values", [[1] * 100, range(40)])
def test_a_reading_takes_breath_again_and_again(shop: Shop, values: Sequence[int]) -> None:
    """While it reads events, and while it makes sense of all the different things they say."""
    send(shop, *values)
    breaths = []
    assert sightings.gather(shop.db, 1_000, lambda: breaths.append(1))
    assert len(breaths) >= len(values) / sightings.BREATH_EVENTS + len(set(values))


def test_what_others_counted_meanwhile_is_not_counted_twice(shop: Shop) -> None:
    send(shop, 1, 2)
    first, second = sightings.gather(shop.db, 1), sightings.gather(shop.db, 2)
    assert first
    assert second
    assert sightings.add(shop.db, first)
    assert not sightings.add(shop.db, second)
    count(shop.db)
    assert event(shop).count == 2


def test_how_far_the_figures_reach(shop: Shop) -> None:
    assert seen.behind(shop.db, shop.list_id).received_at_ms is None
    send(shop, 1, at_ms=NOON_MS)
    assert sightings.is_behind(shop.db)
    count(shop.db)
    assert not sightings.is_behind(shop.db)
    send(shop, 2, 3)
    behind = seen.behind(shop.db, shop.list_id)
    assert (behind.received_at_ms, behind.events, behind.all_told) == (NOON_MS, 2, True)


def test_an_event_is_found_by_its_name_or_a_property_in_any_case(shop: Shop) -> None:
    send(shop, 1, name="Größe gewählt")
    shop.send("cart", properties={"Größe": 1, "color": 1})
    shop.send("other", properties={"b": 1})
    count(shop.db)
    found, total = seen.search(shop.db, shop.list_id, "GRÖSSE", rows=9)
    assert [(each.name, names) for each, names in found] == [
        ("Größe gewählt", frozenset()),
        ("cart", frozenset({"Größe"})),
    ]
    assert total == 2
    found, total = seen.search(shop.db, shop.list_id, "größe", rows=1, offset=1)
    assert ([each.name for each, _ in found], total) == (["cart"], 2)


def test_another_lists_events_are_not_in_it(shop: Shop) -> None:
    send(shop, 1)
    count(shop.db)
    other = lists.create(shop.db, shop.account_id, "Other", (), NOON_MS)
    assert seen.events(shop.db, other.id, rows=9) == ([], 0)
    assert seen.event(shop.db, other.id, event(shop).id) is None
    assert seen.search(shop.db, other.id, "cart", rows=9) == ([], 0)


def test_a_deleted_list_takes_its_figures_along(shop: Shop) -> None:
    send(shop, 1, "2")
    count(shop.db)
    lists.bury(shop.db, shop.list_id, NOON_MS)
    while removal.remove_some(shop.db, shop.list_id, 3):
        pass
    assert table(shop) == []
    assert shop.db.execute("select count(*) from seen_events").fetchone()[0] == 0
    assert lists.buried(shop.db) == []


def test_what_was_read_of_a_list_that_is_gone_since_is_left_out(shop: Shop) -> None:
    send(shop, 1)
    gathered = sightings.gather(shop.db, 9)
    assert gathered
    lists.bury(shop.db, shop.list_id, NOON_MS)
    while removal.remove_some(shop.db, shop.list_id, 50):
        pass
    assert sightings.add(shop.db, gathered)
    assert table(shop) == []


def erase_ann(shop: Shop) -> None:
    async def run(fn: Any) -> Any:
        with savepoint(shop.db):
            return fn(shop.db)

    [person] = rights.find(shop.db, [shop.list_id], Name(email=ANN))
    asyncio.run(erasure.erase(run, person, NOON_MS))


def test_an_erasure_leaves_no_example_behind(shop: Shop) -> None:
    """Also none that no mask could know for somebody's; what others send brings new ones."""
    shop.send("cart", shop.browser(), email=ANN, properties={"a": "Ann of Green Gables"})
    count(shop.db)
    assert "seen_properties.examples" in traces.of(shop.db, "green gables")
    erase_ann(shop)
    assert traces.of(shop.db, ANN, "green gables") == set()
    assert a(shop).count == 1
    send(shop, "blue")
    count(shop.db)
    assert a(shop).examples == ["blue"]


def test_what_was_read_before_an_erasure_is_not_put_in_after_it(shop: Shop) -> None:
    shop.send("cart", shop.browser(), email=ANN, properties={"a": "Ann of Green Gables"})
    gathered = sightings.gather(shop.db, 9)
    assert gathered
    erase_ann(shop)
    assert not sightings.add(shop.db, gathered)
    count(shop.db)
    assert traces.of(shop.db, "green gables") == set()
