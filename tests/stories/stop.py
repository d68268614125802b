"""Told to stop by SIGTERM under load: /readyz fails first, and nobody who was let in is hung up on.

    python -m tests.stories.stop [--times 10] [--workers 1] [--drain 1]

Half of the senders make a connection for each request, so that some stand in the socket's queue at
every moment; the others keep theirs. After each stop the gateway is started again, and the senders
go on.
"""

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.stories.client import Connection, HungUp, Load, NotThere, get, percentile
from tests.stories.world import Gateway, Reckoning, gateway_in, reckon

EVENTS = 100  # between one stop and the next


@dataclass
class Stops:
    """What was seen of the stops: seconds from the signal on, and counts."""

    unready_after_s: list[float]
    ended_after_s: list[float]
    served_after_unready: int
    exit_codes: set[int]


async def story(
    gateway: Gateway, times: int, number: signal.Signals = signal.SIGTERM
) -> tuple[Stops, Reckoning, Load]:
    stops = Stops([], [], 0, set())
    load = Load(gateway.port, gateway.tracked, senders=32)
    load.start()
    for _ in range(times):
        await load.more(EVENTS)
        await _stop(gateway, load, stops, number)
        await asyncio.to_thread(gateway.start)
    await load.more(EVENTS)
    await load.finish()
    return stops, reckon(gateway, load), load


async def _stop(gateway: Gateway, load: Load, stops: Stops, number: signal.Signals) -> None:
    process = gateway.process
    assert process
    told_s = time.monotonic()
    os.kill(process.pid, number)
    if await _is_unready(gateway):
        stops.unready_after_s.append(time.monotonic() - told_s)
        before = len(load.acknowledged)
        stops.exit_codes.add(await asyncio.to_thread(process.wait, 30))
        stops.served_after_unready += len(load.acknowledged) - before
    else:
        stops.exit_codes.add(await asyncio.to_thread(process.wait, 30))
    stops.ended_after_s.append(time.monotonic() - told_s)


async def _is_unready(gateway: Gateway) -> bool:
    """Ask as a load balancer does until /readyz says 503; False when nobody was there to."""
    while True:
        try:
            answer = await Connection(gateway.port, keep=False).ask(get("/readyz"))
        except (NotThere, HungUp):
            return False
        if answer.status == 503:
            return True


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--times", type=int, default=10)
    arguments.add_argument("--workers", type=int, default=1)
    arguments.add_argument("--drain", type=int, default=1)
    chosen = arguments.parse_args()
    variables = {"workers": chosen.workers, "drain_s": chosen.drain}
    with tempfile.TemporaryDirectory() as folder, gateway_in(Path(folder), **variables) as gateway:
        stops, reckoning, load = asyncio.run(story(gateway, chosen.times))
        print(f"{chosen.times} times SIGTERM, {chosen.workers} worker(s): {reckoning}")
        print(
            f"connections hung up on: {load.hung_up_at_first} new, {load.hung_up_later} kept; "
            f"answered 503: {load.statuses[503]}; other answers: {len(load.strange)}; "
            f"exit codes {sorted(stops.exit_codes)}"
        )
        print(
            f"/readyz said 503 {len(stops.unready_after_s)} times, after "
            f"{percentile(stops.unready_after_s, 0.5) * 1000:.0f} ms (median), and "
            f"{stops.served_after_unready:,} events were acknowledged after that; the process was "
            f"gone after {percentile(stops.ended_after_s, 0.5):.1f} s (median), "
            f"{max(stops.ended_after_s):.1f} s at most"
        )
        hung_up = load.hung_up_at_first + load.hung_up_later
        if hung_up or load.strange or not reckoning.is_clean or stops.exit_codes != {0}:
            sys.exit(1)


if __name__ == "__main__":
    main()
