"""`event`: a server tracks an event. To the letter of the reference."""

import uuid as uuids
from urllib.parse import urlsplit

from gateway import clock
from gateway.edge.auth import click_of
from gateway.edge.commands.command import Answer, Call, Command, Rate, whole_number
from gateway.errors import InvalidEvent, Problem, Refused
from gateway.events import parse
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


COMMANDS = (
    Command(
        name="event",
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
        counted_as=Rate.EVENT,
    ),
)  # fmt: skip
