"""Deliveries a second to a receiver that takes 100 ms, and what they cost the beacons meanwhile.

    python -m tests.bench.webhooks [--seconds 8] [--rounds 3] [--rate 200]

Wants `wrk` and two cores: the load and the receiver on one, the server on the other, and the
process that posts wherever there is room. First the outbox is drained as fast as it goes; then
beacons are sent as fast as they go, in turn with nothing due and with `rate` deliveries a second.
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
from tests.bench.throughput import LOAD_CORE, _database, _gateway, _load
from tests.receiver import Receiver
from tests.support import free_port, until

DELAY_S = 0.1
BACKLOG = 3_000
PEOPLE = 500
BODY = '{"Event": {"Properties": {"n": 1, "note": "' + "x" * 1_000 + '"}}}'


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=int, default=8)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--rate", type=int, default=200)
    chosen = arguments.parse_args()
    os.environ["GATEWAY_WEBHOOK_HOSTS_ALLOWED"] = "127.0.0.1"
    with tempfile.TemporaryDirectory() as folder, _receiver() as url:
        made = _database(Path(folder))
        db = connect(made["db"])
        webhook, subscribers = _journey(db, int(made["list_id"]), url)
        with _gateway(made["db"]) as gateway:
            _let_the_poster_roam(db, webhook, subscribers)
            _drain(db, webhook, subscribers)
            pairs = []
            for _ in range(chosen.rounds):
                alone = _load(gateway, "/e", made["list_tracker_id"], "", chosen.seconds)["rate"]
                many = chosen.rate * chosen.seconds
                _owe(db, webhook, subscribers, many, over_s=chosen.seconds)
                before = _delivered(db)
                busy = _load(gateway, "/e", made["list_tracker_id"], "", chosen.seconds)["rate"]
                pairs.append((alone, busy, (_delivered(db) - before) / chosen.seconds))
                until(lambda: _waiting(db) == 0)
            _report(pairs)
        db.close()


def _report(pairs: list[tuple[float, float, float]]) -> None:
    alone, busy, rate = (statistics.median(pair[place] for pair in pairs) for place in range(3))
    kept = statistics.median(pair[1] / pair[0] for pair in pairs)
    print(
        f"beacons: {alone:,.0f} a second alone, {busy:,.0f} beside {rate:.0f} deliveries a second:"
        f" {kept:.2f} of it"
    )


def _drain(db: sqlite3.Connection, webhook: Webhook, subscribers: list[int]) -> None:
    _owe(db, webhook, subscribers, BACKLOG, over_s=0)
    began_s = time.perf_counter()
    until(lambda: _waiting(db) == 0, seconds=120)
    print(f"deliveries: {BACKLOG / (time.perf_counter() - began_s):,.0f} a second")


def _let_the_poster_roam(db: sqlite3.Connection, webhook: Webhook, people: list[int]) -> None:
    """It is there with the first delivery, bound to the server's core as its parent is."""
    _owe(db, webhook, people, 1, over_s=0)
    until(lambda: _waiting(db) == 0)
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            started_by = path.with_name("stat").read_text().rpartition(")")[2].split()[1]
            if b"gateway.workers.posting" in path.read_bytes() and _is_ours(int(started_by)):
                os.sched_setaffinity(int(path.parent.name), range(os.cpu_count() or 1))


def _is_ours(number: int) -> bool:
    stat = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    return int(stat[1]) == os.getpid()


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
