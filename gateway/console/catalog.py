"""The catalog of a list: which events come with which properties, and what is odd about them.

Figures as far as they are counted (`records/sightings`); the page says how far that is.
"""

import sqlite3
from typing import NamedTuple

from starlette.responses import Response

from gateway.console.entry import Page
from gateway.console.rendering import Missing, render
from gateway.console.visit import Visit
from gateway.records import seen
from gateway.records.seen import Behind, SeenEvent, SeenProperty

EVENTS = 50  # a page
PROPERTIES = 12  # shown of an event among others
PROPERTIES_ALONE = 200  # of one that has a page of its own
PAGES_MAX = 10_000
ADDED = ("$list_id", "$sent_at", "$uuid")  # the gateway itself says them, and only where shown
QUERY_CHARS_MAX = 200


class Entry(NamedTuple):
    """An event on a page: some of its properties, how many others there are and how many of those
    are odd."""

    event: SeenEvent
    properties: list[SeenProperty]
    others: int
    odd_others: int


class Shown(NamedTuple):
    behind: Behind
    entries: list[Entry]
    events: int


async def show(visit: Visit) -> Response:
    query = visit.query.text("q")[:QUERY_CHARS_MAX]
    page = min(max(visit.query.whole("page", 1), 1), PAGES_MAX)
    shown = await visit.services.reader.read(_look, visit.of_list.id, query, (page - 1) * EVENTS)
    pages = -(-shown.events // EVENTS)
    return render(visit, "catalog.html", shown=shown, query=query, page=page, pages=pages)


async def show_event(visit: Visit) -> Response:
    """One event with all its properties."""
    page = min(max(visit.query.whole("page", 1), 1), PAGES_MAX)
    found = await visit.services.reader.read(_look_at, visit.of_list.id, visit.number("name_id"))
    if found is None:
        raise Missing("There is no such event in this catalog, or it is not counted yet.")
    behind, event, known = found
    counted = [each for each in known if each.types]
    by_name = [each for each in known if not each.types]
    start = (page - 1) * PROPERTIES_ALONE
    return render(
        visit,
        "catalog_event.html",
        behind=behind,
        event=event,
        total=len(known),
        properties=counted[start : start + PROPERTIES_ALONE],
        added=[each for each in by_name if each.name in ADDED],
        never=[each for each in by_name if each.is_standard and each.name not in ADDED],
        uncounted=[each for each in by_name if not each.is_standard][:PROPERTIES_ALONE],
        page=page,
        pages=-(-len(counted) // PROPERTIES_ALONE),
    )


def _look(db: sqlite3.Connection, list_id: int, query: str, offset: int) -> Shown:
    behind = seen.behind(db, list_id)
    if query:
        hits, total = seen.search(db, list_id, query, rows=EVENTS, offset=offset)
        return Shown(behind, [_entry(db, event, names) for event, names in hits], total)
    events, total = seen.events(db, list_id, rows=EVENTS, offset=offset)
    return Shown(behind, [_entry(db, event, frozenset()) for event in events], total)


def _entry(db: sqlite3.Connection, event: SeenEvent, sought: frozenset[str]) -> Entry:
    """What was searched for comes first, then what is odd, then the event's own; standard
    properties that are as they should be are on the event's own page."""
    known = seen.properties(db, event)
    counted = [each for each in known if each.types]
    odd = {each.name for each in counted if each.is_odd}
    special = odd | sought
    worth = [each for each in counted if not each.is_standard or each.name in special]
    worth.sort(key=lambda each: (each.name not in sought, each.name not in odd))
    shown = worth[:PROPERTIES]
    return Entry(
        event=event,
        properties=shown,
        others=len(known) - len(shown),
        odd_others=len(odd.difference(each.name for each in shown)),
    )


def _look_at(
    db: sqlite3.Connection, list_id: int, name_id: int
) -> tuple[Behind, SeenEvent, list[SeenProperty]] | None:
    event = seen.event(db, list_id, name_id)
    if event is None:
        return None
    return seen.behind(db, list_id), event, seen.properties(db, event)


PAGES = (
    Page("/lists/{list_id:int}/catalog", show=show),
    Page("/lists/{list_id:int}/catalog/{name_id:int}", show=show_event),
)
