"""Takes new events into the summary that segments are counted from, in steps of the writer.

Only when so many wait that reading them besides would be felt, and one at a time.
"""

import asyncio
import logging

from gateway.errors import Overloaded
from gateway.records import happenings
from gateway.services import Services

log = logging.getLogger(__name__)

_under_way: set[asyncio.Task[None]] = set()  # the loop itself keeps no hold of its tasks


async def start_if_behind(services: Services) -> None:
    """Fold in the background, if there is enough to fold and nothing is folding already."""
    if _under_way or not await services.reader.read(happenings.is_behind):
        return
    task = asyncio.create_task(fold(services))
    _under_way.add(task)
    task.add_done_callback(_under_way.discard)


async def fold(services: Services) -> None:
    """Until the summary has all events, or the writer takes no more."""
    try:
        while await services.writer.write(happenings.fold_some):
            pass
    except Overloaded:
        log.info("folding of events put off")
    except Exception:
        log.exception("folding of events failed")
