"""The outbox: webhooks that are owed, until they are delivered or given up. Writes `outbox`.

A delivery is written in the transaction of the event that owes it, so they exist together or not
at all, and it is the same one at every attempt. To one endpoint a subscriber's deliveries go in
order: the next is not due before the one in front has ended. What is given up is a dead letter,
kept for a replay.
"""

import heapq
import itertools
import json
import secrets
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import IntEnum

from gateway.records import webhooks
from gateway.records.webhooks import Webhook

GIVE_UP_MS = 86_400_000
GONE = "the endpoint is gone (410)"
KEPT_MS = 14 * 86_400_000  # of what has ended


class State(IntEnum):
    WAITING = 0
    DELIVERED = 1
    DEAD = 2


@dataclass(frozen=True, slots=True)
class Delivery:
    """`outcome` is how the last attempt went, in words; `body` is empty once it is delivered."""

    id: int
    delivery_id: str
    webhook_id: int
    subscriber_id: int
    event_id: int
    body: str
    state: State
    due_at_ms: int | None
    give_up_at_ms: int
    attempts: int
    written_at_ms: int
    ended_at_ms: int | None
    outcome: str


@dataclass(frozen=True, slots=True)
class Attempted:
    """One attempt: delivered, to be tried again at an instant, or neither: dead. `gone`: so is the
    endpoint, for good."""

    delivery: Delivery
    outcome: str
    delivered: bool = False
    again_at_ms: int | None = None
    gone: bool = False


def write(
    db: sqlite3.Connection,
    webhook: Webhook,
    subscriber_id: int,
    event_id: int,
    body: str,
    *,
    now_ms: int,
    backlog_max: int,
) -> None:
    """Owe a delivery. It is dead at once where the endpoint is gone, or too much waits for it."""
    refusal = _refusal(db, webhook, backlog_max)
    behind = refusal is None and _head(db, webhook.id, subscriber_id) is not None
    db.execute(
        """insert into outbox (delivery_id, webhook_id, subscriber_id, event_id, body, state,
               due_at_ms, give_up_at_ms, attempts, written_at_ms, ended_at_ms, outcome)
           values (:delivery_id, :webhook_id, :subscriber_id, :event_id, :body, :state, :due_at_ms,
               :give_up_at_ms, 0, :now_ms, :ended_at_ms, :outcome)""",
        {
            "delivery_id": "msg_" + secrets.token_hex(16),
            "webhook_id": webhook.id,
            "subscriber_id": subscriber_id,
            "event_id": event_id,
            "body": body,
            "state": State.DEAD if refusal else State.WAITING,
            "due_at_ms": None if refusal or behind else now_ms,
            "give_up_at_ms": now_ms + GIVE_UP_MS,
            "now_ms": now_ms,
            "ended_at_ms": now_ms if refusal else None,
            "outcome": refusal or "",
        },
    )


def endpoints(db: sqlite3.Connection, now_ms: int) -> list[Webhook]:
    """The webhooks that something is due of."""
    rows = db.execute(
        """select id from webhooks where removed_at_ms is null and gone_at_ms is null and exists (
               select 1 from outbox where webhook_id = webhooks.id and due_at_ms <= :now_ms)""",
        {"now_ms": now_ms},
    ).fetchall()
    found = [webhooks.get(db, row["id"]) for row in rows]
    return [each for each in found if each]


def due(
    db: sqlite3.Connection, webhook_id: int, now_ms: int, rows: int, taken: Collection[int]
) -> list[Delivery]:
    """What is to be sent of a webhook now but what is taken already, oldest first."""
    found = db.execute(
        """select * from outbox where webhook_id = :webhook_id and due_at_ms <= :now_ms
               and id not in (select value from json_each(:taken))
           order by due_at_ms, id limit :rows""",
        {"webhook_id": webhook_id, "now_ms": now_ms, "rows": rows, "taken": json.dumps([*taken])},
    )
    return [_delivery(row) for row in found]


def settle(db: sqlite3.Connection, attempts: Sequence[Attempted], now_ms: int) -> None:
    """Write down how attempts went. What was erased meanwhile is not brought back, and what was
    given up and replayed meanwhile is not buried by an attempt of the time before."""
    for each in attempts:
        state = State.DELIVERED if each.delivered else State.DEAD
        if each.again_at_ms is not None:
            state = State.WAITING
        db.execute(
            """update outbox set state = :state, due_at_ms = :again_at_ms, attempts = attempts + 1,
                   ended_at_ms = :ended_at_ms, outcome = :outcome,
                   body = iif(:state = 1, '', body)
               where id = :id and state = 0
                   and (:state = 1 or give_up_at_ms = :give_up_at_ms)""",
            {
                "id": each.delivery.id,
                "give_up_at_ms": each.delivery.give_up_at_ms,
                "state": state,
                "again_at_ms": each.again_at_ms,
                "ended_at_ms": None if state is State.WAITING else now_ms,
                "outcome": each.outcome,
            },
        )
        if state is not State.WAITING:
            _release_next(db, each.delivery.webhook_id, each.delivery.subscriber_id, now_ms)


