"""`event`: a server tracks an event. To the letter of the reference."""

import uuid as uuids
from urllib.parse import urlsplit

from gateway import clock
from gateway.edge.auth import click_of
from gateway.edge.commands import answers
from gateway.edge.commands.command import (
    Answer,
    Call,
    Command,
    Example,
    Rate,
    numbered,
    whole_number,
)
from gateway.errors import InvalidEvent, Problem, Refused
from gateway.events import bounds, parse
from gateway.events.device import Device, device_of
from gateway.events.enrich import Source, enrich
from gateway.events.event import Enriched, Event
from gateway.events.vocabulary import Door
from gateway.ingest.facts import Seen
from gateway.ingest.record import Outcome, Receipt
from gateway.records.lists import SubscriberList

INVALID_LIST = Problem(4, "Invalid ListID parameter")
ERASED = Problem(1020, "This person was erased from the list: send no more events of theirs.")


def prepare(call: Call) -> tuple[Enriched, Seen]:
    """The event a call sends, and what taking it rests on. Raises Refused."""
    problems: list[Problem] = []
    subscriber_list = _list(call)
    if subscriber_list is None:
        problems.append(INVALID_LIST)
    try:
        event = parse.server_event(call.parameters, call.services.settings.limits)
    except InvalidEvent as error:
        raise Refused(*problems, *error.problems) from None
    if subscriber_list is None:
        raise Refused(*problems)
    enriched = enrich(event, _source(call, subscriber_list, event))
    return enriched, Seen(subscriber_list, call.caller.key)


def answer(outcome: Outcome) -> Answer:
    """What the call is answered. Raises Refused, or what kept the event from being stored."""
    if not isinstance(outcome, Receipt):
        raise outcome
    if outcome.reason == "erased":
        raise Refused(ERASED)
    return {
        "status": "success",
        "uuid": outcome.uuid,
        "external_id": outcome.external_id,
        "identify_event_sent": outcome.identify_event_sent,
    }


async def track(call: Call) -> Answer:
    call.services.facts.forget()
    event, seen = prepare(call)
    [outcome] = await call.services.intake.accept([event], seen)
    return answer(outcome)


def _list(call: Call) -> SubscriberList | None:
    list_id = whole_number(call.parameters.get("listid"))
    found = call.services.facts.list(list_id) if list_id is not None else None
    return found if found and found.account_id == call.caller.account_id else None


def _source(call: Call, subscriber_list: SubscriberList, event: Event) -> Source:
    """The caller's own HTTP client says nothing of the visitor; `$user_agent`, if given, does."""
    agent = event.properties.get("$user_agent")
    base_url = call.services.settings.base_url
    token = event.properties.get("pr")
    return Source(
        list_id=subscriber_list.id,
        door=Door.API,
        device=device_of(agent) if isinstance(agent, str) else Device(),
        dsn=f"{base_url}/api/v1/event",
        server=urlsplit(base_url).hostname or "",
        received_at_ms=clock.now_ms(),
        visitor=uuids.UUID(event.uuid) if event.uuid else None,
        click=click_of(call.services, token, subscriber_list, call.caller.credential)
        if isinstance(token, str)
        else None,
    )


PROPERTY_PROBLEMS = {
    bounds.PROPERTIES_NO_OBJECT.code: bounds.PROPERTIES_NO_OBJECT.message,
    1004: "More than {properties_max} properties: send fewer.",
    1005: "Invalid property name: write 1 to {property_name_chars_max} characters of text.",
    1006: "Property … is longer than {value_bytes_max} bytes, or nested deeper than {nesting_max} "
    "levels, or no number or text that can be kept.",
    1008: "Property … is longer than {url_chars_max} characters.",
}
"""For the docs; `events/bounds` says them with what they are about."""

_OURS = PROPERTY_PROBLEMS | numbered(
    Problem(1002, "Invalid event name: write at most {event_name_chars_max} characters of text."),
    parse.INVALID_UUID,
    parse.INVALID_TIME,
    parse.INVALID_EVENT_ID,
    parse.INVALID_ID,
    parse.IDENTIFY_PROPERTIES_NO_OBJECT,
    parse.NOBODYS_ID,
    parse.NOBODYS_UUID,
    ERASED,
)

_EXAMPLE = Example(
    call={
        "ListID": 94,
        "ID": "user-id-2006",
        "Event": "test",
        "Email": "2006@test.com",
        "Properties": {"number-of-subscribers-imported": 100},
    },
    answer={
        "status": "success",
        "uuid": "13f8e79a-f063-4b80-10e4-b65a699a2f56",
        "external_id": "user-id-2006",
        "identify_event_sent": True,
    },
)

COMMANDS = (
    Command(
        name="event",
        summary="Track an event: a page view, an identify, a conversion or one of your own.",
        answers=answers.Tracked,
        handler=track,
        methods=("POST",),
        parameters=(
            "ListID", "Event", "UUID", "ID", "Email", "Properties", "IdentifyProperties",
            "EventID", "Time", "isSilent", "isTest",
        ),
        codes={
            problem.code: problem.message
            for problem in (
                INVALID_LIST, parse.MISSING_EVENT, parse.MISSING_EMAIL, parse.INVALID_EMAIL,
                parse.MISSING_CONVERSION_ID, parse.MISSING_CONVERSION_NAME,
                parse.MISSING_CONVERSION_VALUE,
            )
        },
        further=_OURS,
        asks=("ListID", "Event"),
        example=_EXAMPLE,
        counted_as=Rate.EVENT,
    ),
)  # fmt: skip
