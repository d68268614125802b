"""A receiver of webhooks on a real socket, which answers as it is told to, however badly."""

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

Headers = dict[str, str]
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@dataclass
class Received:
    """One request as it came in."""

    path: str
    headers: Headers
    body: bytes

    @property
    def said(self) -> Any:
        return json.loads(self.body)

    @property
    def event(self) -> Any:
        """The event's own property `n`."""
        return self.said["Event"]["Properties"].get("n")


@dataclass
class Receiver:
    """`answer` says what is written back: bytes, or None for nothing at all. `sent` counts the
    bytes of long answers that somebody took."""

    port: int
    received: list[Received] = field(default_factory=list)
    answer: Callable[[Received], bytes | None] = lambda received: OK
    delay_s: float = 0.0
    sent: int = 0

    def __post_init__(self) -> None:
        self._stopping = asyncio.Event()
        self._serving: dict[asyncio.Task[Any], asyncio.StreamWriter] = {}

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    @property
    def ids(self) -> list[str]:
        return [each.headers["webhook-id"] for each in self.received]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._serving[task] = writer
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while received := await _read(reader):
                self.received.append(received)
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                if not await self._answer(received, writer):
                    break
        with contextlib.suppress(OSError):
            writer.close()
            await writer.wait_closed()
        del self._serving[task]

    async def stop(self) -> None:
        self._stopping.set()
        for writer in self._serving.values():
            writer.close()
        await asyncio.gather(*self._serving)

    async def _answer(self, received: Received, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection stays."""
        answer = self.answer(received)
        if answer is None:
            await self._stopping.wait()
            return False
        for start in range(0, len(answer), 65_536):
            piece = answer[start : start + 65_536]
            writer.write(piece)
            await writer.drain()
            self.sent += len(piece)
        return answer.startswith(b"HTTP/1.1 200 OK\r\ncontent-length: 2")


def status(code: int, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {code} X", "content-length: 0", "connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


async def _read(reader: asyncio.StreamReader) -> Received | None:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode().rstrip().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Received(first.split(" ")[1], headers, body)


@contextlib.contextmanager
def receiving(port: int = 0, **settings: Any) -> Iterator[Receiver]:
    """A receiver in a thread of its own, until the block ends."""
    ready = threading.Event()
    made: list[Any] = []

    async def run() -> None:
        receiver = Receiver(port, **settings)
        server = await asyncio.start_server(receiver.serve, "127.0.0.1", port)
        receiver.port = server.sockets[0].getsockname()[1]
        stop = asyncio.Event()
        made.extend([receiver, asyncio.get_running_loop(), stop])
        ready.set()
        await stop.wait()
        server.close()
        await receiver.stop()

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    assert ready.wait(10)
    receiver, loop, stop = made
    try:
        yield receiver
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
