"""`event`: a server tracks an event. To the letter of the reference."""

from urllib.parse import urlsplit

from gateway import clock
from gateway.edge.auth import click_of
from gateway.edge.commands.command import Answer, Call, Command, Rate, whole_number
from gateway.errors import InvalidEvent, Problem, Refused
from gateway.events import parse, refusal
from gateway.events.device import stated_device
from gateway.events.enrich import Source, enrich
from gateway.events.event import Properties
from gateway.events.vocabulary import Door
from gateway.ingest.record import Receipt
from gateway.records import lists
from gateway.records.lists import SubscriberList

INVALID_LIST = Problem(4, "Invalid ListID parameter")
ERASED = Problem(1020, "This person was erased from the list: send no more events of theirs.")


async def track(call: Call) -> Answer:
    problems: list[Problem] = []
    subscriber_list = _list(call)
    if subscriber_list is None:
        problems.append(INVALID_LIST)
    try:
        event = parse.server_event(call.parameters, call.services.settings.limits)
    except InvalidEvent as error:
        if subscriber_list is not None:
            await _refuse(call, subscriber_list, error)
        raise Refused(*problems, *error.problems) from None
    if subscriber_list is None:
        raise Refused(*problems)
    [outcome] = await call.services.intake.accept(
        [enrich(event, _source(call, subscriber_list, event.properties))]
    )
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


async def _refuse(call: Call, subscriber_list: SubscriberList, error: InvalidEvent) -> None:
    """Keep what cannot be taken before it is refused. Raises Overloaded when that cannot be."""
    given = call.parameters.get("properties")
    source = _source(call, subscriber_list, given if isinstance(given, dict) else {})
    await call.services.refusals.take(source, [refusal.of_server(call.parameters, error)])
    call.services.tally.received(Door.API, 1)


def _list(call: Call) -> SubscriberList | None:
    list_id = whole_number(call.parameters.get("listid"))
    if list_id is None:
        return None
    return call.services.reader.look_up(lists.owned, list_id, call.caller.account_id)


def _source(call: Call, subscriber_list: SubscriberList, properties: Properties) -> Source:
    """The caller's own HTTP client says nothing of the visitor; `$user_agent`, if given, does."""
    base_url = call.services.settings.base_url
    token = properties.get("pr")
    return Source(
        list_id=subscriber_list.id,
        door=Door.API,
        device=stated_device(properties),
        dsn=f"{base_url}/api/v1/event",
        server=urlsplit(base_url).hostname or "",
        received_at_ms=clock.now_ms(),
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
