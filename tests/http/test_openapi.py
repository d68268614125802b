"""The document at `/openapi.json`: valid, whole, and made of what the code knows. That answers are
what it says, every test over HTTP holds (`tests/documented.py`)."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from starlette.routing import Route

from gateway.app import create_app
from gateway.edge.api import ALIASES, PREFIX
from gateway.edge.commands.answers import Succeeded
from gateway.edge.commands.command import Envelope
from gateway.edge.commands.glossary import PARAMETERS, meaning_of
from gateway.edge.commands.table import COMMANDS, REST
from gateway.edge.openapi.document import document
from gateway.settings import Limits, Settings
from tests.http.management import subscribe
from tests.http.samples import TEST_EVENT_PROPERTIES
from tests.support import RunningGateway, Tracked

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
DOCUMENT = document(Settings())
PATHS: dict[str, Any] = DOCUMENT["paths"]
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method, operation."""
    for path, item in PATHS.items():
        for method, operation in item.items():
            if method.upper() in METHODS:
                yield path, method.upper(), operation


def validator(schema: dict[str, Any]) -> Any:
    return jsonschema_rs.Draft202012Validator({**schema, "components": DOCUMENT["components"]})


# -- as it is served ------------------------------------------------------------------------


def test_it_is_valid_openapi_3_1(gateway: RunningGateway) -> None:
    """By the specification's own schema."""
    served = gateway.client.get("/openapi.json").json()
    assert served["openapi"] == "3.1.0"
    schemathesis.openapi.from_dict(served).validate()


def test_anybody_may_read_it_from_any_page_and_keep_it(gateway: RunningGateway) -> None:
    answer = gateway.client.get("/openapi.json")
    assert answer.headers["access-control-allow-origin"] == "*"
    again = gateway.client.get(
        "/openapi.json", headers={"if-none-match": f"W/{answer.headers['etag']}"}
    )
    assert (again.status_code, again.content) == (304, b"")
    assert gateway.client.head("/openapi.json").headers["etag"] == answer.headers["etag"]


def test_it_tells_of_this_gateway(gateway: RunningGateway) -> None:
    served = gateway.client.get("/openapi.json").json()
    assert served["servers"] == [{"url": gateway.settings.base_url}]


# -- whole ----------------------------------------------------------------------------------


def test_no_route_is_missing(tmp_path: Path) -> None:
    """Whoever adds a route tells of it in `gateway/edge/openapi`."""
    app = create_app(Settings(db=tmp_path / "gateway.db"))

    async def routes() -> list[str]:
        async with app.router.lifespan_context(app):
            return [route.path for route in app.router.routes if isinstance(route, Route)]

    for path in asyncio.run(routes()):
        if path not in ("/", "/api/v1/{command:path}"):  # the root leads to pages for people
            assert path in PATHS
    calls = {PREFIX + name for name in COMMANDS} | {PREFIX + path for _, path in REST}
    assert calls <= {*PATHS}


@pytest.mark.parametrize("path", PATHS)
def test_a_path_answers_to_the_methods_told_of_and_to_no_other(
    gateway: RunningGateway, path: str
) -> None:
    if path == "/api.php":  # answers for the call that is named
        return
    told = {method.upper() for method in PATHS[path]} & {*METHODS}
    for method in METHODS:
        answer = gateway.client.request(method, path.replace("{version}", "more"))
        assert (answer.status_code == 405) == (method not in told), (method, answer)


def test_every_operation_says_what_it_does_under_a_name_of_its_own() -> None:
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(names) == len({*names})
    for path, method, operation in operations():
        assert operation["summary"], (path, method)
        assert operation["tags"], (path, method)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_call_and_each_of_its_parameters_has_words(name: str) -> None:
    command = COMMANDS[name]
    assert command.summary
    assert issubclass(command.answers, dict)
    for parameter in command.parameters:
        assert meaning_of(command, parameter).meaning, parameter
    for alone in (*command.meanings, *"/".join((*command.required, *command.asks)).split("/")):
        assert alone in {*command.parameters, ""}
    if command.envelope is Envelope.SUCCESS:
        assert {*Succeeded.__annotations__} <= {*SCHEMAS[command.answers.__name__]["properties"]}


