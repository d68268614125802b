"""Takes away what deleted lists held: in small steps of the writer, other calls in between.

A list is nobody's from the moment it is deleted; this is only about the space it takes. What a
stopped process leaves is taken up by the next one that starts, or by the next deletion.
"""

import asyncio
import logging
from functools import partial

from gateway.errors import Overloaded
from gateway.records import lists, removal
from gateway.services import Services

log = logging.getLogger(__name__)

_under_way: set[asyncio.Task[None]] = set()  # the loop itself keeps no hold of its tasks


def start(services: Services) -> None:
    """Sweep in the background."""
    task = asyncio.create_task(sweep(services))
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
