"""How much to take at a time, so that nobody else's write waits long: measured, not guessed.

A step takes as many rows as the writer takes away in a few milliseconds, and then leaves it alone
for twice as long as the step took to be on disk, with all that waited before it. So a writer that
has much to do is asked for less of its time, and never for none.
"""

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable

from gateway.records.run import Run

STEP_S = 0.003
RESTS = 2  # times as long as a step, after it
ROWS_LEAST, ROWS_MOST = 10, 2_000

BUSY = 0.7  # of a core, over a step and its rest
BUSY_RESTS = 40


class Leisure:
    """How much of the interpreter's time a work takes that nobody waits for: while the process has
    processor time to spare a step rests for `rests` times as long as it took, else for so much
    longer that events hardly notice it."""

    def __init__(self, rests: int) -> None:
        self._rests = rests
        self._seen = time.perf_counter(), time.process_time()

    async def rest(self, took_s: float) -> None:
        now = time.perf_counter(), time.process_time()
        wall_s, cpu_s = now[0] - self._seen[0], now[1] - self._seen[1]
        self._seen = now
        await asyncio.sleep(took_s * (BUSY_RESTS if cpu_s > BUSY * wall_s else self._rests))


class Breath:
    """For a long piece of work in a thread of its own, which calls it now and then: after each few
    milliseconds of work the thread sleeps, so that no other waits longer than that for the
    interpreter or the processor. `worked_s` is without the sleep."""

    def __init__(self, rests: int) -> None:
        self._rests = rests
        self._since_s: float | None = None
        self.worked_s = 0.0

    def __call__(self) -> None:
        now_s = time.thread_time()
        if self._since_s is None:
            self._since_s = now_s
        elif (worked_s := now_s - self._since_s) > STEP_S:
            self.worked_s += worked_s
            time.sleep(worked_s * self._rests)
            self._since_s = time.thread_time()


Step = Callable[[sqlite3.Connection, int], int]
"""Takes away so many rows at most, and answers how many there were."""


class Pace:
    """`rest` is what is done meanwhile, after each step: it leaves the writer alone."""

    def __init__(self, run: Run, rest: Callable[[], Awaitable[None]]) -> None:
        self._run = run
        self._rest = rest
        self._rows = ROWS_LEAST

    async def until_nothing_is_left(self, step: Step) -> int:
        """Take steps until one finds nothing. How many rows went."""
        total = 0
        while removed := await self._take(step):
            total += removed
        return total

    async def _take(self, step: Step) -> int:
        rows = self._rows
        asked = time.perf_counter()
        removed, took_s = await self._run(lambda db: _timed(step, db, rows))
        answered_s = time.perf_counter() - asked
        self._rows = next_rows(rows, took_s)
        await asyncio.gather(self._rest(), asyncio.sleep(RESTS * answered_s))
        return removed


def next_rows(rows: int, took_s: float) -> int:
    """What the next step may take, after one of so many rows took so long."""
    change = min(max(STEP_S / took_s, 0.5), 1.25)
    return min(max(int(rows * change), ROWS_LEAST), ROWS_MOST)


def _timed(step: Step, db: sqlite3.Connection, rows: int) -> tuple[int, float]:
    begun = time.perf_counter()
    removed = step(db, rows)
    return removed, time.perf_counter() - begun
