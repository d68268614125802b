"""Keeps the house in order: deleted lists and journeys, erasures that were cut short, events and
deliveries past their time, contexts nobody uses, the file; and counts what was seen.

What deletes goes in steps of the writer, each a few milliseconds, with other writes in between
(`pace`). What a stopped process leaves is taken up by the next one. There is no `pragma optimize`:
with statistics of its tables SQLite reads and sorts all events for the newest ten.
"""

import asyncio
import logging
import sqlite3
from functools import partial

from gateway import clock
from gateway.records import (
    contexts,
    erasure,
    figures,
    happenings,
    lists,
    outbox,
    quarantine,
    removal,
    retention,
    segments,
    sightings,
)
from gateway.services import Services
from gateway.store.upkeep import Upkeep
from gateway.workers.counting import count_all
from gateway.workers.figures import count
from gateway.workers.pace import Pace
from gateway.workers.periodic import Duty, Periodic

DAY_S = 86_400.0
DAY_MS = 86_400_000
HOUR_S = 3_600.0
MINUTE_S = 60.0
FOLD_S = 5.0
COUNT_S = 10.0
CHECKPOINT_S = 1.0

log = logging.getLogger(__name__)


class Janitor:
    """Make it on the event loop; it starts at once."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._upkeep = Upkeep(services.settings.db)
        self._checkpoints = asyncio.create_task(self._checkpoint())
        self._periodic = Periodic(
            services,
            (
                Duty("deleted lists", 1.0, lists.buried, self._remove_lists),
                Duty("deleted journeys", 5.0, removal.has_journeys, self._remove_journeys),
                Duty("erasures", MINUTE_S, erasure.under_way, self._finish_erasures),
                Duty("deliveries", HOUR_S, _has_old_deliveries, self._remove_old_deliveries),
                Duty("retention", DAY_S, contexts.may_be_unused, self._enforce_retention),
                Duty("quarantine", HOUR_S, self._has_old_refusals, self._remove_old_refusals),
                Duty("summary", FOLD_S, _is_summary_behind, self._fold),
                Duty("sightings", COUNT_S, sightings.is_behind, self._count_sightings),
                Duty("figures", FOLD_S, figures.is_behind, self._count),
            ),
        )

    async def stop(self) -> None:
        self._checkpoints.cancel()
        await self._periodic.stop()
        self._upkeep.close()

    def _pace(self) -> Pace:
        return Pace(self._services.writer.write, self._upkeep.checkpoint)

    async def _remove_lists(self) -> None:
        for list_id in await self._services.reader.read(lists.buried):
            step = partial(_remove_some, list_id=list_id)
            await self._pace().until_nothing_is_left(step)
            log.info("deleted list removed list=%d", list_id)

    async def _remove_journeys(self) -> None:
        await self._pace().until_nothing_is_left(_remove_some_of_journeys)

    async def _finish_erasures(self) -> None:
        """Two at one erasure are no harm: each finds what the other has left."""
        for receipt_id, person in await self._services.reader.read(erasure.under_way):
            await erasure.finish(self._services.writer.write, person, receipt_id, clock.now_ms())

    async def _remove_old_deliveries(self) -> None:
        write = partial(self._services.writer.write, adds=True)
        await Pace(write, self._upkeep.checkpoint).until_nothing_is_left(_remove_old_deliveries)

    async def _enforce_retention(self) -> None:
        now_ms = clock.now_ms()
        names = await self._services.reader.read(retention.names_past, now_ms)
        events = await enforce(self._pace(), names, now_ms)
        unused = await contexts.sweep(self._services.reader.read, self._upkeep.run)
        log.info("events past their time removed: %d, unused contexts: %d", events, unused)

    def _has_old_refusals(self, db: sqlite3.Connection) -> bool:
        return quarantine.has_old(db, self._quarantine_starts_ms())

    async def _remove_old_refusals(self) -> None:
        remove = partial(quarantine.remove_old, before_ms=self._quarantine_starts_ms())
        while removed := await self._services.writer.write(remove, adds=True):
            self._services.tally.evicted("old", removed)

    def _quarantine_starts_ms(self) -> int:
        return clock.now_ms() - self._services.settings.limits.quarantine_days * DAY_MS

    async def _fold(self) -> None:
        """Into the summary that segments are counted from."""
        write = partial(self._services.writer.write, adds=True)
        await Pace(write, self._upkeep.checkpoint).until_nothing_is_left(_fold_some)

    async def _count_sightings(self) -> None:
        """For the catalog's figures."""
        await count_all(self._services.reader.read, partial(self._services.writer.write, adds=True))

    async def _count(self) -> None:
        """Into the figures that the console shows."""
        write = partial(self._services.writer.write, adds=True)
        await count(self._services.reader.read, write, self._upkeep.checkpoint)

    async def _checkpoint(self) -> None:
        while True:
            await asyncio.sleep(CHECKPOINT_S)
            try:
                await self._upkeep.checkpoint()
            except sqlite3.Error as error:
                log.warning("checkpoint failed: %s", error)


async def enforce(pace: Pace, names: list[int], now_ms: int) -> int:
    """Take away the events of these names that are past their time. How many there were."""
    removed = 0
    for name_id in names:
        step = partial(_remove_past, name_id=name_id, now_ms=now_ms)
        removed += await pace.until_nothing_is_left(step)
    return removed


def _remove_past(db: sqlite3.Connection, rows: int, *, name_id: int, now_ms: int) -> int:
    return retention.remove_some(db, name_id, now_ms, rows)


def _remove_some(db: sqlite3.Connection, rows: int, *, list_id: int) -> int:
    return rows if removal.remove_some(db, list_id, rows) else 0


def _remove_some_of_journeys(db: sqlite3.Connection, rows: int) -> int:
    return rows if removal.remove_some_of_journeys(db, rows) else 0


def _has_old_deliveries(db: sqlite3.Connection) -> bool:
    return outbox.has_old(db, clock.now_ms())


def _remove_old_deliveries(db: sqlite3.Connection, rows: int) -> int:
    return outbox.remove_old(db, rows, clock.now_ms())


def _is_summary_behind(db: sqlite3.Connection) -> bool:
    """Where there are no segments, nobody waits for it, and events need not pay for it."""
    return segments.are_there(db) and happenings.is_behind(db)


def _fold_some(db: sqlite3.Connection, rows: int) -> int:
    return rows if happenings.fold_some(db, rows) else 0
