"""`event.explain`: the life of one event, as programs ask for it. What it tells of is held by
`tests/unit/records/test_explain.py`; the shape of every answer by the document."""

from typing import Any

import pytest

from gateway.edge.commands.table import COMMANDS
from tests.support import RunningGateway, Tracked

VARIES = {
    "id", "list_id", "$list_id", "uuid", "$uuid", "visitor", "subscriber_id", "journey_id",
    "at_ms", "happened_at_ms", "received_at_ms", "$dsn", "$server",
}  # fmt: skip


def alike(value: Any) -> Any:
    """Without what is another in every gateway."""
    if isinstance(value, dict):
        return {name: name in VARIES or alike(each) for name, each in value.items()}
    return [alike(each) for each in value] if isinstance(value, list) else value


def test_the_example_in_the_document_is_what_is_answered(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    """A payment that a server told of, whose person was new; and a journey for other events."""
    journey = {"Name": "Thank them", "Trigger": "WebsiteEvent_conversion"}
    made = gateway.call("journey.create", tracked, **journey, Trigger_ListID=tracked.list_id).json()
    gateway.call("journey.enable", tracked, JourneyID=made["JourneyID"])
    gateway.call(
        "event",
        tracked,
        Event="payment_succeeded",
        Email="ada@example.com",
        EventID="payment-1",
        Properties={"amount": 290.5},
    )
    example = COMMANDS["event.explain"].example
    assert example
    answer = gateway.call("event.explain", tracked, EventID=example.call["EventID"])
    assert alike(answer.json()) == alike(example.answer)


def test_an_event_is_named_by_its_number_or_its_id_either_way_it_is_spelled(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    gateway.call("event", tracked, Event="one", EventID="cart/1 é")
    [event] = gateway.events(tracked)
    for said in (event.id, str(event.id), event.event_id, event.event_id.upper(), "cart/1 é"):
        told = gateway.call("event.explain", tracked, EventID=said).json()["Explanation"]
        assert told["event"]["id"] == event.id
    query = {"ListID": tracked.list_id, "EventID": event.id, "APIKey": tracked.api_key}
    got = gateway.client.get("/api/v1/event.explain", params=query).json()
    assert got["Explanation"] == told


@pytest.mark.parametrize(
    ("parameters", "codes"),
    [
        ({"ListID": None}, [1, 1001]),
        ({"EventID": 1, "ListID": "x"}, [2]),
        ({"EventID": 1, "ListID": 999_999}, [3]),
        ({"EventID": "nothing"}, [1002]),
        ({"EventID": 2**62}, [1002]),
        ({"EventID": [1]}, [1003]),
    ],
)
def test_what_is_wrong_with_the_call_is_said(
    gateway: RunningGateway, tracked: Tracked, parameters: dict[str, Any], codes: list[int]
) -> None:
    answer = gateway.call("event.explain", tracked, **parameters)
    assert answer.status_code == 422
    assert [problem["Code"] for problem in answer.json()["Errors"]] == codes


def test_another_accounts_event_is_as_one_that_does_not_exist(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    """By its number or its id, on their list or on mine."""
    other = gateway.new_list()
    gateway.call("event", other, Event="theirs", EventID="theirs")
    [event] = gateway.events(other)
    for said in (event.id, event.event_id, "theirs"):
        mine = gateway.call("event.explain", tracked, EventID=said).json()
        assert [problem["Code"] for problem in mine["Errors"]] == [1002]
        theirs = gateway.call("event.explain", tracked, EventID=said, ListID=other.list_id).json()
        assert [problem["Code"] for problem in theirs["Errors"]] == [3]
