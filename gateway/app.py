"""The composition root: settings in, a Starlette application out.

What lives as long as the server does (writer, readers) is made when it starts and closed, the
queue drained, when it stops.
"""

import asyncio
import multiprocessing
import signal
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from types import FrameType

from starlette.applications import Starlette
from starlette.middleware import Middleware

from gateway.console.routes import console_routes
from gateway.edge.entrance import Entrance
from gateway.edge.health import ReadyEndpoint
from gateway.edge.hot import HotDoors
from gateway.edge.problems import ProblemsMiddleware
from gateway.edge.routes import routes
from gateway.edge.scripts import bodies
from gateway.edge.sheets import Now, Sheets
from gateway.edge.sites import suffixes
from gateway.edge.streams import Streams
from gateway.errors import Overloaded
from gateway.events.device import device_of
from gateway.ingest.facts import Facts
from gateway.ingest.intake import Intake
from gateway.ingest.refusals import Refusals
from gateway.ingest.tally import Tally
from gateway.records import scripts
from gateway.services import Services
from gateway.settings import Settings, secrets_of
from gateway.signing import Signing
from gateway.store.database import READERS, Reader
from gateway.store.writer import Writer
from gateway.workers.courier import Courier
from gateway.workers.janitor import Janitor

SIDE_THREADS = 2


class Gateway(Starlette):
    """Starlette, and the doors that the server's protocol leads to without it."""

    hot_doors: HotDoors


def create_app(settings: Settings, sheets_folder: Path | None = None) -> Gateway:
    """The gateway as an ASGI application. `app.state.services` is there once it has started.

    `sheets_folder`: where it shares its numbers with the other workers, if there are any.
    """
    tally = Tally()

    @asynccontextmanager
    async def lifespan(app: Gateway) -> AsyncIterator[None]:
        limits = settings.limits
        # What `to_thread` runs (checkpoints, above all) is short; each thread costs a megabyte.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(SIDE_THREADS))
        writer = Writer(
            settings.db,
            queue_items_max=limits.queue_items_max,
            commit_items_max=limits.commit_items_max,
            observe=tally.committed,
        )
        reader = Reader(settings.db)
        facts = Facts(writer, reader)
        services = Services(
            settings=settings,
            signing=Signing(secrets_of(settings)),
            writer=writer,
            reader=reader,
            facts=facts,
            intake=Intake(writer, limits, tally),
            refusals=Refusals(writer, limits, tally),
            tally=tally,
        )
        sheets = Sheets(tally, partial(_now, services), sheets_folder)
        with suppress(Overloaded):  # a full disk: what is stored can still be read
            await writer.write(lambda db: scripts.keep(db, bodies()))
        entrance = Entrance(services)
        ready, streams = ReadyEndpoint(services), Streams(reader, limits.live_streams_max)
        app.state.services, app.state.streams = services, streams
        paths, app.hot_doors = routes(services, entrance, streams, ready, sheets)
        app.router.routes.extend([*paths, *console_routes(services, entrance, streams)])
        courier = Courier(services)
        janitor = Janitor(services)
        sharing = asyncio.create_task(sheets.write_for_ever())
        device_of("warm-up")  # the matcher is built at its first use: not at a visitor's expense
        warming = asyncio.create_task(asyncio.to_thread(suffixes))
        restore = _on_exit_signals(ready.stop, streams.close)
        _end_with_parent()
        try:
            yield
        finally:
            restore()
            sharing.cancel()
            await warming
            await courier.stop()
            await janitor.stop()
            writer.close()
            reader.close()
            if _is_orphan():
                sheets.remove_all()
            else:
                sheets.write_last()

    gateway = Gateway(lifespan=lifespan, middleware=[Middleware(ProblemsMiddleware, tally=tally)])
    gateway.hot_doors = HotDoors({})
    return gateway


def _now(services: Services) -> Now:
    """What `/metrics` shows of a process besides what it has counted."""
    return {
        "queue_items": services.writer.waiting,
        "queue_items_max": services.settings.limits.queue_items_max,
        "reads": services.reader.under_way,
        "readers": READERS,
    }


def _end_with_parent() -> None:
    """A worker whose parent was killed stops too, or it would hold the port for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        loop = asyncio.get_running_loop()
        sentinel = parent.sentinel

        def stop() -> None:
            loop.remove_reader(sentinel)
            signal.raise_signal(signal.SIGTERM)

        loop.add_reader(sentinel, stop)


def _is_orphan() -> bool:
    parent = multiprocessing.parent_process()
    return parent is not None and not parent.is_alive()


def _on_exit_signals(*calls: Callable[[], None]) -> Callable[[], None]:
    """Have `calls` run on the loop when the process is told to stop, before the server's own
    handler: it waits for open answers, and a live stream would never end by itself.

    Answers what puts the handlers back. Does nothing off the main thread, which gets no signals.
    """
    if threading.current_thread() is not threading.main_thread():
        return lambda: None
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def handle(number: int, frame: FrameType | None) -> None:
        for call in calls:
            loop.call_soon_threadsafe(call)
        previous = before[signal.Signals(number)]
        if callable(previous):
            previous(number, frame)

    def restore() -> None:
        for number, handler in before.items():
            if signal.getsignal(number) is handle:
                signal.signal(number, handler)

    for number in before:
        signal.signal(number, handle)
    return restore
