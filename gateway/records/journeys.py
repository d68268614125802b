"""Journeys: what is to be done when a subscriber's browser brings an event. Writes `journeys`.

A journey waits on one list for events of one kind, under rules kept as they were written;
`enrolments` says who comes into it, `webhooks` what it runs. One that is not enabled, or has no
trigger, waits for nothing.
"""

import dataclasses
import json
import sqlite3
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from gateway.events import criteria
from gateway.events.criteria import Criteria
from gateway.events.vocabulary import Kind

FORMAT = 1  # of `journeys.trigger_rules` and `run_rules`: JSON as `criteria.parse` reads it


@dataclass(frozen=True)
class Journey:
    """`value`: of a custom event its name, of a page view what its URL has in it. `hourly_max` and
    `daily_max` are how many may come in; 0: as many as do."""

    id: int
    account_id: int
    list_id: int | None
    name: str
    notes: str = ""
    enabled: bool = False
    kind: Kind | None = None
    value: str = ""
    once_per_subscriber: bool = False
    trigger_rules: list[Any] = field(default_factory=list)
    run_rules: list[Any] = field(default_factory=list)
    run_match_all: bool = True
    hourly_max: int = 0
    daily_max: int = 0
    created_at_ms: int = 0
    updated_at_ms: int = 0

    @cached_property
    def trigger_criteria(self) -> Criteria:
        """Rules on the event. Raises Refused (1004)."""
        event = self.value if self.kind is Kind.CUSTOM else EVENTS.get(self.kind, "")
        return criteria.parse(self.trigger_rules, root="Trigger_Criteria", trigger_event=event)

    @cached_property
    def run_criteria(self) -> Criteria:
        """Rules on the subscriber. Raises Refused (1004)."""
        return criteria.parse(self.run_rules, root="Run_Criteria", match_all=self.run_match_all)

    def waits_for(self, kind: Kind, name: str) -> bool:
        """Whether it is for events of this kind, a custom one: of this name."""
        return kind is self.kind and (kind is not Kind.CUSTOM or name == self.value)


EVENTS: dict[Kind | None, str] = {
    Kind.PAGE_VIEW: "pageView",
    Kind.IDENTIFY: "identify",
    Kind.CONVERSION: "conversion",
}


def create(db: sqlite3.Connection, journey: Journey, now_ms: int) -> Journey:
    """The journey as it is kept, with an id of its own. Raises Refused (1004)."""
    _check(journey)
    row = db.execute(
        """insert into journeys (account_id, list_id, name, notes, enabled, kind, value,
               once_per_subscriber, format, trigger_rules, run_rules, run_match_all, hourly_max,
               daily_max, created_at_ms, updated_at_ms)
           values (:account_id, :list_id, :name, :notes, :enabled, :kind, :value,
               :once_per_subscriber, :format, :trigger_rules, :run_rules, :run_match_all,
               :hourly_max, :daily_max, :now_ms, :now_ms) returning *""",
        {**_row(journey), "now_ms": now_ms},
    )
    return _journey(row.fetchone())


def change(db: sqlite3.Connection, journey: Journey, now_ms: int) -> Journey:
    """Write a journey's facts over the ones it had. Raises Refused (1004)."""
    _check(journey)
    row = db.execute(
        """update journeys set list_id = :list_id, name = :name, notes = :notes,
               enabled = :enabled, kind = :kind, value = :value,
               once_per_subscriber = :once_per_subscriber, format = :format,
               trigger_rules = :trigger_rules, run_rules = :run_rules,
               run_match_all = :run_match_all, hourly_max = :hourly_max,
               daily_max = :daily_max, updated_at_ms = :now_ms
           where id = :id returning *""",
        {**_row(journey), "now_ms": now_ms},
    )
    return _journey(row.fetchone())


def bury(db: sqlite3.Connection, journey_id: int, now_ms: int) -> None:
    """It is nobody's from here on; what it brought about is taken away by `removal`."""
    db.execute(
        "update journeys set enabled = 0, deleted_at_ms = :now_ms where id = :id",
        {"id": journey_id, "now_ms": now_ms},
    )


def get(db: sqlite3.Connection, journey_id: int) -> Journey | None:
    row = db.execute(f"{_THERE} and id = :id", {"id": journey_id}).fetchone()
    return _journey(row) if row else None


def owned(db: sqlite3.Connection, journey_id: int, account_id: int) -> Journey | None:
    found = get(db, journey_id)
    return found if found and found.account_id == account_id else None


def every(db: sqlite3.Connection) -> list[Journey]:
    """All of them, whosever."""
    return [_journey(row) for row in db.execute(f"{_THERE} order by id")]


def of_account(db: sqlite3.Connection, account_id: int) -> list[Journey]:
    rows = db.execute(f"{_THERE} and account_id = :id order by id", {"id": account_id})
    return [_journey(row) for row in rows]


def of_list(db: sqlite3.Connection, list_id: int) -> list[Journey]:
    rows = db.execute(f"{_THERE} and list_id = :id order by id", {"id": list_id})
    return [_journey(row) for row in rows]


def enabled(db: sqlite3.Connection, list_id: int) -> tuple[Journey, ...]:
    """Those that wait for the events of a list."""
    return tuple(each for each in of_list(db, list_id) if each.enabled and each.kind is not None)


_THERE = """
    select * from journeys where deleted_at_ms is null and (list_id is null or list_id in
        (select id from lists where deleted_at_ms is null))"""
"""A deleted list's journeys are nobody's either."""


def _check(journey: Journey) -> None:
    """That the rules can be read."""
    _ = journey.trigger_criteria, journey.run_criteria


def _row(journey: Journey) -> dict[str, Any]:
    return {
        **{each.name: getattr(journey, each.name) for each in dataclasses.fields(journey)},
        "format": FORMAT,
        "trigger_rules": json.dumps(journey.trigger_rules),
        "run_rules": json.dumps(journey.run_rules),
    }


def _journey(row: sqlite3.Row) -> Journey:
    plain = {each.name: row[each.name] for each in dataclasses.fields(Journey)}
    return Journey(
        **{
            **plain,
            "kind": None if row["kind"] is None else Kind(row["kind"]),
            "enabled": bool(row["enabled"]),
            "once_per_subscriber": bool(row["once_per_subscriber"]),
            "run_match_all": bool(row["run_match_all"]),
            "trigger_rules": json.loads(row["trigger_rules"]),
            "run_rules": json.loads(row["run_rules"]),
        }
    )
