"""Every property name seen with each event name of a list."""

import sqlite3
from typing import Any

from gateway.events.event import Enriched
from gateway.events.vocabulary import STANDARD_PROPERTIES
from gateway.ingest.record import record
from gateway.records import catalog, event_log, lists
from gateway.settings import Limits
from tests.unit.builders import ACCOUNT_ID, LIST_ID, NOW_MS, enriched, server_call, source, visitor

STANDARD = list(STANDARD_PROPERTIES)


def keep(db: sqlite3.Connection, *events: Enriched, **limits: Any) -> None:
    for event in events:
        record(db, event, Limits(**limits))


def counters(db: sqlite3.Connection) -> tuple[int, int]:
    row = db.execute("select catalog_names, catalog_overflow from lists").fetchone()
    return row["catalog_names"], row["catalog_overflow"]


def test_a_list_that_saw_nothing_has_an_empty_catalog(db: sqlite3.Connection) -> None:
    assert catalog.for_list(db, LIST_ID) == {}


def test_the_first_event_of_a_name_brings_all_standard_properties(db: sqlite3.Connection) -> None:
    keep(db, enriched("cart"))
    assert catalog.for_list(db, LIST_ID) == {"cart": STANDARD}


def test_names_stand_in_ascii_order(db: sqlite3.Connection) -> None:
    """Capitals before small letters, `$` before both, and what is beyond ASCII last."""
    said = dict.fromkeys(["b", "B", "a", "_", "é", "~", "number-of", "#"])
    keep(db, enriched("beta"), enriched("Alpha"), enriched("$first"), enriched("été"))
    keep(db, enriched("beta", properties=said))
    found = catalog.for_list(db, LIST_ID)
    assert list(found) == ["$first", "Alpha", "beta", "été"]
    assert found["beta"] == ["#", *STANDARD, "B", "_", "a", "b", "number-of", "~", "é"]


def test_a_property_is_noted_with_the_events_it_came_with(db: sqlite3.Connection) -> None:
    keep(db, enriched("a", properties={"x": 1}), enriched("b", properties={"y": None}))
    keep(db, enriched("a", properties={"x": 2, "z": 1}), enriched("a"))
    found = catalog.for_list(db, LIST_ID)
    assert found["a"] == [*STANDARD, "x", "z"]
    assert found["b"] == [*STANDARD, "y"]


def test_a_list_s_catalog_holds_only_its_own(db: sqlite3.Connection) -> None:
    other = lists.create(db, ACCOUNT_ID, "Other", (), NOW_MS)
    keep(db, enriched("theirs", seen=source(list_id=other.id)), enriched("ours"))
    assert list(catalog.for_list(db, LIST_ID)) == ["ours"]


def test_a_full_catalog_counts_what_comes_and_keeps_the_event_all_the_same(
    db: sqlite3.Connection,
) -> None:
    room = len(STANDARD) + 2
    keep(db, enriched("a", properties={"x": 1, "y": 1}), catalog_names_max=room)
    assert counters(db) == (room, 0)
    keep(db, enriched("a", properties={"z": 1}), enriched("b"), catalog_names_max=room)
    assert counters(db) == (room, 1 + len(STANDARD))
    assert catalog.for_list(db, LIST_ID) == {"a": [*STANDARD, "x", "y"]}
    assert event_log.count(db, LIST_ID) == 3


def test_a_catalog_with_little_room_takes_what_fits(db: sqlite3.Connection) -> None:
    keep(db, enriched("a"), catalog_names_max=len(STANDARD) + 1)
    keep(db, enriched("a", properties={"q": 1, "p": 1}), catalog_names_max=len(STANDARD) + 1)
    assert counters(db) == (len(STANDARD) + 1, 1)
    assert catalog.for_list(db, LIST_ID)["a"] == [*STANDARD, "p"]


def test_the_reference_s_sample_is_reproduced_to_the_letter(db: sqlite3.Connection) -> None:
    """A page view and an identify from the tracker, then the sample `test` event by the API."""
    page = {"$pageTitle": "Home", "$current_url": "https://shop.example/"}
    seen = source(visitor=visitor(1))
    tracked = {"emailAddress": "a@example.com", "firstName": "A", "lastName": "B"}
    sample = {"number-of-subscribers-imported": 100}
    keep(
        db,
        enriched("pageView", properties={**page, "url": "/x"}, seen=seen),
        enriched("identify", properties=page | tracked, email="a@example.com", seen=seen),
        server_call("test", properties=sample, external_id="user-id-2006", email="2006@test.com"),
    )
    api_only = ["$id", "$page_title"]
    imported = "number-of-subscribers-imported"
    assert catalog.for_list(db, LIST_ID) == {
        "identify": sorted([*STANDARD, *api_only, "$pageTitle", *tracked, imported]),
        "pageView": sorted([*STANDARD, "$pageTitle", "url"]),
        "test": sorted([*STANDARD, *api_only, imported]),
    }
