"""Who comes into a journey, and by which event. Writes `enrolments`.

`trigger` runs inside the transaction of the event: an enrolment, and the webhooks it owes, exist
together with the event or not at all. `why_not` is the whole rule, and `explain` asks it again.
A journey is entered once by an event, and by the reload of a thank-you page never again.
"""

import dataclasses
import sqlite3
import uuid as uuids
from dataclasses import dataclass

from gateway import clock
from gateway.errors import Refused
from gateway.events import criteria
from gateway.events.event import Enriched
from gateway.events.vocabulary import Door, Kind
from gateway.records import bindings, event_log, journeys, message, outbox, segments, webhooks
from gateway.records.event_log import StoredEvent
from gateway.records.identity import Person
from gateway.records.journeys import Journey
from gateway.records.outbox import Delivery
from gateway.records.recall import Recall
from gateway.settings import Limits

LATE_MS = 3_600_000  # what a server says happened earlier than that is history
HOUR_MS, DAY_MS = 3_600_000, 86_400_000


@dataclass(frozen=True, slots=True)
class Enrolment:
    id: int
    journey_id: int
    subscriber_id: int
    event_id: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How far an enrolment is: of its steps so many wait. `webhook_id`: the next, or the last."""

    id: int
    journey_id: int
    event_id: int
    name: str
    at_ms: int
    steps: int
    waiting: int
    webhook_id: int | None
    ended_at_ms: int | None


@dataclass(frozen=True, slots=True)
class Explained:
    """Why a journey fired for an event, or did not; and what became of what it owed. `waits`:
    whether it is enabled, and for events of this kind and name."""

    journey: Journey
    waits: bool
    fired: bool
    why: str
    deliveries: list[Delivery]
    fired_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Firing:
    """What a journey would have fired for, and with whom in it."""

    event: StoredEvent
    subscriber_id: int


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The newest firings first. `events`: how many events were looked at; where there are more in
    that time than are looked at, those since `since_ms`."""

    firings: list[Firing]
    events: int
    since_ms: int
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Stats:
    """`active`: those who are still owed something."""

    active: int
    total: int


def trigger(
    db: sqlite3.Connection,
    event: Enriched,
    event_id: int,
    person: Person,
    limits: Limits,
    recall: Recall,
) -> None:
    """Fire the journeys that wait for an event which is just stored."""
    subscriber_id = person.visitor.subscriber_id
    names_nobody = event.kind is Kind.IDENTIFY and not person.named
    if event.silent or subscriber_id is None or names_nobody:
        return
    waiting = recall.waiting_for(db, event)
    if not waiting:
        return
    now_ms = clock.now_ms()
    stored = event_log.get(db, event_id)
    assert stored is not None
    for journey in waiting:
        if why_not(db, journey, stored, subscriber_id, now_ms) is None:
            _enrol(db, journey, stored, subscriber_id, now_ms, limits.webhook_backlog_max)


def why_not(
    db: sqlite3.Connection,
    journey: Journey,
    event: StoredEvent,
    subscriber_id: int | None,
    now_ms: int,
) -> str | None:
    """What keeps a journey from firing for an event at this instant; None: nothing."""
    return _of_event(journey, event, subscriber_id, now_ms) or _of_person(
        db, journey, subscriber_id or 0, now_ms
    )


def explain(db: sqlite3.Connection, event: StoredEvent) -> list[Explained]:
    """Of every journey of the event's list."""
    return [_explained(db, journey, event) for journey in journeys.of_list(db, event.list_id)]


def rehearse(
    db: sqlite3.Connection, journey: Journey, now_ms: int, *, within_ms: int, events_max: int
) -> Rehearsal:
    """What a journey would have fired for lately, had it been enabled with nobody in it before:
    events and people judged as of when the event came in, the run criteria as of now."""
    assert journey.kind is not None
    assert journey.list_id is not None
    enabled = dataclasses.replace(journey, enabled=True)
    since_ms = now_ms - within_ms
    newest = event_log.newest_of_name(
        db, journey.list_id, journey.value, journey.kind, since_ms=since_ms, rows=events_max + 1
    )
    looked_at = newest[:events_max]
    candidates = [
        Firing(event, subscriber_id)
        for event in reversed(looked_at)
        if (subscriber_id := _bound_at(db, event)) is not None
        and _of_event(enabled, event, subscriber_id, event.received_at_ms) is None
    ]
    meant = _meant(db, journey, {each.subscriber_id for each in candidates})
    firings: list[Firing] = []
    for each in candidates:
        if each.subscriber_id in meant and _has_room(journey, firings, each):
            firings.append(each)
    is_whole = len(newest) <= events_max
    reached_ms = since_ms if is_whole else looked_at[-1].happened_at_ms
    return Rehearsal(firings[::-1], len(looked_at), reached_ms, is_whole)


