"""What a list's owner sees first: what happened on some days, and on as many before. Read-only.

Amounts of different currencies are never added up.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyroaring import BitMap

from gateway.events.days import start_ms
from gateway.events.facets import Facet
from gateway.records import attribution, clicks, event_log, people
from gateway.records.attribution import Earned
from gateway.records.figures import Figures, Ranked
from gateway.records.lists import SubscriberList
from gateway.records.tallies import Count

TOP = 10
TOLD = (
    Facet.PAGE,
    Facet.REFERRER,
    Facet.SOURCE,
    Facet.CAMPAIGN,
    Facet.EVENT,
    Facet.BROWSER,
    Facet.OS,
    Facet.DEVICE,
)


@dataclass(frozen=True, slots=True)
class Totals:
    """Of some days. `identified` visitors are somebody now; `earned` is by currency."""

    events: int
    visitors: int
    identified: int
    earned: Sequence[Earned]

    @property
    def conversions(self) -> int:
        return sum(each.conversions for each in self.earned)

    def revenue(self, currency: str) -> float:
        return sum(each.revenue for each in self.earned if each.currency == currency)


@dataclass(frozen=True, slots=True)
class Overview:
    """`line` is by day or, of one day, by hour. `clicks` are those of mails' links, by campaign.
    `uncounted` events, of all lists, are not in it yet; `stale` days may not be right yet."""

    ever: bool
    now: Totals
    before: Totals
    line: Sequence[Count]
    top: Mapping[Facet, Sequence[Ranked]]
    clicks: Sequence[tuple[str, int]]
    uncounted: int
    stale: int


def of_days(db: sqlite3.Connection, found: SubscriberList, days: range) -> Overview:
    """Days as `events.days` counts them, in the list's time zone."""
    figures = Figures(db, found.id, found.time_zone)
    before = range(days.start - len(days), days.start)
    bound = BitMap(people.bound_visitors(db, found.id))
    by_day = figures.by_day(days)
    return Overview(
        ever=event_log.last_happened_at_ms(db, found.id) is not None,
        now=_totals(db, found, days, by_day, bound),
        before=_totals(db, found, before, figures.by_day(before), bound),
        line=by_day if len(days) > 1 else figures.by_hour(days.start),
        top={facet: figures.top(facet, days, TOP) for facet in TOLD},
        clicks=clicks.by_campaign(db, found.id, *_span(found, days), rows=TOP),
        uncounted=figures.uncounted,
        stale=figures.stale,
    )


def _totals(
    db: sqlite3.Connection,
    found: SubscriberList,
    days: range,
    counts: Sequence[Count],
    bound: BitMap,
) -> Totals:
    visitors = BitMap.union(*(count.visitors for count in counts))
    return Totals(
        events=sum(count.events for count in counts),
        visitors=len(visitors),
        identified=visitors.intersection_cardinality(bound),
        earned=attribution.earned(db, found.id, *_span(found, days)),
    )


def _span(found: SubscriberList, days: range) -> tuple[int, int]:
    return start_ms(days.start, found.time_zone), start_ms(days.stop, found.time_zone)
