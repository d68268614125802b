"""Counts what was seen of events and properties (`records/sightings`), beside ingest.

Reading and decoding take a reader's thread, in bursts of a few milliseconds, for no other thread
runs Python meanwhile; a rest of three times that follows, so it takes a quarter of a core at most,
and much less of a busy one.
The writer is given what came out: some dozens of rows for hundreds of events.
"""

import sqlite3
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from gateway.records import sightings
from gateway.records.run import Run
from gateway.workers.pace import Leisure, next_rows

T = TypeVar("T")

RESTS = 3  # times as long as a step, after it
EVENTS_FIRST = 50
EVENTS_MOST = 1_000


async def count_all(read: Run, write: Run) -> int:
    """Count all that are not counted yet. How many there were."""
    total, events, leisure = 0, EVENTS_FIRST, Leisure(RESTS)
    while True:
        begun = time.perf_counter()
        gathered, read_s = await read(_timed(partial(sightings.gather, events=events)))
        if gathered is None:
            return total
        added, write_s = await write(_timed(partial(sightings.add, gathered=gathered)))
        total += gathered.events * added
        events = min(next_rows(events, max(read_s / 2, write_s)), EVENTS_MOST)
        await leisure.rest(time.perf_counter() - begun)


def _timed(
    fn: Callable[[sqlite3.Connection], T],
) -> Callable[[sqlite3.Connection], tuple[T, float]]:
    """With how long its thread was at work."""

    def run(db: sqlite3.Connection) -> tuple[T, float]:
        begun = time.thread_time()
        answer = fn(db)
        return answer, time.thread_time() - begun

    return run
