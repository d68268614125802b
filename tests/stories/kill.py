"""Killed without a warning, again and again, under load from senders that retry.

    python -m tests.stories.kill [--times 100] [--workers 1]

Every event that was acknowledged is there once, nothing is there twice, and the file is sound. With
several workers every other time only one of them is killed, and its parent replaces it.
"""

import argparse
import asyncio
import os
import random
import signal
import sys
import tempfile
from pathlib import Path

from tests.stories.client import Load
from tests.stories.world import Gateway, Reckoning, gateway_in, reckon

EVENTS_MAX = 200  # between one kill and the next


async def story(gateway: Gateway, times: int, seed: int = 1) -> tuple[Reckoning, Load]:
    dice = random.Random(seed)
    load = Load(gateway.port, gateway.tracked)
    load.start()
    for number in range(times):
        await load.more(dice.randint(1, EVENTS_MAX))
        workers = gateway.workers()
        if len(workers) > 1 and number % 2:
            os.kill(dice.choice(workers), signal.SIGKILL)
        else:
            gateway.kill()
            await asyncio.to_thread(gateway.start)
    await load.more(EVENTS_MAX)
    await load.finish()
    return reckon(gateway, load), load


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--times", type=int, default=100)
    arguments.add_argument("--workers", type=int, default=1)
    arguments.add_argument("--seed", type=int, default=1)
    chosen = arguments.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        gateway_in(Path(folder), workers=chosen.workers) as gateway,
    ):
        reckoning, load = asyncio.run(story(gateway, chosen.times, chosen.seed))
        print(f"{chosen.times} kills, {chosen.workers} worker(s): {reckoning}")
        print(
            f"tries in vain: {load.not_there:,} nobody there, "
            f"{load.hung_up_at_first + load.hung_up_later:,} connections cut, "
            f"{load.statuses[503]:,} answered 503; other answers: {len(load.strange)}"
        )
        if load.strange or not reckoning.is_clean:
            sys.exit(1)


if __name__ == "__main__":
    main()
