"""The steps of one event."""

import sqlite3
import uuid as uuids
from typing import Any

import msgspec
import pytest

from gateway.events.event import Enriched
from gateway.ingest.record import Receipt, Result, record
from gateway.records import catalog, event_log, people
from gateway.settings import Limits
from tests.unit.builders import LIST_ID, enriched, server_call, source, visitor

ADA, EVE = "ada@example.com", "eve@example.com"


def take(db: sqlite3.Connection, event: Enriched) -> Receipt:
    return record(db, event, Limits())


def tracked(name: str, number: int = 1, **event: Any) -> Enriched:
    return enriched(name, seen=source(visitor=visitor(number)), **event)


def names(db: sqlite3.Connection) -> list[tuple[str, str | None]]:
    return [(event.event, event.email) for event in event_log.each(db, LIST_ID)]


def test_an_event_is_stored_and_answered_with_its_visitor(db: sqlite3.Connection) -> None:
    receipt = take(db, tracked("pageView"))
    assert receipt == Receipt(result=Result.STORED, uuid=str(visitor(1)))
    assert names(db) == [("pageView", None)]


def test_a_new_address_brings_an_identify_with_the_same_properties(db: sqlite3.Connection) -> None:
    receipt = take(db, server_call("test", email=ADA, external_id="u-1", properties={"n": 100}))
    assert (receipt.identify_event_sent, receipt.external_id) == (True, "u-1")
    first, second = event_log.each(db, LIST_ID)
    assert (first.event, second.event, second.kind) == ("test", "identify", "identify")
    assert first.properties == second.properties
    assert first.uuid == second.uuid == receipt.uuid
    assert first.event_id != second.event_id
    found = catalog.for_list(db, LIST_ID)
    assert found["test"] == found["identify"]


def test_an_address_bound_already_brings_none(db: sqlite3.Connection) -> None:
    take(db, server_call("test", email=ADA))
    receipt = take(db, server_call("test", email=ADA.upper()))
    assert not receipt.identify_event_sent
    assert [name for name, _ in names(db)] == ["test", "identify", "test"]


def test_an_identify_is_its_own_and_says_so_every_time(db: sqlite3.Connection) -> None:
    for _ in range(2):
        assert take(db, tracked("identify", email=ADA)).identify_event_sent
    assert names(db) == [("identify", ADA)] * 2


def test_a_second_address_goes_on_as_somebody_else(db: sqlite3.Connection) -> None:
    first = take(db, tracked("identify", email=ADA))
    second = take(db, tracked("identify", email=EVE))
    assert second.uuid != first.uuid
    assert names(db) == [("identify", ADA), ("identify", EVE)]


class TestTheSameEventAgain:
    @pytest.mark.parametrize(
        "event",
        [
            tracked("pageView", event_id="e-1"),
            tracked("identify", event_id="e-1", email=ADA),
            tracked("cart", event_id="e-1", email=ADA),
            server_call("x", event_id="e-1"),
            server_call("x", event_id="e-1", email=ADA, external_id="u-1"),
            server_call("identify", event_id="e-1", email=ADA),
        ],
        ids=lambda event: f"{event.door.name} {event.name} {event.email}",
    )
    def test_it_changes_nothing_and_is_answered_like_the_first(
        self, db: sqlite3.Connection, event: Enriched
    ) -> None:
        """Random ids too: the answer to a retry is the answer the sender missed."""
        first = take(db, event)
        before = list(db.iterdump())
        again = take(db, event)
        assert again == msgspec.structs.replace(first, result=Result.DUPLICATE)
        assert list(db.iterdump()) == before

    def test_it_may_say_something_else_and_still_changes_nothing(
        self, db: sqlite3.Connection
    ) -> None:
        take(db, server_call("x", event_id="e-1"))
        before = list(db.iterdump())
        other = server_call("y", event_id="e-1", email=EVE, uuid=str(visitor(9)))
        assert take(db, other).result is Result.DUPLICATE
        assert list(db.iterdump()) == before

    def test_it_keeps_its_answer_though_the_person_was_renamed(
        self, db: sqlite3.Connection
    ) -> None:
        first = take(db, server_call("x", event_id="e-1", email=ADA, external_id="u-1"))
        take(db, server_call("y", email=ADA, external_id="u-2"))
        again = take(db, server_call("x", event_id="e-1", email=ADA, external_id="u-1"))
        assert again.external_id == first.external_id == "u-1"


def test_events_without_an_id_are_each_an_event(db: sqlite3.Connection) -> None:
    for _ in range(3):
        assert take(db, tracked("pageView")).result is Result.STORED
    assert len(names(db)) == 3


def test_a_server_gets_a_visitor_and_an_id_even_when_it_names_nobody(
    db: sqlite3.Connection,
) -> None:
    receipt = take(db, server_call("page_view"))
    assert uuids.UUID(receipt.uuid)
    assert receipt.external_id
    assert not receipt.identify_event_sent


def test_an_address_not_on_the_list_is_subscribed(db: sqlite3.Connection) -> None:
    take(db, server_call("x", email="Ada@Example.com"))
    person = people.subscriber_by_email(db, LIST_ID, ADA)
    assert person
    assert person.email == "Ada@Example.com"
