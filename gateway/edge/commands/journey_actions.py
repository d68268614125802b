"""`journey.actions.*`, `journey.deliveries.*`: what a journey runs, and what became of it."""

import json
import re
import sqlite3
from typing import Any

from gateway import clock
from gateway.edge.commands import answers, journeys
from gateway.edge.commands.arguments import (
    PAGE_ROWS,
    PAGE_ROWS_MAX,
    check_depth,
    choice,
    id_list,
    invalid,
    number,
    object_of,
    stamp,
    structure,
    text,
)
from gateway.edge.commands.command import (
    READ,
    WRITE,
    Answer,
    Call,
    Command,
    Envelope,
    is_missing,
    numbered,
    succeeded,
    whole_number,
)
from gateway.edge.commands.parameter import choice as choice_of
from gateway.edge.commands.parameter import whole
from gateway.errors import Problem, Refused
from gateway.records import message, outbox, webhooks
from gateway.records.outbox import Delivery, State
from gateway.records.webhooks import SIGNATURE_HEADER, Webhook
from gateway.signatures import TAKEN_HEADERS
from gateway.targets import fault_of

MISSING_JOURNEY = Problem(1, "Missing JourneyID parameter")
MISSING_ACTIONS = Problem(2, "Missing Actions parameter")
INVALID_JOURNEY = Problem(3, "Invalid JourneyID parameter")
NOT_AN_ARRAY = Problem(4, "Invalid JourneyID parameter (Actions must be array)")
UNKNOWN_JOURNEY = Problem(5, "Journey not found")
INVALID_ACTION = Problem(6, "Invalid action type or Journey not found")

INVALID_ONE = Problem(2, "Invalid JourneyID parameter")
UNKNOWN_ONE = Problem(3, "Journey not found")
MISSING_ACTION = Problem(1001, "Missing ActionID parameter")
UNKNOWN_ACTION = Problem(1002, "Action not found")

ACTIONS_MAX = 20
PARTS_MAX = 50  # headers, and keys of the payload
VALUE_CHARS_MAX = 4_096
STATES = tuple(state.name.capitalize() for state in State)

_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_VALUE = re.compile(r"[\t\x20-\x7e]*")


async def update(call: Call) -> Answer:
    """The actions given are all there are from now on."""
    given = structure(call.parameters, "Actions", NOT_AN_ARRAY)
    if not isinstance(given, list) or len(given) > ACTIONS_MAX:
        raise Refused(NOT_AN_ARRAY)
    check_depth("Actions", given)
    allowed = frozenset(call.services.settings.webhook_hosts_allowed)

    def write(db: sqlite3.Connection) -> Answer:
        journey = journeys.owned(db, call, INVALID_JOURNEY, UNKNOWN_JOURNEY)
        known = {each.id: each for each in webhooks.of_journey(db, journey.id)}
        wanted = [
            _webhook(action, f"Actions[{place}]", journey.id, known, allowed)
            for place, action in enumerate(given)
        ]
        kept = webhooks.replace(db, journey.id, wanted, clock.now_ms())
        shown = journeys.actions(kept, new={each.id for each in kept} - {*known})
        return succeeded(JourneyID=journey.id, JourneyName=journey.name, Actions=shown)

    return await call.services.writer.write(write)


async def rotate(call: Call) -> Answer:
    """The secret before is valid for another day."""

    def write(db: sqlite3.Connection) -> Answer:
        webhook = _owned_webhook(db, call)
        now_ms = clock.now_ms()
        secret = webhooks.rotate(db, webhook.id, now_ms)
        until = stamp(now_ms + webhooks.OVERLAP_MS)
        return succeeded(ActionID=webhook.id, Secret=secret, PreviousValidUntil=until)

    return await call.services.writer.write(write)


