"""`event.explain`, ours: the life of one event, from how it came in to what it brought about."""

import sqlite3

from gateway.edge.commands import answers, parameter
from gateway.edge.commands.arguments import text
from gateway.edge.commands.command import READ, Answer, Call, Command, numbered
from gateway.edge.commands.website_events import INVALID_LIST, LIST_NOT_FOUND, MISSING_LIST, owned
from gateway.errors import Problem, Refused
from gateway.events.parse import ID_CHARS_MAX
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
        codes=numbered(MISSING_LIST, INVALID_LIST, LIST_NOT_FOUND),
        further=numbered(MISSING_EVENT, EVENT_NOT_FOUND)
        | {1003: "Invalid EventID parameter: write …"},
    ),
)
