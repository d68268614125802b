"""Counts events into the figures of their lists' days, in steps.

A step is worked out by a reader, which takes a breath every few milliseconds, and only written down
by the writer, which it costs as many; then both are left alone for twice as long as it took, and
longer in a busy process.
What a step found untrue when it was to be written is worked out again with the next round.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

from gateway.records import figures
from gateway.records.figures import Step
from gateway.records.run import Run
from gateway.workers.pace import Breath, Leisure

RESTS = 2  # times as long as a step, after it


async def count(read: Run, write: Run, rest: Callable[[], Awaitable[None]]) -> None:
    """All that waits: first the days that have to be counted anew, then the newest events. `rest`
    is done besides, after each step."""
    pause = partial(_pause, Leisure(RESTS), rest)
    for mark in await read(figures.stale):
        await _take(partial(figures.recount, mark=mark), read, write, pause)
    while await _take(figures.next_step, read, write, pause):
        pass


async def _pause(leisure: Leisure, rest: Callable[[], Awaitable[None]], took_s: float) -> None:
    await asyncio.gather(rest(), leisure.rest(took_s))


async def _take(
    work_out: Callable[..., Step | None],
    read: Run,
    write: Run,
    pause: Callable[[float], Awaitable[None]],
) -> bool:
    """Whether a step was taken."""
    breath = Breath(RESTS)
    step = await read(partial(work_out, breathe=breath))
    began = time.perf_counter()
    taken = step is not None and await write(partial(figures.apply, step=step))
    await pause(breath.worked_s + time.perf_counter() - began)
    return taken