async def deliveries(call: Call) -> Answer:
    given = call.parameters
    word = choice(given, "State", STATES) or State.DEAD.name
    state = State[word.upper()]
    rows = number(given, "RecordsPerRequest", PAGE_ROWS, PAGE_ROWS_MAX) or PAGE_ROWS_MAX
    after = number(given, "After", 0)

    def read(db: sqlite3.Connection) -> Answer:
        journey = journeys.owned(db, call, INVALID_ONE, UNKNOWN_ONE)
        found = outbox.of_journey(db, journey.id, state, after_id=after, rows=rows + 1)
        more = found[rows - 1].id if len(found) > rows else None
        return succeeded(Deliveries=[_shown(each) for each in found[:rows]], After=more)

    return await call.services.reader.read(read)


async def replay(call: Call) -> Answer:
    """Those that are named, or the first of all; asked again until none is left."""
    named = call.parameters.get("deliveries")
    ids = None if is_missing(named) else id_list(named, invalid("Deliveries", "ids of deliveries"))

    def write(db: sqlite3.Connection) -> Answer:
        journey = journeys.owned(db, call, INVALID_ONE, UNKNOWN_ONE)
        found = outbox.of_journey(db, journey.id, State.DEAD, rows=PAGE_ROWS_MAX, ids=ids)
        replayed = outbox.replay(db, found, clock.now_ms())
        return succeeded(Replayed=replayed)

    return await call.services.writer.write(write)


def _webhook(
    action: Any, path: str, journey_id: int, known: dict[int, Webhook], allowed: frozenset[str]
) -> Webhook:
    if not isinstance(action, dict):
        raise Refused(invalid(path, "an object"))
    said = {name.lower(): value for name, value in action.items()}
    if str(said.get("action", "")).lower() != "webhook":
        raise Refused(INVALID_ACTION)
    action_id = whole_number(said.get("actionid")) or 0
    if not is_missing(said.get("actionid")) and action_id not in known:
        raise Refused(invalid(f"{path}.ActionID", "the id of an action of this journey"))
    path = f"{path}.ActionParameters"
    inner = object_of(said, "ActionParameters", invalid(path, "an object"))
    inner = {name.lower(): value for name, value in inner.items()}
    url = text(inner, "URL")
    fault = fault_of(url, allowed)
    if fault or len(url) > VALUE_CHARS_MAX:
        raise Refused(invalid(f"{path}.URL", fault or "a shorter address"))
    headers, signature_header = _headers(inner, path), _signature_header(inner, path)
    if signature_header.lower() in {name.lower() for name in headers}:
        raise Refused(invalid(f"{path}.Headers", f"other names than {signature_header}"))
    return Webhook(
        id=action_id,
        journey_id=journey_id,
        url=url,
        headers=headers,
        payload=_payload(inner, path),
        signature_header=signature_header,
    )


def _headers(inner: dict[str, Any], path: str) -> dict[str, str]:
    headers = object_of(inner, "Headers", invalid(f"{path}.Headers", "an object of texts"))
    if len(headers) > PARTS_MAX:
        raise Refused(invalid(f"{path}.Headers", f"at most {PARTS_MAX} headers"))
    for name, value in headers.items():
        _check_header(name, f"{path}.Headers")
        if not isinstance(value, str) or not _VALUE.fullmatch(value[: VALUE_CHARS_MAX + 1]):
            raise Refused(invalid(f"{path}.Headers", f"printable ASCII text for {name}"))
        if len(value) > VALUE_CHARS_MAX:
            raise Refused(invalid(f"{path}.Headers", f"less for {name}"))
    return headers


def _signature_header(inner: dict[str, Any], path: str) -> str:
    name = text(inner, "SignatureHeader") or SIGNATURE_HEADER
    _check_header(name, f"{path}.SignatureHeader")
    return name


def _check_header(name: str, path: str) -> None:
    if not _HEADER.fullmatch(name) or name.lower() in TAKEN_HEADERS:
        taken = ", ".join(sorted(TAKEN_HEADERS))
        raise Refused(invalid(path, f"names of headers other than {taken}"))


