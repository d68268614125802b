"""The SQLite file: how a connection is opened, how a transaction is held, how reads are run.

WAL with synchronous=FULL: a commit that returned is on disk. Writes go through `writer` only
(besides the CLI, which is a process of its own); reads never wait for writes.
"""

import asyncio
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from gateway.errors import SettingsError
from gateway.store import copies
from gateway.store.migrations import migrate

P = ParamSpec("P")
T = TypeVar("T")

LOCK_WAIT_S = 5.0
LOCK_LOOK_S = 0.001
READERS = 4
READER_CACHE_KIB = 1_024  # each has one; behind it the system has the file in its own
LOG_PAGES_MAX = 4_000  # then a commit moves them into the file, if `upkeep` has not

log = logging.getLogger(__name__)


def connect(path: Path | str, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection in autocommit: transactions are begun and ended by their statements."""
    if read_only and str(path) != ":memory:":
        target, uri = f"{Path(path).absolute().as_uri()}?mode=ro", True
    else:
        target, uri = str(path), False
    connection = sqlite3.connect(
        target,
        uri=uri,
        timeout=LOCK_WAIT_S,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    connection.row_factory = sqlite3.Row
    try:
        connection.execute("pragma foreign_keys = on")
        if read_only:
            connection.execute(f"pragma cache_size = {-READER_CACHE_KIB}")
        else:
            _use_wal(connection)
            connection.execute("pragma synchronous = full")
            connection.execute(f"pragma wal_autocheckpoint = {LOG_PAGES_MAX}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _use_wal(connection: sqlite3.Connection) -> None:
    """The file keeps this mode; the change needs it alone, and SQLite does not wait by itself."""
    _as_soon_as_free(connection, "pragma journal_mode = wal")


def begin(connection: sqlite3.Connection) -> None:
    """Begin a transaction that writes. SQLite itself would look whether the file is free after 1,
    3, 8, 18, 33, 53 ms and so on, so that who has to wait for 20 ms would wait for 33."""
    with not_waiting(connection):
        _as_soon_as_free(connection, "begin immediate")


@contextmanager
def not_waiting(connection: sqlite3.Connection) -> Iterator[None]:
    """Meanwhile a locked file is an error at once, not after `LOCK_WAIT_S`."""
    connection.execute("pragma busy_timeout = 0")
    try:
        yield
    finally:
        connection.execute(f"pragma busy_timeout = {LOCK_WAIT_S * 1000:.0f}")


def _as_soon_as_free(connection: sqlite3.Connection, statement: str) -> None:
    """Raises OperationalError when the file is locked for longer than `LOCK_WAIT_S`."""
    deadline_s = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            connection.execute(statement)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline_s:
                raise
            time.sleep(LOCK_LOOK_S)
        else:
            return


def open_database(path: Path | str) -> sqlite3.Connection:
    """A writing connection to a database of this code's schema, made or migrated as needed; what
    it was before a migration is kept beside it.

    Raises SettingsError when the file cannot be used, saying why.
    """
    try:
        connection = connect(path)
    except sqlite3.Error as error:
        raise _unusable(path, error) from error
    try:
        migrate(connection, before=partial(_keep_copy, Path(path)))
    except sqlite3.Error as error:
        connection.close()
        raise _unusable(path, error) from error
    except SettingsError:
        connection.close()
        raise
    return connection


_WHAT_TO_DO = {
    sqlite3.SQLITE_NOTADB: "Name another file with --db, or restore this one from a copy.",
    sqlite3.SQLITE_CORRUPT: "Restore it from a copy; `sqlite3 FILE .recover` saves what it can.",
    sqlite3.SQLITE_CANTOPEN: "The gateway must be allowed to write the file and its folder.",
    sqlite3.SQLITE_READONLY: "The gateway must be allowed to write the file and its folder.",
    sqlite3.SQLITE_FULL: "Make room on the disk.",
    sqlite3.SQLITE_IOERR: "See whether the disk is full or failing.",
    sqlite3.SQLITE_BUSY: "Another process holds it: end that one.",
}


def _unusable(path: Path | str, error: sqlite3.Error) -> SettingsError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without the particulars
    advice = _WHAT_TO_DO.get(code, "")
    return SettingsError(f"Cannot use the database {path}: {error}. {advice}".rstrip())


def _keep_copy(path: Path, migration: str) -> None:
    """`gateway.db.before-0005`, made while the migration holds the file, so it misses nothing."""
    number = migration.partition("_")[0]
    target = Path(f"{path}.before-{number}")
    try:
        copies.copy(path, target, thorough=False)
    except copies.CopyFailed as error:
        raise SettingsError(f"Before {path} is migrated it is copied, but: {error}") from error
    log.warning("%s is migrated; what it was is kept as %s", path, target)


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All or nothing, on disk when it ends. It takes the write lock at once."""
    begin(db)
    try:
        yield
    except BaseException:
        if db.in_transaction:
            db.execute("rollback")
        raise
    db.execute("commit")


@contextmanager
def savepoint(db: sqlite3.Connection) -> Iterator[None]:
    """All or nothing within a transaction."""
    db.execute("savepoint item")
    try:
        yield
    except BaseException:
        # A full disk or an I/O error can end the whole transaction; then there is no savepoint.
        if db.in_transaction:
            db.execute("rollback to item")
            db.execute("release item")
        raise
    db.execute("release item")


def touch(db: sqlite3.Connection) -> None:
    """Write the file's first page as it is: within a transaction, whose commit then shows that
    writing is possible. One that changes nothing is a success on a full disk too."""
    [version] = db.execute("pragma user_version").fetchone()
    db.execute(f"pragma user_version = {version:d}")


class Reader:
    """Runs `fn(db, …)` on a read-only connection, off the event loop or on it.

    `under_way`: reads off the loop that run, or wait for a thread.
    """

    def __init__(self, path: Path | str) -> None:
        self._path = path
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._own = self._open()
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="reader")
        self.under_way = 0

    async def read(
        self, fn: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What `fn` answers, without holding up the event loop. Each call sees one snapshot."""
        loop = asyncio.get_running_loop()
        self.under_way += 1
        try:
            return await loop.run_in_executor(
                self._threads, lambda: self._snapshot(fn, *args, **kwargs)
            )
        finally:
            self.under_way -= 1

    def look_up(
        self, fn: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What `fn` answers, at once: for single rows by their key, which take microseconds
        where a change of thread takes a hundred. Only from the thread that made this Reader."""
        return fn(self._own, *args, **kwargs)

    def close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)
        for connection in self._connections:
            connection.close()

    def _snapshot(
        self, fn: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        if db is None:
            db = self._local.db = self._open()
        db.execute("begin")
        try:
            return fn(db, *args, **kwargs)
        finally:
            db.execute("rollback")

    def _open(self) -> sqlite3.Connection:
        connection = connect(self._path, read_only=True)
        self._connections.append(connection)
        return connection
