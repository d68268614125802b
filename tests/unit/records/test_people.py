"""Visitors and subscribers."""

import sqlite3

from gateway.ingest.record import record
from gateway.records import lists, people
from gateway.records.bindings import By
from gateway.settings import Limits
from tests.unit.builders import ACCOUNT_ID, LIST_ID, NOW_MS, enriched, server_call, source, visitor


def test_a_visitor_is_made_at_its_first_event_and_found_again(db: sqlite3.Connection) -> None:
    first = people.visitor_by_uuid(db, LIST_ID, visitor(1).bytes, NOW_MS)
    assert (first.uuid, first.subscriber_id) == (visitor(1), None)
    assert people.visitor_by_uuid(db, LIST_ID, visitor(1).bytes, NOW_MS + 1) == first
    assert people.visitor(db, first.id) == first


def test_the_same_uuid_on_two_lists_is_two_visitors(db: sqlite3.Connection) -> None:
    other = lists.create(db, ACCOUNT_ID, "Other", (), NOW_MS)
    one = people.visitor_by_uuid(db, LIST_ID, visitor(1).bytes, NOW_MS)
    assert people.visitor_by_uuid(db, other.id, visitor(1).bytes, NOW_MS).id != one.id


def test_an_address_is_found_in_any_case_and_kept_as_first_given(db: sqlite3.Connection) -> None:
    first = people.subscribe(db, LIST_ID, "Ada@Example.com", NOW_MS)
    assert people.subscribe(db, LIST_ID, "ada@example.COM", NOW_MS + 1) == first
    assert first.email == "Ada@Example.com"
    assert people.subscriber_by_email(db, LIST_ID, "ADA@EXAMPLE.COM") == first
    assert people.subscriber_by_email(db, LIST_ID, "eve@example.com") is None


def test_the_same_address_on_two_lists_is_two_people(db: sqlite3.Connection) -> None:
    other = lists.create(db, ACCOUNT_ID, "Other", (), NOW_MS)
    one = people.subscribe(db, LIST_ID, "a@example.com", NOW_MS)
    assert people.subscriber_by_email(db, other.id, "a@example.com") is None
    assert people.subscribe(db, other.id, "a@example.com", NOW_MS).id != one.id


def test_a_visitor_is_bound_to_one_address(db: sqlite3.Connection) -> None:
    known = people.visitor_by_uuid(db, LIST_ID, visitor(1).bytes, NOW_MS)
    person = people.subscribe(db, LIST_ID, "A@example.com", NOW_MS)
    people.point(db, known.id, person.id, By.IDENTIFY)
    assert people.is_bound(db, LIST_ID, visitor(1).bytes, "a@EXAMPLE.com")
    assert not people.is_bound(db, LIST_ID, visitor(1).bytes, "b@example.com")
    assert not people.is_bound(db, LIST_ID, visitor(2).bytes, "a@example.com")
    assert not people.is_bound(db, LIST_ID + 1, visitor(1).bytes, "a@example.com")


def test_the_latest_visitor_of_a_person_is_where_the_latest_event_came_from(
    db: sqlite3.Connection,
) -> None:
    """Not the visitor that was made last."""
    for number in (1, 2, 1):
        record(
            db,
            enriched(email="a@example.com", seen=source(visitor=visitor(number))),
            Limits(),
        )
    person = people.subscriber_by_email(db, LIST_ID, "a@example.com")
    assert person
    latest = people.latest_visitor_of_subscriber(db, person.id)
    assert latest is not None
    assert latest.uuid == visitor(1)


def test_a_sender_s_id_finds_the_person_it_was_kept_for(db: sqlite3.Connection) -> None:
    person = people.subscribe(db, LIST_ID, "a@example.com", NOW_MS)
    people.name_subscriber(db, person.id, "user-1")
    found = people.subscriber_by_external_id(db, LIST_ID, "user-1")
    assert found is not None
    assert (found.id, found.external_id) == (person.id, "user-1")
    assert people.subscriber_by_external_id(db, LIST_ID, "USER-1") is None
    assert people.subscriber_by_external_id(db, LIST_ID + 1, "user-1") is None


def test_a_sender_s_id_finds_a_visitor_who_is_nobody_yet(db: sqlite3.Connection) -> None:
    receipt = record(db, server_call("x", external_id="user-1"), Limits())
    found = people.latest_visitor_by_external_id(db, LIST_ID, "user-1")
    assert found is not None
    assert str(found.uuid) == receipt.uuid
    assert people.latest_visitor_by_external_id(db, LIST_ID, "user-2") is None
