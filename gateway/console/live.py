"""A list's events as they come, and back through those that came before.

What is shown is said in the URL. The rows of the page and those that come later are made by one
template, and what fits is judged by one rule (`records/recent`).
"""

import sqlite3
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import msgspec
from starlette.responses import Response

from gateway.console.entry import Page
from gateway.console.rendering import piece, render
from gateway.console.visit import Visit
from gateway.edge.streams import SIGN_OF_LIFE, START, last_id_of, message
from gateway.errors import Problem, Refused
from gateway.records import event_log, people, recent
from gateway.records.event_log import StoredEvent
from gateway.records.recent import ROWS, Found, Wanted

NOBODY = Problem(
    1, "Nobody on this list is that: write an address, a subscriber's number or a browser's uuid."
)
FILTERS = ("event", "person", "page", "property", "value")


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at the list found; `last_id` is the newest event there was then."""

    found: Found
    ids: dict[str, int]
    names: list[str]
    last_id: int


async def show(visit: Visit) -> Response:
    said = {name: visit.query.text(name) for name in FILTERS}
    before_id = visit.query.whole("before")
    refused, look = None, Look(Found([]), {}, [], 0)
    try:
        look = await visit.services.reader.read(_look, visit, before_id)
    except Refused as problem:
        refused = problem
    return render(
        visit,
        "live.html",
        status=refused.status if refused else 200,
        refused=refused,
        said=said,
        is_filtered=any(said.values()),
        before_id=before_id,
        names=look.names,
        found=look.found,
        looks=recent.LOOKS,
        ids=look.ids,
        newest=visit.to("live", **said),
        older=visit.to("live", **said, before=look.found.older_id) if look.found.older_id else "",
        stream=visit.to("live", "stream", **said, after=look.last_id)
        if not (refused or before_id)
        else "",
    )


async def stream(visit: Visit) -> Response:
    """The rows of what comes, newest first, as server-sent events; begins behind `after`."""
    wanted = visit.services.reader.look_up(_wanted, visit)
    after_id = last_id_of(visit.request)
    if after_id is None and visit.query.has("after"):
        after_id = visit.query.whole("after")
    return visit.streams.response(_messages(visit, wanted, after_id))


async def _messages(visit: Visit, wanted: Wanted, after_id: int | None) -> AsyncIterator[bytes]:
    yield START
    async for events in visit.events(after_id=after_id):
        if not events:
            yield SIGN_OF_LIFE
            continue
        fitting = [event for event in events if wanted.fits(event)][::-1]
        ids = visit.services.reader.look_up(_ids, visit.of_list.id, fitting)
        rows = piece(visit, "event_rows.html", events=fitting[:ROWS], ids=ids)
        said = {"count": len(fitting), "rows": rows}
        yield message(events[-1].id, msgspec.json.encode(said))


def _look(db: sqlite3.Connection, visit: Visit, before_id: int) -> Look:
    list_id = visit.of_list.id
    found = recent.newest(db, list_id, _wanted(db, visit), before_id or None)
    ids, names = _ids(db, list_id, found.events), event_log.names(db, list_id)
    return Look(found, ids, names, event_log.last_id(db))


def _wanted(db: sqlite3.Connection, visit: Visit) -> Wanted:
    """What the URL asks for. Raises Refused for a person there is not."""
    event, person, page, name, value = (visit.query.text(name) for name in FILTERS)
    who = recent.find_person(db, visit.of_list.id, person) if person else None
    if person and who is None:
        raise Refused(NOBODY)
    return Wanted(event, who, page, name, value)


def _ids(db: sqlite3.Connection, list_id: int, events: Sequence[StoredEvent]) -> dict[str, int]:
    """The numbers of the people whose events these are, by address."""
    return people.ids_of(db, list_id, {event.email for event in events if event.email})


PAGES = (
    Page("/lists/{list_id:int}/live", show=show),
    Page("/lists/{list_id:int}/live/stream", show=stream),
)
