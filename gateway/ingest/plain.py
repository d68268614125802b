"""The short way of a plain event: one that says nothing of who its browser is, whose name and
properties are in the catalog, and which no journey waits for. Nearly all are.

Plain events that follow each other are stored by one statement. What is left in the tables, and
what each is answered, is the same as if `record` had taken them one by one, but for a gap in the
ids where one was here already; a test holds the two equal over any story.
"""

import sqlite3
import uuid as uuids
from functools import lru_cache

from gateway.events.event import Enriched
from gateway.events.vocabulary import Kind
from gateway.ingest.record import Outcome, Receipt, Result, first_answer
from gateway.records import event_log, identity
from gateway.records.event_log import Row
from gateway.records.recall import Recall
from gateway.records.suppressions import Erased


class PlainRun:
    """Plain events that wait to be stored together, and the places their receipts are in."""

    def __init__(self, db: sqlite3.Connection, recall: Recall) -> None:
        self._db = db
        self._recall = recall
        self._rows: list[Row] = []
        self._ids: set[bytes] = set()
        self._places: list[tuple[Enriched, list[Outcome], int]] = []

    def take(self, event: Enriched, outcomes: list[Outcome]) -> bool:
        """Whether the event is plain: then it waits, and its receipt is the next of `outcomes`."""
        if event.uuid is None or not _is_plain(event):
            return False
        if self._recall.may_fire(self._db, event, event.uuid):
            return False
        row = self._row(event, event.uuid)
        if row is None:
            return False
        self._rows.append(row)
        self._ids.add(event.unique_id)
        self._places.append((event, outcomes, len(outcomes)))
        outcomes.append(_stored(event.uuid, row[event_log.ANSWERED_ID]))
        return True

    def store(self) -> None:
        """Store what waits; the receipt of what was here before becomes its first answer."""
        if not self._rows:
            return
        newest = event_log.last_id(self._db)
        new = event_log.append_all(self._db, self._rows)
        if new < len(self._rows):
            self._answer_duplicates(newest)
        self._rows, self._ids, self._places = [], set(), []

    def _row(self, event: Enriched, uuid: bytes) -> Row | None:
        """The event as it will stand in the log; None when it has to go the whole way."""
        row = self._recall.row(event, uuid)
        if row is not None or not self._recall.has_catalogued(event):
            return row
        # Its visitor, browser or page is new, and must not be made for an event that is not.
        if event.unique_id in self._ids:
            self.store()
        if event_log.find(self._db, event.list_id, event.unique_id):
            return None
        try:
            self._recall.visitor(self._db, event.list_id, uuid, event.received_at_ms)
        except Erased:
            return None
        self._recall.context_id(self._db, event.browser)
        self._recall.context_id(self._db, event.page)
        return self._recall.row(event, uuid)

    def _answer_duplicates(self, newest: int) -> None:
        fresh: set[int] = set()
        for event, outcomes, place in self._places:
            logged = event_log.find(self._db, event.list_id, event.unique_id)
            assert logged is not None
            if logged.id > newest and logged.id not in fresh:
                fresh.add(logged.id)
            else:
                outcomes[place] = first_answer(self._db, event, logged)


def _is_plain(event: Enriched) -> bool:
    return (
        identity.says_nothing_of_who(event)
        and not event.test
        and event.kind is not Kind.CONVERSION
        and event.kind is not Kind.IDENTIFY
    )


@lru_cache(2_000)
def _stored(uuid: bytes, external_id: str | None) -> Receipt:
    text = str(uuids.UUID(bytes=uuid))
    return Receipt(result=Result.STORED, uuid=text, external_id=external_id)
