"""The people of a list, the newest first, and looking for somebody."""

import re
import sqlite3
import uuid as uuids
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import RedirectResponse, Response

from gateway.console.entry import Page
from gateway.console.rendering import render
from gateway.console.visit import Visit
from gateway.records import directory, people
from gateway.records.directory import Entry
from gateway.records.people import Visitor

ROWS = 50
COUNTED = 10_000
QUERY_CHARS_MAX = 320  # of the longest address

UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class Found:
    """A page of people. `browsers` are nobody's, and have an id of the account's own."""

    entries: Sequence[Entry]
    browsers: Sequence[Visitor] = ()
    is_within: bool = False
    older: str = ""


async def show(visit: Visit) -> Response:
    """A browser's uuid leads to its page, everything else to people."""
    query = visit.query.text("q")[:QUERY_CHARS_MAX]
    if UUID.fullmatch(query):
        uuid = uuids.UUID(query)
        if visit.services.reader.look_up(people.find_visitor, visit.of_list.id, uuid.bytes):
            return RedirectResponse(visit.to("visitors", uuid), 303)
    found, count = await visit.services.reader.read(_look, visit, query)
    return render(
        visit,
        "people.html",
        query=query,
        found=found,
        count=count,
        counted=COUNTED,
        looked_through=directory.LOOKED_THROUGH,
    )


def _look(db: sqlite3.Connection, visit: Visit, query: str) -> tuple[Found, int]:
    count = directory.count(db, visit.of_list.id, COUNTED + 1)
    return (_search(db, visit, query) if query else _newest(db, visit)), count


def _newest(db: sqlite3.Connection, visit: Visit) -> Found:
    before = visit.query.whole("before") or None
    found = directory.newest(db, visit.of_list.id, before_id=before, rows=ROWS + 1)
    shown = found[:ROWS]
    older = visit.to("people", before=shown[-1].id) if len(found) > ROWS else ""
    return Found(directory.entries(db, shown), older=older)


def _search(db: sqlite3.Connection, visit: Visit, query: str) -> Found:
    """Who has the text as an id, ours or the account's; then whose address begins so; and where
    that is nobody, in whose address it is."""
    list_id, after = visit.of_list.id, visit.query.text("after")
    found = directory.beginning_with(db, list_id, query, after=after, rows=ROWS + 1)
    shown = found[:ROWS]
    older = visit.to("people", q=query, after=shown[-1].email) if len(found) > ROWS else ""
    if after:
        return Found(directory.entries(db, shown), older=older)
    by_id = people.on_list(db, list_id, visit.query.whole("q"))
    named, lone = directory.of_external_id(db, list_id, query, rows=ROWS)
    unique = {each.id: each for each in [by_id, *named, *shown] if each}
    if unique or lone:
        return Found(directory.entries(db, list(unique.values())), lone, older=older)
    within = directory.containing(db, list_id, query, rows=ROWS)
    return Found(directory.entries(db, within), is_within=True)


PAGES = (Page("/lists/{list_id:int}/people", show=show),)
