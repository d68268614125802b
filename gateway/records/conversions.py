"""Conversions as they are told of: one by one, newest first, and summed over a time. Read-only;
`attribution` writes them, and says which click is credited.
"""

import itertools
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.records import people

LAST = (2**62, 2**62)


@dataclass(frozen=True, slots=True)
class Conversion:
    """`uuid` is the browser's, `subscriber_id` and `email` are whose it is now. `campaign` is that
    of the credited click."""

    id: int
    conversion_id: str
    name: str
    value: float
    currency: str
    quantity: float
    happened_at_ms: int
    event_id: int
    visitor_id: int
    click_id: int | None
    campaign: str | None
    uuid: str
    subscriber_id: int | None
    email: str | None


@dataclass(frozen=True, slots=True)
class Sum:
    """What is the same but for the time of it; `campaign` None is what no click led to."""

    campaign: str | None
    name: str
    currency: str
    conversions: int
    revenue: float


@dataclass(frozen=True, slots=True)
class Taken:
    """What a span of time brought in one currency; `place` is the span's."""

    place: int
    currency: str
    conversions: int
    revenue: float


def page(
    db: sqlite3.Connection,
    list_id: int,
    *,
    since_ms: int,
    until_ms: int,
    before: tuple[int, int] = LAST,
    rows: int,
) -> list[Conversion]:
    """The next of a time behind `before` (an instant and an id), newest first."""
    found = db.execute(
        f"""{_SELECT}
            where c.list_id = :list_id and c.happened_at_ms >= :since_ms
                and c.happened_at_ms < :until_ms and (c.happened_at_ms, c.id) < (:before_ms, :id)
            order by c.happened_at_ms desc, c.id desc limit :rows""",
        {
            "list_id": list_id,
            "since_ms": since_ms,
            "until_ms": until_ms,
            "before_ms": before[0],
            "id": before[1],
            "rows": rows,
        },
    )
    return [_conversion(row) for row in found]


def on_list(db: sqlite3.Connection, list_id: int, row_id: int) -> Conversion | None:
    """The conversion of this row, if it is this list's."""
    row = db.execute(
        f"{_SELECT} where c.id = :id and c.list_id = :list_id", {"id": row_id, "list_id": list_id}
    ).fetchone()
    return _conversion(row) if row else None


def sums(db: sqlite3.Connection, list_id: int, since_ms: int, until_ms: int) -> list[Sum]:
    """What a time brought, by campaign, name and currency; most revenue first."""
    rows = db.execute(
        """select campaign, name, c.currency, count(*) as conversions, sum(value) as revenue
           from conversions c left join clicks on clicks.id = click_id
           where c.list_id = :list_id and happened_at_ms >= :since_ms
               and happened_at_ms < :until_ms
           group by campaign, name, c.currency order by revenue desc""",
        {"list_id": list_id, "since_ms": since_ms, "until_ms": until_ms},
    )
    return [Sum(**row) for row in rows]


def over_time(db: sqlite3.Connection, list_id: int, bounds: Sequence[int]) -> list[Taken]:
    """What each span between two neighbouring instants brought; spans that brought nothing are
    not among them."""
    spans = [[place, *span] for place, span in enumerate(itertools.pairwise(bounds))]
    rows = db.execute(
        """select span.value ->> 0 as place, currency, count(*) as conversions,
                  sum(c.value) as revenue
           from json_each(:spans) span
           cross join conversions c on c.list_id = :list_id
               and happened_at_ms >= span.value ->> 1 and happened_at_ms < span.value ->> 2
           group by place, currency""",
        {"list_id": list_id, "spans": json.dumps(spans)},
    )
    return [Taken(**row) for row in rows]


_SELECT = """
    select c.*, k.campaign, v.uuid, v.subscriber_id, s.email
    from conversions c
    join visitors v on v.id = c.visitor_id
    left join clicks k on k.id = c.click_id
    left join subscribers s on s.id = v.subscriber_id"""


def _conversion(row: sqlite3.Row) -> Conversion:
    known = {name: row[name] for name in Conversion.__slots__}
    return Conversion(**{**known, "uuid": people.uuid_text(row["uuid"])})
