"""How the application is served: uvicorn's settings, and a server that stops and loses nobody.

Told to stop by SIGTERM it serves on for `drain_s` while `/readyz` says 503; then it shuts the door,
answers everybody who is in, and ends. SIGINT, a person at a keyboard, leaves out the first part.
"""

import asyncio
import gc
import logging
import math
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn

from gateway import listening, processes
from gateway.app import create_app
from gateway.edge.connections import Connections
from gateway.settings import Limits, Settings, secrets_of
from gateway.store.database import open_database

try:
    import resource
except ImportError:  # Windows, where only memory limits what is open
    resource = None  # type: ignore[assignment] # as tested below

SHUTDOWN_S = 10
HANDSHAKE_S = 0.1  # what may be on its way to an answer that it is connected
DOOR_S = 1.0
TICK_S = 0.01
TURN_S = 0.0005
FILES_OF_OURS = 100
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def uvicorn_config(
    app: Any, host: str, port: int, *, limits: Limits | None = None, **more: Any
) -> uvicorn.Config:
    """What is common to every server here. Proxy headers are ours to judge (trusted_proxies)."""
    limits = limits or Limits()
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        ws="none",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        log_level=logging.WARNING,
        timeout_keep_alive=limits.idle_timeout_s,
        timeout_graceful_shutdown=SHUTDOWN_S,
        **{"http": Connections(limits, _files_max()), **more},
    )


class Server(uvicorn.Server):
    """One server process. `all_stop` tells whether, when this one stops, the others over the same
    socket do too: only then is the door shut, which shuts it for all of them."""

    def __init__(
        self,
        config: uvicorn.Config,
        *,
        drain_s: float = 0,
        all_stop: Callable[[], bool] = lambda: True,
    ) -> None:
        super().__init__(config)
        self._drain_s = drain_s
        self._all_stop = all_stop
        self._stop_at_s: float | None = None
        self._connections: Connections = config.http  # type: ignore[assignment] # as made above

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """To be told to stop, and to stop, is no failure: uvicorn would raise the signal once more
        in the end, and the process with it would look killed."""
        before = {number: signal.signal(number, self.handle_exit) for number in STOP_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if sig == signal.SIGTERM and self._drain_s:
            # Of several (from a supervisor to all, and from the parent), the first counts.
            self._stop_at_s = self._stop_at_s or time.monotonic() + self._drain_s
            self._connections.closing = True
        else:
            super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        drained = self._stop_at_s is not None and time.monotonic() >= self._stop_at_s
        return await super().on_tick(counter) or drained

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._connections.closing = True
        await self._let_in_who_waits()
        await super().shutdown(sockets)

    async def _let_in_who_waits(self) -> None:
        """Shut the door, and accept whom the kernel has told already that they are connected."""
        until_s = time.monotonic() + DOOR_S
        await _come_true(self._all_stop, until_s)  # the parent may not have said so yet
        if not self._all_stop():
            return
        with ExitStack() as stack:
            sockets = [stack.enter_context(_as_socket(each)) for each in _sockets_of(self)]
            for sock in sockets:
                listening.shut(sock)
            await asyncio.sleep(HANDSHAKE_S)
            await _come_true(lambda: not any(map(listening.somebody_waits, sockets)), until_s)


def serve(settings: Settings) -> None:
    """Serve until told to stop. The schema and the secret are made here, before any worker starts.

    Raises SettingsError when the database or the secret cannot be used.
    """
    open_database(settings.db).close()
    secrets_of(settings)
    _allow_many_files()
    if settings.workers == 1:
        _serve_one(settings, None)
    else:
        sock = uvicorn_config(None, settings.host, settings.port).bind_socket()
        with tempfile.TemporaryDirectory(prefix="gateway-") as folder:
            work = partial(_serve_one, settings, Path(folder))
            processes.run(work, settings.workers, sock)


def _serve_one(
    settings: Settings,
    sheets_folder: Path | None,
    sock: socket.socket | None = None,
    all_stop: Callable[[], bool] = lambda: True,
) -> None:
    """What each server process runs."""
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    app = create_app(settings, sheets_folder)
    _spare_the_collector()
    # Readers and counting run Python beside the event loop, which may wait so long for its turn.
    sys.setswitchinterval(TURN_S)
    config = uvicorn_config(app, settings.host, settings.port, limits=settings.limits)
    server = Server(config, drain_s=settings.drain_s, all_stop=all_stop)
    server.run(sockets=[sock] if sock else None)


def _spare_the_collector() -> None:
    """What was loaded stays: the garbage collector need not look through it again and again; and of
    what a request makes hardly anything is a cycle, so it may look less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


async def _come_true(condition: Callable[[], bool], until_s: float) -> None:
    """Or not, until then. What is asked here only the kernel knows: there is no event of it."""
    while not condition() and time.monotonic() < until_s:  # noqa: ASYNC110 (see above)
        await asyncio.sleep(TICK_S)


def _allow_many_files() -> None:
    """A connection is an open file; the usual limit is a thousand, and ours to raise."""
    if resource:
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        with suppress(ValueError, OSError):  # some systems say more than they allow
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _files_max() -> float:
    """How many of the files that may be open are there for connections."""
    if not resource:
        return math.inf
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return math.inf if soft == resource.RLIM_INFINITY else max(soft - FILES_OF_OURS, 1)


def _sockets_of(server: uvicorn.Server) -> list[Any]:
    return [sock for each in server.servers for sock in each.sockets]


def _as_socket(looks_like_one: Any) -> socket.socket:
    """The event loop hands out what is no socket and cannot be set."""
    return socket.socket(fileno=os.dup(looks_like_one.fileno()))
