"""Whatever stands in a parameter of a management call, it is carried out or refused with a number:
never a fault of ours."""

from typing import Any

import pytest

from gateway.edge.commands.table import COMMANDS
from tests.http.management import done, subscribe
from tests.http.test_management_table import MANAGEMENT
from tests.support import RunningGateway, Tracked


def nested(depth: int) -> list[Any]:
    inner: list[Any] = []
    for _ in range(depth):
        inner = [inner]
    return inner


ODD: tuple[Any, ...] = (
    True, -1, 1.5, 10**30, "\0", "a\0b", "x" * 9_000, "ä☃", [], [None], [{"a": [1]}],
    {"a": {"b": 1}}, {"\0": "\0"}, nested(20), nested(900), "[" * 900 + "]" * 900, "[" * 2_000, "²",
    "1e400", "http://[", "9999-12-31T23:59:59-23:59",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", MANAGEMENT)
def test_odd_values_never_make_a_fault(
    gateway: RunningGateway, tracked: Tracked, name: str
) -> None:
    if name == "lists.delete":
        tracked = gateway.new_list()
    subscribe(gateway, tracked, "ann@example.com")
    field = {"FieldName": "F", "FieldType": "Text"}
    field_id = done(gateway, tracked, "customfield.create", **field)["CustomFieldID"]
    segment = {"SegmentName": "S", "SegmentOperator": "and"}
    made = done(gateway, tracked, "segment.create", **segment)
    journey = done(gateway, tracked, "journey.create", Name="J")
    usual = {
        "JourneyID": journey["JourneyID"], "Name": "J", "NewJourneyName": "K", "ActionID": 1,
        "Trigger": "WebsiteEvent_customEvent", "Trigger_ListID": tracked.list_id,
        "Trigger_Value": "cart",
        "Actions": [
            {"Action": "Webhook", "ActionParameters": {"URL": "https://hooks.example.com/"}}
        ],
        "SubscriberListID": tracked.list_id, "ListID": tracked.list_id, "Campaign": "c",
        "EmailAddress": "ann@example.com", "IPAddress": "203.0.113.1", "Operator": "and",
        "SubscriberSegment": "All", "CustomFieldID": field_id, **field,
        "SubscriberListName": "L", "Note": "n", "SegmentID": made["SegmentID"], **segment,
    }  # fmt: skip
    for parameter in COMMANDS[name].parameters:
        for value in ODD:
            answer = gateway.call(name, tracked, **{**usual, parameter: value})
            assert answer.status_code == 200, (parameter, str(value)[:80], answer.text)
            assert answer.json()["Success"] in (True, False)