def count(db: sqlite3.Connection, journey_id: int, most: int) -> int:
    """How often a journey was entered; counted up to `most`."""
    return _entered(db, journey_id, 0, 2**62, most)


def of_subscriber(db: sqlite3.Connection, subscriber_id: int) -> list[Enrolment]:
    rows = db.execute(
        "select * from enrolments where subscriber_id = :id order by id", {"id": subscriber_id}
    )
    return [Enrolment(**row) for row in rows]


def standing(db: sqlite3.Connection, subscriber_id: int, rows: int = 100) -> list[Standing]:
    """The newest enrolments of a person, the newest first."""
    found = db.execute(
        """select e.id, e.journey_id, e.event_id, j.name, e.at_ms, count(o.id) as steps,
                  count(iif(o.state = 0, 1, null)) as waiting, max(o.ended_at_ms) as ended_at_ms,
                  coalesce(min(iif(o.state = 0, o.webhook_id, null)), max(o.webhook_id))
                      as webhook_id
           from (select * from enrolments where subscriber_id = :id order by id desc limit :rows) e
           join journeys j on j.id = e.journey_id and j.deleted_at_ms is null
           left join webhooks w on w.journey_id = e.journey_id
           left join outbox o on o.subscriber_id = e.subscriber_id and o.webhook_id = w.id
               and o.event_id = e.event_id
           group by e.id order by e.id desc""",
        {"id": subscriber_id, "rows": rows},
    )
    return [Standing(**row) for row in found]


def stats(
    db: sqlite3.Connection, journey_id: int, since_ms: int = 0, until_ms: int = 2**62
) -> Stats:
    """How many people came in within a time, and how many of them are owed something now."""
    row = db.execute(
        """select count(*) as total, count(exists_waiting) as active from (
               select distinct subscriber_id, (
                   select 1 from webhooks w join outbox o on o.webhook_id = w.id
                   where w.journey_id = :journey_id and o.subscriber_id = e.subscriber_id
                       and o.state = 0 limit 1) as exists_waiting
               from enrolments e where journey_id = :journey_id
                   and at_ms >= :since_ms and at_ms < :until_ms)""",
        {"journey_id": journey_id, "since_ms": since_ms, "until_ms": until_ms},
    ).fetchone()
    return Stats(row["active"], row["total"])


def _of_event(
    journey: Journey, event: StoredEvent, subscriber_id: int | None, now_ms: int
) -> str | None:
    kind = _KINDS[event.kind]
    if not journey.enabled:
        return "the journey is disabled"
    if not journey.waits_for(kind, event.event):
        return "it waits for other events"
    if event.silent:
        return "the event is silent"
    if subscriber_id is None:
        return "the visitor is bound to nobody"
    if _is_late(event, now_ms):
        return f"the event is history: it happened at {clock.iso(event.happened_at_ms)}"
    if kind is Kind.PAGE_VIEW and not _is_at(journey.value, event):
        return f"the page's URL has no {journey.value!r}"
    if not criteria.matches(journey.trigger_criteria, event.properties, event.event, kind):
        return "the trigger's criteria do not hold for the event"
    return None


def _of_person(
    db: sqlite3.Connection, journey: Journey, subscriber_id: int, now_ms: int
) -> str | None:
    if journey.once_per_subscriber and _was_in(db, journey, subscriber_id, now_ms):
        return "the subscriber has been in it, and comes in once only"
    for most, within_ms, said in (
        (journey.hourly_max, HOUR_MS, "hour"),
        (journey.daily_max, DAY_MS, "day"),
    ):
        if most and _entered(db, journey.id, now_ms - within_ms, now_ms, most) >= most:
            return f"its limit of {most} per {said} was reached"
    return _run_criteria(db, journey, subscriber_id)


def _run_criteria(db: sqlite3.Connection, journey: Journey, subscriber_id: int) -> str | None:
    if not journey.run_rules:
        return None
    assert journey.list_id is not None
    try:
        holds = segments.means(db, journey.list_id, journey.run_criteria, subscriber_id)
    except Refused as refused:  # a field or segment it speaks of is gone
        return f"the run criteria cannot be judged: {refused}"
    return None if holds else "the run criteria do not hold for the subscriber"


def _is_late(event: StoredEvent, now_ms: int) -> bool:
    """What a server tells long afterwards, and what comes out of quarantine. What a browser could
    not send at once is not late: its tracker has kept it."""
    told_late = event.source == Door.API.name.lower() and event.happened_at_ms < now_ms - LATE_MS
    return told_late or event.received_at_ms < now_ms - LATE_MS


