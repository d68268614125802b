"""How the application is served: uvicorn's settings, one process or several over one file."""

import dataclasses
import logging
import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from gateway.edge.hot import HotProtocol
from gateway.edge.sheets import FOLDER_VARIABLE
from gateway.settings import PREFIX, Settings, secrets_of
from gateway.store.database import open_database

SHUTDOWN_S = 10
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def uvicorn_config(app: Any, host: str, port: int, **more: Any) -> uvicorn.Config:
    """What is common to every server here. Proxy headers are ours to judge (trusted_proxies)."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        ws="none",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        log_level=logging.WARNING,
        timeout_graceful_shutdown=SHUTDOWN_S,
        **{"http": HotProtocol, **more},
    )


class Server(uvicorn.Server):
    """To be told to stop, and to stop, is no failure: uvicorn would raise the signal once more
    in the end, and the process with it would look killed."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self.handle_exit) for number in STOP_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def serve(settings: Settings) -> None:
    """Serve until told to stop. The schema and the secret are made here, before any worker starts.

    Raises SettingsError when the database or the secret cannot be used.
    """
    open_database(settings.db).close()
    secrets_of(settings)
    _export(settings)
    config = uvicorn_config(
        "gateway.app:from_env",
        settings.host,
        settings.port,
        factory=True,
        workers=settings.workers,
    )
    if settings.workers > 1:
        with tempfile.TemporaryDirectory(prefix="gateway-") as sheets:
            os.environ[FOLDER_VARIABLE] = sheets
            uvicorn.supervisors.Multiprocess(config, sockets=[config.bind_socket()]).run()
    else:
        Server(config).run()


def _export(settings: Settings) -> None:
    """Workers read their settings from the environment, so the flags go there."""
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if isinstance(value, str | int | Path) and field.name != "rate_limits":
            os.environ[PREFIX + field.name.upper()] = str(value)
