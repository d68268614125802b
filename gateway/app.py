"""The composition root: settings in, a Starlette application out.

What lives as long as the server does (writer, readers) is made when it starts and closed, the
queue drained, when it stops.
"""

import asyncio
import logging
import multiprocessing
import signal
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from types import FrameType

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.edge.live import LiveEndpoint
from gateway.edge.problems import ProblemsMiddleware
from gateway.edge.routes import EVENT_PATH, routes
from gateway.edge.scripts import bodies
from gateway.errors import Overloaded
from gateway.events.device import device_of
from gateway.ingest.intake import Intake
from gateway.records import scripts
from gateway.services import Services
from gateway.settings import Settings, from_environment, secrets_of
from gateway.signing import Signing
from gateway.store.database import Reader
from gateway.store.writer import Writer
from gateway.workers.janitor import Janitor


class Gateway(Starlette):
    """Starlette, with the hot doors in front of its router and middlewares: those cost as much as
    a door's own work."""

    hot_doors: Mapping[str, ASGIApp] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        door = self.hot_doors.get(scope["path"]) if scope["type"] == "http" else None
        await (door or super().__call__)(scope, receive, send)


def create_app(settings: Settings) -> Gateway:
    """The gateway as an ASGI application. `app.state.services` is there once it has started."""

    @asynccontextmanager
    async def lifespan(app: Gateway) -> AsyncIterator[None]:
        limits = settings.limits
        writer = Writer(
            settings.db,
            queue_items_max=limits.queue_items_max,
            commit_items_max=limits.commit_items_max,
        )
        reader = Reader(settings.db)
        signing = Signing(secrets_of(settings))
        services = Services(settings, signing, writer, reader, Intake(writer, limits))
        with suppress(Overloaded):  # a full disk: what is stored can still be read
            await writer.write(lambda db: scripts.keep(db, bodies()))
        live = LiveEndpoint(services)
        app.state.services, app.state.live = services, live
        app.router.routes.extend(routes(services, live))
        app.hot_doors = {
            route.path: ProblemsMiddleware(route.app)
            for route in app.router.routes
            if isinstance(route, Route) and route.path in (settings.beacon_path, EVENT_PATH)
        }
        janitor = Janitor(services)
        device_of("warm-up")  # the matcher is built at its first use: not at a visitor's expense
        restore = _on_exit_signals(live.close)
        _end_with_parent()
        try:
            yield
        finally:
            restore()
            await janitor.stop()
            writer.close()
            reader.close()

    return Gateway(lifespan=lifespan, middleware=[Middleware(ProblemsMiddleware)])


def from_env() -> Gateway:
    """What each server process runs: `GATEWAY_*` in, application out."""
    settings = from_environment()
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    return create_app(settings)


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


def _on_exit_signals(call: Callable[[], None]) -> Callable[[], None]:
    """Have `call` run on the loop when the process is told to stop, before the server's own
    handler: it waits for open answers, and a live stream would never end by itself.

    Answers what puts the handlers back. Does nothing off the main thread, which gets no signals.
    """
    if threading.current_thread() is not threading.main_thread():
        return lambda: None
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def handle(number: int, frame: FrameType | None) -> None:
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
