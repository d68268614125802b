"""The events: how they are kept, and how they come out again."""

import sqlite3
import uuid as uuids
from typing import Any

import pytest

from gateway.events.event import Enriched
from gateway.events.vocabulary import STANDARD_PROPERTIES
from gateway.ingest.record import record
from gateway.records import event_log, lists
from gateway.settings import Limits
from tests.unit.builders import ACCOUNT_ID, LIST_ID, NOW_MS, enriched, server_call, source, visitor
from tests.unit.records.shop import Shop


def keep(db: sqlite3.Connection, *events: Enriched) -> None:
    for event in events:
        record(db, event, Limits())


def only(db: sqlite3.Connection, event: Enriched) -> event_log.StoredEvent:
    """The event as it comes out again."""
    keep(db, event)
    [stored] = event_log.each(db, LIST_ID)
    return stored


def count(db: sqlite3.Connection, table: str) -> int:
    return int(db.execute(f"select count(*) from {table}").fetchone()[0])


def test_every_event_has_all_standard_properties_null_where_not_known(
    db: sqlite3.Connection,
) -> None:
    properties = only(db, enriched(seen=source(visitor=visitor(1), sent_at_ms=NOW_MS))).properties
    assert set(properties) == set(STANDARD_PROPERTIES)
    known = {name: value for name, value in properties.items() if value is not None}
    assert known == {
        "$browser": "Chrome",
        "$browser_version": "120.0.0",
        "$os": "Windows",
        "$device": "Other",
        "$device_type": "desktop",
        "$dsn": "https://track.example.com/e",
        "$server": "track.example.com",
        "$list_id": LIST_ID,
        "$uuid": str(visitor(1)),
        "$sent_at": "2026-02-02T02:40:00.000Z",
    }


def test_an_event_comes_out_with_everything_that_went_in(db: sqlite3.Connection) -> None:
    said: dict[str, Any] = {
        "$screen_width": 1280, "$current_url": "https://shop.example/a", "text": "é \0 ☃ 💥",
        "number": 290.5, "big": 2**63 - 1, "none": None, "yes": True, "deep": {"a": [1, {"b": []}]},
    }  # fmt: skip
    event_id = "aae6840b-3b7e-4f95-a9d5-6dbf5da8d84d"
    event = enriched(
        "add_to_shopping_cart",
        properties=said,
        event_id=event_id,
        at_ms=NOW_MS - 1_000,
        silent=True,
        seen=source(visitor=visitor(1), sent_at_ms=NOW_MS - 500),
    )
    stored = only(db, event)
    assert stored.properties.items() >= said.items()
    assert stored.properties["$host"] == "shop.example"
    assert (stored.event, stored.source) == ("add_to_shopping_cart", "tracker")
    assert (stored.event_id, stored.uuid) == (event_id, str(visitor(1)))
    assert stored.happened_at_ms == NOW_MS - 1_000
    assert (stored.sent_at_ms, stored.received_at_ms) == (NOW_MS - 500, NOW_MS)
    assert stored.silent


@pytest.mark.parametrize(
    ("name", "kind"),
    [("page_view", "page view"), ("conversion", "conversion"), ("x", "custom")],
)
def test_a_name_is_kept_as_sent_with_its_kind(db: sqlite3.Connection, name: str, kind: str) -> None:
    properties = {"conversion-id": 1, "conversion-name": "x", "conversion-value": 1}
    stored = only(db, server_call(name, properties=properties))
    assert (stored.event, stored.kind, stored.source) == (name, kind, "api")


def test_nobody_may_speak_for_the_gateway_from_the_past(db: sqlite3.Connection) -> None:
    """What the file says of a visitor is what is true now, whatever was stored with the event."""
    stored = only(db, enriched(properties={"$uuid": "x", "$list_id": 9, "$sent_at": "x"}))
    assert stored.properties["$uuid"] == stored.uuid
    assert (stored.properties["$list_id"], stored.properties["$sent_at"]) == (LIST_ID, None)


def test_what_events_share_is_kept_once(db: sqlite3.Connection) -> None:
    page = {"$current_url": "https://shop.example/a", "$screen_width": 1280}
    for number in range(5):
        keep(db, enriched("x", properties={**page, "n": number}))
    assert count(db, "events") == 5
    assert count(db, "contexts") == 2
    keep(db, enriched("x", properties={**page, "$current_url": "https://shop.example/b"}))
    assert count(db, "contexts") == 3


def test_the_order_of_properties_makes_no_second_context(db: sqlite3.Connection) -> None:
    pairs = [("$screen_width", 1), ("$screen_height", 2), ("url", "u"), ("$pageTitle", "t")]
    keep(db, enriched(properties=dict(pairs)), enriched(properties=dict(pairs[::-1])))
    assert count(db, "contexts") == 2


def test_an_event_is_found_by_its_id_on_its_own_list_only(db: sqlite3.Connection) -> None:
    event = enriched(event_id="order-1")
    keep(db, event)
    found = event_log.find(db, LIST_ID, event.unique_id)
    assert found
    assert not found.sent_identify
    assert event_log.find(db, LIST_ID + 1, event.unique_id) is None


