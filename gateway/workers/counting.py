"""Counts what was seen of events and properties (`records/sightings`), beside ingest.

Reading and decoding take a reader's thread, in bursts of a few milliseconds, for no other thread
runs Python meanwhile; a rest of three times that follows each, so it takes a quarter of a core at
most, and much less of a busy one.
The writer is given what came out: some dozens of rows for hundreds of events.
"""

import sqlite3
import time
from functools import partial

from gateway.records import sightings
from gateway.records.run import Run
from gateway.records.sightings import Gathered
from gateway.workers.pace import Breath, Leisure, next_rows

RESTS = 3  # times as long as a burst, after it
EVENTS_FIRST = 50


async def count_all(read: Run, write: Run) -> int:
    """Count all that are not counted yet. How many there were."""
    total, events, leisure = 0, EVENTS_FIRST, Leisure(RESTS)
    while True:
        breath = Breath(RESTS)
        gathered = await read(partial(sightings.gather, events=events, breathe=breath))
        if gathered is None:
            return total
        begun = time.perf_counter()
        added, write_s = await write(partial(_add, gathered=gathered))
        total += gathered.events * added
        events = next_rows(events, write_s)
        await leisure.rest(breath.worked_s + time.perf_counter() - begun)


def _add(db: sqlite3.Connection, gathered: Gathered) -> tuple[bool, float]:
    """With how long its thread was at work."""
    begun = time.thread_time()
    added = sightings.add(db, gathered)
    return added, time.thread_time() - begun
