"""How often and from where API keys are used, written down behind the calls' backs.

What is noted while a write is under way goes with the next one, so that a busy key costs one
small row change a commit; nobody waits for it, and a failed one is tried with the next call.
"""

import asyncio
import sqlite3
from functools import partial

from gateway import clock
from gateway.errors import Overloaded
from gateway.records import keys
from gateway.store.writer import Writer


class KeyUsage:
    """Make it on the event loop that serves the calls."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._noted: dict[int, tuple[int, str]] = {}
        self._task: asyncio.Task[None] | None = None

    def note(self, key_id: int, address: str) -> None:
        requests, _ = self._noted.get(key_id, (0, ""))
        self._noted[key_id] = requests + 1, address
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write())

    async def _write(self) -> None:
        while self._noted:
            noted, self._noted = self._noted, {}
            try:
                await self._writer.write(partial(_note_all, noted=noted), adds=True)
            except Overloaded:
                for key_id, (requests, address) in noted.items():
                    later, last = self._noted.get(key_id, (0, address))
                    self._noted[key_id] = requests + later, last
                return


def _note_all(db: sqlite3.Connection, noted: dict[int, tuple[int, str]]) -> None:
    now_ms = clock.now_ms()
    for key_id, (requests, address) in noted.items():
        keys.note_use(db, key_id, requests, address, now_ms)
