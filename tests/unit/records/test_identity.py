"""Whose event it is."""

import logging
import sqlite3
import uuid as uuids

import pytest

from gateway.events.event import Enriched
from gateway.records import identity, people
from gateway.records.identity import Person
from gateway.records.recall import Recall
from tests.unit.builders import LIST_ID, enriched, server_call, source, visitor

ADA, EVE = "ada@example.com", "eve@example.com"


def stitch(db: sqlite3.Connection, event: Enriched) -> Person:
    return identity.stitch(db, event, Recall())


def tracked(number: int, email: str | None = None, name: str = "identify") -> Enriched:
    """An event of a browser."""
    return enriched(name, email=email, seen=source(visitor=visitor(number)))


def bound_to(db: sqlite3.Connection, person: Person) -> str | None:
    subscriber_id = people.visitor(db, person.visitor.id).subscriber_id
    return people.subscriber(db, subscriber_id).email if subscriber_id else None


def test_a_visitor_nobody_named_is_nobody(db: sqlite3.Connection) -> None:
    person = stitch(db, tracked(1))
    assert (person.visitor.uuid, bound_to(db, person)) == (visitor(1), None)
    assert not person.newly_bound


def test_an_address_binds_its_visitor_once(db: sqlite3.Connection) -> None:
    first = stitch(db, tracked(1, ADA))
    assert first.newly_bound
    assert (first.visitor.uuid, bound_to(db, first)) == (visitor(1), ADA)
    again = stitch(db, tracked(1, ADA.upper()))
    assert again.visitor == first.visitor
    assert not again.newly_bound


def test_a_bound_visitor_stays_bound_without_being_named_again(db: sqlite3.Connection) -> None:
    stitch(db, tracked(1, ADA))
    assert bound_to(db, stitch(db, tracked(1, None, "pageView"))) == ADA


def test_one_person_may_have_several_browsers(db: sqlite3.Connection) -> None:
    one, other = (stitch(db, tracked(number, ADA)) for number in (1, 2))
    assert one.visitor.id != other.visitor.id
    assert bound_to(db, one) == bound_to(db, other) == ADA


class TestASecondAddressOnOneBrowser:
    def test_it_starts_a_new_visitor_and_leaves_the_first_person_s_alone(
        self, db: sqlite3.Connection
    ) -> None:
        ada = stitch(db, tracked(1, ADA))
        eve = stitch(db, tracked(1, EVE))
        assert eve.newly_bound
        assert eve.visitor.uuid != ada.visitor.uuid
        assert (bound_to(db, ada), bound_to(db, eve)) == (ADA, EVE)

    def test_said_again_it_is_the_same_new_visitor(self, db: sqlite3.Connection) -> None:
        """A page that resends what it got no answer to must not split off another."""
        stitch(db, tracked(1, ADA))
        eve, again = (stitch(db, tracked(1, EVE)) for _ in range(2))
        assert again.visitor == eve.visitor
        assert not again.newly_bound

    def test_the_new_visitor_is_told_by_nobody_s_guess(self, db: sqlite3.Connection) -> None:
        """Different people and different browsers split into different visitors."""
        split = set()
        for number in (1, 2):
            stitch(db, tracked(number, ADA))
            for email in (EVE, "bob@example.com"):
                split.add(stitch(db, tracked(number, email)).visitor.uuid)
        assert len(split) == 4


class TestServerCalls:
    def test_a_named_visitor_is_that_one(self, db: sqlite3.Connection) -> None:
        person = stitch(db, server_call("x", uuid=str(visitor(7))))
        assert person.visitor.uuid == visitor(7)

    def test_nobody_named_is_a_new_visitor_every_time(self, db: sqlite3.Connection) -> None:
        one, other = (stitch(db, server_call("x")) for _ in range(2))
        assert one.visitor.uuid != other.visitor.uuid
        assert one.external_id != other.external_id
        assert uuids.UUID(one.external_id or "")

    @pytest.mark.parametrize("named", [{"email": ADA.upper()}, {"external_id": "user-1"}])
    def test_a_person_named_is_found_with_the_browser_last_seen(
        self, db: sqlite3.Connection, named: dict[str, str]
    ) -> None:
        """By address or by the caller's own id: there, the answer has both."""
        stitch(db, server_call("x", uuid=str(visitor(7)), email=ADA, external_id="user-1"))
        person = stitch(db, server_call("y", **named))
        assert (person.visitor.uuid, person.external_id) == (visitor(7), "user-1")
        assert not person.newly_bound

    def test_an_id_names_a_visitor_who_is_nobody_yet(self, db: sqlite3.Connection) -> None:
        one, other = (stitch(db, server_call("x", external_id="user-1")) for _ in range(2))
        assert one.visitor.uuid == other.visitor.uuid

    def test_an_id_stays_with_the_person_once_the_visitor_is_somebody(
        self, db: sqlite3.Connection
    ) -> None:
        stitch(db, server_call("x", uuid=str(visitor(7)), external_id="user-1"))
        person = stitch(db, server_call("x", uuid=str(visitor(7)), email=ADA))
        assert person.external_id == "user-1"
        elsewhere = stitch(db, server_call("x", uuid=str(visitor(8)), email=ADA))
        assert elsewhere.external_id == "user-1"

    def test_an_id_given_now_goes_over_the_one_known(self, db: sqlite3.Connection) -> None:
        for external_id in ("user-1", "user-2"):
            person = stitch(db, server_call("x", email=ADA, external_id=external_id))
            assert person.external_id == external_id
        assert stitch(db, server_call("x", email=ADA)).external_id == "user-2"

    def test_a_random_id_is_kept_too(self, db: sqlite3.Connection) -> None:
        one, other = (stitch(db, server_call("x", email=ADA)) for _ in range(2))
        assert one.external_id == other.external_id


def test_browsers_neither_send_nor_receive_an_external_id(db: sqlite3.Connection) -> None:
    stitch(db, server_call("x", uuid=str(visitor(1)), email=ADA, external_id="user-1"))
    assert stitch(db, tracked(1, ADA)).external_id is None


@pytest.mark.parametrize("door", [enriched, server_call])
def test_a_hash_that_matches_nothing_creates_nobody_and_is_logged(
    db: sqlite3.Connection, caplog: pytest.LogCaptureFixture, door: type
) -> None:
    """And not the whole hash: it is as good as an address."""
    caplog.set_level(logging.INFO)
    digest = "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8"
    event = door("identify", external_id=digest)
    person = stitch(db, event)
    assert bound_to(db, person) is None
    assert db.execute("select count(*) from subscribers").fetchone()[0] == 0
    assert "unmatched hash" in caplog.text
    assert digest not in caplog.text


def test_an_event_of_one_list_finds_nobody_of_another(db: sqlite3.Connection) -> None:
    stitch(db, server_call("x", email=ADA, external_id="user-1"))
    assert people.subscriber_by_email(db, LIST_ID + 1, ADA) is None
    assert people.latest_visitor_by_external_id(db, LIST_ID + 1, "user-1") is None