def give_up(db: sqlite3.Connection, rows: int, now_ms: int) -> int:
    """Give up some of what has waited for too long. How many."""
    found = db.execute(
        """select id, webhook_id, subscriber_id from outbox
           where state = 0 and give_up_at_ms <= :now_ms order by give_up_at_ms limit :rows""",
        {"now_ms": now_ms, "rows": rows},
    ).fetchall()
    given_up = _bury(db, [row["id"] for row in found], "not delivered within 24 hours", now_ms)
    for webhook_id, subscriber_id in {(row["webhook_id"], row["subscriber_id"]) for row in found}:
        _release_next(db, webhook_id, subscriber_id, now_ms)
    return given_up


def give_up_gone(db: sqlite3.Connection, rows: int, now_ms: int) -> int:
    """Give up some of what waits for endpoints that are gone. How many."""
    found = db.execute(
        """select o.id from webhooks w join outbox o on o.webhook_id = w.id and o.state = 0
           where w.gone_at_ms is not null order by o.id limit :rows""",
        {"rows": rows},
    ).fetchall()
    return _bury(db, [row["id"] for row in found], GONE, now_ms)


def replay(db: sqlite3.Connection, deliveries: Sequence[Delivery], now_ms: int) -> int:
    """Have dead letters wait once more, each behind what its subscriber is owed already. How
    many there were."""
    replayed = 0
    for each in deliveries:
        behind = _head(db, each.webhook_id, each.subscriber_id) is not None
        replayed += db.execute(
            """update outbox set state = 0, due_at_ms = :due_at_ms, give_up_at_ms = :give_up_at_ms,
                   ended_at_ms = null
               where id = :id and state = 2""",
            {
                "id": each.id,
                "due_at_ms": None if behind else now_ms,
                "give_up_at_ms": now_ms + GIVE_UP_MS,
            },
        ).rowcount
    return replayed


def of_journey(
    db: sqlite3.Connection,
    journey_id: int,
    state: State,
    *,
    after_id: int = 0,
    rows: int = 500,
    ids: Collection[int] | None = None,
) -> list[Delivery]:
    """The next of a journey's deliveries behind this one, or of these ones; oldest first."""
    found = db.execute(
        """select * from outbox
           where state = :state and id > :after_id and webhook_id in (
                   select id from webhooks where journey_id = :journey_id and removed_at_ms is null)
               and (:ids is null or id in (select value from json_each(:ids)))
           order by id limit :rows""",
        {
            "journey_id": journey_id,
            "state": state,
            "after_id": after_id,
            "rows": rows,
            "ids": None if ids is None else json.dumps([*ids]),
        },
    )
    return [_delivery(row) for row in found]


def newest(
    db: sqlite3.Connection,
    webhook_ids: Collection[int],
    states: Collection[State],
    *,
    before_id: int | None = None,
    rows: int,
) -> list[Delivery]:
    """The deliveries of some webhooks in some states that were written last before one of them,
    the newest first. Each webhook's are read by their index, so it depends on `rows` only."""
    ids = heapq.merge(
        *(
            _newest_ids(db, webhook_id, state, before_id or 2**62, rows)
            for webhook_id in webhook_ids
            for state in states
        ),
        reverse=True,
    )
    found = (get(db, each) for each in itertools.islice(ids, rows))
    return [each for each in found if each]


def count(db: sqlite3.Connection, webhook_id: int, state: State, most: int) -> int:
    """How many of a webhook's deliveries are in a state; counted up to `most`."""
    row = db.execute(
        """select count(*) from (select 1 from outbox
               where webhook_id = :webhook_id and state = :state limit :most)""",
        {"webhook_id": webhook_id, "state": state, "most": most},
    )
    return int(row.fetchone()[0])


def of_event(
    db: sqlite3.Connection, webhook_id: int, subscriber_id: int, event_id: int
) -> Delivery | None:
    """What an event owes to a webhook."""
    row = db.execute(
        """select * from outbox where subscriber_id = :subscriber_id and webhook_id = :webhook_id
               and event_id = :event_id""",
        {"subscriber_id": subscriber_id, "webhook_id": webhook_id, "event_id": event_id},
    ).fetchone()
    return _delivery(row) if row else None


