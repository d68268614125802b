"""Journeys: what is done when somebody's browser brings an event, built as a form, tried against
the past, and switched on.

As with segments each button of the form sends all of it. A webhook's secret is on the answer that
made it, once.
"""

import dataclasses
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from gateway import clock
from gateway.console import journey_form, rule_form
from gateway.console.entry import Page
from gateway.console.journey_form import ACTIONS, KINDS, RUN, SEE_BELOW, TRIGGER, Form
from gateway.console.rendering import Missing, done, number, render
from gateway.console.rule_choices import Told, choices
from gateway.console.visit import Visit
from gateway.edge.commands.journeys import NAME_CHARS_MAX
from gateway.errors import Refused
from gateway.events.vocabulary import Kind
from gateway.records import enrolments, journeys, message, outbox, people, webhooks
from gateway.records.enrolments import Rehearsal
from gateway.records.journeys import Journey
from gateway.records.outbox import State
from gateway.records.webhooks import Webhook

COUNTED_MAX = 10_000
TRIED_DAYS = 7
TRIED_EVENTS = 1_000
TRIED_SHOWN = 50
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Row:
    """Counts in words, for they end at some number."""

    journey: Journey
    trigger: str
    enrolments: str
    deliveries: dict[State, str]


@dataclass(frozen=True, slots=True)
class Tried:
    """`who`: the addresses of those who would have come in. `bodies`: what the chosen event would
    have posted, for each webhook."""

    rehearsal: Rehearsal
    who: dict[int, str]
    chosen: str
    bodies: list[tuple[Webhook, str]] | None


async def show_all(visit: Visit) -> Response:
    rows = await visit.services.reader.read(_rows, visit.of_list.id)
    return render(visit, "journeys.html", rows=rows, State=State)


async def show_new(visit: Visit) -> Response:
    return await _page(visit, None, Form())


async def show(visit: Visit) -> Response:
    journey = owned(visit, visit.number("journey_id"))
    return await _page(visit, journey, _of_journey(visit, journey))


async def create(visit: Visit) -> Response:
    return await _take(visit, None)


async def change(visit: Visit) -> Response:
    return await _take(visit, owned(visit, visit.number("journey_id")))


async def switch(visit: Visit) -> Response:
    journey = owned(visit, visit.number("journey_id"))
    on, now_ms = visit.form.text("state") == "on", clock.now_ms()
    if on and journey.kind is None:
        raise Missing("The journey waits for nothing: save it with a trigger first.")

    def write(db: sqlite3.Connection) -> None:
        found = journeys.get(db, journey.id)
        if found:
            journeys.change(db, dataclasses.replace(found, enabled=on), now_ms)

    await visit.services.writer.write(write)
    said = "fires from now on" if on else "fires no more; what it owes is sent"
    return done(visit, visit.to("journeys", journey.id), f"{journey.name} {said}.")


async def rotate(visit: Visit) -> Response:
    """The new secret is on the answer, once."""
    journey = owned(visit, visit.number("journey_id"))
    webhook_id, now_ms = visit.number("webhook_id"), clock.now_ms()
    known = {each.id: each for each in _webhooks(visit, journey)}
    if webhook_id not in known:
        raise Missing("The journey has no such webhook.")
    secret = await visit.services.writer.write(lambda db: webhooks.rotate(db, webhook_id, now_ms))
    rotated = dataclasses.replace(known[webhook_id], secret=secret)
    return render(
        visit,
        "journey_secrets.html",
        journey=journey,
        webhooks=[rotated],
        until_ms=now_ms + webhooks.OVERLAP_MS,
    )


async def delete(visit: Visit) -> Response:
    journey = owned(visit, visit.number("journey_id"))
    now_ms = clock.now_ms()
    await visit.services.writer.write(lambda db: journeys.bury(db, journey.id, now_ms))
    return done(visit, visit.to("journeys"), f"The journey {journey.name} is deleted.")


async def try_out(visit: Visit) -> Response:
    """What the journey, as it is saved, would have fired for."""
    journey = owned(visit, visit.number("journey_id"))
    if journey.kind is None:
        raise Missing("The journey waits for nothing: save it with a trigger first.")
    tried = await visit.services.reader.read(_try, journey, visit.query.text("event"))
    return render(
        visit,
        "journey_try.html",
        journey=journey,
        trigger=trigger_words(journey),
        tried=tried,
        days=TRIED_DAYS,
        shown=TRIED_SHOWN,
    )


def owned(visit: Visit, journey_id: int) -> Journey:
    """A journey of the list. Raises Missing."""
    found = visit.services.reader.look_up(journeys.owned, journey_id, visit.account.id)
    if found is None or found.list_id != visit.of_list.id:
        raise Missing("There is no such journey on this list.")
    return found


def trigger_words(journey: Journey) -> str:
    if journey.kind is None:
        return "nothing yet"
    if journey.kind is Kind.CUSTOM:
        return f"the event “{journey.value}” happens"
    words = KINDS[journey.kind.name]
    return f"{words} whose URL has “{journey.value}”" if journey.value else words


def counted(many: int) -> str:
    """Of what was counted up to one more than is told."""
    return f"more than {COUNTED_MAX:,}" if many > COUNTED_MAX else number(many)


