"""`/healthz`: the process answers. `/readyz`: it can also write and read."""

from starlette.types import Receive, Scope, Send

from gateway.edge.problems import respond_json
from gateway.errors import Overloaded
from gateway.services import Services


class HealthEndpoint:
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await respond_json(send, 200, {"status": "ok"})


class ReadyEndpoint:
    """Ready means: a commit went through just now."""

    def __init__(self, services: Services) -> None:
        self._writer = services.writer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._writer.write(lambda db: None, adds=True)
        except Overloaded:
            await respond_json(send, 503, {"status": "cannot write"}, [(b"retry-after", b"1")])
        else:
            await respond_json(send, 200, {"status": "ready"})
