"""Ten times as many requests at once as may be in work, from clients that never wait.

    python -m tests.stories.overload [--times 10] [--seconds 10] [--requests-max 500]

Memory and the latency of what is accepted stay bounded, the rest gets 503 with Retry-After, and
when the crowd has gone the gateway is as fast as before within a second. The crowd is a process
of its own, each of its clients sends the next event as soon as the last was answered; it has gone
when the last it has sent is answered, for which those wait that did not heed Retry-After. Beside
it a few good clients go on all the time; when it has gone, as many new ones come; their rates are
compared.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
import uuid
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

from tests.stories.client import Load, beacon, percentile
from tests.stories.world import Gateway, Reckoning, gateway_in, reckon
from tests.support import Tracked

GOOD_SENDERS = 32
SAMPLE_S = 0.1
WINDOW = 5  # samples whose rate is taken together
AS_FAST = 0.8  # of the rate before, for the noise of a shared machine


@dataclass
class Crowd:
    """What a crowd was told: statuses, and of what was accepted the ids and the seconds; but those
    of events sent before Retry-After was over, which the gateway lets wait, are not its latency."""

    statuses: Counter[int] = field(default_factory=Counter)
    accepted: set[str] = field(default_factory=set)
    seconds: list[float] = field(default_factory=list)
    without_retry_after: int = 0
    ended_at_s: float = 0.0
    last_answer_at_s: float = 0.0


@dataclass(frozen=True)
class Told:
    """How the crowd was met; rates are the good clients' events a second."""

    crowd: Crowd
    reckoning: Reckoning
    rate_before: float
    rate_during: float
    memory_before_mib: float
    memory_most_mib: float
    answered_after_s: float
    fast_again_after_s: float

    @property
    def is_clean(self) -> bool:
        clean = self.reckoning.is_clean and not self.crowd.without_retry_after
        return clean and self.crowd.statuses.keys() <= {200, 503}

    def __str__(self) -> str:
        statuses, seconds = self.crowd.statuses, self.crowd.seconds
        return "\n".join(
            [
                str(self.reckoning),
                f"crowd: {statuses[200]:,} accepted, {statuses[503]:,} answered 503 "
                f"({statuses[503] / statuses.total():.0%}); accepted within "
                f"{percentile(seconds, 0.5):.2f} s (median), "
                f"{percentile(seconds, 0.99):.2f} s (p99)",
                f"resident: {self.memory_before_mib:.0f} MiB before, "
                f"{self.memory_most_mib:.0f} at most",
                f"good clients: {self.rate_before:.0f} a second before, {self.rate_during:.0f} "
                f"during; the crowd's last answer came {self.answered_after_s:.1f} s after it had "
                f"stopped sending; as fast again {self.fast_again_after_s:.1f} s after that",
            ]
        )


@dataclass
class Samples:
    """The good clients' count and the gateway's memory, ten times a second."""

    at_s: list[float] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    memory_mib: list[float] = field(default_factory=list)

    async def take(self, gateway: Gateway, loads: list[Load]) -> None:
        while True:
            self.at_s.append(time.monotonic())
            self.counts.append(sum(len(load.acknowledged) for load in loads))
            self.memory_mib.append(gateway.memory_mib())
            await asyncio.sleep(SAMPLE_S)

    def rates(self, since_s: float, until_s: float) -> list[tuple[float, float]]:
        """(when, events a second in the window that ends then), of windows that begin within."""
        return [
            (at_s, (self.counts[index] - self.counts[index - WINDOW]) / (at_s - began_s))
            for index, at_s in enumerate(self.at_s)
            if index >= WINDOW and (began_s := self.at_s[index - WINDOW]) >= since_s
            if began_s < until_s
        ]


