"""`/api.php?Command=…`: the same calls as clients of the older address spell them."""

import json
from typing import Any

import httpx
import pytest

from tests.support import RunningGateway, Tracked

PROPERTIES = {"product": "Mug", "size": {"unit": "cm"}}


def as_json(parameters: dict[str, Any]) -> dict[str, Any]:
    return {"json": {**parameters, "Properties": PROPERTIES}}


def as_form(parameters: dict[str, Any]) -> dict[str, Any]:
    nested = {"Properties[product]": "Mug", "Properties[size][unit]": "cm"}
    return {"data": {**parameters, **nested}}


def as_query(parameters: dict[str, Any]) -> dict[str, Any]:
    return {"params": as_form(parameters)["data"]}


def call(gateway: RunningGateway, **request: Any) -> httpx.Response:
    return gateway.client.post("/api.php", **request)


@pytest.mark.parametrize("written", [as_json, as_form, as_query])
@pytest.mark.parametrize("command", ["event.track", "Event.Track", "EVENT.TRACK", "event"])
def test_an_event_is_tracked_however_its_parameters_are_written(
    gateway: RunningGateway, tracked: Tracked, written: Any, command: str
) -> None:
    parameters = {
        "Command": command,
        "APIKey": tracked.api_key,
        "ListID": tracked.list_id,
        "Event": "x",
        "Email": "größe+tag@example.com",
    }
    answer = call(gateway, **written(parameters))
    assert answer.status_code == 200
    assert answer.json()["identify_event_sent"] is True
    stored = gateway.events(tracked)[0]
    assert (stored.event, stored.email) == ("x", "größe+tag@example.com")
    assert PROPERTIES.items() <= stored.properties.items()


def test_the_command_may_stand_in_the_query_and_the_rest_in_the_body(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    body = {"APIKey": tracked.api_key, "ListID": tracked.list_id, "Event": "x"}
    for content_type in ("application/json", "application/x-www-form-urlencoded"):
        answer = gateway.client.post(
            "/api.php?command=Event.Track",
            content=json.dumps(body),
            headers={"content-type": content_type},
        )
        assert answer.status_code == 200
    assert len(gateway.events(tracked)) == 2


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_catalog_answers_here_too(
    gateway: RunningGateway, tracked: Tracked, method: str
) -> None:
    parameters = {
        "Command": "Website_Events.Properties",
        "apikey": tracked.api_key,
        "LISTID": tracked.list_id,
    }
    answer = gateway.client.request(method, "/api.php", params=parameters)
    assert answer.json() == {"ListID": str(tracked.list_id), "Properties": {}}


@pytest.mark.parametrize("command", ["no.such.call", "event.", "../event", "", None, 5, ["event"]])
def test_an_unknown_or_missing_command_is_100003(gateway: RunningGateway, command: object) -> None:
    answer = call(gateway, json={"Command": command})
    assert answer.status_code == 400
    assert answer.json()["Errors"][0]["Code"] == 100003


def test_refusals_are_the_same_as_at_the_calls_own_path(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    body = {"APIKey": tracked.api_key, "Event": "identify"}
    here = call(gateway, json={**body, "Command": "event.track"})
    there = gateway.client.post("/api/v1/event", json=body)
    assert (here.status_code, here.content) == (there.status_code, there.content)
    assert [problem["Code"] for problem in here.json()["Errors"]] == [4, 6]


def test_numbers_in_a_form_are_text_and_count(gateway: RunningGateway, tracked: Tracked) -> None:
    form = {
        "Command": "event.track",
        "APIKey": tracked.api_key,
        "ListID": str(tracked.list_id),
        "Event": "conversion",
        "isSilent": "1",
        "Properties[conversion-id]": "o-1",
        "Properties[conversion-name]": "purchase",
        "Properties[conversion-value]": "290.50",
    }
    assert call(gateway, data=form).status_code == 200
    [stored] = gateway.events(tracked)
    assert stored.silent
    assert stored.properties["conversion-value"] == "290.50"


def test_an_event_cannot_be_tracked_by_following_a_link(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    parameters = {
        "Command": "event.track",
        "APIKey": tracked.api_key,
        "ListID": tracked.list_id,
        "Event": "x",
    }
    assert gateway.client.get("/api.php", params=parameters).status_code == 405
    assert gateway.events(tracked) == []