def _is_at(wanted: str, event: StoredEvent) -> bool:
    """Whether the page's URL has this in it; `*` stands for anything. In one pass."""
    url = str(event.properties.get("$current_url") or event.properties.get("url") or "").casefold()
    place = 0
    for part in wanted.casefold().split("*"):
        place = url.find(part, place)
        if place < 0:
            return False
        place += len(part)
    return True


def _was_in(db: sqlite3.Connection, journey: Journey, subscriber_id: int, now_ms: int) -> bool:
    row = db.execute(
        """select 1 from enrolments where subscriber_id = :subscriber_id
               and journey_id = :journey_id and at_ms <= :now_ms limit 1""",
        {"subscriber_id": subscriber_id, "journey_id": journey.id, "now_ms": now_ms},
    )
    return row.fetchone() is not None


def _entered(
    db: sqlite3.Connection, journey_id: int, since_ms: int, until_ms: int, most: int
) -> int:
    """How many came in within a time; counted up to `most`."""
    row = db.execute(
        """select count(*) from (
               select 1 from enrolments
               where journey_id = :id and at_ms > :since_ms and at_ms <= :until_ms limit :most)""",
        {"id": journey_id, "since_ms": since_ms, "until_ms": until_ms, "most": most},
    )
    return int(row.fetchone()[0])


def _meant(db: sqlite3.Connection, journey: Journey, subscriber_ids: set[int]) -> set[int]:
    """Those of these people for whom the run criteria hold."""
    if not journey.run_rules:
        return subscriber_ids
    assert journey.list_id is not None
    try:
        return segments.among(db, journey.list_id, journey.run_criteria, subscriber_ids)
    except Refused:  # as above
        return set()


def _has_room(journey: Journey, before: list[Firing], next_one: Firing) -> bool:
    """What `_of_person` asks of the enrolments, asked of a rehearsal's."""
    if journey.once_per_subscriber and any(
        each.subscriber_id == next_one.subscriber_id for each in before
    ):
        return False
    for most, within_ms in ((journey.hourly_max, HOUR_MS), (journey.daily_max, DAY_MS)):
        since_ms = next_one.event.received_at_ms - within_ms
        if most and sum(each.event.received_at_ms > since_ms for each in before) >= most:
            return False
    return True


def _enrol(
    db: sqlite3.Connection,
    journey: Journey,
    event: StoredEvent,
    subscriber_id: int,
    now_ms: int,
    backlog_max: int,
) -> None:
    db.execute(
        """insert into enrolments (journey_id, subscriber_id, event_id, at_ms)
           values (:journey_id, :subscriber_id, :event_id, :now_ms)""",
        {
            "journey_id": journey.id,
            "subscriber_id": subscriber_id,
            "event_id": event.id,
            "now_ms": now_ms,
        },
    )
    known = message.facts(db, journey, subscriber_id, event)
    for webhook in webhooks.of_journey(db, journey.id):
        outbox.write(
            db,
            webhook,
            subscriber_id,
            event.id,
            message.body(webhook, known),
            now_ms=now_ms,
            backlog_max=backlog_max,
        )


def _explained(db: sqlite3.Connection, journey: Journey, event: StoredEvent) -> Explained:
    row = db.execute(
        "select * from enrolments where journey_id = :journey_id and event_id = :event_id",
        {"journey_id": journey.id, "event_id": event.id},
    ).fetchone()
    waits = journey.enabled and journey.waits_for(_KINDS[event.kind], event.event)
    if row is None:
        return Explained(journey, waits, False, _why_it_did_not(db, journey, event), [])
    deliveries = [
        outbox.of_event(db, webhook.id, row["subscriber_id"], event.id)
        for webhook in webhooks.of_journey(db, journey.id)
    ]
    why = f"subscriber {row['subscriber_id']} came in at {clock.iso(row['at_ms'])}"
    found = [each for each in deliveries if each]
    return Explained(journey, waits, True, why, found, row["at_ms"])


def _why_it_did_not(db: sqlite3.Connection, journey: Journey, event: StoredEvent) -> str:
    """Judged as of when the event came in, by what the journey is now."""
    then_ms = event.received_at_ms
    why = why_not(db, journey, event, _bound_at(db, event), then_ms)
    if why is not None:
        return why
    if journey.updated_at_ms > then_ms:
        return f"the journey was another until {clock.iso(journey.updated_at_ms)}"
    return (
        "the visitor was bound to nobody yet, it named nobody who is known, or it is the same "
        "conversion again"
    )


def _bound_at(db: sqlite3.Connection, event: StoredEvent) -> int | None:
    """Whose the event's visitor was when it came in, as far as the journal tells it."""
    uuid = uuids.UUID(event.uuid).bytes
    return bindings.bound_at(db, event.list_id, uuid, event.received_at_ms)


_KINDS = {word: kind for kind, word in event_log.KIND_WORDS.items()}
