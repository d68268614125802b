"""The page people land on: what happened on a list in some days, and in as many days before."""

import datetime
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from starlette.responses import Response

from gateway import clock
from gateway.console import charts, spans
from gateway.console.charts import Bar, Line
from gateway.console.entry import Page
from gateway.console.rendering import money, number, percent, render
from gateway.console.spans import Span
from gateway.console.visit import Visit
from gateway.errors import Refused
from gateway.events.days import HOUR_MS, date_of, day_of, start_ms
from gateway.events.facets import Facet
from gateway.records import overview
from gateway.records.figures import Ranked
from gateway.records.overview import Overview, Totals
from gateway.records.tallies import REST

REST_TEXT = "(other)"
SHARE_MAX = 1_000  # per cent: more than that says nothing
CURRENCIES_MAX = 3  # told on this page; the others with the conversions


@dataclass(frozen=True, slots=True)
class Figure:
    label: str
    value: str
    path: str
    before: str


@dataclass(frozen=True, slots=True)
class Table:
    """`empty` says what would be here."""

    title: str
    heads: tuple[str, ...]
    rows: Sequence[Bar]
    empty: str


_TABLES = {
    Facet.PAGE: ("Pages", ("Page", "Views"), "Pages that were viewed."),
    Facet.REFERRER: ("Referrers", ("Site", "Views"), "Other sites that views came from."),
    Facet.CAMPAIGN: ("Campaigns", ("utm_campaign", "Views"), "What utm_campaign says in links."),
    Facet.SOURCE: ("Sources", ("utm_source", "Views"), "What utm_source says in links."),
    Facet.EVENT: ("Events", ("Event", "Events"), "The names of events."),
    Facet.BROWSER: ("Browsers", ("Browser", "Events"), "Browsers, where they are known."),
    Facet.OS: ("Systems", ("System", "Events"), "Operating systems, where they are known."),
    Facet.DEVICE: ("Devices", ("Device", "Events"), "Kinds of devices, where they are known."),
}
_PROPERTIES = {
    Facet.REFERRER: "$referring_domain",
    Facet.CAMPAIGN: "utm_campaign",
    Facet.SOURCE: "utm_source",
    Facet.BROWSER: "$browser",
    Facet.OS: "$os",
    Facet.DEVICE: "$device_type",
}
"""Under which property of an event a value stands."""


async def show(visit: Visit) -> Response:
    now_ms, zone = clock.now_ms(), visit.of_list.time_zone
    today = day_of(now_ms, zone)
    try:
        span, refused = spans.asked_for(visit.query, today), None
    except Refused as error:
        span, refused = spans.ranged(spans.DEFAULT, today), error
    seen = await visit.services.reader.read(overview.of_days, visit.of_list, span.days)
    return render(
        visit,
        "overview.html",
        status=refused.status if refused else 200,
        refused=refused,
        span=span,
        ranges=spans.RANGES,
        first=visit.query.text("from", span.first),
        last=visit.query.text("to", span.last),
        today=date_of(today).isoformat(),
        seen=seen,
        figures=_figures(visit, span, seen),
        further=max(0, len(_currencies(visit.of_list.currency, seen)) - CURRENCIES_MAX),
        chart=_chart(span, seen, now_ms, zone),
        tables=[_table(visit, facet, ranked) for facet, ranked in seen.top.items()],
        links=charts.bars([(name, "", [clicks]) for name, clicks in seen.clicks]),
    )


def _figures(visit: Visit, span: Span, seen: Overview) -> list[Figure]:
    now, before = seen.now, seen.before
    people = visit.to("people")
    conversions = visit.to("conversions", **{"from": span.first, "to": span.last})
    return [
        Figure("Events", number(now.events), visit.to("live"), change(now.events, before.events)),
        Figure("Visitors", number(now.visitors), people, change(now.visitors, before.visitors)),
        Figure("Identified", _identified(now), people, f"{_identified(before)} before"),
        Figure(
            "Conversions",
            number(now.conversions),
            conversions,
            change(now.conversions, before.conversions),
        ),
        *(
            Figure(
                f"Revenue in {currency}",
                number_of_money(now.revenue(currency)),
                conversions,
                change(now.revenue(currency), before.revenue(currency), number_of_money),
            )
            for currency in _currencies(visit.of_list.currency, seen)[:CURRENCIES_MAX]
        ),
    ]


def _identified(totals: Totals) -> str:
    """The share of the visitors whom we know."""
    return percent(totals.identified, totals.visitors)


def _currencies(own: str, seen: Overview) -> list[str]:
    """The list's own, and those of the most conversions; of one or the other days."""
    found = [each.currency for each in (*seen.now.earned, *seen.before.earned)]
    return list(dict.fromkeys([own] * (own in found or not found) + found))


def number_of_money(value: float) -> str:
    return money(value, "")


def change(now: float, before: float, spell: Callable[[float], str] = number) -> str:
    """`1,200 before, +25 %`; no share where there was nothing, or next to nothing."""
    text = f"{spell(before)} before"
    if not before or not math.isfinite(share := 100 * (now - before) / before):
        return text
    return f"{text}, {share:+,.0f} %" if abs(share) < SHARE_MAX else text


def _chart(span: Span, seen: Overview, now_ms: int, zone: str) -> Line:
    """By day or, of one day, by hour as far as it has come."""
    rows = [(count.events, len(count.visitors)) for count in seen.line]
    if len(span.days) > 1:
        labels = [date_of(day).isoformat() for day in span.days]
        title = "Events and visitors by day"
    else:
        day_ms = start_ms(span.days.start, zone)
        labels = [_clock(day_ms + hour * HOUR_MS, zone) for hour in range(len(rows))]
        del rows[max(1, (now_ms - day_ms) // HOUR_MS + 1) :]
        title = "Events and visitors by hour"
    told = list(zip(labels, rows, strict=False))
    return charts.line(title, ("Events", "Visitors"), told, slots=len(labels))


def _clock(instant_ms: int, zone: str) -> str:
    return datetime.datetime.fromtimestamp(instant_ms / 1000, ZoneInfo(zone)).strftime("%H:%M")


def _table(visit: Visit, facet: Facet, ranked: Sequence[Ranked]) -> Table:
    title, heads, empty = _TABLES[facet]
    hosts = {each.value.partition("/")[0] for each in ranked} if facet is Facet.PAGE else set()
    host = hosts.pop() if len(hosts) == 1 else ""  # where all have the same, nobody needs it
    rows = [
        (
            each.value.removeprefix(host) or REST_TEXT,
            _path(visit, facet, each.value),
            (each.events, each.visitors),
        )
        for each in ranked
    ]
    return Table(title, (*heads, "Visitors"), charts.bars(rows), empty)


def _path(visit: Visit, facet: Facet, value: str) -> str:
    """To the events that are counted."""
    if value == REST:
        return ""
    if facet is Facet.PAGE:
        return visit.to("live", page=value)
    if facet is Facet.EVENT:
        return visit.to("live", event=value)
    return visit.to("live", property=_PROPERTIES[facet], value=value)


PAGES = (Page("/lists/{list_id:int}", show=show),)