def test_the_glossary_has_no_word_that_no_call_takes() -> None:
    assert {*PARAMETERS} <= {name for each in COMMANDS.values() for name in each.parameters}


# -- true -----------------------------------------------------------------------------------


def usual(tracked: Tracked, subscriber_id: int, field_id: int) -> dict[str, Any]:
    """Parameters with which nearly every call is carried out."""
    return {
        "ListID": tracked.list_id, "SubscriberListID": tracked.list_id, "Event": "test",
        "EmailAddress": "ann@example.com", "IPAddress": "203.0.113.1", "Operator": "and",
        "SubscriberSegment": "All", "SubscriberListName": "L", "Note": "n", "Campaign": "c",
        "CustomFieldID": field_id, "FieldName": "F", "FieldType": "Text",
        "SubscriberID": subscriber_id, "UpdateIfDuplicate": True, "SegmentName": "S",
        "SegmentOperator": "and", "RandomnessAudienceSize": 10,
        "Name": "N", "Trigger_ListID": tracked.list_id, "Trigger_Value": "cart",
    }  # fmt: skip


UNSEEN = {"isSilent", "isTest", "PasswordEncrypted", "UpdateIfUnsubscribed"}
"""Flags that a call may leave unread, or takes any other value for no."""
TYPED = [
    (name, parameter)
    for name, command in COMMANDS.items()
    for parameter in command.parameters
    if "enum" in meaning_of(command, parameter).schema
    or meaning_of(command, parameter).schema.get("type") == "boolean"
    if parameter not in UNSEEN
]


@pytest.mark.parametrize(("name", "parameter"), TYPED)
def test_words_and_flags_are_those_the_call_takes(
    gateway: RunningGateway, tracked: Tracked, name: str, parameter: str
) -> None:
    """Each that is told of passes; another is refused because of just that."""
    subscriber_id = subscribe(gateway, tracked, "ann@example.com")
    field = {"FieldName": "F", "FieldType": "Text", "SubscriberListID": tracked.list_id}
    field_id = gateway.call("customfield.create", tracked, **field).json()["CustomFieldID"]
    segment = {"SubscriberListID": tracked.list_id, "SegmentName": "S", "SegmentOperator": "and"}
    segment_id = gateway.call("segment.create", tracked, **segment).json()["SegmentID"]
    journey_id = gateway.call("journey.create", tracked, Name="J").json()["JourneyID"]
    schema = meaning_of(COMMANDS[name], parameter).schema

    def problems(value: Any) -> Any:
        made = {"SegmentID": segment_id, "JourneyID": journey_id}
        given = usual(tracked, subscriber_id, field_id) | made
        given[parameter] = value
        return gateway.call(name, tracked, **given).json().get("ErrorText") or []

    without = problems(None)
    for value in schema.get("enum", (True, False, "yes", "0")):
        new = [text for text in problems(value) if text not in without]
        assert not [text for text in new if "nvalid" in text], value
    assert [text for text in problems("Perhaps") if text not in without]


@pytest.mark.parametrize("name", [name for name in COMMANDS if COMMANDS[name].asks])
def test_what_a_call_asks_for_itself_must_be_there(
    gateway: RunningGateway, tracked: Tracked, name: str
) -> None:
    """Each call without anything has at least as many problems as there are such parameters."""
    answer = gateway.client.post(PREFIX + name, json={"APIKey": tracked.api_key}).json()
    problems = answer.get("Errors") or answer["ErrorCode"]
    assert len(problems) >= len(COMMANDS[name].required or COMMANDS[name].asks)


