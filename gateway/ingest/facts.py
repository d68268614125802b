"""What doors know of lists and keys without asking the database each time.

It is read again when the writer's epoch has moved on, and at the latest after a second; so it may
be a moment old. Nothing is recorded on its word: with every write goes what the door saw, and the
writer checks it inside the transaction (`Seen`, `Stale`).
"""

import sqlite3
import time
from typing import NamedTuple

from gateway.errors import Overloaded
from gateway.records import keys, lists
from gateway.records.keys import ApiKey
from gateway.records.lists import SubscriberList
from gateway.records.recall import Recall
from gateway.store.database import Reader
from gateway.store.writer import Writer

FRESH_S = 1.0
ENTRIES_MAX = 10_000


class Stale(Overloaded):
    """What a door saw of the list or the key is no longer so: look again, then write."""


class Seen(NamedTuple):
    """What a write rests on."""

    list: SubscriberList
    key: ApiKey | None = None

    def check(self, db: sqlite3.Connection, recall: Recall) -> None:
        """Raises Stale."""
        if not recall.is_current(db, self.list) or not (
            self.key is None or recall.is_open(db, self.key)
        ):
            raise Stale()


class Facts:
    """For the event loop's thread."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader
        self.forget()

    def list(self, list_id: int) -> SubscriberList | None:
        self._look_whether_fresh()
        known = self._lists.get(list_id)
        if known is None:
            known = self._reader.look_up(lists.get, list_id)
            if known is not None:
                self._lists[list_id] = known
        return known

    def key(self, text: str) -> ApiKey | None:
        self._look_whether_fresh()
        known = self._keys.get(text)
        if known is None:
            known = self._reader.look_up(keys.find, text)
            if known is not None:
                self._keys[text] = known
        return known

    def forget(self) -> None:
        self._epoch = self._writer.epoch
        self._read_at_s = time.monotonic()
        self._lists: dict[int, SubscriberList] = {}
        self._keys: dict[str, ApiKey] = {}

    def _look_whether_fresh(self) -> None:
        if (
            self._epoch != self._writer.epoch
            or time.monotonic() - self._read_at_s > FRESH_S
            or len(self._lists) + len(self._keys) > ENTRIES_MAX
        ):
            self.forget()
