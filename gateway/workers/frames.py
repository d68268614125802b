"""What the server and the processes that post and fetch say to each other: frames, a length and
msgpack."""

import asyncio
from typing import TypeVar

import msgspec

from gateway.workers.markup import Markup

T = TypeVar("T")


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """`fault` says why there is no status."""

    status: int | None
    retry_after: str = ""
    fault: str = ""


class Orders(msgspec.Struct, frozen=True, array_like=True):
    """What the process is told first."""

    hosts_allowed: tuple[str, ...]
    timeout_s: float


class Job(msgspec.Struct, frozen=True, array_like=True):
    """One post, to be signed when it is sent. `secrets` that are valid now, newest first."""

    id: int
    url: str
    headers: dict[str, str]
    body: bytes
    delivery_id: str
    signature_header: str
    secrets: tuple[str, ...]


class Done(msgspec.Struct, frozen=True, array_like=True):
    id: int
    answer: Answer


class Wanted(msgspec.Struct, frozen=True, array_like=True):
    """An address, and the types of content that are worth reading."""

    url: str
    types: tuple[str, ...]


class Fetched(msgspec.Struct, frozen=True, array_like=True):
    """What stands at `url`, reached by way of those `passed`. `fault` says why there is no status;
    the names in `headers` are in lower case. `markup` is what was read of an HTML page."""

    url: str
    passed: tuple[str, ...] = ()
    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    fault: str = ""
    markup: Markup | None = None

    def all(self, name: str) -> list[str]:
        """The values of all headers of this name."""
        return [value for each, value in self.headers if each == name]

    def header(self, name: str) -> str:
        return next(iter(self.all(name)), "")

    @property
    def type(self) -> str:
        """Of the content: `text/html`."""
        return self.header("content-type").partition(";")[0].strip().lower()


def frame(value: msgspec.Struct) -> bytes:
    written = msgspec.msgpack.encode(value)
    return len(written).to_bytes(4, "big") + written


async def next_of(stream: asyncio.StreamReader, kind: type[T]) -> T | None:
    """None at the end."""
    try:
        length = int.from_bytes(await stream.readexactly(4), "big")
        return msgspec.msgpack.decode(await stream.readexactly(length), type=kind)
    except asyncio.IncompleteReadError:
        return None
