"""Senders as the tracker and a server are: every event has an id and is sent until acknowledged.

HTTP by hand on kept-alive sockets, because what happens to connections is what these stories are
about: a client library would hide it.
"""

import asyncio
import itertools
import json
import random
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.support import CHROME, Tracked

ANSWER_S = 30.0
AGAIN_S = 0.02


class NotThere(Exception):
    """Nobody listens: the connection was refused, or its handshake not answered."""


class HungUp(Exception):
    """Connected, and then no whole answer. `first`: to the connection's first request, at that."""

    def __init__(self, *, first: bool) -> None:
        super().__init__()
        self.first = first


class NoAnswer(HungUp):
    """Connected, and nothing came for ANSWER_S."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    head: bytes
    body: bytes


class Connection:
    """One kept-alive connection; another is made when it has gone."""

    def __init__(self, port: int, *, keep: bool = True) -> None:
        self._port = port
        self._keep = keep
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> Answer:
        """Raises NotThere or HungUp."""
        first = self._streams is None
        if self._streams is None:
            try:
                self._streams = await asyncio.open_connection("127.0.0.1", self._port)
            except OSError as error:
                raise NotThere from error
        try:
            async with asyncio.timeout(ANSWER_S):
                answer = await _exchange(*self._streams, request)
        except TimeoutError as error:
            await self.close()
            raise NoAnswer(first=first) from error
        except (OSError, asyncio.IncompleteReadError) as error:
            await self.close()
            raise HungUp(first=first) from error
        if not self._keep or b"\r\nconnection: close" in answer.head:
            await self.close()
        return answer

    async def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> Answer:
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
    return Answer(int(head[9:12]), head, await reader.readexactly(length))


@dataclass
class Load:
    """Many senders at once. Half of them keep their connections, the others make one for each
    request; `keep` and `fresh` have all do the one or the other."""

    port: int
    tracked: Tracked
    senders: int = 16
    keep: bool = False
    fresh: bool = False
    acknowledged: set[str] = field(default_factory=set)
    statuses: Counter[int] = field(default_factory=Counter)
    not_there: int = 0
    hung_up_at_first: int = 0
    hung_up_later: int = 0
    seconds: list[float] = field(default_factory=list)
    strange: list[bytes] = field(default_factory=list)
    _stopped: bool = False
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._send(number)) for number in range(self.senders)]

    async def finish(self) -> None:
        """Begin no more events; return once every one begun is acknowledged."""
        self._stopped = True
        await asyncio.gather(*self._tasks)

    async def until(self, condition: Callable[[], bool], seconds: float = 120) -> None:
        """Go on until this is so."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"still not so after {seconds} s"
            for task in self._tasks:
                if task.done() and not self._stopped:
                    task.result()
            await asyncio.sleep(0.005)

    async def more(self, count: int) -> None:
        """Go on until so many more are acknowledged."""
        wanted = len(self.acknowledged) + count
        await self.until(lambda: len(self.acknowledged) >= wanted)

    async def _send(self, number: int) -> None:
        connection = Connection(self.port, keep=self.keep or (number % 2 == 0 and not self.fresh))
        as_browser = number % 4 < 2
        while not self._stopped:
            event_id = str(uuid.uuid4())
            request = (beacon if as_browser else server_event)(self.tracked, event_id)
            while not await self._is_acknowledged(connection, request):
                await asyncio.sleep(AGAIN_S)
            self.acknowledged.add(event_id)
        await connection.close()

    async def _is_acknowledged(self, connection: Connection, request: bytes) -> bool:
        began_s = time.monotonic()
        try:
            answer = await connection.ask(request)
        except NotThere:
            self.not_there += 1
            return False
        except HungUp as hung_up:
            self.hung_up_at_first += hung_up.first
            self.hung_up_later += not hung_up.first
            return False
        self.statuses[answer.status] += 1
        if not is_acknowledged(answer):
            if answer.status not in (200, 503) or (
                answer.status == 503 and b"\r\nretry-after: " not in answer.head
            ):
                self.strange.append(answer.head + answer.body)
            return False
        self.seconds.append(time.monotonic() - began_s)
        return True


def is_acknowledged(answer: Answer) -> bool:
    """Whether the answer says that its event is kept, as the tracker or a server reads it."""
    if answer.status != 200:
        return False
    said = json.loads(answer.body)
    if "results" in said:
        return bool(said["results"][0]["result"] in ("stored", "duplicate"))
    return bool(said["status"] == "success")


_numbers = itertools.count()
_dice = random.Random(1)


def beacon(tracked: Tracked, event_id: str) -> bytes:
    """As the tracker sends it. `n` says once more which event it is, for what is stored is
    compared by what the gateway makes nothing of."""
    event = {"id": event_id, "event": "tick", "properties": {"n": event_id}}
    body = {"v": 1, "user": tracked.user_tracker_id, "list": tracked.list_tracker_id}
    return post(
        "/e", {**body, "events": [event]}, f"origin: https://s.example\r\nuser-agent: {CHROME}"
    )


def server_event(tracked: Tracked, event_id: str) -> bytes:
    body = {"ListID": tracked.list_id, "Event": "tock", "EventID": event_id}
    key = f"authorization: Bearer {tracked.api_key}"
    return post("/api/v1/event", {**body, "Properties": {"n": event_id}}, key)


def post(path: str, body: object, *headers: str) -> bytes:
    text = json.dumps(body).encode()
    lines = [f"POST {path} HTTP/1.1", "host: x", *headers, f"content-length: {len(text)}"]
    return "\r\n".join([*lines, "", ""]).encode() + text


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode()


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)] if values else 0.0
