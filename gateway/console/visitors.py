"""One browser: what it is, whose and why, and what it did. Most are nobody's."""

import sqlite3
import uuid as uuids
from dataclasses import dataclass

from starlette.responses import Response

from gateway.console import history, telling
from gateway.console.entry import Page
from gateway.console.history import Journal, Timeline
from gateway.console.people import UUID
from gateway.console.rendering import Missing, render
from gateway.console.visit import Visit
from gateway.records import bindings, browsers, event_log, people
from gateway.records.browsers import Browser
from gateway.records.people import Subscriber


@dataclass(frozen=True, slots=True)
class Shown:
    browser: Browser
    subscriber: Subscriber | None
    journal: Journal
    timeline: Timeline


async def show(visit: Visit) -> Response:
    found = await visit.services.reader.read(_shown, visit)
    return render(visit, "visitor.html", shown=found, about=telling.about)


def _shown(db: sqlite3.Connection, visit: Visit) -> Shown:
    text, list_id = visit.path_text("uuid"), visit.of_list.id
    uuid = uuids.UUID(text).bytes if UUID.fullmatch(text) else b""
    found = people.find_visitor(db, list_id, uuid)
    if found is None:
        raise Missing("There is no browser of this uuid on the list.")
    events = event_log.newest_of_visitor(
        db, found.id, rows=history.ROWS + 1, before_id=history.before_id(visit)
    )
    story = bindings.of_visitor(db, list_id, uuid, history.JOURNAL_MAX)
    return Shown(
        browser=browsers.of_visitor(db, found),
        subscriber=people.subscriber(db, found.subscriber_id) if found.subscriber_id else None,
        journal=history.journal(db, list_id, story),
        timeline=history.timeline(visit, events),
    )


PAGES = (Page("/lists/{list_id:int}/visitors/{uuid}", show=show),)
