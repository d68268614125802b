"""`POST /api/v1/event`: samples, refusals and answers, to the letter of the reference."""

import re
import uuid
from typing import Any

import httpx
import pytest

from tests.http import samples
from tests.support import RunningGateway, Tracked

UUID = "aae6840b-3b7e-4f95-a9d5-6dbf5da8d84d"
UUID_SHAPE = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}")

MESSAGES = {
    4: "Invalid ListID parameter",
    5: "Missing event parameter.",
    6: "Missing email parameter.",
    7: "Invalid email parameter.",
    8: "Missing conversion-id event property.",
    9: "Missing conversion-name event property.",
    10: "Missing conversion-value event property.",
}


def paste(gateway: RunningGateway, tracked: Tracked, sample: str) -> httpx.Response:
    """Send a sample as a user would who replaces the key and the list and nothing else."""
    body = sample.replace("{{user_apikey}}", tracked.api_key)
    body = body.replace('"ListID": 94', f'"ListID": {tracked.list_id}')
    return gateway.client.post("/api/v1/event", content=body)


def assert_refused(answer: httpx.Response, *codes: int) -> None:
    assert answer.status_code == 422
    assert answer.json() == {
        "Errors": [{"Code": code, "Message": MESSAGES[code]} for code in codes]
    }


