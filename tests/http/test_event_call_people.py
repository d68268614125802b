"""`event`: whose event it is, what comes back of it, and what is stored once, silently or never."""

import datetime
from typing import Any

import pytest

from gateway import clock
from tests.support import RunningGateway, Tracked

PHONE = "11111111-2222-3333-4444-555555555555"
LAPTOP = "66666666-7777-8888-9999-aaaaaaaaaaaa"
ANN = "ann@example.com"


def say(gateway: RunningGateway, tracked: Tracked, event: str = "x", **more: Any) -> dict[str, Any]:
    answer = gateway.call("event", tracked, Event=event, **more)
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert said.keys() == {"status", "uuid", "external_id", "identify_event_sent"}
    return said


def names(gateway: RunningGateway, tracked: Tracked) -> list[str]:
    return [event.event for event in gateway.events(tracked)]


# -- UUID -----------------------------------------------------------------------------------


def test_without_any_name_each_event_has_a_visitor_of_its_own(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    assert say(gateway, tracked)["uuid"] != say(gateway, tracked)["uuid"]


@pytest.mark.parametrize("person", [{"Email": ANN}, {"ID": "user-1"}])
def test_without_a_uuid_the_event_is_from_the_persons_most_recent_visitor(
    gateway: RunningGateway, tracked: Tracked, person: dict[str, str]
) -> None:
    """Most recent is by the last event, not by which browser was seen first."""
    for visitor in (PHONE, LAPTOP, PHONE):
        say(gateway, tracked, UUID=visitor, Email=ANN, ID="user-1")
    assert say(gateway, tracked, **person)["uuid"] == PHONE
    say(gateway, tracked, UUID=LAPTOP)
    assert say(gateway, tracked, **person)["uuid"] == LAPTOP


def test_an_id_alone_names_a_visitor_nobody_has_identified(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    first = say(gateway, tracked, ID="user-7")
    assert say(gateway, tracked, ID="user-7") == first
    assert say(gateway, tracked, ID="user-8")["uuid"] != first["uuid"]


def test_the_same_names_on_another_list_are_other_people(gateway: RunningGateway) -> None:
    here, there = gateway.new_list(), gateway.new_list()
    known = say(gateway, here, Email=ANN, ID="user-1")
    elsewhere = say(gateway, there, Email=ANN)
    assert elsewhere["uuid"] != known["uuid"]
    assert elsewhere["external_id"] != "user-1"
    assert elsewhere["identify_event_sent"] is True


def test_a_uuid_is_the_same_visitor_in_either_case(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    assert say(gateway, tracked, UUID=LAPTOP.upper())["uuid"] == LAPTOP
    assert say(gateway, tracked, UUID=LAPTOP)["uuid"] == LAPTOP
    assert {event.uuid for event in gateway.events(tracked)} == {LAPTOP}


# -- ID -------------------------------------------------------------------------------------


@pytest.mark.parametrize("absent", [{}, {"ID": ""}, {"ID": None}])
@pytest.mark.parametrize("person", [{"UUID": PHONE}, {"Email": ANN}])
def test_an_absent_id_is_made_up_once_and_then_stays(
    gateway: RunningGateway, tracked: Tracked, absent: dict[str, Any], person: dict[str, str]
) -> None:
    first = say(gateway, tracked, **person, **absent)["external_id"]
    assert first
    assert say(gateway, tracked, **person, **absent)["external_id"] == first


def test_an_absent_id_is_the_one_the_person_is_known_by(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    """By address from any browser, and from any browser of the person without the address."""
    say(gateway, tracked, UUID=PHONE, Email=ANN, ID="user-1")
    assert say(gateway, tracked, UUID=LAPTOP, Email=ANN)["external_id"] == "user-1"
    assert say(gateway, tracked, UUID=LAPTOP)["external_id"] == "user-1"
    assert say(gateway, tracked, Email=ANN.upper())["external_id"] == "user-1"


def test_an_id_may_be_a_number(gateway: RunningGateway, tracked: Tracked) -> None:
    assert say(gateway, tracked, ID=2006)["external_id"] == "2006"


# -- identify -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "event", "sent"),
    [
        ([], {"Event": "x"}, False),
        ([], {"Event": "x", "UUID": PHONE, "ID": "user-1"}, False),
        ([], {"Event": "x", "Email": ANN}, True),
        ([{"Email": ANN}], {"Event": "x", "Email": ANN}, False),
        ([{"Email": ANN}], {"Event": "x", "Email": "ANN@example.COM"}, False),
        ([{"Email": ANN, "UUID": PHONE}], {"Event": "x", "Email": ANN, "UUID": LAPTOP}, True),
        ([{"Email": ANN, "UUID": PHONE}], {"Event": "x", "UUID": PHONE}, False),
        ([{"UUID": PHONE}], {"Event": "x", "Email": ANN, "UUID": PHONE}, True),
        ([], {"Event": "identify", "Email": ANN}, True),
        ([{"Email": ANN}], {"Event": "identify", "Email": ANN}, True),
    ],
)
def test_an_identify_is_sent_for_an_address_new_to_the_visitor_and_for_identify_itself(
    gateway: RunningGateway,
    tracked: Tracked,
    before: list[dict[str, str]],
    event: dict[str, str],
    sent: bool,
) -> None:
    for earlier in before:
        say(gateway, tracked, **earlier)
    stored_before = len(gateway.events(tracked))
    assert (
        say(gateway, tracked, **{"event": event["Event"], **_rest(event)})["identify_event_sent"]
        is sent
    )
    new = names(gateway, tracked)[stored_before:]
    assert new.count("identify") == (1 if sent else 0)
    assert len(new) == (2 if sent and event["Event"] != "identify" else 1)


def _rest(event: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in event.items() if name != "Event"}


def test_the_identify_that_an_event_brings_has_the_same_properties(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    say(gateway, tracked, Email=ANN, Properties={"plan": "pro"}, isSilent=True)
    event, identify = gateway.events(tracked)
    assert (event.event, identify.event) == ("x", "identify")
    assert identify.properties == event.properties
    assert identify.silent
    assert identify.event_id != event.event_id


def test_what_a_visitor_did_before_becomes_the_persons(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    say(gateway, tracked, "before", UUID=PHONE)
    say(gateway, tracked, "identify", UUID=PHONE, Email="Ann@Example.com")
    say(gateway, tracked, "after", UUID=PHONE)
    assert [event.email for event in gateway.events(tracked)] == ["Ann@Example.com"] * 3


def test_a_hash_nobody_matches_creates_nobody(gateway: RunningGateway, tracked: Tracked) -> None:
    answer = gateway.call("event", tracked, Event="identify", ID="a" * 64)
    assert answer.status_code == 200
    assert {event.email for event in gateway.events(tracked)} <= {None}


# -- silent, test, once, when ---------------------------------------------------------------


@pytest.mark.parametrize("yes", [True, "true", 1])
@pytest.mark.parametrize("inside", [False, True])
def test_a_silent_event_is_stored_and_marked(
    gateway: RunningGateway, tracked: Tracked, yes: object, inside: bool
) -> None:
    say(gateway, tracked, **({"Properties": {"isSilent": yes}} if inside else {"isSilent": yes}))
    [stored] = gateway.events(tracked)
    assert stored.silent


@pytest.mark.parametrize("no", [False, "false", 0, None, ""])
def test_an_event_is_not_silent_unless_told(
    gateway: RunningGateway, tracked: Tracked, no: object
) -> None:
    say(gateway, tracked, isSilent=no)
    [stored] = gateway.events(tracked)
    assert not stored.silent


@pytest.mark.parametrize("yes", [True, "true", 1])
def test_a_test_event_is_answered_as_a_success_and_leaves_no_trace(
    gateway: RunningGateway, tracked: Tracked, yes: object
) -> None:
    said = say(gateway, tracked, Email=ANN, ID="user-1", UUID=PHONE, isTest=yes)
    assert said == {
        "status": "success",
        "uuid": PHONE,
        "external_id": "user-1",
        "identify_event_sent": True,
    }
    assert gateway.events(tracked) == []
    catalog = gateway.call("website_events.properties", tracked).json()
    assert catalog["Properties"] == {}
    assert say(gateway, tracked, Email=ANN)["external_id"] != "user-1"


def test_a_test_event_is_validated(gateway: RunningGateway, tracked: Tracked) -> None:
    answer = gateway.call("event", tracked, Event="identify", isTest=True)
    assert [problem["Code"] for problem in answer.json()["Errors"]] == [6]


@pytest.mark.parametrize(
    "event_id", ["order-1", "x" * 200, "5b0ba7a5-3a4c-4c5d-9d3e-0a1b2c3d4e5f", 17]
)
def test_the_same_event_id_twice_is_one_event_and_the_same_answer(
    gateway: RunningGateway, tracked: Tracked, event_id: object
) -> None:
    first = say(gateway, tracked, EventID=event_id, Email=ANN)
    assert first["identify_event_sent"] is True
    assert say(gateway, tracked, EventID=event_id, Email=ANN) == first
    say(gateway, tracked, "something else", EventID=event_id, ID="user-9", UUID=PHONE)
    assert say(gateway, tracked, EventID=event_id, Email=ANN) == first
    assert names(gateway, tracked) == ["x", "identify"]


def test_an_event_id_counts_per_list(gateway: RunningGateway) -> None:
    for tracked in (gateway.new_list(), gateway.new_list()):
        say(gateway, tracked, EventID="order-1")
        assert names(gateway, tracked) == ["x"]


NOON = datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.UTC)
NOON_MS = int(NOON.timestamp()) * 1000


@pytest.mark.parametrize(
    ("time", "happened_at_ms"),
    [
        ("2026-01-31T12:00:00Z", NOON_MS),
        ("2026-01-31T12:00:00", NOON_MS),
        ("2026-01-31T13:30:00+01:30", NOON_MS),
        ("2026-01-31T12:00:00.250Z", NOON_MS + 250),
        (NOON_MS // 1000, NOON_MS),
        (NOON_MS / 1000 + 0.25, NOON_MS + 250),
        (str(NOON_MS // 1000), NOON_MS),
    ],
)
def test_time_says_when_it_happened_as_iso_8601_or_epoch_seconds(
    gateway: RunningGateway, tracked: Tracked, time: object, happened_at_ms: int
) -> None:
    say(gateway, tracked, Time=time)
    [stored] = gateway.events(tracked)
    assert stored.happened_at_ms == happened_at_ms
    assert stored.received_at_ms > happened_at_ms


@pytest.mark.parametrize("time", [None, ""])
def test_without_a_time_it_happened_now(
    gateway: RunningGateway, tracked: Tracked, time: object
) -> None:
    before = clock.now_ms()
    say(gateway, tracked, Time=time)
    [stored] = gateway.events(tracked)
    assert before <= stored.happened_at_ms == stored.received_at_ms <= clock.now_ms()


def test_a_time_more_than_23_hours_ahead_counts_as_now(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    say(gateway, tracked, Time=clock.now_ms() // 1000 + 24 * 3600)
    [stored] = gateway.events(tracked)
    assert stored.happened_at_ms == stored.received_at_ms
