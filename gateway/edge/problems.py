"""The one place where errors become HTTP.

`Errors` is the reference's envelope; outside 422 the fields of its older calls stand beside it,
so that a client of either kind finds what it looks for. A fault of ours says nothing of itself.
What was counted before an error arose is told with it: a door leaves it in the scope.
"""

import logging

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.errors import Allowance, GatewayError, Overloaded, RateLimited, Refused
from gateway.ingest.tally import Tally

log = logging.getLogger(__name__)

RawHeaders = list[tuple[bytes, bytes]]
encode = msgspec.json.Encoder().encode
_COUNTED = "gateway.counted"
JSON: RawHeaders = [
    (b"content-type", b"application/json"),
    (b"x-content-type-options", b"nosniff"),
]
PRIVATE: RawHeaders = [
    (b"cache-control", b"no-store"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
"""Of answers that are the caller's alone: no cache keeps them, no page of another site embeds
them. (That none reads them is by saying nothing of CORS.)"""


async def respond(
    send: Send, status: int, body: bytes = b"", headers: RawHeaders | None = None
) -> None:
    """A whole answer in the fewest ASGI messages."""
    length = (b"content-length", b"%d" % len(body))
    await send(
        {"type": "http.response.start", "status": status, "headers": [*(headers or []), length]}
    )
    await send({"type": "http.response.body", "body": body})


async def respond_json(
    send: Send, status: int, answer: object, headers: RawHeaders | None = None
) -> None:
    await respond(send, status, encode(answer), [*JSON, *(headers or [])])


def envelope(error: GatewayError) -> dict[str, object]:
    """The body of an error's answer."""
    if isinstance(error, Refused):
        return {"Errors": [{"Code": p.code, "Message": p.message} for p in error.problems]}
    return {
        "Success": False,
        "ErrorCode": error.code,
        "ErrorText": str(error),
        "Errors": [{"Code": error.code, "Message": str(error)}],
    }


def headers_for(error: GatewayError) -> RawHeaders:
    if isinstance(error, RateLimited):
        wait = (b"retry-after", b"%d" % error.retry_after_s)
        return [wait, *allowance_headers(error.allowance)]
    if isinstance(error, Overloaded):
        return [(b"retry-after", b"%d" % error.retry_after_s)]
    if error.status == 401:
        return [(b"www-authenticate", b"Bearer")]
    return []


def allowance_headers(allowance: Allowance | None) -> RawHeaders:
    """`RateLimit-*`, the three fields clients read today, not the single `RateLimit` of the later
    drafts, which hardly any does. Reset is when the whole allowance is there again; Retry-After,
    where there is one, when the next call is let in."""
    if allowance is None:
        return []
    return [
        (b"ratelimit-limit", b"%d" % allowance.limit),
        (b"ratelimit-remaining", b"%d" % allowance.remaining),
        (b"ratelimit-reset", b"%d" % allowance.reset_s),
    ]


class ProblemsMiddleware:
    """Turns what a door raises into an answer, unless one has begun; counts answers."""

    def __init__(self, app: ASGIApp, tally: Tally) -> None:
        self._app = app
        self._tally = tally

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            if not begun:
                begun = True
                self._tally.answered(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except GatewayError as error:
            log_refusal(scope, error, error.status)
            if not begun:
                headers = [*headers_for(error), *PRIVATE, *counted(scope)]
                await respond_json(noting, error.status, envelope(error), headers)
        except Exception:
            log.exception("%s -> 500", request_line(scope))
            if begun:
                raise
            await respond_json(noting, 500, envelope(GatewayError()), [*PRIVATE, *counted(scope)])


def count(scope: Scope, allowance: Allowance | None) -> None:
    """Note what is left of the caller's allowance, for whatever answer the request will get."""
    scope[_COUNTED] = allowance_headers(allowance)


def counted(scope: Scope) -> RawHeaders:
    """The headers that say so; none while nothing was counted."""
    headers: RawHeaders = scope.get(_COUNTED, [])
    return headers


def log_refusal(scope: Scope, error: GatewayError, status: int) -> None:
    """One line, whatever the sender wrote into the names that its message quotes."""
    said = "".join(
        char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in str(error)
    )
    log.log(error.log_level, "%s -> %d %s", request_line(scope), status, said)


def request_line(scope: Scope) -> str:
    """For the log: without the query string, which may hold a key, and on one line."""
    return f"{scope['method']} {scope['path']!r}"