async def _take(visit: Visit, journey: Journey | None) -> Response:
    """Do what the button says: change the form, or save."""
    form = journey_form.read(visit.form)
    command = visit.form.text("change")
    if command == "look":
        return await _page(visit, journey, form, faults=_begun(form))
    if command:
        changed, focus = journey_form.changed(form, command)
        return await _page(visit, journey, changed, focus=focus)
    faults = journey_form.faults(form)
    try:
        if faults:
            raise Refused(SEE_BELOW)
        saved, new = await _save(visit, journey, form)
    except Refused as refused:
        return await _page(visit, journey, form, refused=refused, faults=faults)
    if new:
        return render(visit, "journey_secrets.html", journey=saved, webhooks=new, until_ms=None)
    return done(visit, visit.to("journeys", saved.id), f"The journey {saved.name} is saved.")


async def _save(visit: Visit, journey: Journey | None, form: Form) -> tuple[Journey, list[Webhook]]:
    """The journey as it is kept, and its webhooks that are new. Raises Refused."""
    allowed = frozenset(visit.services.settings.webhook_hosts_allowed)
    now_ms = clock.now_ms()
    bare = Journey(id=0, account_id=visit.account.id, list_id=visit.of_list.id, name="")

    def save(db: sqlite3.Connection) -> tuple[Journey, list[Webhook]]:
        wanted = journey_form.journey_of(db, form, journey or bare)
        write = journeys.change if journey else journeys.create
        saved = write(db, wanted, now_ms)
        known = {each.id: each for each in webhooks.of_journey(db, saved.id)}
        own = journey_form.webhooks_of(form, saved.id, known, allowed)
        kept = webhooks.replace(db, saved.id, own, now_ms)
        return saved, [each for each in kept if each.id not in known]

    return await visit.services.writer.write(save)


async def _page(
    visit: Visit,
    journey: Journey | None,
    form: Form,
    *,
    refused: Refused | None = None,
    faults: dict[str, str] | None = None,
    focus: str = "",
) -> Response:
    above, at_places = rule_form.placed(refused)
    known = await visit.services.reader.read(
        choices,
        visit.of_list.id,
        (form.trigger, TRIGGER, form.trigger_event),
        (form.run, RUN, ""),
    )
    return render(
        visit,
        "journey.html",
        status=422 if refused else 200,
        journey=journey,
        webhooks=_webhooks(visit, journey) if journey else [],
        form=form,
        kinds=KINDS,
        roots={"trigger": TRIGGER, "run": RUN, "actions": ACTIONS},
        refused=above or (Refused(SEE_BELOW) if at_places else None),
        name_chars_max=NAME_CHARS_MAX,
        told=Told(known, {**at_places, **(faults or {})}, focus),
    )


def _begun(form: Form) -> dict[str, str]:
    """What is wrong with rules that somebody has begun to write."""
    both = (
        *rule_form.places(form.trigger, TRIGGER),
        *rule_form.places(form.run, RUN),
    )
    blank = {place for place, rule in both if rule.is_blank}
    faults = journey_form.faults(form)
    return {place: text for place, text in faults.items() if place not in blank}


def _of_journey(visit: Visit, journey: Journey) -> Form:
    return journey_form.of_journey(journey, _webhooks(visit, journey))


def _webhooks(visit: Visit, journey: Journey) -> list[Webhook]:
    return visit.services.reader.look_up(webhooks.of_journey, journey.id)


def _rows(db: sqlite3.Connection, list_id: int) -> list[Row]:
    return [
        Row(
            each,
            trigger_words(each),
            counted(enrolments.count(db, each.id, COUNTED_MAX + 1)),
            _deliveries(db, webhooks.of_journey(db, each.id)),
        )
        for each in journeys.of_list(db, list_id)
    ]


def _deliveries(db: sqlite3.Connection, of: Sequence[Webhook]) -> dict[State, str]:
    return {
        state: counted(sum(outbox.count(db, each.id, state, COUNTED_MAX + 1) for each in of))
        for state in State
    }


def _try(db: sqlite3.Connection, journey: Journey, chosen: str) -> Tried:
    rehearsal = enrolments.rehearse(
        db, journey, clock.now_ms(), within_ms=TRIED_DAYS * DAY_MS, events_max=TRIED_EVENTS
    )
    who = {
        each.subscriber_id: people.subscriber(db, each.subscriber_id).email
        for each in rehearsal.firings[:TRIED_SHOWN]
    }
    return Tried(rehearsal, who, chosen, _bodies(db, journey, rehearsal, chosen))


def _bodies(
    db: sqlite3.Connection, journey: Journey, rehearsal: Rehearsal, event_id: str
) -> list[tuple[Webhook, str]] | None:
    """What an event would have posted, as the subscriber is now; None where none is chosen."""
    for each in rehearsal.firings:
        if each.event.event_id == event_id:
            known = message.facts(db, journey, each.subscriber_id, each.event)
            return [
                (webhook, pretty(message.body(webhook, known)))
                for webhook in webhooks.of_journey(db, journey.id)
            ]
    return None


def pretty(body: str) -> str:
    """JSON to be read."""
    return json.dumps(json.loads(body), indent=2, ensure_ascii=False)


PAGES = (
    Page("/lists/{list_id:int}/journeys", show=show_all),
    Page("/lists/{list_id:int}/journeys/new", show=show_new, act=create),
    Page("/lists/{list_id:int}/journeys/{journey_id:int}", show=show, act=change),
    Page("/lists/{list_id:int}/journeys/{journey_id:int}/switch", act=switch),
    Page("/lists/{list_id:int}/journeys/{journey_id:int}/try", show=try_out),
    Page("/lists/{list_id:int}/journeys/{journey_id:int}/delete", act=delete),
    Page(
        "/lists/{list_id:int}/journeys/{journey_id:int}/webhooks/{webhook_id:int}/rotate",
        act=rotate,
    ),
)
