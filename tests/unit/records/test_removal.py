"""A deleted list goes in small steps, in the order its foreign keys ask, and entirely."""

import sqlite3

import pytest

from gateway import clock
from gateway.events.vocabulary import Door
from gateway.records import bindings, event_log, journeys, lists, people, removal, webhooks
from gateway.records.journeys import Journey
from tests.unit.records.journeying import journey, owed
from tests.unit.records.shop import NOON_MS, Shop


def test_every_table_that_belongs_to_a_list_is_taken_away(db: sqlite3.Connection) -> None:
    """A new table with a list_id must be among the steps, or no list could ever be removed."""
    tables = [
        row["name"] for row in db.execute("select name from sqlite_master where type='table'")
    ]
    belonging = {
        table
        for table in tables
        for key in db.execute(f"pragma foreign_key_list({table})")
        if key["table"] == "lists"
    }
    steps = " ".join(removal._STEPS)
    assert {t for t in belonging if f"delete from {t} " not in steps} == {"events"}


def in_a_journey(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Journey:
    """A journey that three events came into, of two people."""
    monkeypatch.setattr(clock, "now_ms", lambda: shop.now_ms)
    made = journey(shop)
    for n in (1, 1, 2):
        shop.send("cart", email=f"{n}@example.com", door=Door.API)
    assert len(owed(shop, made)) == 3
    return made


def left(db: sqlite3.Connection) -> list[int]:
    tables = ("journeys", "webhooks", "enrolments", "outbox")
    return [db.execute(f"select count(*) from {table}").fetchone()[0] for table in tables]


@pytest.mark.parametrize("rows", [1, 2, 50])
def test_a_list_takes_its_journeys_and_what_they_owe_along(
    db: sqlite3.Connection, shop: Shop, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    in_a_journey(shop, monkeypatch)
    lists.bury(db, shop.list_id, NOON_MS)
    while removal.remove_some(db, shop.list_id, rows):
        pass
    assert left(db) == [0, 0, 0, 0]


@pytest.mark.parametrize("rows", [1, 2, 50])
def test_a_deleted_journey_goes_in_steps_and_alone(
    db: sqlite3.Connection, shop: Shop, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    made = in_a_journey(shop, monkeypatch)
    journey(shop)
    assert not removal.has_journeys(db)
    journeys.bury(db, made.id, NOON_MS)
    assert removal.has_journeys(db)
    while removal.remove_some_of_journeys(db, rows):
        pass
    assert left(db) == [1, 1, 0, 0]


def test_a_removed_webhook_takes_what_it_owes_along(
    db: sqlite3.Connection, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = in_a_journey(shop, monkeypatch)
    webhooks.replace(db, made.id, [], NOON_MS)
    while removal.remove_some_of_journeys(db):
        pass
    assert left(db) == [1, 0, 3, 0]


def test_who_leaves_a_list_leaves_its_journeys(
    db: sqlite3.Connection, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = in_a_journey(shop, monkeypatch)
    removal.remove_subscriber(db, owed(shop, made)[0].subscriber_id)
    assert left(db) == [1, 1, 1, 1]


@pytest.mark.parametrize("rows", [1, 2, 50])
def test_a_list_with_causes_and_undone_bindings_goes_in_steps_of_any_size(
    db: sqlite3.Connection, shop: Shop, rows: int
) -> None:
    browser = shop.browser()
    for n in range(5):
        shop.send("test", browser, email=f"{n}@example.com")
    visitor = shop.visitor(browser)
    [entry] = bindings.of_visitor(db, shop.list_id, visitor.uuid.bytes)
    bindings.undo(db, entry.id, NOON_MS)
    assert event_log.count(db, shop.list_id) == 10  # each brought an identify of its own
    lists.bury(db, shop.list_id, NOON_MS)
    steps = 0
    while removal.remove_some(db, shop.list_id, rows):
        steps += 1
        assert steps < 1_000
    assert lists.buried(db) == []
    assert event_log.count(db, shop.list_id) == 0
    assert db.execute("pragma foreign_key_check").fetchall() == []


def test_no_step_takes_more_than_it_may(db: sqlite3.Connection, shop: Shop) -> None:
    for _ in range(30):
        shop.send("test", shop.browser())
    lists.bury(db, shop.list_id, NOON_MS)
    left = True
    while left:
        before = db.total_changes
        left = removal.remove_some(db, shop.list_id, 10)
        assert db.total_changes - before <= 10


def test_a_list_that_is_not_deleted_keeps_its_row(db: sqlite3.Connection, shop: Shop) -> None:
    removal.remove_some(db, shop.list_id)
    assert lists.get(db, shop.list_id) is not None


def test_a_page_of_a_persons_events_costs_the_same_however_many_there_are(
    db: sqlite3.Connection, shop: Shop
) -> None:
    """Counted in steps of SQLite's machine, so that it holds on any machine."""
    browser = shop.browser()
    shop.send("identify", browser, email="ann@example.com")
    person = people.subscriber_by_email(db, shop.list_id, "ann@example.com")
    assert person is not None

    def cost() -> int:
        steps = 0

        def count() -> int:
            nonlocal steps
            steps += 1
            return 0

        db.set_progress_handler(count, 1)
        found = event_log.newest_of_subscriber(db, person.id, rows=5, offset=0)
        db.set_progress_handler(None, 1)
        assert [event.id for event in found] == sorted((e.id for e in found), reverse=True)
        assert len(found) == 5
        return steps

    for _ in range(10):
        shop.send("test", browser)
    few = cost()
    for _ in range(500):
        shop.send("test", browser)
    assert cost() < few * 1.5