def of_enrolment(
    db: sqlite3.Connection, journey_id: int, subscriber_id: int, event_id: int
) -> list[Delivery]:
    """What an event owes for a journey, oldest first."""
    rows = db.execute(
        """select o.* from webhooks w join outbox o on o.webhook_id = w.id
               and o.subscriber_id = :subscriber_id
           where w.journey_id = :journey_id and o.event_id = :event_id order by o.id""",
        {"journey_id": journey_id, "subscriber_id": subscriber_id, "event_id": event_id},
    )
    return [_delivery(row) for row in rows]


def of_subscriber(db: sqlite3.Connection, subscriber_id: int) -> list[Delivery]:
    rows = db.execute(
        "select * from outbox where subscriber_id = :id order by id", {"id": subscriber_id}
    )
    return [_delivery(row) for row in rows]


def get(db: sqlite3.Connection, row_id: int) -> Delivery | None:
    row = db.execute("select * from outbox where id = :id", {"id": row_id}).fetchone()
    return _delivery(row) if row else None


def waiting(db: sqlite3.Connection, now_ms: int) -> tuple[int, float]:
    """How many deliveries wait, and how many seconds the oldest of them has waited."""
    row = db.execute(
        "select count(*) as many, min(give_up_at_ms) as first from outbox where state = 0"
    ).fetchone()
    since_ms = now_ms - (row["first"] - GIVE_UP_MS) if row["many"] else 0
    return row["many"], max(since_ms, 0) / 1000


def has_old(db: sqlite3.Connection, now_ms: int) -> bool:
    row = db.execute(
        "select exists (select 1 from outbox where ended_at_ms <= :before_ms)",
        {"before_ms": now_ms - KEPT_MS},
    )
    return bool(row.fetchone()[0])


def remove_old(db: sqlite3.Connection, rows: int, now_ms: int) -> int:
    """Forget some of what ended long ago. How many."""
    return db.execute(
        """delete from outbox where id in (
               select id from outbox where ended_at_ms <= :before_ms limit :rows)""",
        {"before_ms": now_ms - KEPT_MS, "rows": rows},
    ).rowcount


def _newest_ids(
    db: sqlite3.Connection, webhook_id: int, state: State, before_id: int, rows: int
) -> list[int]:
    found = db.execute(
        """select id from outbox
           where webhook_id = :webhook_id and state = :state and id < :before_id
           order by id desc limit :rows""",
        {"webhook_id": webhook_id, "state": state, "before_id": before_id, "rows": rows},
    )
    return [row["id"] for row in found]


def _refusal(db: sqlite3.Connection, webhook: Webhook, backlog_max: int) -> str | None:
    if webhook.gone_at_ms is not None:
        return GONE
    row = db.execute(
        """select (select max(id) from outbox) - min(id) from outbox
           where webhook_id = :id and state = 0""",
        {"id": webhook.id},
    ).fetchone()
    return "too many deliveries wait already" if (row[0] or 0) >= backlog_max else None


def _head(db: sqlite3.Connection, webhook_id: int, subscriber_id: int) -> int | None:
    """The first that waits of what an endpoint is owed of a subscriber."""
    row = db.execute(
        """select min(id) from outbox indexed by outbox_by_subscriber
           where subscriber_id = :subscriber_id and webhook_id = :webhook_id and state = 0""",
        {"webhook_id": webhook_id, "subscriber_id": subscriber_id},
    ).fetchone()
    return None if row[0] is None else int(row[0])


def _release_next(db: sqlite3.Connection, webhook_id: int, subscriber_id: int, now_ms: int) -> None:
    db.execute(
        "update outbox set due_at_ms = :now_ms where id = :id and due_at_ms is null",
        {"id": _head(db, webhook_id, subscriber_id), "now_ms": now_ms},
    )


def _bury(db: sqlite3.Connection, ids: Sequence[int], outcome: str, now_ms: int) -> int:
    db.executemany(
        """update outbox set state = 2, due_at_ms = null, ended_at_ms = :now_ms,
               outcome = iif(outcome = '', :outcome, :outcome || '; last: ' || outcome)
           where id = :id""",
        [{"id": each, "outcome": outcome, "now_ms": now_ms} for each in ids],
    )
    return len(ids)


def _delivery(row: sqlite3.Row) -> Delivery:
    return Delivery(**{**dict(row), "state": State(row["state"])})
