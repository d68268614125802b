"""`website_events.properties`: every property name seen with each event name of a list."""

from typing import Any

import httpx
import pytest

from gateway.events.vocabulary import STANDARD_PROPERTIES
from tests.http import samples
from tests.support import RunningGateway, Tracked

PATH = "/api/v1/website_events.properties"
MESSAGES = {
    1: "Missing ListID parameter",
    2: "Invalid ListID parameter",
    3: "List not found",
}


def ask(gateway: RunningGateway, method: str, tracked: Tracked, **more: Any) -> httpx.Response:
    parameters = {"APIKey": tracked.api_key, "ListID": tracked.list_id, **more}
    parameters = {name: value for name, value in parameters.items() if value is not None}
    if method == "GET":
        return gateway.client.get(PATH, params=parameters)
    return gateway.client.post(PATH, json=parameters)


both = pytest.mark.parametrize("method", ["POST", "GET"])


@both
def test_a_list_nothing_was_seen_on_has_an_empty_catalog(
    gateway: RunningGateway, tracked: Tracked, method: str
) -> None:
    answer = ask(gateway, method, tracked)
    assert answer.status_code == 200
    assert answer.json() == {"ListID": str(tracked.list_id), "Properties": {}}


def test_the_sample_pasted_as_printed_answers(gateway: RunningGateway, tracked: Tracked) -> None:
    body = samples.CATALOG.replace("{{user_apikey}}", tracked.api_key)
    body = body.replace('"ListID": 3', f'"ListID": {tracked.list_id}')
    answer = gateway.client.post(PATH, content=body)
    assert answer.json() == {"ListID": str(tracked.list_id), "Properties": {}}


def test_the_references_test_event_has_exactly_the_references_properties(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    body = samples.TRACK_TEST.replace("{{user_apikey}}", tracked.api_key)
    gateway.client.post("/api/v1/event", content=body.replace("94", str(tracked.list_id)))
    catalog = ask(gateway, "POST", tracked).json()["Properties"]
    assert catalog["test"] == samples.TEST_EVENT_PROPERTIES


@both
def test_names_stand_in_ascii_order(gateway: RunningGateway, tracked: Tracked, method: str) -> None:
    for name in ("zebra", "Zebra", "ärger", "_x", "$pageview", "10", "9"):
        gateway.call("event", tracked, Event=name, Properties={name: 1, "b": 2, "B": 3})
    catalog = ask(gateway, method, tracked).json()["Properties"]
    assert list(catalog) == ["$pageview", "10", "9", "Zebra", "_x", "zebra", "ärger"]
    for properties in catalog.values():
        assert properties == sorted(properties)
        assert set(STANDARD_PROPERTIES) < set(properties)
    assert [name for name in catalog["zebra"] if name[0] != "$"] == ["B", "b", "zebra"]


def test_a_catalog_grows_by_what_later_events_bring(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    for properties in ({"a": 1}, {"b": 1}, {"a": 2}):
        gateway.call("event", tracked, Event="x", Properties=properties)
    catalog = ask(gateway, "POST", tracked).json()["Properties"]
    assert [name for name in catalog["x"] if name[0] != "$"] == ["a", "b"]


@both
@pytest.mark.parametrize(
    ("list_id", "code"),
    [(None, 1), ("", 1), ("abc", 2), ("0", 2), ("-1", 2), ("1.5", 2), ("999999999", 3)],
)
def test_a_list_that_cannot_be_read_is_refused_by_its_code(
    gateway: RunningGateway, tracked: Tracked, method: str, list_id: str | None, code: int
) -> None:
    answer = ask(gateway, method, tracked, ListID=list_id)
    assert answer.status_code == 422
    assert answer.json() == {"Errors": [{"Code": code, "Message": MESSAGES[code]}]}


@pytest.mark.parametrize("list_id", [0, -1, 1.5, True, []])
def test_a_list_id_of_another_type_is_code_2(
    gateway: RunningGateway, tracked: Tracked, list_id: object
) -> None:
    answer = gateway.call("website_events.properties", tracked, ListID=list_id)
    assert answer.status_code == 422
    assert answer.json() == {"Errors": [{"Code": 2, "Message": MESSAGES[2]}]}


@both
def test_another_accounts_list_is_answered_exactly_as_one_that_does_not_exist(
    gateway: RunningGateway, tracked: Tracked, method: str
) -> None:
    other = gateway.new_list()
    gateway.call("event", other, Event="secret plans")
    foreign = ask(gateway, method, tracked, ListID=other.list_id)
    missing = ask(gateway, method, tracked, ListID=999_999_999)
    assert foreign.status_code == missing.status_code == 422
    assert foreign.content == missing.content
    assert foreign.json() == {"Errors": [{"Code": 3, "Message": "List not found"}]}


def test_lists_keep_their_catalogs_apart(gateway: RunningGateway) -> None:
    here, there = gateway.new_list(), gateway.new_list()
    gateway.call("event", here, Event="here")
    gateway.call("event", there, Event="there")
    assert list(ask(gateway, "GET", here).json()["Properties"]) == ["here"]
