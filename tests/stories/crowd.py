"""Clients that are slow, silent or greedy on purpose, by the thousand; a good one is served.

    python -m tests.stories.crowd [--clients 10000] [--events 200] [NAME ...]

For each kind of crowd: so many connections do the same thing and hold on, connecting again when
they are closed; meanwhile a good client sends events, each on a connection of its own.
"""

import argparse
import asyncio
import gzip
import resource
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.stories.client import Load, get, percentile
from tests.stories.world import Gateway, Reckoning, gateway_in, reckon

FILES_OF_OURS = 200
AGAIN_S = 0.05
CONNECTING = 200  # at once, so that the kernel's queue for them is not what is tried


def silent(number: int) -> bytes:
    """Connects, and says nothing."""
    return b""


def idle(number: int) -> bytes:
    """Was answered once, and keeps the connection."""
    return get("/healthz")


def slow_headers(number: int) -> bytes:
    return b"POST /e HTTP/1.1\r\nhost: x\r\nx-%d: " % number


def slow_body(number: int) -> bytes:
    """Nearly all of a large body, and never the end of it."""
    return b"POST /e HTTP/1.1\r\nhost: x\r\ncontent-length: 60001\r\n\r\n" + b" " * 60_000


def endless_headers(number: int) -> bytes:
    return b"GET / HTTP/1.1\r\n" + b"".join(b"x-%d: y\r\n" % count for count in range(10_000))


def gzip_bomb(number: int) -> bytes:
    head = b"POST /e HTTP/1.1\r\nhost: x\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n"
    return head % len(BOMB) + BOMB


BOMB = gzip.compress(bytes(10_000_000))
Says = Callable[[int], bytes]
CROWDS: dict[str, Says] = {
    "silent": silent,
    "idle": idle,
    "slow headers": slow_headers,
    "slow body": slow_body,
    "endless headers": endless_headers,
    "gzip bomb": gzip_bomb,
}


@dataclass(frozen=True)
class Told:
    """How a good client fared. Seconds are those of its acknowledged events, each with its own
    connection; `retried` is how often it had to try again."""

    reckoning: Reckoning
    clients: int
    seconds_before: list[float]
    seconds: list[float]
    retried: int
    memory_before_mib: float
    memory_mib: float

    @property
    def is_clean(self) -> bool:
        return self.reckoning.is_clean and self.clients > 0

    def __str__(self) -> str:
        before, meanwhile = (
            f"{percentile(seconds, 0.5) * 1000:.0f} ms (median), "
            f"{percentile(seconds, 0.99) * 1000:.0f} ms (p99)"
            for seconds in (self.seconds_before, self.seconds)
        )
        return (
            f"{self.clients:,} connections held; resident {self.memory_before_mib:.0f} MiB before, "
            f"{self.memory_mib:.0f} with them; a good client waits {meanwhile}, before {before}, "
            f"and tried again {self.retried} times\n  {self.reckoning}"
        )


async def story(gateway: Gateway, says: Says, clients: int, events: int) -> Told:
    load = Load(gateway.port, gateway.tracked, senders=2, fresh=True)
    load.start()
    await load.more(events)
    before, memory_before_mib = load.seconds.copy(), gateway.memory_mib()
    crowd = _Crowd(gateway.port, says)
    holding = [asyncio.create_task(crowd.hold(number)) for number in range(clients)]
    await load.until(lambda: crowd.most_open >= clients or crowd.closed >= clients)
    load.seconds.clear()
    tries = load.hung_up_at_first + load.hung_up_later + load.not_there + load.statuses[503]
    await load.more(events)
    memory_mib = gateway.memory_mib()
    await load.finish()
    retried = load.hung_up_at_first + load.hung_up_later + load.not_there + load.statuses[503]
    for task in holding:
        task.cancel()
    await asyncio.gather(*holding, return_exceptions=True)
    return Told(
        reckon(gateway, load),
        crowd.most_open,
        before,
        load.seconds,
        retried - tries,
        memory_before_mib,
        memory_mib,
    )


class _Crowd:
    def __init__(self, port: int, says: Says) -> None:
        self._port = port
        self._says = says
        self._connecting = asyncio.Semaphore(CONNECTING)
        self._open = self.most_open = self.closed = 0

    async def hold(self, number: int) -> None:
        """Connect, say it, and wait to be closed; then again."""
        while True:
            async with self._connecting:
                try:
                    reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
                except OSError:
                    continue
                writer.write(self._says(number))
            self._open += 1
            self.most_open = max(self.most_open, self._open)
            try:
                while await reader.read(65_536):
                    pass
            except OSError:
                pass
            finally:
                self._open -= 1
                self.closed += 1
                writer.close()
            await asyncio.sleep(AGAIN_S)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("names", nargs="*", metavar="NAME", help=", ".join(CROWDS))
    arguments.add_argument("--clients", type=int, default=10_000)
    arguments.add_argument("--events", type=int, default=200)
    chosen = arguments.parse_args()
    _, files_max = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files_max, files_max))
    clients = min(chosen.clients, files_max - FILES_OF_OURS)
    clean = True
    for name in chosen.names or CROWDS:
        with tempfile.TemporaryDirectory() as folder, gateway_in(Path(folder)) as gateway:
            told = asyncio.run(story(gateway, CROWDS[name], clients, chosen.events))
        print(f"{name}: {told}")
        clean = clean and told.is_clean
    if not clean:
        sys.exit(1)


if __name__ == "__main__":
    main()
