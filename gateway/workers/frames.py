"""What the courier and the process that posts say to each other: frames, a length and msgpack."""

import asyncio
from typing import TypeVar

import msgspec

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


def frame(value: Orders | Job | Done) -> bytes:
    written = msgspec.msgpack.encode(value)
    return len(written).to_bytes(4, "big") + written


async def next_of(stream: asyncio.StreamReader, kind: type[T]) -> T | None:
    """None at the end."""
    try:
        length = int.from_bytes(await stream.readexactly(4), "big")
        return msgspec.msgpack.decode(await stream.readexactly(length), type=kind)
    except asyncio.IncompleteReadError:
        return None