async def story(gateway: Gateway, clients: int, seconds: float) -> Told:
    load, new, samples = _good(gateway), _good(gateway), Samples()
    load.start()
    await load.more(GOOD_SENDERS)
    sampling = asyncio.create_task(samples.take(gateway, [load, new]))
    await load.until(lambda: len(samples.at_s) > 4 * WINDOW)
    crowd_at_s = time.monotonic()
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
        loop = asyncio.get_running_loop()
        crowd = await loop.run_in_executor(
            processes, press, gateway.port, gateway.tracked, clients, seconds
        )
    finishing = asyncio.create_task(load.finish())
    new.start()
    before = statistics.median(rate for _, rate in samples.rates(0, crowd_at_s - 2 * SAMPLE_S))

    def fast_again_at_s() -> float | None:
        after = samples.rates(crowd.last_answer_at_s, time.monotonic())
        return next((at_s for at_s, rate in after if rate >= AS_FAST * before), None)

    await new.until(lambda: fast_again_at_s() is not None)
    sampling.cancel()
    await asyncio.gather(finishing, new.finish())
    load.acknowledged |= new.acknowledged | crowd.accepted
    during = samples.rates(crowd.ended_at_s - seconds / 2, crowd.ended_at_s)
    return Told(
        crowd=crowd,
        reckoning=reckon(gateway, load),
        rate_before=before,
        rate_during=statistics.median(rate for _, rate in during),
        memory_before_mib=samples.memory_mib[0],
        memory_most_mib=max(samples.memory_mib),
        answered_after_s=crowd.last_answer_at_s - crowd.ended_at_s,
        fast_again_after_s=max(
            (fast_again_at_s() or 0.0) - crowd.last_answer_at_s - WINDOW * SAMPLE_S, 0.0
        ),
    )


def _good(gateway: Gateway) -> Load:
    return Load(gateway.port, gateway.tracked, senders=GOOD_SENDERS, keep=True)


def press(port: int, tracked: Tracked, clients: int, seconds: float) -> Crowd:
    """Be the crowd for so long from when all are connected."""
    return asyncio.run(_press(port, tracked, clients, seconds))


async def _press(port: int, tracked: Tracked, clients: int, seconds: float) -> Crowd:
    crowd, loop = Crowd(), asyncio.get_running_loop()
    made = [
        (await loop.create_connection(lambda: _Client(crowd, tracked), "127.0.0.1", port))[1]
        for _ in range(clients)
    ]
    for client in made:
        client.send()
    await asyncio.sleep(seconds)
    for client in made:
        client.goes_on = False
    crowd.ended_at_s = time.monotonic()
    await asyncio.gather(*(client.gone for client in made))
    crowd.last_answer_at_s = time.monotonic()
    return crowd


class _Client(asyncio.Protocol):
    """Sends, takes the answer apart no more than it must, and sends again."""

    def __init__(self, crowd: Crowd, tracked: Tracked) -> None:
        self._crowd = crowd
        self._tracked = tracked
        self.goes_on = True
        self._is_to_wait = False
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._heard += data
        head, end, body = self._heard.partition(b"\r\n\r\n")
        if end and len(body) >= int(head.lower().split(b"content-length: ")[1].split()[0]):
            self._is_told(int(head[9:12]), head)

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone.set_result(None)

    def send(self) -> None:
        self._heard = b""
        self._event_id = str(uuid.uuid4())
        self._sent_at_s = time.monotonic()
        self._transport.write(beacon(self._tracked, self._event_id))

    def _is_told(self, status: int, head: bytes) -> None:
        self._crowd.statuses[status] += 1
        if status == 200:
            self._crowd.accepted.add(self._event_id)
            if not self._is_to_wait:
                self._crowd.seconds.append(time.monotonic() - self._sent_at_s)
        elif b"\r\nretry-after: " not in head:
            self._crowd.without_retry_after += 1
        self._is_to_wait = status == 503
        if self.goes_on:
            self.send()
        else:
            self._transport.close()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--times", type=int, default=10)
    arguments.add_argument("--seconds", type=float, default=10)
    arguments.add_argument("--requests-max", type=int, default=500)
    chosen = arguments.parse_args()
    variables = {"requests_max": chosen.requests_max}
    with tempfile.TemporaryDirectory() as folder, gateway_in(Path(folder), **variables) as gateway:
        clients = chosen.times * chosen.requests_max
        told = asyncio.run(story(gateway, clients, chosen.seconds))
    print(f"{clients:,} clients at once, at most {chosen.requests_max} in work: {told}")
    if not told.is_clean:
        sys.exit(1)


if __name__ == "__main__":
    main()
