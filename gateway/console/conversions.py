"""What a list's conversions brought in a span of days, and each of them with the path to it."""

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from starlette.responses import Response

from gateway import clock
from gateway.console import charts, spans, telling
from gateway.console.charts import Line as Chart
from gateway.console.entry import Page
from gateway.console.rendering import Missing, render
from gateway.console.spans import Span
from gateway.console.visit import Visit
from gateway.errors import Refused
from gateway.events.days import DAY_MS, date_of, day_of, start_ms
from gateway.events.event import Properties
from gateway.events.vocabulary import UTM_PROPERTIES
from gateway.records import conversions, paths
from gateway.records.clicks import Opened
from gateway.records.conversions import Conversion, Sum, Taken
from gateway.records.event_log import ID_MAX
from gateway.records.paths import Path, Step

ROWS = 50
LINES_MAX = 20
CHARTS_MAX = 2  # currencies that are drawn


@dataclass(frozen=True, slots=True)
class Line:
    """`what` sold how often, and for how much in a currency; None is the rest, or no campaign."""

    what: str | None
    currency: str
    conversions: int
    revenue: float

    @property
    def average(self) -> float:
        return self.revenue / self.conversions


@dataclass(frozen=True, slots=True)
class Lines:
    """The most revenue first; `left_out` more are not shown."""

    shown: Sequence[Line]
    left_out: int


@dataclass(frozen=True, slots=True)
class Report:
    totals: Sequence[Line]
    by_campaign: Lines
    by_name: Lines
    over_time: Sequence[Chart]
    page: Sequence[Conversion]
    older: str


async def show(visit: Visit) -> Response:
    today, refused = day_of(clock.now_ms(), visit.of_list.time_zone), None
    try:
        span = spans.asked_for(visit.query, today)
    except Refused as error:
        span, refused = spans.ranged(spans.DEFAULT, today), error
    report = await visit.services.reader.read(_report, visit, span)
    return render(
        visit,
        "conversions.html",
        status=refused.status if refused else 200,
        refused=refused,
        span=span,
        paths=partial(visit.to, "conversions"),
        ranges=spans.RANGES,
        first=visit.query.text("from", span.first),
        last=visit.query.text("to", span.last),
        today=date_of(today).isoformat(),
        report=report,
    )


async def path(visit: Visit) -> Response:
    conversion, found = await visit.services.reader.read(_path, visit)
    window_ms = visit.services.settings.limits.click_days * DAY_MS
    return render(
        visit,
        "path.html",
        conversion=conversion,
        path=found,
        why=[(each, why(each, conversion, window_ms)) for each in found.clicks],
        window_days=visit.services.settings.limits.click_days,
        about=telling.about,
        pages=_pages,
        came_from=_came_from,
        span=telling.span,
    )


def why(click: Opened, conversion: Conversion, window_ms: int) -> str:
    """Why a conversion is credited to a click, or is not."""
    before_ms = conversion.happened_at_ms - click.clicked_at_ms
    if click.id == conversion.click_id:
        return f"credited: the last valid click, {telling.span(before_ms)} before"
    if click.marked:
        return "not valid: many recipients' links were opened from one address, as scanners do"
    if before_ms > window_ms:
        return "too long ago"
    if conversion.click_id is None:
        return "not known as theirs when the conversion came in"
    return "not the last one, or not known as theirs when the conversion came in"


def _report(db: sqlite3.Connection, visit: Visit, span: Span) -> Report:
    list_id, zone = visit.of_list.id, visit.of_list.time_zone
    bounds = [start_ms(day, zone) for day in (*span.days, span.days.stop)]
    sums = conversions.sums(db, list_id, bounds[0], bounds[-1])
    before = (visit.query.whole("before", ID_MAX), visit.query.whole("id", ID_MAX))
    page = conversions.page(
        db, list_id, since_ms=bounds[0], until_ms=bounds[-1], before=before, rows=ROWS + 1
    )
    shown = page[:ROWS]
    totals = _lines(sums, lambda each: None)
    taken = conversions.over_time(db, list_id, bounds)
    return Report(
        totals=totals,
        by_campaign=_most(_lines(sums, lambda each: each.campaign)),
        by_name=_most(_lines(sums, lambda each: each.name)),
        over_time=_charts(span, taken, [line.currency for line in totals[:CHARTS_MAX]]),
        page=shown,
        older=_older(visit, span, shown[-1]) if len(page) > ROWS else "",
    )


def _charts(span: Span, taken: Sequence[Taken], currencies: Sequence[str]) -> list[Chart]:
    """How many by day and, for each currency, how much."""
    days = [date_of(day).isoformat() for day in span.days]
    many = [0.0] * len(days)
    revenue = {currency: [0.0] * len(days) for currency in currencies}
    for each in taken:
        many[each.place] += each.conversions
        if each.currency in revenue:
            revenue[each.currency][each.place] += each.revenue
    drawn = [("Conversions by day", "Conversions", many)]
    drawn += [(f"Revenue by day, {name}", name, numbers) for name, numbers in revenue.items()]
    return [
        charts.line(
            title, (name,), [(day, (value,)) for day, value in zip(days, values, strict=True)]
        )
        for title, name, values in drawn
    ]


def _path(db: sqlite3.Connection, visit: Visit) -> tuple[Conversion, Path]:
    found = conversions.on_list(db, visit.of_list.id, visit.number("conversion"))
    if found is None:
        raise Missing("There is no such conversion on this list.")
    return found, paths.of(db, found)


def _lines(sums: Sequence[Sum], what: Callable[[Sum], str | None]) -> list[Line]:
    """Sums that have the same of `what`, and the same currency, together; most revenue first."""
    found: dict[tuple[str | None, str], tuple[int, float]] = defaultdict(lambda: (0, 0.0))
    for each in sums:
        key = what(each), each.currency
        many, revenue = found[key]
        found[key] = many + each.conversions, revenue + each.revenue
    lines = [Line(*key, many, round(revenue, 6)) for key, (many, revenue) in found.items()]
    return sorted(lines, key=lambda line: -line.revenue)


def _most(lines: list[Line]) -> Lines:
    return Lines(lines[:LINES_MAX], max(0, len(lines) - LINES_MAX))


def _older(visit: Visit, span: Span, last: Conversion) -> str:
    said = {"from": span.first, "to": span.last, "before": last.happened_at_ms, "id": last.id}
    return visit.to("conversions", **said) + "#orders"


def _pages(step: Step) -> str:
    """The pages of page views in a row, each said once where it was loaded again."""
    pages = [telling.page_of(event) for event in step.events]
    changed = [page for page, before in zip(pages, ["", *pages], strict=False) if page != before]
    return telling.clipped(" \N{RIGHTWARDS ARROW} ".join(changed))


def _came_from(step: Step) -> str:
    """What the first page of a visit says of where it was come from."""
    said = step.first.properties
    utm = [f"{name}={said[name]}" for name in UTM_PROPERTIES if said.get(name)]
    referrer = said.get("$referrer") if _is_elsewhere(said) else None
    return telling.clipped(", ".join([*([f"from {referrer}"] if referrer else []), *utm]))


def _is_elsewhere(said: Properties) -> bool:
    """Whether the referrer is another site's page."""
    return bool(said.get("$referrer")) and said.get("$referring_domain") != said.get("$host")


PAGES = (
    Page("/lists/{list_id:int}/conversions", show=show),
    Page("/lists/{list_id:int}/conversions/{conversion:int}", show=path),
)