def test_the_test_sample_gives_its_documented_answer(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    answer = paste(gateway, tracked, samples.TRACK_TEST)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    said = answer.json()
    assert UUID_SHAPE.fullmatch(said["uuid"])
    assert said == {
        "status": "success",
        "uuid": said["uuid"],
        "external_id": "user-id-2006",
        "identify_event_sent": True,
    }
    stored = {event.event: event for event in gateway.events(tracked)}
    assert stored.keys() == {"test", "identify"}
    assert stored["test"].email == "2006@test.com"
    assert stored["test"].properties["number-of-subscribers-imported"] == 100
    assert stored["test"].properties["$id"] == "user-id-2006"


def test_the_page_view_sample_is_from_a_visitor_nobody_knows(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    said = paste(gateway, tracked, samples.PAGE_VIEW).json()
    assert UUID_SHAPE.fullmatch(said["uuid"])
    assert said["external_id"]
    assert (said["status"], said["identify_event_sent"]) == ("success", False)
    [stored] = gateway.events(tracked)
    assert (stored.event, stored.kind, stored.email) == ("page_view", "page view", None)


def test_the_checkout_story_of_the_samples_is_one_visitor_who_becomes_known_once(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    story = (
        (samples.ADD_TO_CART, False),
        (samples.CHECKOUT, False),
        (samples.PAYMENT_FAILED, True),
        (samples.PAYMENT_SUCCEEDED, False),
        (samples.CONVERSION, False),
    )
    answers = [paste(gateway, tracked, sample) for sample, _ in story]
    assert [answer.status_code for answer in answers] == [200] * 5
    said = [answer.json() for answer in answers]
    assert {answer["uuid"] for answer in said} == {UUID}
    assert [answer["identify_event_sent"] for answer in said] == [sent for _, sent in story]
    assert [answer["external_id"] for answer in said[2:]] == ["user-100"] * 3
    assert said[0]["external_id"] == said[1]["external_id"] != ""
    stored = gateway.events(tracked)
    assert [event.event for event in stored] == [
        "add_to_shopping_cart",
        "checkout_page_visited",
        "payment_failed",
        "identify",
        "payment_succeeded",
        "conversion",
    ]
    assert {event.email for event in stored} == {"event-test-001@test.com"}
    assert stored[0].properties["product_id"] == 101
    assert stored[-1].properties["conversion-value"] == 50


@pytest.mark.parametrize(
    "list_id", [None, "", "abc", 0, -1, 1.5, "0", "-1", "1.5", True, [], {}, 2**70, "9" * 40]
)
def test_a_list_id_that_is_no_positive_whole_number_is_code_4(
    gateway: RunningGateway, tracked: Tracked, list_id: object
) -> None:
    assert_refused(gateway.call("event", tracked, ListID=list_id, Event="x"), 4)


def test_a_list_id_as_text_is_fine(gateway: RunningGateway, tracked: Tracked) -> None:
    answer = gateway.call("event", tracked, ListID=str(tracked.list_id), Event="x")
    assert answer.status_code == 200
    assert len(gateway.events(tracked)) == 1


def test_another_accounts_list_is_answered_exactly_as_one_that_does_not_exist(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    other = gateway.new_list()
    foreign = gateway.call("event", tracked, ListID=other.list_id, Event="x")
    missing = gateway.call("event", tracked, ListID=999_999_999, Event="x")
    assert_refused(foreign, 4)
    assert foreign.content == missing.content
    assert foreign.headers.keys() == missing.headers.keys()
    assert gateway.events(other) == []


CONVERSION = {"conversion-id": "o-1", "conversion-name": "purchase", "conversion-value": 290.5}


@pytest.mark.parametrize(
    ("parameters", "codes"),
    [
        ({}, [5]),
        ({"Event": ""}, [5]),
        ({"Event": None}, [5]),
        ({"Event": "identify"}, [6]),
        ({"Event": "identify", "Email": ""}, [6]),
        ({"Event": "identify", "ID": "user-100"}, [6]),
        ({"Event": "identify", "Email": "nobody"}, [7]),
        ({"Event": "x", "Email": "nobody@"}, [7]),
        ({"Event": "x", "Email": 5}, [7]),
        ({"Event": "x", "Email": "a@b@example.com"}, [7]),
        ({"Event": "conversion"}, [8, 9, 10]),
        ({"Event": "conversion", "Properties": {**CONVERSION, "conversion-id": ""}}, [8]),
        ({"Event": "conversion", "Properties": {**CONVERSION, "conversion-name": None}}, [9]),
        ({"Event": "", "Email": "nobody"}, [5, 7]),
        ({"ListID": None}, [4, 5]),
        ({"ListID": "no", "Event": "identify"}, [4, 6]),
        ({"ListID": 0, "Email": "nobody", "Event": "conversion"}, [4, 7, 8, 9, 10]),
    ],
)
def test_everything_wrong_with_a_call_is_said_at_once_in_the_order_of_the_codes(
    gateway: RunningGateway, tracked: Tracked, parameters: dict[str, Any], codes: list[int]
) -> None:
    assert_refused(gateway.call("event", tracked, **parameters), *codes)
    assert gateway.events(tracked) == []


@pytest.mark.parametrize("value", [None, "", "abc", "NaN", "inf", "-Infinity", True, [], {}])
def test_a_conversion_value_that_is_no_finite_number_counts_as_missing(
    gateway: RunningGateway, tracked: Tracked, value: object
) -> None:
    properties = {**CONVERSION, "conversion-value": value}
    answer = gateway.call("event", tracked, Event="conversion", Properties=properties)
    assert_refused(answer, 10)


@pytest.mark.parametrize("value", [0, 50, 290.5, -3, "50", "290.50"])
def test_a_conversion_value_may_be_any_finite_number(
    gateway: RunningGateway, tracked: Tracked, value: object
) -> None:
    properties = {**CONVERSION, "conversion-value": value}
    answer = gateway.call("event", tracked, Event="conversion", Properties=properties)
    assert answer.status_code == 200
    [stored] = gateway.events(tracked)
    assert stored.properties["conversion-value"] == value


@pytest.mark.parametrize(
    ("parameters", "word"),
    [
        ({"UUID": "not-a-uuid"}, "UUID"),
        ({"UUID": "aae6840b3b7e4f95a9d56dbf5da8d84d"}, "UUID"),
        ({"Properties": "text"}, "Properties"),
        ({"Time": "yesterday"}, "Time"),
        ({"EventID": "x" * 201}, "EventID"),
        ({"ID": ["user-1"]}, "ID"),
        ({"IdentifyProperties": 5}, "IdentifyProperties"),
    ],
)
def test_what_the_tables_do_not_name_has_a_code_from_1001_and_a_message_that_names_it(
    gateway: RunningGateway, tracked: Tracked, parameters: dict[str, Any], word: str
) -> None:
    answer = gateway.call("event", tracked, Event="x", **parameters)
    assert answer.status_code == 422
    [problem] = answer.json()["Errors"]
    assert problem["Code"] >= 1001
    assert word in problem["Message"]


def test_parameter_names_count_in_any_case_and_property_names_keep_theirs(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    body = {
        "aPiKeY": tracked.api_key,
        "LISTID": tracked.list_id,
        "eVENT": "x",
        "eMail": "case@example.com",
        "Id": "user-1",
        "Uuid": UUID.upper(),
        "PROPERTIES": {"firstName": "Ann", "FIRSTNAME": "ANN"},
        "ISSILENT": True,
        "eventid": "e-1",
    }
    said = gateway.client.post("/api/v1/event", json=body).json()
    assert (said["uuid"], said["external_id"]) == (UUID, "user-1")
    stored = gateway.events(tracked)[0]
    assert (stored.email, stored.silent) == ("case@example.com", True)
    assert {"firstName": "Ann", "FIRSTNAME": "ANN"}.items() <= stored.properties.items()


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "application/json", ""])
def test_the_body_is_json_whatever_its_content_type(
    gateway: RunningGateway, tracked: Tracked, content_type: str
) -> None:
    body = samples.PAGE_VIEW.replace("{{user_apikey}}", tracked.api_key)
    answer = gateway.client.post(
        "/api/v1/event",
        content=body.replace("94", str(tracked.list_id)),
        headers={"content-type": content_type},
    )
    assert answer.status_code == 200


def test_a_slash_pair_inside_a_value_is_no_comment(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    url = "https://shop.example/a//b"
    gateway.call("event", tracked, Event="x", Properties={"link": url})
    assert gateway.events(tracked)[0].properties["link"] == url


def test_an_event_name_is_stored_as_sent(gateway: RunningGateway, tracked: Tracked) -> None:
    for name in ("$pageview", "Größe gewählt", " spaced "):
        assert gateway.call("event", tracked, Event=name).status_code == 200
    assert [event.event for event in gateway.events(tracked)] == [
        "$pageview",
        "Größe gewählt",
        " spaced ",
    ]


def test_the_visitors_agent_is_the_property_and_never_the_callers_client(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    gateway.call("event", tracked, Event="without")
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0"
    gateway.call("event", tracked, Event="with", Properties={"$user_agent": agent})
    without, given = (event.properties for event in gateway.events(tracked))
    assert [without[name] for name in ("$browser", "$os", "$device_type")] == [None] * 3
    assert (given["$browser"], given["$os"]) == ("Firefox", "Linux")
    assert given["$device_type"] == "desktop"


def test_facts_of_the_server_go_over_the_callers_claims(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    claims = {"$uuid": str(uuid.uuid4()), "$list_id": 1, "$dsn": "x", "$server": "evil.example"}
    said = gateway.call("event", tracked, Event="x", Properties=claims).json()
    stored = gateway.events(tracked)[0].properties
    assert (stored["$uuid"], stored["$list_id"]) == (said["uuid"], tracked.list_id)
    assert stored["$server"] == "127.0.0.1"
    assert stored["$dsn"] == f"{gateway.url}/api/v1/event"
