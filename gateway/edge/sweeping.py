"""Takes away what deleted lists held, and quarantined events that nobody replayed in time: in small
steps of the writer, other calls in between.

A list is nobody's from the moment it is deleted; this is only about the space it takes. What a
stopped process leaves is taken up by the next one that starts, or by the next deletion.
"""

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import suppress
from functools import partial
from typing import Any

from gateway import clock
from gateway.errors import Overloaded
from gateway.records import lists, quarantine, removal
from gateway.services import Services

HOUR_S = 3_600
DAY_MS = 86_400_000

log = logging.getLogger(__name__)

_under_way: set[asyncio.Task[None]] = set()  # the loop itself keeps no hold of its tasks


def start(services: Services) -> None:
    """Sweep in the background."""
    _run(sweep(services))


def keep_quarantine_young(services: Services) -> None:
    """Every hour, in the background."""
    _run(_remove_old_for_ever(services))


def _run(work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.create_task(work)
    _under_way.add(task)
    task.add_done_callback(_under_way.discard)


async def sweep(services: Services) -> None:
    """Until nothing is left of any deleted list, or the writer takes no more."""
    try:
        for list_id in await services.reader.read(lists.buried):
            while await services.writer.write(partial(removal.remove_some, list_id=list_id)):
                pass
            log.info("deleted list removed list=%d", list_id)
    except Overloaded:
        log.info("removal of deleted lists put off")
    except Exception:
        log.exception("removal of deleted lists failed")


async def remove_old(services: Services) -> None:
    """What was quarantined too long ago. Raises Overloaded when the writer takes no more."""
    before_ms = clock.now_ms() - services.settings.limits.quarantine_days * DAY_MS
    remove = partial(quarantine.remove_old, before_ms=before_ms)
    while removed := await services.writer.write(remove):
        services.tally.evicted("old", removed)


async def _remove_old_for_ever(services: Services) -> None:
    while True:
        with suppress(Overloaded):
            await remove_old(services)
        await asyncio.sleep(HOUR_S)
