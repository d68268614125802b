"""`event`: a server tracks an event. To the letter of the reference."""

from functools import cache
from typing import NamedTuple, NoReturn
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
from gateway.events import bounds, parse, refusal
from gateway.events.device import stated_device
from gateway.events.enrich import Source, enrich
from gateway.events.event import Enriched, Properties
from gateway.events.refusal import Refusal
from gateway.events.vocabulary import Door
from gateway.ingest.facts import Seen
from gateway.ingest.record import Outcome, Receipt
from gateway.records.lists import SubscriberList

INVALID_LIST = Problem(4, "Invalid ListID parameter")
ERASED = Problem(1020, "This person was erased from the list: send no more events of theirs.")


class Unreadable(NamedTuple):
    """An event of a known list that cannot be taken: it is kept before it is refused."""

    source: Source
    refusal: Refusal


def prepare(call: Call) -> tuple[Enriched, Seen] | Unreadable:
    """The event a call sends, and what taking it rests on. Raises Refused for an unknown list."""
    subscriber_list = _list(call)
    try:
        event = parse.server_event(call.parameters, call.services.settings.limits)
    except InvalidEvent as error:
        if subscriber_list is None:
            raise Refused(INVALID_LIST, *error.problems) from None
        given = call.parameters.get("properties")
        source = _source(call, subscriber_list, given if isinstance(given, dict) else {})
        return Unreadable(source, refusal.of_server(call.parameters, error))
    if subscriber_list is None:
        raise Refused(INVALID_LIST)
    source = _source(call, subscriber_list, event.properties)
    return enrich(event, source), Seen(subscriber_list, call.caller.key)


def answer(call: Call, outcome: Outcome) -> Answer:
    """What the call is answered. Raises Refused, or what kept the event from being stored."""
    call.services.tally.received(Door.API, isinstance(outcome, Receipt))
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


async def refuse(call: Call, unreadable: Unreadable) -> NoReturn:
    """Keep it, then raise Refused with what is wrong with it. Raises Overloaded when that cannot
    be."""
    await call.services.refusals.take(unreadable.source, [unreadable.refusal])
    call.services.tally.received(Door.API, 1)
    raise Refused(*unreadable.refusal.problems)


async def track(call: Call) -> Answer:
    """By the slow way: the hot door calls the same steps without a task of its own."""
    call.services.facts.forget()
    prepared = prepare(call)
    if isinstance(prepared, Unreadable):
        await refuse(call, prepared)
    event, seen = prepared
    [outcome] = await call.services.intake.accept([event], seen)
    return answer(call, outcome)


def _list(call: Call) -> SubscriberList | None:
    list_id = whole_number(call.parameters.get("listid"))
    found = call.services.facts.list(list_id) if list_id is not None else None
    return found if found and found.account_id == call.caller.account_id else None


def _source(call: Call, subscriber_list: SubscriberList, properties: Properties) -> Source:
    """The caller's own HTTP client says nothing of the visitor; `$user_agent`, if given, does."""
    dsn, server = _address(call.services.settings.base_url)
    token = properties.get("pr")
    return Source(
        list_id=subscriber_list.id,
        door=Door.API,
        device=stated_device(properties),
        dsn=dsn,
        server=server,
        received_at_ms=clock.now_ms(),
        click=click_of(call.services, token, subscriber_list, call.caller.credential)
        if isinstance(token, str)
        else None,
    )


@cache
def _address(base_url: str) -> tuple[str, str]:
    """Where calls come to, and the name of the host there."""
    return f"{base_url}/api/v1/event", urlsplit(base_url).hostname or ""


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
