"""Rows the writer has seen and need not look for again: read-through memory of the hot path.

It holds only what stays true until a row is changed or deleted, and is told of that by the writer's
epoch: when that moves on, everything is forgotten. Nothing here outlives a doubt.
"""

import sqlite3

from gateway.events.event import Context, Enriched
from gateway.events.vocabulary import Door, Kind
from gateway.records import catalog, event_log, journeys, keys, lists, people
from gateway.records.journeys import Journey
from gateway.records.keys import ApiKey
from gateway.records.lists import SubscriberList
from gateway.records.people import Visitor

ROWS_MAX = 20_000  # of each kind; beyond that the kind is forgotten, not grown
CONTEXTS_MAX = 4_000  # they are larger


class Recall:
    def __init__(self) -> None:
        self._epoch = 0
        self.forget()

    def up_to(self, epoch: int) -> None:
        """Forget everything unless the epoch is still the one it was read in."""
        if epoch != self._epoch:
            self._epoch = epoch
            self.forget()

    def visitor(self, db: sqlite3.Connection, list_id: int, uuid: bytes, now_ms: int) -> Visitor:
        """As `people.visitor_by_uuid`. Raises Erased."""
        known = self._visitors.get((list_id, uuid))
        if known is None:
            known = people.visitor_by_uuid(db, list_id, uuid, now_ms)
            if len(self._visitors) >= ROWS_MAX:
                self._visitors.clear()
            self._visitors[list_id, uuid] = known
        return known

    def forget_visitor(self, visitor: Visitor) -> None:
        """It points elsewhere now, or has another id."""
        self._visitors.pop((visitor.list_id, visitor.uuid.bytes), None)

    def name_id(
        self, db: sqlite3.Connection, list_id: int, name: str, kind: Kind
    ) -> tuple[int, bool]:
        """As `event_log.name_id`."""
        known = self._names.get((list_id, name))
        if known is not None:
            return known, False
        found, first = event_log.name_id(db, list_id, name, kind)
        if len(self._names) >= ROWS_MAX:
            self._names.clear()
        self._names[list_id, name] = found
        return found, first

    def context_id(self, db: sqlite3.Connection, context: Context) -> int:
        """As `event_log.context_id`. What is spelled in two orders is remembered twice, and is one
        row."""
        known = self._contexts.get(context.text)
        if known is None:
            known = event_log.context_id(db, context)
            if len(self._contexts) >= CONTEXTS_MAX:
                self._contexts.clear()
            self._contexts[context.text] = known
        return known

    def observe(
        self, db: sqlite3.Connection, event: Enriched, name_id: int, *, first: bool, names_max: int
    ) -> None:
        """As `catalog.observe`."""
        if first or not self._has_seen(name_id, event):
            if len(self._properties) >= ROWS_MAX:
                self._properties.clear()
                self._shared.clear()
            seen = catalog.observe(db, event, name_id=name_id, first=first, names_max=names_max)
            self._properties.setdefault(name_id, set()).update(seen)

    def has_catalogued(self, event: Enriched) -> bool:
        """Whether the catalog has all names of the event, its own and its properties'."""
        name_id = self._names.get((event.list_id, event.name))
        return name_id is not None and self._has_seen(name_id, event)

    def row(self, event: Enriched, uuid: bytes) -> event_log.Row | None:
        """The event as a row of the log, if all it points to and names has been seen before, and
        nothing about its visitor is to be found out."""
        visitor = self._visitors.get((event.list_id, uuid))
        name_id = self._names.get((event.list_id, event.name))
        if visitor is None or name_id is None:
            return None
        browser_id = self._shared_id(name_id, event.browser)
        page_id = self._shared_id(name_id, event.page)
        if browser_id is None or page_id is None:
            return None
        if event.own and not self._properties[name_id].issuperset(event.own):
            return None
        external_id = None
        if event.door is Door.API:  # a server is answered whom it named
            external_id = visitor.external_id
            if external_id is None or visitor.subscriber_id is not None:
                return None
        return event_log.row(
            event,
            visitor_id=visitor.id,
            name_id=name_id,
            browser_id=browser_id,
            page_id=page_id,
            answered_id=external_id,
        )

    def _shared_id(self, name_id: int, context: Context) -> int | None:
        """The id of a context whose properties the catalog of this name has all. It is found by the
        object, which is one for all who say the same."""
        known = self._shared.get((name_id, context))
        if known is None:
            known = self._contexts.get(context.text)
            seen = self._properties.get(name_id)
            if known is None or seen is None or not seen.issuperset(context):
                return None
            if len(self._shared) >= CONTEXTS_MAX:
                self._shared.clear()
            self._shared[name_id, context] = known
        return known

    def _has_seen(self, name_id: int, event: Enriched) -> bool:
        seen = self._properties.get(name_id)
        return (
            seen is not None
            and seen.issuperset(event.own)
            and seen.issuperset(event.page)
            and seen.issuperset(event.browser)
        )

    def waiting_for(self, db: sqlite3.Connection, event: Enriched) -> tuple[Journey, ...]:
        """The journeys of the event's list that wait for such events."""
        waiting = self._journeys.get(event.list_id)
        if waiting is None:
            waiting = self._journeys[event.list_id] = journeys.enabled(db, event.list_id)
        if not waiting:
            return waiting
        return tuple(each for each in waiting if each.waits_for(event.kind, event.name))

    def may_fire(self, db: sqlite3.Connection, event: Enriched, uuid: bytes) -> bool:
        """Whether a journey waits for the event, and its visitor is or may be somebody."""
        if event.silent or not self.waiting_for(db, event):
            return False
        visitor = self._visitors.get((event.list_id, uuid))
        return visitor is None or visitor.subscriber_id is not None

    def is_current(self, db: sqlite3.Connection, seen: SubscriberList) -> bool:
        """Whether the list is still what a door saw of it."""
        if self._lists.get(seen.id) is seen:
            return True
        if lists.get(db, seen.id) != seen:
            return False
        self._lists[seen.id] = seen
        return True

    def is_open(self, db: sqlite3.Connection, key: ApiKey) -> bool:
        """Whether a key that was not revoked still is not."""
        if key.id not in self._keys:
            if not keys.is_open(db, key.id):
                return False
            self._keys.add(key.id)
        return True

    def forget(self) -> None:
        """What was read may not have come to stay."""
        self._visitors: dict[tuple[int, bytes], Visitor] = {}
        self._names: dict[tuple[int, str], int] = {}
        self._contexts: dict[bytes, int] = {}
        self._properties: dict[int, set[str]] = {}
        self._shared: dict[tuple[int, Context], int] = {}
        self._lists: dict[int, SubscriberList] = {}
        self._keys: set[int] = set()
        self._journeys: dict[int, tuple[Journey, ...]] = {}
