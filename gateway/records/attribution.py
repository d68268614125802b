"""Conversions and the revenue they bring. Writes `conversions`.

Once per list and conversion id, whoever sends it and however often a thank-you page is reloaded;
credited to the campaign of the last valid click before it, within the window.
"""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.events.event import Enriched
from gateway.events.parse import finite_number
from gateway.records import clicks
from gateway.records.clicks import Opened
from gateway.records.people import Visitor

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Revenue:
    """One line of a report: `campaign` None is what no click led to."""

    campaign: str | None
    currency: str
    conversions: int
    quantity: float
    revenue: float


@dataclass(frozen=True, slots=True)
class Credit:
    """A conversion that was counted, and the click whose campaign it is credited to. `why` says
    why it is that, or none."""

    conversion_id: str
    name: str
    value: float
    currency: str
    quantity: float
    click: Opened | None
    why: str


@dataclass(frozen=True, slots=True)
class Earned:
    """In one currency: amounts of different ones do not add up."""

    currency: str
    conversions: int
    revenue: float


def credit(
    db: sqlite3.Connection, event: Enriched, event_id: int, visitor: Visitor, click_days: int
) -> bool:
    """Count a conversion. False when the list has one of this id already."""
    click_id = clicks.latest(db, visitor, event.happened_at_ms, click_days * DAY_MS)
    changed = db.execute(
        """insert into conversions (list_id, conversion_id, event_id, visitor_id, click_id, name,
               value, currency, quantity, happened_at_ms)
           values (:list_id, :conversion_id, :event_id, :visitor_id, :click_id, :name, :value,
               coalesce(:currency, (select currency from lists where id = :list_id)), :quantity,
               :happened_at_ms)
           on conflict do nothing""",
        {
            "list_id": event.list_id,
            "conversion_id": str(event.own["conversion-id"]),
            "event_id": event_id,
            "visitor_id": visitor.id,
            "click_id": click_id,
            "name": str(event.own["conversion-name"]),
            "value": finite_number(event.own["conversion-value"]),
            "currency": _currency(event.own.get("conversion-currency")),
            "quantity": finite_number(event.own.get("conversion-quantity")) or 1.0,
            "happened_at_ms": event.happened_at_ms,
        },
    )
    return changed.rowcount == 1


def of_event(
    db: sqlite3.Connection, event_id: int, visitor: Visitor, click_days: int
) -> Credit | None:
    """What an event was counted as. `visitor`: whose it was when it came in."""
    row = db.execute(
        "select * from conversions where event_id = :event_id", {"event_id": event_id}
    ).fetchone()
    if row is None:
        return None
    click = None if row["click_id"] is None else clicks.opened(db, row["click_id"])
    return Credit(
        row["conversion_id"],
        row["name"],
        row["value"],
        row["currency"],
        row["quantity"],
        click,
        f"the last link opened in the {click_days} days before it"
        if click
        else _why_nobodys(db, visitor, row["happened_at_ms"], click_days),
    )


def counted_by(db: sqlite3.Connection, list_id: int, conversion_id: str) -> int | None:
    """The event that a conversion of this id was counted of."""
    row = db.execute(
        """select event_id from conversions
           where list_id = :list_id and conversion_id = :conversion_id""",
        {"list_id": list_id, "conversion_id": conversion_id},
    ).fetchone()
    return int(row["event_id"]) if row else None


def _why_nobodys(
    db: sqlite3.Connection, visitor: Visitor, happened_at_ms: int, click_days: int
) -> str:
    """Judged by the clicks and the window that there are now."""
    last = clicks.last_before(db, visitor, happened_at_ms)
    if last is None:
        return "before it no link was opened by this browser or its person"
    if happened_at_ms - last.clicked_at_ms > click_days * DAY_MS:
        return f"the last link before it was opened more than {click_days} days earlier"
    if last.marked:
        return "the link before it was opened in a burst, as scanners of mail do"
    return "the link before it was not known yet when it came in"


def of_list(db: sqlite3.Connection, list_id: int) -> list[Revenue]:
    """What a list earned, by campaign and currency, most first."""
    rows = db.execute(
        """select campaign, currency, count(*) as conversions, sum(quantity) as quantity,
                  sum(value) as revenue
           from conversions left join clicks on clicks.id = click_id
           where conversions.list_id = :list_id
           group by campaign, currency order by revenue desc""",
        {"list_id": list_id},
    )
    return [_revenue(row) for row in rows]


def earned(db: sqlite3.Connection, list_id: int, start_ms: int, stop_ms: int) -> list[Earned]:
    """What a list's conversions brought from one instant to before another, by currency; that of
    the most conversions first."""
    rows = db.execute(
        """select currency, count(*) as conversions, sum(value) as revenue from conversions
           where list_id = :list_id and happened_at_ms >= :start_ms and happened_at_ms < :stop_ms
           group by currency order by conversions desc, currency""",
        {"list_id": list_id, "start_ms": start_ms, "stop_ms": stop_ms},
    )
    return [Earned(row["currency"], row["conversions"], round(row["revenue"], 6)) for row in rows]


def of_subscriber(db: sqlite3.Connection, subscriber_id: int) -> list[Revenue]:
    """What one person's conversions brought, by campaign and currency, most first."""
    rows = db.execute(
        """select campaign, currency, count(*) as conversions, sum(quantity) as quantity,
                  sum(value) as revenue
           from conversions
           join visitors on visitors.id = conversions.visitor_id
           left join clicks on clicks.id = click_id
           where visitors.subscriber_id = :subscriber_id
           group by campaign, currency order by revenue desc""",
        {"subscriber_id": subscriber_id},
    )
    return [_revenue(row) for row in rows]


def of_subscribers(
    db: sqlite3.Connection, subscriber_ids: Sequence[int], currency: str
) -> dict[int, float]:
    """Subscriber → what it brought in one currency; who brought nothing is not in it."""
    rows = db.execute(
        """select subscriber_id, sum(value) as revenue from visitors
           join conversions on conversions.visitor_id = visitors.id
           where subscriber_id in (select value from json_each(:ids)) and currency = :currency
           group by subscriber_id""",
        {"ids": json.dumps(list(subscriber_ids)), "currency": currency},
    )
    return {row["subscriber_id"]: round(row["revenue"], 6) for row in rows}


def total(lines: list[Revenue], currency: str) -> float:
    """The sum in one currency: amounts of different ones do not add up."""
    return round(sum(line.revenue for line in lines if line.currency == currency), 6)


def by_currency(lines: list[Revenue]) -> dict[str, float]:
    """The sum in each currency."""
    return {each: total(lines, each) for each in sorted({line.currency for line in lines})}


def _currency(value: object) -> str | None:
    return value.strip().upper()[:10] if isinstance(value, str) and value.strip() else None


def _revenue(row: sqlite3.Row) -> Revenue:
    return Revenue(
        row["campaign"],
        row["currency"],
        row["conversions"],
        row["quantity"],
        round(row["revenue"], 6),
    )
