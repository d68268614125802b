"""What the pages of a person and of a browser share: the journal of bindings, which can be taken
back there, and the events, a page at a time.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from gateway import clock
from gateway.console.entry import Page
from gateway.console.rendering import Missing, done
from gateway.console.visit import Visit
from gateway.records import bindings, event_log
from gateway.records.bindings import Binding
from gateway.records.event_log import StoredEvent

ROWS = 50
JOURNAL_MAX = 100


@dataclass(frozen=True, slots=True)
class Journal:
    """Newest first. `events`: where the events are that entries name as their evidence."""

    entries: Sequence[Binding]
    undoable: set[int]
    events: dict[str, int]
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Timeline:
    events: Sequence[StoredEvent]
    newer: str
    older: str


def journal(db: sqlite3.Connection, list_id: int, story: Sequence[Binding]) -> Journal:
    """Of a story that was read oldest first, its newest JOURNAL_MAX."""
    named = {str(entry.evidence["event_id"]) for entry in story if "event_id" in entry.evidence}
    return Journal(
        entries=story[::-1],
        undoable=bindings.may_undo(story),
        events=event_log.ids_of(db, list_id, named),
        is_cut=len(story) == JOURNAL_MAX,
    )


def timeline(visit: Visit, events: Sequence[StoredEvent]) -> Timeline:
    """One page of events; ROWS + 1 of them were read, to know whether there are more."""
    is_more, shown = len(events) > ROWS, events[:ROWS]
    return Timeline(
        events=shown,
        newer=f"{visit.path}#timeline" if visit.query.has("before") else "",
        older=f"{visit.path}?before={shown[-1].id}#timeline" if is_more else "",
    )


def before_id(visit: Visit) -> int:
    """Where the page of events that is asked for begins."""
    return visit.query.whole("before", event_log.ID_MAX)


async def undo(visit: Visit) -> Response:
    """Take a binding back, and go to the page the button was on. Raises Refused."""
    list_id, binding_id, now_ms = visit.of_list.id, visit.number("binding_id"), clock.now_ms()

    def write(db: sqlite3.Connection) -> Binding:
        if not bindings.is_on_list(db, list_id, binding_id):
            raise Missing("There is no such binding on this list.")
        return bindings.undo(db, binding_id, now_ms)

    made = await visit.services.writer.write(write)
    whose = f"{made.after}'s" if made.after else "nobody's"
    page = visit.path.partition("/bindings/")[0]
    return done(visit, page, f"Taken back: the browser {made.visitor} is {whose} again.")


PAGES = (
    Page(
        "/lists/{list_id:int}/people/{subscriber_id:int}/bindings/{binding_id:int}/undo", act=undo
    ),
    Page("/lists/{list_id:int}/visitors/{uuid}/bindings/{binding_id:int}/undo", act=undo),
)
