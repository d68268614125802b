"""A second writing connection to the file, for what the writer's thread must not wait for.

It moves committed pages from the write-ahead log into the file, so that the writer's own commits
hardly ever have to; and it runs transactions that do not ask the foreign keys.
"""

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from gateway.store.database import connect, not_waiting, transaction

LOG_PAGES = 1_000  # from there on the log is begun anew
LOG_BYTES_MAX = 16 * 1024 * 1024  # and its file is cut where it has grown beyond

T = TypeVar("T")


class Upkeep:
    """Its calls run in threads, one at a time."""

    def __init__(self, path: Path | str) -> None:
        self._log = Path(f"{path}-wal")
        self._db = connect(path)
        self._db.execute("pragma foreign_keys = off")
        self._alone = threading.Lock()

    async def run(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        """What `fn` answered, in a transaction of its own; `fn` keeps the references whole."""
        return await asyncio.to_thread(self._transact, fn)

    async def checkpoint(self) -> None:
        """Move what was committed into the file. Nobody waits for it, and it waits for nobody."""
        await asyncio.to_thread(self._checkpoint)

    def close(self) -> None:
        with self._alone:
            self._db.close()

    def _transact(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        with self._alone, transaction(self._db):
            return fn(self._db)

    def _checkpoint(self) -> None:
        """Most of it while others write; then the little that came meanwhile while they wait."""
        with self._alone:
            _, logged, _ = self._db.execute("pragma wal_checkpoint(passive)").fetchone()
            if logged >= LOG_PAGES:
                self._begin_log_anew("truncate" if self._log_bytes() > LOG_BYTES_MAX else "restart")

    def _begin_log_anew(self, how: str) -> None:
        """At once or not at all: while it waited for a reader, every writer would wait for it."""
        with not_waiting(self._db):
            self._db.execute(f"pragma wal_checkpoint({how})").fetchone()

    def _log_bytes(self) -> int:
        with contextlib.suppress(FileNotFoundError):
            return self._log.stat().st_size
        return 0