def _payload(inner: dict[str, Any], path: str) -> dict[str, Any]:
    payload = object_of(inner, "Payload", invalid(f"{path}.Payload", "an object"))
    if len(payload) > PARTS_MAX or len(json.dumps(payload)) > 4 * VALUE_CHARS_MAX:
        raise Refused(invalid(f"{path}.Payload", "less"))
    if {*payload} & {*message.OWN_KEYS}:
        keys = ", ".join(message.OWN_KEYS)
        raise Refused(invalid(f"{path}.Payload", f"other keys than {keys}"))
    return payload


def _owned_webhook(db: sqlite3.Connection, call: Call) -> Webhook:
    journey = journeys.owned(db, call, INVALID_ONE, UNKNOWN_ONE)
    found = webhooks.get(db, whole_number(call.parameters.get("actionid")) or 0)
    if found is None or found.journey_id != journey.id:
        raise Refused(UNKNOWN_ACTION)
    return found


def _shown(delivery: Delivery) -> dict[str, Any]:
    return {
        "DeliveryID": delivery.id,
        "WebhookID": delivery.delivery_id,
        "ActionID": delivery.webhook_id,
        "SubscriberID": delivery.subscriber_id,
        "State": delivery.state.name.capitalize(),
        "Attempts": delivery.attempts,
        "Outcome": delivery.outcome,
        "WrittenAt": stamp(delivery.written_at_ms),
        "NextAttemptAt": stamp(delivery.due_at_ms),
        "EndedAt": stamp(delivery.ended_at_ms),
    }


COMMANDS = (
    Command(
        name="journey.actions.update",
        needs="admin",
        handler=update,
        methods=WRITE,
        rest=("PATCH", "journey.actions"),
        summary="Say what a journey runs. The secret of a new webhook is answered this once.",
        answers=answers.ActionsUpdated,
        parameters=("JourneyID", "Actions"),
        required={"JourneyID": MISSING_JOURNEY, "Actions": MISSING_ACTIONS},
        codes=numbered(
            MISSING_JOURNEY, MISSING_ACTIONS, INVALID_JOURNEY, NOT_AN_ARRAY, UNKNOWN_JOURNEY,
            INVALID_ACTION,
        ),
        envelope=Envelope.SUCCESS,
    ),
    Command(
        name="journey.actions.rotate",
        needs="admin",
        handler=rotate,
        methods=WRITE,
        summary="Give a webhook a new secret; the one before is valid for another day.",
        answers=answers.SecretRotated,
        parameters=("JourneyID", "ActionID"),
        required={"JourneyID": MISSING_JOURNEY, "ActionID": MISSING_ACTION},
        codes=numbered(MISSING_JOURNEY, INVALID_ONE, UNKNOWN_ONE, MISSING_ACTION, UNKNOWN_ACTION),
        envelope=Envelope.SUCCESS,
    ),
    Command(
        name="journey.deliveries",
        handler=deliveries,
        methods=READ,
        summary="A journey's deliveries: the dead letters, or those in another state.",
        answers=answers.Deliveries,
        parameters=("JourneyID", "State", "RecordsPerRequest", "After"),
        meanings={
            "State": choice_of(STATES, "Which deliveries; dead ones, unless it says."),
            "After": whole("The `After` of the answer before.", 0),
        },
        required={"JourneyID": MISSING_JOURNEY},
        codes=numbered(MISSING_JOURNEY, INVALID_ONE, UNKNOWN_ONE),
        envelope=Envelope.SUCCESS,
    ),
    Command(
        name="journey.deliveries.replay",
        needs="admin",
        handler=replay,
        methods=WRITE,
        summary=f"Send dead letters once more: those named, or the first {PAGE_ROWS_MAX:,} of all.",
        answers=answers.Replayed,
        parameters=("JourneyID", "Deliveries"),
        required={"JourneyID": MISSING_JOURNEY},
        codes=numbered(MISSING_JOURNEY, INVALID_ONE, UNKNOWN_ONE),
        envelope=Envelope.SUCCESS,
    ),
)  # fmt: skip
