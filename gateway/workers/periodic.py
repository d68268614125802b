"""Does duties at their pace for as long as the server runs, each in one server process at a time.

Whether there is something to do is read first; only then is the duty claimed, by a row that all
processes see (`records/duties`), and given back when it is done. A duty that fails is logged
and tried again later: nothing here ends the server.
"""

import asyncio
import contextlib
import logging
import sqlite3
import uuid as uuids
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from gateway import clock
from gateway.errors import Overloaded
from gateway.records import duties
from gateway.services import Services

LOOK_S = 60.0  # how long at most until a duty that came due is noticed

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Duty:
    """`work` is done every so many seconds at most, and only when `is_wanted` finds something."""

    name: str
    every_s: float
    is_wanted: Callable[[sqlite3.Connection], object]
    work: Callable[[], Awaitable[None]]

    @property
    def every_ms(self) -> int:
        return int(self.every_s * 1000)


class Periodic:
    """Make it on the event loop; it starts at once."""

    def __init__(self, services: Services, tasks: Sequence[Duty]) -> None:
        self._services = services
        self._holder = uuids.uuid4().hex
        self._tasks = [asyncio.create_task(self._attend(duty)) for duty in tasks]

    async def stop(self) -> None:
        """Leave off where it is; what was claimed is given back."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _attend(self, duty: Duty) -> None:
        while True:
            pause_s = min(duty.every_s, LOOK_S)
            try:
                await self._do_if_due(duty)
            except (Overloaded, sqlite3.OperationalError) as error:
                log.info("%s put off: %s", duty.name, error)
                pause_s = LOOK_S
            except Exception:
                log.exception("%s failed", duty.name)
                pause_s = LOOK_S
            await asyncio.sleep(pause_s)

    async def _do_if_due(self, duty: Duty) -> None:
        if await self._services.reader.read(partial(_is_due, duty=duty)):
            claim = partial(_claim, duty=duty, holder=self._holder)
            if await self._services.writer.write(claim):
                await self._do(duty)

    async def _do(self, duty: Duty) -> None:
        done_at_ms = None
        renewing = asyncio.create_task(self._renew(duty))
        try:
            await duty.work()
            done_at_ms = clock.now_ms()
        finally:
            renewing.cancel()
            release = partial(duties.release, name=duty.name, holder=self._holder)
            # Where it cannot be given back the lease runs out; and what ends the duty stays what it
            # was: Overloaded in the place of a cancellation would have it go on.
            with contextlib.suppress(Overloaded):
                await self._services.writer.write(partial(release, done_at_ms=done_at_ms))

    async def _renew(self, duty: Duty) -> None:
        """Two processes at one duty are no harm, only waste: so nobody is stopped by this."""
        while True:
            await asyncio.sleep(duties.LEASE_MS / 3000)
            renew = partial(duties.renew, name=duty.name, holder=self._holder)
            with contextlib.suppress(Overloaded):
                await self._services.writer.write(partial(renew, now_ms=clock.now_ms()))


def _is_due(db: sqlite3.Connection, duty: Duty) -> bool:
    due = duties.is_due(db, duty.name, clock.now_ms(), duty.every_ms)
    return due and bool(duty.is_wanted(db))


def _claim(db: sqlite3.Connection, duty: Duty, holder: str) -> bool:
    """The time is read once the file is ours: by an earlier one, what another process has claimed
    or done since would look like the work of a clock that was set back."""
    return duties.claim(db, duty.name, holder, clock.now_ms(), duty.every_ms)
