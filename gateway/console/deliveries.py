"""Deliveries: what journeys owe, owed and could not deliver; dead letters are sent once more."""

import sqlite3
from dataclasses import dataclass

from starlette.responses import Response

from gateway import clock
from gateway.console.entry import Page
from gateway.console.journeys import owned, pretty
from gateway.console.rendering import Missing, done, render
from gateway.console.visit import Visit
from gateway.records import event_log, journeys, outbox, people, webhooks
from gateway.records.event_log import StoredEvent
from gateway.records.journeys import Journey
from gateway.records.outbox import Delivery, State
from gateway.records.people import Subscriber
from gateway.records.webhooks import Webhook

ROWS = 50
REPLAYED_MAX = 1_000

STATES = {state.name.lower(): state for state in State}


@dataclass(frozen=True, slots=True)
class Row:
    """`event` is None once it is past its time."""

    delivery: Delivery
    journey: Journey
    webhook: Webhook
    subscriber: Subscriber
    event: StoredEvent | None


async def show_all(visit: Visit) -> Response:
    """Of the list or of one journey, in one state or in any; the newest first."""
    journey = owned(visit, visit.query.whole("journey")) if visit.query.text("journey") else None
    state = visit.query.text("state")
    rows = await visit.services.reader.read(
        _rows,
        visit.of_list.id,
        journey.id if journey else None,
        [STATES[state]] if state in STATES else list(State),
        visit.query.whole("before"),
    )
    return render(
        visit,
        "deliveries.html",
        rows=rows[:ROWS],
        before=rows[ROWS - 1].delivery.id if len(rows) > ROWS else None,
        journey=journey,
        state=state if state in STATES else "",
        states=STATES,
        State=State,
    )


async def show(visit: Visit) -> Response:
    row = await visit.services.reader.read(_row, visit.of_list.id, visit.number("delivery_id"))
    if row is None:
        raise Missing("There is no such delivery on this list: what ended is kept for 14 days.")
    body = pretty(row.delivery.body) if row.delivery.body else ""
    return render(visit, "delivery.html", row=row, body=body, State=State)


async def replay(visit: Visit) -> Response:
    delivery_id, list_id, now_ms = visit.number("delivery_id"), visit.of_list.id, clock.now_ms()

    def write(db: sqlite3.Connection) -> int | None:
        row = _row(db, list_id, delivery_id)
        return outbox.replay(db, [row.delivery], now_ms) if row else None

    replayed = await visit.services.writer.write(write)
    if replayed is None:
        raise Missing("There is no such delivery on this list.")
    said = "It is sent once more." if replayed else "It is no dead letter: nothing is sent."
    return done(visit, visit.to("deliveries", delivery_id), said)


async def replay_all(visit: Visit) -> Response:
    """The oldest of a journey's dead letters, as many as one transaction holds well."""
    journey, now_ms = owned(visit, visit.form.whole("journey")), clock.now_ms()

    def write(db: sqlite3.Connection) -> int:
        found = outbox.of_journey(db, journey.id, State.DEAD, rows=REPLAYED_MAX)
        return outbox.replay(db, found, now_ms)

    replayed = await visit.services.writer.write(write)
    return done(
        visit,
        visit.to("deliveries", journey=journey.id),
        f"{replayed:,} dead letters are sent once more.",
    )


def _rows(
    db: sqlite3.Connection,
    list_id: int,
    journey_id: int | None,
    states: list[State],
    before_id: int,
) -> list[Row]:
    """One more than is shown, where there are more."""
    known = {
        webhook.id: (journey, webhook)
        for journey in journeys.of_list(db, list_id)
        if journey_id in (None, journey.id)
        for webhook in webhooks.of_journey(db, journey.id)
    }
    found = outbox.newest(db, [*known], states, before_id=before_id or None, rows=ROWS + 1)
    return [_told(db, each, *known[each.webhook_id]) for each in found]


def _row(db: sqlite3.Connection, list_id: int, delivery_id: int) -> Row | None:
    """The delivery, if a webhook of the list owes it."""
    delivery = outbox.get(db, delivery_id)
    webhook = delivery and webhooks.get(db, delivery.webhook_id)
    journey = webhook and journeys.get(db, webhook.journey_id)
    if delivery and webhook and journey and journey.list_id == list_id:
        return _told(db, delivery, journey, webhook)
    return None


def _told(db: sqlite3.Connection, delivery: Delivery, journey: Journey, webhook: Webhook) -> Row:
    return Row(
        delivery,
        journey,
        webhook,
        people.subscriber(db, delivery.subscriber_id),
        event_log.get(db, delivery.event_id),
    )


PAGES = (
    Page("/lists/{list_id:int}/deliveries", show=show_all),
    Page("/lists/{list_id:int}/deliveries/replay", act=replay_all),
    Page("/lists/{list_id:int}/deliveries/{delivery_id:int}", show=show),
    Page("/lists/{list_id:int}/deliveries/{delivery_id:int}/replay", act=replay),
)
