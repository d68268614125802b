"""`journey.actions.*`, `journey.deliveries.*`: what a journey runs, and what became of it."""

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
    stamp,
    structure,
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
from gateway.edge.commands.webhook_action import INVALID_ACTION, webhook_of
from gateway.errors import Problem, Refused
from gateway.records import outbox, webhooks
from gateway.records.outbox import Delivery, State
from gateway.records.webhooks import Webhook

MISSING_JOURNEY = Problem(1, "Missing JourneyID parameter")
MISSING_ACTIONS = Problem(2, "Missing Actions parameter")
INVALID_JOURNEY = Problem(3, "Invalid JourneyID parameter")
NOT_AN_ARRAY = Problem(4, "Invalid JourneyID parameter (Actions must be array)")
UNKNOWN_JOURNEY = Problem(5, "Journey not found")

INVALID_ONE = Problem(2, "Invalid JourneyID parameter")
UNKNOWN_ONE = Problem(3, "Journey not found")
MISSING_ACTION = Problem(1001, "Missing ActionID parameter")
UNKNOWN_ACTION = Problem(1002, "Action not found")

ACTIONS_MAX = 20
STATES = tuple(state.name.capitalize() for state in State)


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
            webhook_of(action, f"Actions[{place}]", journey.id, known, allowed)
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
