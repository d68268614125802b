"""The one thread that writes: many callers, one transaction, one wait for the disk.

Items are `fn(db) -> T`, first in first out. A batch begins when the loop has nothing more at hand
and ends at `commit_items_max` items or when nothing waits (no timer: under load batches grow by
themselves). A batch is run as if nothing could go wrong; when an item raises, all of it is undone
and run again with a savepoint an item, so that the exception goes to its own caller and undoes
nobody else's. A failed commit fails the batch. Answers come after the commit, in one wake-up of the
loop. What fails beyond that costs the batch in hand, never the thread: the next batch has a new
connection. `close()` drains, commits and joins.
"""

import asyncio
import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby, islice
from pathlib import Path
from typing import Any, TypeVar

from gateway.errors import Overloaded
from gateway.store.database import begin, connect, open_database, savepoint

T = TypeVar("T")
Then = Callable[[Any, BaseException | None], None]
Handler = Callable[[sqlite3.Connection, Sequence[Any]], Sequence[Any]]
Item = tuple[Handler, Any, Then, bool]
Outcome = tuple[Then, Any, BaseException | None]
Observe = Callable[[int, float, bool], None]

_FILE_TROUBLE = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_BUSY}

log = logging.getLogger(__name__)


class Writer:
    """Make it on the event loop that will wait for it; it starts at once.

    `epoch` is a number that changes whenever something may have changed that an item before could
    have read and remembered: another process wrote, a batch was undone, or an item wrote that
    does not say of itself that it `adds` only. `waiting` writes have not been answered yet.

    `observe` is told of each commit, in the writer's thread and before its callers are: how many
    writes shared it, how many seconds they took, and whether it failed.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        queue_items_max: int,
        commit_items_max: int,
        observe: Observe = lambda items, seconds, failed: None,
    ) -> None:
        self.epoch = 0
        self.waiting = 0
        self._observe = observe
        self._path = path
        self._db = open_database(path)
        self._loop = asyncio.get_running_loop()
        self._gathered: list[Item] = []
        self._queue: deque[Item] = deque()
        self._in_hand: list[Item] = []
        self._wake = threading.Condition()
        self._queue_items_max = queue_items_max
        self._commit_items_max = commit_items_max
        self._closing = False
        self._others_version: int | None = None
        self._thread = self._started(None)

    def submit_to(self, handler: Handler, payload: Any, then: Then, *, adds: bool = False) -> None:
        """Have `handler(db, payloads)` answer this payload, together with those beside it in the
        queue that go to the same handler, and `then(answer, error)` called on the loop once what it
        wrote is on disk, or is not.

        From the loop's thread only. The error is Overloaded when nothing was written and a later
        try may succeed (the disk is full, the file is locked), else whatever was raised for this
        payload alone. `adds`: no row is changed or deleted that another item may remember. Raises
        Overloaded when the queue is full.
        """
        if self._closing or self.waiting >= self._queue_items_max:
            raise Overloaded()
        self.waiting += 1
        self._gathered.append((handler, payload, then, adds))
        if len(self._gathered) == 1:
            self._loop.call_soon(self._hand_over, 0)

    def submit(
        self, fn: Callable[[sqlite3.Connection], Any], then: Then, *, adds: bool = False
    ) -> None:
        """As `submit_to`, for what stands alone."""
        self.submit_to(_call, fn, then, adds=adds)

    async def write(self, fn: Callable[[sqlite3.Connection], T], *, adds: bool = False) -> T:
        """What `fn` answered, once it is on disk. Raises what `submit` hands on."""
        future: asyncio.Future[T] = self._loop.create_future()
        self.submit(fn, partial(_settle, future), adds=adds)
        return await future

    def close(self) -> None:
        """Take no more, write what waits, and end the thread. Blocks for as long as that takes."""
        with self._wake:
            self._closing = True
            self._queue.extend(self._gathered)
            self._gathered = []
            self._wake.notify()
        self._thread.join()
        self._db.close()

    def _hand_over(self, seen: int) -> None:
        """Give the thread what was gathered as soon as the loop has nothing more at hand: the more
        go with one commit, the less each of them costs."""
        gathered = len(self._gathered)
        if seen < gathered < self._commit_items_max:
            self._loop.call_soon(self._hand_over, gathered)
        elif gathered:
            if not self._thread.is_alive():  # it was ended between two lines of `_run`
                self._thread = self._started(RuntimeError("the writer's thread ended"))
            with self._wake:
                self._queue.extend(self._gathered)
                self._wake.notify()
            self._gathered = []

    def _started(self, failure: BaseException | None) -> threading.Thread:
        thread = threading.Thread(target=self._run, args=(failure,), name="writer", daemon=True)
        thread.start()
        return thread

    def _run(self, failure: BaseException | None) -> None:
        """Only `close` ends it: whatever else happens costs a batch and the connection."""
        while not self._loop.is_closed():
            try:
                if failure:
                    self._recover(failure)
                return self._write_all()
            except BaseException as error:  # noqa: BLE001 - a dead writer is a gateway that hangs
                failure = error

    def _write_all(self) -> None:
        while self._take_batch():
            outcomes = self._commit(self._in_hand)
            self._loop.call_soon_threadsafe(self._resolve, outcomes)
            self._in_hand = []

    def _recover(self, error: BaseException) -> None:
        """Nobody waits for ever: the batch in hand is told to try again, with its ids, for some of
        it may be on disk. The connection may be in any state, so the next batch gets a new one; if
        that cannot be opened, the old is closed, the next batch fails too and it is tried again."""
        log.critical("the writer failed, %d writes given up", len(self._in_hand), exc_info=error)
        self._loop.call_soon_threadsafe(self._resolve, _all_failed(self._in_hand, error))
        self._in_hand = []
        self.epoch += 1
        self._others_version = None
        self._db.close()
        try:
            self._db = connect(self._path)
        except sqlite3.Error as cannot:
            log.critical("the database cannot be opened again: %s", cannot)

    def _take_batch(self) -> bool:
        """What waits now, at most `commit_items_max`, in hand; False when closing and nothing is
        left. At no moment is an item in neither place."""
        with self._wake:
            while not self._queue and not self._closing:
                self._wake.wait()
            self._in_hand = list(islice(self._queue, self._commit_items_max))
            for _ in self._in_hand:
                self._queue.popleft()
            return bool(self._in_hand)

    def _commit(self, batch: list[Item]) -> list[Outcome]:
        began_s = time.perf_counter()
        try:
            self._begin()
            try:
                outcomes = self._run_bare(batch)
            except Exception:  # noqa: BLE001 - comes again below, to the caller whose it is
                self._undo()
                self._begin()
                outcomes = [self._run_guarded(item) for item in batch]
            self._db.execute("commit")
        except sqlite3.Error as error:
            self._observe(len(batch), time.perf_counter() - began_s, True)
            log.warning("commit failed, %d writes undone: %s", len(batch), error)
            self._undo()
            return _all_failed(batch, error)
        self._observe(len(batch), time.perf_counter() - began_s, False)
        if not all(adds for _, _, _, adds in batch):
            self.epoch += 1  # what others read before this commit is not to be kept either
        return outcomes

    def _resolve(self, outcomes: list[Outcome]) -> None:
        self.waiting -= len(outcomes)
        for then, result, error in outcomes:
            try:
                then(result, error)
            except Exception:  # one caller's fault must not cost the others their answers
                log.exception("an answer could not be given")

    def _begin(self) -> None:
        """The version of the file changes with every commit but our own."""
        begin(self._db)
        version = self._db.execute("pragma data_version").fetchone()[0]
        if version != self._others_version:
            self._others_version = version
            self.epoch += 1

    def _undo(self) -> None:
        self.epoch += 1
        if self._db.in_transaction:
            self._db.execute("rollback")

    def _run_bare(self, batch: Sequence[Item]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for (handler, adds), group in groupby(batch, key=_handler_and_adds):
            items = list(group)
            answers = handler(self._db, [payload for _, payload, _, _ in items])
            outcomes += [
                (then, answer, None) for (_, _, then, _), answer in zip(items, answers, strict=True)
            ]
            if not adds:
                self.epoch += 1
        return outcomes

    def _run_guarded(self, item: Item) -> Outcome:
        then = item[2]
        try:
            with savepoint(self._db):
                return self._run_bare([item])[0]
        except Exception as error:
            self.epoch += 1
            if not self._db.in_transaction:
                raise sqlite3.OperationalError("the transaction was ended") from error
            return then, None, _no_room(error) or error


def _call(db: sqlite3.Connection, functions: Sequence[Callable[..., Any]]) -> list[Any]:
    return [function(db) for function in functions]


def _handler_and_adds(item: Item) -> tuple[Handler, bool]:
    return item[0], item[3]


def _all_failed(batch: list[Item], error: BaseException) -> list[Outcome]:
    failure = Overloaded()
    failure.__cause__ = error
    return [(then, None, failure) for _, _, then, _ in batch]


def _no_room(error: Exception) -> Overloaded | None:
    """Overloaded for what is wrong with the file and may pass (a full disk, a lock), not with
    the item."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None or code & 0xFF not in _FILE_TROUBLE:
        return None
    overloaded = Overloaded()
    overloaded.__cause__ = error
    return overloaded


def _settle(future: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
    if future.done():  # its caller went away; the write stands
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
