"""Deliveries a second to a receiver that takes 100 ms, and what they cost the beacons meanwhile.

    python -m tests.bench.webhooks [--seconds 8] [--rounds 3] [--rate 200]

Wants `wrk` and two cores: the load and the receiver on one, the server on the other, and the
process that posts wherever there is room. First the outbox is drained as fast as it goes; then
beacons are sent as fast as they go, in turn with nothing due and with `rate` deliveries a second.
What the server's own process spends on a delivery is told besides: it says the same on a machine
where others work too.
"""

import argparse
import asyncio
import contextlib
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from gateway import clock
from gateway.events.vocabulary import Kind
from gateway.records import journeys, outbox, people, webhooks
from gateway.records.journeys import Journey
from gateway.records.webhooks import Webhook
from gateway.store.database import connect, transaction
from tests.bench.throughput import (
    LOAD_CORE,
    Figures,
    Route,
    Server,
    gateway,
    load,
    made_database,
    warm_up,
)
from tests.receiver import Receiver
from tests.support import free_port, until

DELAY_S = 0.1
BACKLOG = 3_000
PEOPLE = 500
VISITORS = 5_000
BODY = '{"Event": {"Properties": {"n": 1, "note": "' + "x" * 1_000 + '"}}}'


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=int, default=8)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--rate", type=int, default=200)
    chosen = arguments.parse_args()
    os.environ["GATEWAY_WEBHOOK_HOSTS_ALLOWED"] = "127.0.0.1"
    with tempfile.TemporaryDirectory() as folder, _receiver() as url:
        made = made_database(Path(folder))
        db = connect(made["db"])
        webhook, subscribers = _journey(db, int(made["list_id"]), url)
        route = Route("/e", made["list_tracker_id"], "")
        with gateway(made["db"]) as server:
            _let_the_poster_roam(server, db, webhook, subscribers)
            _drain(db, webhook, subscribers)
            warm_up(server, route, VISITORS)
            pairs = []
            for _ in range(chosen.rounds):
                _owe(db, webhook, subscribers, 1, over_s=0)  # what is remembered is so in neither
                until(lambda: _waiting(db) == 0)
                alone = load(server, route, VISITORS, chosen.seconds)
                many = chosen.rate * chosen.seconds
                _owe(db, webhook, subscribers, many, over_s=chosen.seconds)
                before = _delivered(db)
                busy = load(server, route, VISITORS, chosen.seconds)
                pairs.append((alone, busy, _delivered(db) - before))
                until(lambda: _waiting(db) == 0)
            _report(pairs, chosen.rate)
        db.close()


def _report(pairs: list[tuple[Figures, Figures, int]], rate: int) -> None:
    kept = statistics.median(busy["rate"] / alone["rate"] for alone, busy, _ in pairs)
    alone_rate = statistics.median(alone["rate"] for alone, _, _ in pairs)
    delivered = statistics.median(many / busy["seconds"] for _, busy, many in pairs)
    took_us = statistics.median(
        (busy["cpu_us"] - alone["cpu_us"]) * busy["requests"] / many for alone, busy, many in pairs
    )
    print(
        f"beacons: {alone_rate:,.0f} a second alone; beside {delivered:.0f} deliveries a second"
        f" {kept:.2f} of it\nthe server's own time for a delivery: {took_us:.0f} us, so {rate} a"
        f" second leave {1 - rate * took_us / 1e6:.2f} of a core"
    )


def _drain(db: sqlite3.Connection, webhook: Webhook, subscribers: list[int]) -> None:
    _owe(db, webhook, subscribers, BACKLOG, over_s=0)
    began_s = time.perf_counter()
    until(lambda: _waiting(db) == 0, seconds=120)
    print(f"deliveries: {BACKLOG / (time.perf_counter() - began_s):,.0f} a second")


def _let_the_poster_roam(
    server: Server, db: sqlite3.Connection, webhook: Webhook, people: list[int]
) -> None:
    """It is there with the first delivery, bound to the server's core as its parent is."""
    _owe(db, webhook, people, 1, over_s=0)
    until(lambda: _waiting(db) == 0)
    number = server.process.pid
    for child in Path(f"/proc/{number}/task/{number}/children").read_text().split():
        os.sched_setaffinity(int(child), range(os.cpu_count() or 1))


def _journey(db: sqlite3.Connection, list_id: int, url: str) -> tuple[Webhook, list[int]]:
    now_ms = clock.now_ms()
    with transaction(db):
        account_id = db.execute("select account_id from lists").fetchone()[0]
        wanted = Journey(id=0, account_id=account_id, list_id=list_id, name="J", kind=Kind.CUSTOM)
        made = journeys.create(db, wanted, now_ms)
        [webhook] = webhooks.replace(db, made.id, [Webhook(0, made.id, url)], now_ms)
        subscribers = [
            people.subscribe(db, list_id, f"{n}@example.com", now_ms).id for n in range(PEOPLE)
        ]
    return webhook, subscribers


def _owe(
    db: sqlite3.Connection, webhook: Webhook, subscribers: list[int], many: int, *, over_s: int
) -> None:
    """So many deliveries that come due evenly over a time, each person's in turn."""
    now_ms = clock.now_ms()
    with transaction(db):
        for n in range(many):
            outbox.write(
                db, webhook, subscribers[n % PEOPLE], n, BODY,
                now_ms=now_ms + n * over_s * 1_000 // many, backlog_max=10**9,
            )  # fmt: skip
        # Who waits behind an earlier one of the same person is due at its own time all the same.
        db.execute("update outbox set due_at_ms = written_at_ms where state = 0")


def _waiting(db: sqlite3.Connection) -> int:
    return int(db.execute("select count(*) from outbox where state = 0").fetchone()[0])


def _delivered(db: sqlite3.Connection) -> int:
    return int(db.execute("select count(*) from outbox where state = 1").fetchone()[0])


@contextlib.contextmanager
def _receiver() -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.webhooks", "receive", str(port)]
    with subprocess.Popen(["taskset", "-c", LOAD_CORE, *command]) as process:
        time.sleep(1)
        try:
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.terminate()


async def _receive(port: int) -> None:
    receiver = Receiver(port, delay_s=DELAY_S)
    receiver.received = []
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1:2] == ["receive"]:
        asyncio.run(_receive(int(sys.argv[2])))
    else:
        main()
