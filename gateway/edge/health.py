"""`/healthz`: the process answers. `/readyz`: it can also write, and has not been told to stop."""

import asyncio

from starlette.types import Receive, Scope, Send

from gateway.edge.problems import respond_json
from gateway.errors import Overloaded
from gateway.services import Services
from gateway.store.database import touch

PATHS = ("/healthz", "/readyz")  # answered however busy the gateway is
WAIT_S = 2.0


class HealthEndpoint:
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await respond_json(send, 200, {"status": "ok"})


class ReadyEndpoint:
    """Ready means: a commit went through just now. One commit answers all who ask meanwhile."""

    def __init__(self, services: Services) -> None:
        self._writer = services.writer
        self._stopping = False
        self._commit: asyncio.Task[bool] | None = None

    def stop(self) -> None:
        """Not ready any more, so that a load balancer sends its requests elsewhere."""
        self._stopping = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._stopping:
            await respond_json(send, 503, {"status": "stopping"}, [(b"retry-after", b"1")])
        elif await self._can_write():
            await respond_json(send, 200, {"status": "ready"})
        else:
            await respond_json(send, 503, {"status": "cannot write"}, [(b"retry-after", b"1")])

    async def _can_write(self) -> bool:
        if self._commit is None or self._commit.done():
            self._commit = asyncio.create_task(self._try_to_commit())
        return await asyncio.shield(self._commit)

    async def _try_to_commit(self) -> bool:
        try:
            async with asyncio.timeout(WAIT_S):
                await self._writer.write(touch, adds=True)
        except (Overloaded, TimeoutError):
            return False
        return True