def test_the_example_of_an_event_is_accepted_and_answered_as_told(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    body = PATHS["/api/v1/event"]["post"]["requestBody"]["content"]["application/json"]
    validator(body["schema"]).validate(body["example"])
    said = gateway.call("event", tracked, **body["example"] | {"ListID": tracked.list_id}).json()
    example = PATHS["/api/v1/event"]["post"]["responses"]["200"]["content"]["application/json"]
    validator(example["schema"]).validate(example["example"])
    assert said | {"uuid": ""} == example["example"] | {"uuid": ""}
    catalog = gateway.call("website_events.properties", tracked).json()
    assert catalog["Properties"]["test"] == TEST_EVENT_PROPERTIES
    answer = PATHS["/api/v1/website_events.properties"]["post"]["responses"]["200"]
    told = answer["content"]["application/json"]["example"]
    assert told["Properties"]["test"] == TEST_EVENT_PROPERTIES


def test_the_example_of_a_beacon_is_one(gateway: RunningGateway, tracked: Tracked) -> None:
    body = PATHS["/e"]["post"]["requestBody"]["content"]
    example = body["application/json"]["example"]
    validator(SCHEMAS["Beacon"]).validate(example)
    ids = {"list": tracked.list_tracker_id, "user": tracked.user_tracker_id}
    answer = gateway.client.post("/e", json=example | ids)
    assert [each["result"] for each in answer.json()["results"]] == ["stored"]


REFUSED_EVENTS: dict[int, dict[str, Any]] = {
    4: {"ListID": 0},
    5: {"Event": ""},
    6: {"Event": "identify"},
    7: {"Email": "ann"},
    8: {"Event": "conversion", "Properties": {"conversion-name": "n", "conversion-value": 1}},
    9: {"Event": "conversion", "Properties": {"conversion-id": "n", "conversion-value": 1}},
    10: {"Event": "conversion", "Properties": {"conversion-id": "n", "conversion-name": "n"}},
    1001: {"UUID": "1"},
    1002: {"Event": "x" * 201},
    1003: {"Properties": 1},
    1004: {"Properties": {str(n): n for n in range(101)}},
    1005: {"Properties": {"": 1}},
    1006: {"Properties": {"p": "x" * 8193}},
    1008: {"Properties": {"$current_url": "x" * 4097}},
    1009: {"Time": "soon"},
    1010: {"EventID": "x" * 201},
    1011: {"ID": "x" * 201},
    1012: {"IdentifyProperties": 1},
    1018: {"ID": "undefined"},
    1019: {"UUID": "00000000-0000-0000-0000-000000000000"},
}


@pytest.mark.parametrize("code", REFUSED_EVENTS)
def test_the_codes_of_an_event_have_the_messages_told(
    gateway: RunningGateway, tracked: Tracked, code: int
) -> None:
    """`…` stands for what the message is about."""
    told = PATHS["/api/v1/event"]["post"]["responses"]["422"]["description"]
    [message] = re.findall(rf"^- `{code}` (.*)$", told, re.MULTILINE)
    pattern = ".*".join(re.escape(part) for part in message.partition(", or")[0].split("…"))
    answer = gateway.call("event", tracked, **{"Event": "x", **REFUSED_EVENTS[code]})
    [problem] = answer.json()["Errors"]
    assert problem["Code"] == code
    assert re.match(pattern, problem["Message"]), (pattern, problem["Message"])


def test_limits_are_told_as_they_are_set() -> None:
    limits = Limits(event_name_chars_max=7, properties_max=8, batch_events_max=9)
    made = document(Settings(limits=limits))["components"]["schemas"]
    parameters = made["event.parameters"]["properties"]
    assert parameters["Event"]["maxLength"] == 7
    assert parameters["Properties"]["maxProperties"] == 8
    assert made["Beacon"]["properties"]["events"]["maxItems"] == 9


def test_every_spelling_of_a_call_is_told_of_where_it_is_named() -> None:
    [command] = PATHS["/api.php"]["post"]["parameters"]
    assert command["schema"]["enum"] == sorted({*COMMANDS, *ALIASES})
