"""`event.explain`, ours: the life of one event, from how it came in to what it brought about."""

import sqlite3

from gateway.edge.commands import answers, parameter
from gateway.edge.commands.arguments import text
from gateway.edge.commands.command import READ, Answer, Call, Command, Example, numbered
from gateway.edge.commands.website_events import INVALID_LIST, LIST_NOT_FOUND, MISSING_LIST, owned
from gateway.errors import Problem, Refused
from gateway.events.parse import ID_CHARS_MAX
from gateway.events.vocabulary import STANDARD_PROPERTIES
from gateway.records import event_log
from gateway.records.explain import Explanation, explain

MISSING_EVENT = Problem(1001, "Missing EventID parameter")
EVENT_NOT_FOUND = Problem(1002, "Event not found")


async def show(call: Call) -> Answer:
    list_id, said = owned(call).id, text(call.parameters, "EventID")
    click_days = call.services.settings.limits.click_days

    def read(db: sqlite3.Connection) -> Explanation:
        event = event_log.named(db, list_id, said)
        if event is None:
            raise Refused(EVENT_NOT_FOUND)
        return explain(db, event, click_days)

    return {"Explanation": await call.services.reader.read(read)}


_ENTRY = {
    "id": 7,
    "at_ms": 1769860800000,
    "cause": "identify",
    "visitor": "381b5c96-fcd4-4a82-ae90-e6eba7692a15",
    "before": None,
    "after": "ada@example.com",
    "evidence": {"event_id": "5c1cd139-3f15-d40e-c7f2-f53e4bba3a8f", "door": "api"},
    "undoes": None,
    "undone_by": None,
}
_PERSON = {"subscriber_id": 5, "email": "ada@example.com"}
_EXAMPLE: Answer = {
    "event": {
        "id": 101,
        "event_id": "5c1cd139-3f15-d40e-c7f2-f53e4bba3a8f",
        "list_id": 3,
        "event": "payment_succeeded",
        "kind": "custom",
        "source": "api",
        "uuid": "381b5c96-fcd4-4a82-ae90-e6eba7692a15",
        "email": "ada@example.com",
        "happened_at_ms": 1769860800000,
        "sent_at_ms": None,
        "received_at_ms": 1769860800000,
        "silent": False,
        "properties": {
            **dict.fromkeys(STANDARD_PROPERTIES),
            "$dsn": "https://track.example.com/api/v1/event",
            "$list_id": 3,
            "$page_title": None,
            "$server": "track.example.com",
            "$uuid": "381b5c96-fcd4-4a82-ae90-e6eba7692a15",
            "amount": 290.5,
        },
    },
    "times": {"clock_off_ms": None, "corrected": False},
    "added": {
        "$uuid": "the visitor it belongs to",
        "$list_id": "the list it belongs to",
        "$dsn": "the address it was sent to",
        "$server": "the host it was sent to",
    },
    "seq": None,
    "whose": {
        "uuid": "381b5c96-fcd4-4a82-ae90-e6eba7692a15",
        "external_id": None,
        "was": _PERSON,
        "now": _PERSON,
        "bound_by": "identify",
        "because": _ENTRY,
    },
    "bindings": [_ENTRY],
    "clicks": [],
    "caused_by": None,
    "identify": {"id": 102, "event": "identify"},
    "conversion": None,
    "counted_by": None,
    "journeys": [
        {
            "journey_id": 2,
            "name": "Thank them",
            "waits": False,
            "fired": False,
            "fired_at_ms": None,
            "why": "it waits for other events",
            "deliveries": [],
        }
    ],
}

COMMANDS = (
    Command(
        name="event.explain",
        handler=show,
        methods=READ,
        summary="The life of one event: how it came in, whose it is and why, what it brought.",
        answers=answers.EventExplained,
        parameters=("ListID", "EventID"),
        meanings={
            "EventID": parameter.text(
                "The event: its number, or its id as it was sent.", ID_CHARS_MAX, least=1
            )
        },
        required={"ListID": MISSING_LIST, "EventID": MISSING_EVENT},
        example=Example(
            call={"ListID": 3, "EventID": "payment-1"}, answer={"Explanation": _EXAMPLE}
        ),
        codes=numbered(MISSING_LIST, INVALID_LIST, LIST_NOT_FOUND),
        further=numbered(MISSING_EVENT, EVENT_NOT_FOUND)
        | {1003: "Invalid EventID parameter: write …"},
    ),
)