def test_the_file_itself_takes_no_event_twice(db: sqlite3.Connection) -> None:
    event = enriched(event_id="order-1", seen=source(visitor=visitor(1)))
    keep(db, event)
    row = db.execute("select visitor_id, name_id, browser_id, page_id from events").fetchone()
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        event_log.append(db, event, **dict(row))


def test_events_of_a_visitor_become_the_person_s_once_it_is_named(db: sqlite3.Connection) -> None:
    """Past ones too: the pointer is the visitor's, so no event is rewritten."""
    seen = source(visitor=visitor(1))
    keep(db, enriched(seen=seen), enriched("identify", email="ada@example.com", seen=seen))
    assert [event.email for event in event_log.each(db, LIST_ID)] == ["ada@example.com"] * 2


def test_events_are_read_in_the_order_they_were_stored_page_by_page(
    db: sqlite3.Connection,
) -> None:
    other = lists.create(db, ACCOUNT_ID, "Other", (), NOW_MS)
    for number in range(7):
        keep(db, enriched(f"e{number}"), enriched("theirs", seen=source(list_id=other.id)))
    names = [f"e{number}" for number in range(7)]
    assert [event.event for event in event_log.each(db, LIST_ID)] == names
    first = event_log.after(db, 0, list_id=LIST_ID, rows=3)
    then = event_log.after(db, first[-1].id, list_id=LIST_ID, rows=3)
    assert [event.event for event in first + then] == names[:6]
    latest = event_log.latest(db, list_id=LIST_ID, rows=3)
    assert [event.event for event in latest] == names[4:]
    assert len(event_log.after(db, 0)) == 14
    assert event_log.count(db, LIST_ID) == 7
    assert event_log.last_id(db) == event_log.latest(db, rows=1)[0].id


def test_more_events_than_a_page_are_all_read_once(db: sqlite3.Connection) -> None:
    total = event_log.PAGE_ROWS * 2 + 1
    keep(db, *(enriched() for _ in range(total)))
    ids = [event.id for event in event_log.each(db, LIST_ID)]
    assert len(ids) == len(set(ids)) == total


def test_an_empty_log_is_empty(db: sqlite3.Connection) -> None:
    assert list(event_log.each(db, LIST_ID)) == []
    assert event_log.latest(db) == []
    assert (event_log.last_id(db), event_log.count(db, LIST_ID)) == (0, 0)
    assert event_log.find(db, LIST_ID, uuids.uuid4().bytes) is None


def test_the_newest_of_a_list_is_the_one_that_happened_last(db: sqlite3.Connection) -> None:
    """Of all names; a list that has none has no newest."""
    assert event_log.newest_of_list(db, LIST_ID) is None
    keep(db, enriched(name="first"), enriched(name="second"))
    newest = event_log.newest_of_list(db, LIST_ID)
    assert newest
    latest = max(event_log.each(db, LIST_ID), key=lambda each: each.happened_at_ms)
    assert newest.happened_at_ms == latest.happened_at_ms
    keep(db, enriched(name="first", seen=source(received_at_ms=NOW_MS + 60_000)))
    newest = event_log.newest_of_list(db, LIST_ID)
    assert newest
    assert (newest.event, newest.happened_at_ms) == ("first", NOW_MS + 60_000)
    assert event_log.newest_of_list(db, LIST_ID + 1) is None


def test_the_newest_events_are_read_page_by_page(shop: Shop) -> None:
    """Of a person whichever browsers they came from, and of one browser alone."""
    first, second = shop.browser(), shop.browser()
    for browser in (first, second):
        shop.identify(browser, "ann@example.com")
    for number in range(6):
        shop.send(str(number), (first, second)[number % 2])
    ann = shop.visitor(first).subscriber_id
    assert ann
    page = event_log.newest_of_subscriber(shop.db, ann, rows=4)
    assert [each.event for each in page] == ["5", "4", "3", "2"]
    page = event_log.newest_of_subscriber(shop.db, ann, rows=4, before_id=page[-1].id)
    assert [each.event for each in page] == ["1", "0", "identify", "identify"]
    page = event_log.newest_of_visitor(shop.db, shop.visitor(first).id, rows=2)
    assert [each.event for each in page] == ["4", "2"]
    page = event_log.newest_of_visitor(
        shop.db, shop.visitor(first).id, rows=9, before_id=page[-1].id
    )
    assert [each.event for each in page] == ["0", "identify"]


def test_where_events_are_is_found_by_their_own_ids(shop: Shop) -> None:
    """Those that are gone, or another list's, are left out."""
    shop.view(shop.browser())
    shop.view(shop.browser())
    stored = event_log.latest(shop.db)
    ids = [each.event_id for each in stored]
    unknown = "00000000-0000-4000-8000-000000000000"
    found = event_log.ids_of(shop.db, shop.list_id, [*ids, unknown])
    assert found == {each.event_id: each.id for each in stored}
    assert event_log.ids_of(shop.db, shop.list_id + 1, ids) == {}
