"""The one thread that writes: many callers, one transaction, one wait for the disk.

Items are `fn(db) -> T`, first in first out. A batch ends at `items_max` items or when nothing
waits (no timer: under load batches grow by themselves). Each item runs in its own savepoint and
its exception goes to its own future; a failed commit fails the batch. Futures resolve after the
commit, in one wake-up of the loop. What fails beyond that costs the batch in hand, never the
thread: the next batch has a new connection. `close()` drains, commits and joins.
"""

import asyncio
import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from gateway.errors import Overloaded
from gateway.store.database import connect, open_database, savepoint

T = TypeVar("T")
Item = tuple[Callable[[sqlite3.Connection], Any], "asyncio.Future[Any]"]
Outcome = tuple["asyncio.Future[Any]", Any, BaseException | None]

_FILE_TROUBLE = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_BUSY}

log = logging.getLogger(__name__)


class Writer:
    """Make it on the event loop that will wait for it; it starts at once."""

    def __init__(self, path: Path | str, *, queue_items_max: int, commit_items_max: int) -> None:
        self._path = path
        self._db = open_database(path)
        self._loop = asyncio.get_running_loop()
        self._queue: deque[Item] = deque()
        self._in_hand: list[Item] = []
        self._queue_items_max = queue_items_max
        self._commit_items_max = commit_items_max
        self._wake = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    async def write(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        """What `fn` answered, once it is on disk.

        Raises Overloaded when nothing was written and a later try may succeed: the queue is
        full, the disk is full, the file is locked; and whatever `fn` raised, its writes undone.
        """
        future: asyncio.Future[T] = self._loop.create_future()
        with self._wake:
            if self._closing or len(self._queue) >= self._queue_items_max:
                raise Overloaded()
            self._queue.append((fn, future))
            self._wake.notify()
        return await future

    def close(self) -> None:
        """Take no more, write what waits, and end the thread. Blocks for as long as that takes."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()
        self._db.close()

    def _run(self) -> None:
        """Only `close` ends it: whatever else happens costs a batch and the connection."""
        failure: BaseException | None = None
        while not self._loop.is_closed():
            try:
                if failure:
                    self._recover(failure)
                return self._write_all()
            except BaseException as error:  # noqa: BLE001 (a dead writer is a gateway that hangs)
                failure = error

    def _write_all(self) -> None:
        while batch := self._next_batch():
            outcomes = self._commit(batch)
            self._loop.call_soon_threadsafe(_resolve, outcomes)

    def _recover(self, error: BaseException) -> None:
        """Nobody waits for ever: the batch in hand is told to try again, with its ids, for some of
        it may be on disk. The connection may be in any state, so the next batch gets a new one; if
        that cannot be opened, the old is closed, the next batch fails too and it is tried again."""
        log.critical("the writer failed, %d writes given up", len(self._in_hand), exc_info=error)
        self._loop.call_soon_threadsafe(_resolve, _all_failed(self._in_hand, error))
        self._db.close()
        try:
            self._db = connect(self._path)
        except sqlite3.Error as cannot:
            log.critical("the database cannot be opened again: %s", cannot)

    def _next_batch(self) -> list[Item]:
        """What waits now, at most `commit_items_max`; empty when closing and nothing is left."""
        with self._wake:
            while not self._queue and not self._closing:
                self._wake.wait()
            count = min(len(self._queue), self._commit_items_max)
            self._in_hand = list(islice(self._queue, count))  # at no moment is one in neither
            for _ in self._in_hand:
                self._queue.popleft()
            return self._in_hand

    def _commit(self, batch: list[Item]) -> list[Outcome]:
        try:
            self._db.execute("begin immediate")
            outcomes = [self._run_item(fn, future) for fn, future in batch]
            self._db.execute("commit")
        except sqlite3.Error as error:
            log.warning("commit failed, %d writes undone: %s", len(batch), error)
            if self._db.in_transaction:
                self._db.execute("rollback")
            return _all_failed(batch, error)
        return outcomes

    def _run_item(self, fn: Callable[[sqlite3.Connection], Any], future: Any) -> Outcome:
        try:
            with savepoint(self._db):
                return future, fn(self._db), None
        except Exception as error:
            if not self._db.in_transaction:
                raise sqlite3.OperationalError("the transaction was ended") from error
            return future, None, _no_room(error) or error


def _all_failed(batch: list[Item], error: BaseException) -> list[Outcome]:
    failure = Overloaded()
    failure.__cause__ = error
    return [(future, None, failure) for _, future in batch]


def _no_room(error: Exception) -> Overloaded | None:
    """Overloaded for what is wrong with the file and may pass (a full disk, a lock), not with
    the item."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None or code & 0xFF not in _FILE_TROUBLE:
        return None
    overloaded = Overloaded()
    overloaded.__cause__ = error
    return overloaded


def _resolve(outcomes: list[Outcome]) -> None:
    for future, result, error in outcomes:
        if future.done():  # its caller went away; the write stands
            continue
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
