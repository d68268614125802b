"""One event: all it says, how it came in, whose it is and why, and what it brought about."""

import sqlite3
from typing import Any

import msgspec
from starlette.responses import Response

from gateway.console.entry import Page
from gateway.console.rendering import Missing, render
from gateway.console.telling import span
from gateway.console.visit import Visit
from gateway.events.event import Properties
from gateway.events.vocabulary import BROWSER_PROPERTIES, PAGE_PROPERTIES, SERVER_PROPERTIES
from gateway.records import event_log
from gateway.records.explain import Explanation, explain

NOT_THERE = (
    "There is no such event on this list: it may have been erased, or be past the time it is kept."
)


async def show(visit: Visit) -> Response:
    told = await visit.services.reader.read(_told, visit)
    return render(
        visit,
        "event.html",
        told=told,
        event=told.event,
        groups=_groups(told.event.properties),
        unknown=[name for name, value in told.event.properties.items() if value is None],
        raw=msgspec.json.format(msgspec.json.encode(told.event), indent=2).decode(),
        value=spelled,
        span=span,
    )


def _told(db: sqlite3.Connection, visit: Visit) -> Explanation:
    event = event_log.named(db, visit.of_list.id, visit.path_text("event_id"))
    if event is None:
        raise Missing(NOT_THERE)
    return explain(db, event, visit.services.settings.limits.click_days)


def _groups(properties: Properties) -> list[tuple[str, Properties]]:
    """What is known of them, by what they are the same for."""
    groups: dict[str, Properties] = {"Its own": {}, "The page": {}, "The browser": {}}
    for name, value in properties.items():
        if value is not None:
            groups[_group(name)][name] = value
    return [(title, group) for title, group in groups.items() if group]


def _group(name: str) -> str:
    if name in BROWSER_PROPERTIES or name in SERVER_PROPERTIES:
        return "The browser"
    return "The page" if name in PAGE_PROPERTIES else "Its own"


def spelled(value: Any) -> str:
    """A property's value: text as it is, all else in JSON."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


PAGES = (Page("/lists/{list_id:int}/events/{event_id}", show=show),)
