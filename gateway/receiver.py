"""A receiver of webhooks to try with: says what arrives, and whether its signatures are right.

`gateway webhooks listen` serves it, and so does the demo's shop.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.types import Receive, Scope, Send

from gateway import clock, signatures
from gateway.edge.problems import respond
from gateway.edge.requests import headers_of, read_body, text
from gateway.errors import GatewayError

BODY_BYTES_MAX = 1_048_576
BODY_TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class Arrived:
    """`fault` says what is wrong with its signatures; None: nothing. `checked`: there was a secret
    to check them with."""

    path: str
    delivery_id: str
    body: Any
    checked: bool
    fault: str | None


class Receiver:
    """Answers 204 to what is signed right, 401 to what is not, and has each shown. Without secrets
    nothing is checked."""

    def __init__(
        self, secrets: Sequence[str], signature_header: str, show: Callable[[Arrived], None]
    ) -> None:
        self._secrets = secrets
        self._signature_header = signature_header
        self._show = show

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            return await respond(send, 405, headers=[(b"allow", b"POST")])
        headers = headers_of(scope)
        try:
            body = await read_body(
                headers, receive, bytes_max=BODY_BYTES_MAX, timeout_s=BODY_TIMEOUT_S
            )
        except GatewayError as error:
            return await respond(send, error.status)
        known = {name.decode("latin-1"): text(headers, name) for name in headers}
        faults = [
            signatures.fault(each, self._signature_header, known, body, clock.now_ms() // 1000)
            for each in self._secrets
        ]
        fault = None if None in faults or not faults else faults[0]
        self._show(
            Arrived(
                path=scope["path"],
                delivery_id=known.get("webhook-id", ""),
                body=_read(body),
                checked=bool(self._secrets),
                fault=fault,
            )
        )
        await respond(send, 401 if fault else 204)


def _read(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")
