"""What of an event that cannot be taken may be kept, and whom it names."""

import json
import uuid as uuids
from typing import Any

import pytest

from gateway.errors import InvalidEvent, NotJson, Problem
from gateway.events import parse, refusal
from gateway.events.enrich import unique_id
from gateway.events.refusal import Named, Refusal

ERROR = InvalidEvent(Problem(1006, "Too long."), Problem(7, "No address."))
URL = "https://ann:pw@shop.example/?token=t0p&utm_source=x&mail=ann@example.com"
SCRUBBED = "https://shop.example/?token=redacted&utm_source=x&mail=redacted"


def browsers(raw: Any) -> Refusal:
    return refusal.of_browser(raw, ERROR)


def servers(**parameters: Any) -> Refusal:
    return refusal.of_server(parameters, ERROR)


def test_an_event_is_kept_with_all_it_says() -> None:
    said = {
        "id": "a",
        "event": "x",
        "at": 5,
        "properties": {"a": [1, None, "ü"]},
        "email": "nobody",
        "identifyProperties": {"b": 1},
        "tab": 3,
        "seq": 4,
    }
    assert json.loads(browsers(said).payload) == said


def test_nothing_that_stands_beside_a_lone_event_is_kept() -> None:
    """It shares its object with the tokens of its browser."""
    beside = dict.fromkeys(
        ("v", "user", "list", "visitor", "seed", "pr", "cookie", "APIKey"), "t0p"
    )
    assert json.loads(browsers({"event": "x"} | beside).payload) == {"event": "x"}


def test_no_key_or_session_of_a_call_is_kept() -> None:
    secrets = dict.fromkeys(("apikey", "sessionid", "api_key", "password", "listid"), "t0p")
    assert json.loads(servers(event="x", **secrets).payload) == {"event": "x"}


@pytest.mark.parametrize("name", ["$email_hmac", "pr"])
def test_no_proof_or_attribution_token_among_the_properties_is_kept(name: str) -> None:
    properties = {name: "t0p", "a": 1}
    for kept in (browsers({"properties": properties}), servers(properties=properties)):
        assert json.loads(kept.payload) == {"properties": {"a": 1}}


def test_urls_are_scrubbed_however_long_they_are() -> None:
    long = URL + "&a=" + "x" * 100_000
    kept = browsers({"properties": {"$current_url": URL, "$referrer": long, "note": URL}})
    assert json.loads(kept.payload)["properties"] == {
        "$current_url": SCRUBBED,
        "$referrer": SCRUBBED + "&a=" + "x" * 100_000,
        "note": URL,
    }


@pytest.mark.parametrize("raw", [5, None, "x", [1, {"a": []}], True])
def test_what_is_no_object_is_kept_as_it_is(raw: Any) -> None:
    kept = browsers(raw)
    assert json.loads(kept.payload) == raw
    assert kept.named == Named()


def test_what_is_nested_as_deep_as_can_be_read_is_kept_or_said_to_be_too_deep() -> None:
    """But never an error."""
    for depth in range(1, 1_000, 7):
        try:
            raw = parse.decode(b'{"event": ' + b"[" * depth + b"]" * depth + b"}")
        except NotJson:
            break
        assert browsers(raw).payload


def test_a_retry_has_the_id_that_the_event_would_have_had() -> None:
    uuid = str(uuids.uuid4())
    for event_id in ("a", uuid, "x" * 1_000):
        assert browsers({"id": event_id}).unique_id == unique_id(event_id)
        assert servers(eventid=event_id).unique_id == unique_id(event_id)
    assert servers(eventid=7).unique_id == unique_id("7")


@pytest.mark.parametrize("nothing", [None, "", [], {}, True, 1.5, 2**80])
def test_without_an_id_each_is_one_of_its_own(nothing: Any) -> None:
    assert browsers({"id": nothing}).unique_id != browsers({"id": nothing}).unique_id


def test_the_reason_is_the_number_of_the_first_problem() -> None:
    assert browsers({}).reason == "7"


def test_whom_it_names() -> None:
    uuid = uuids.uuid4()
    assert browsers({"email": " Ann@example.com "}).named == Named(email="Ann@example.com")
    assert browsers({"email": "0a" * 32}).named == Named(external_id="0a" * 32)
    said = servers(email="ann@example.com", id=7, uuid=str(uuid)).named
    assert said == Named("ann@example.com", "7", uuid.bytes)
    assert servers(email=[], id={}, uuid="x").named == Named()
    assert servers(uuid=7).named == Named()


@pytest.mark.parametrize("flag", [True, "true", "1"])
def test_a_test_is_known_for_one_wherever_it_says_so(flag: Any) -> None:
    assert browsers({"isTest": flag}).test
    assert browsers({"properties": {"isTest": flag}}).test
    assert servers(istest=flag).test
    assert not any(browsers(raw).test for raw in ({}, {"isTest": 0}, {"properties": flag}, 5))
