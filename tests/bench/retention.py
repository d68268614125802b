"""How long writes wait while retention deletes a long history.

    python -m tests.bench.retention [--events 1000000] [--beacons 200]

A gateway in a process of its own takes so many beacons a second; after a while, the list's page
views are given a time, and that many of them are past it. Each beacon's wait is measured, from
sent to answered: before, and while the janitor deletes. The yardstick is the disk alone: as many
writes a second of a few pages, each waited for, with no gateway there.
"""

import argparse
import asyncio
import contextlib
import json
import os
import sqlite3
import tempfile
import time
import uuid as uuids
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from gateway import clock
from gateway.records import accounts, lists, retention
from gateway.settings import Settings, secrets_of
from gateway.signing import Signing
from gateway.store.database import connect, open_database, transaction
from tests.bench.history import add_page_views
from tests.bench.serving import serving
from tests.support import CHROME, free_port

VISITORS = 20_000
KEPT_DAYS, KEPT_EVENTS = 9, 100_000  # of a history that has 100,000 page views in nine days
CONNECTIONS = 10
BEFORE_S = 15
DISK_S, DISK_FILE_BYTES, DISK_WRITE_BYTES = 60, 16_000_000, 12_000
DAY_MS = 86_400_000


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--events", type=int, default=1_000_000)
    arguments.add_argument("--beacons", type=int, default=200)
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(db=Path(folder) / "gateway.db", port=free_port())
        body = _history(settings, chosen.events)
        print(f"the disk alone: {_disk(Path(folder) / 'disk', chosen.beacons)}")
        with serving(settings):
            asyncio.run(_measure(settings, body, chosen.beacons))
        print(f"file: {settings.db.stat().st_size / 2**20:,.0f} MB, {_free(settings.db)}")


@dataclass
class Waits:
    """How long beacons waited, in milliseconds, in one phase."""

    ms: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        ordered = sorted(self.ms)
        shares = {"median": 0.5, "p99": 0.99, "p99.9": 0.999}
        said = [f"{name} {ordered[int(len(ordered) * at)]:.1f}" for name, at in shares.items()]
        over = sum(ms > 50 for ms in ordered)
        return (
            f"{', '.join(said)}, longest {ordered[-1]:.1f} ms; {over} of {len(ordered):,} over 50"
        )


class Sender:
    """Sends beacons at an even rate over connections that stay open; `waits` may be changed."""

    def __init__(self, settings: Settings, body: dict[str, object], beacons: int) -> None:
        self.waits = Waits()
        self._port = settings.port
        self._body = body
        self._every_s = CONNECTIONS / beacons

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(CONNECTIONS):
                group.create_task(self._send(number * self._every_s / CONNECTIONS))

    async def _send(self, late_s: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        due_s = time.perf_counter() + late_s
        while True:
            await asyncio.sleep(max(due_s - time.perf_counter(), 0))
            due_s += self._every_s
            request, begun = self._request(), time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            answer = await reader.readexactly(length)
            self.waits.ms.append((time.perf_counter() - begun) * 1000)
            assert b'"stored"' in answer, (head, answer)

    def _request(self) -> bytes:
        event = {"id": str(uuids.uuid4()), "event": "pageView", "properties": {"n": 1}}
        said = self._body | {"seed": uuids.uuid4().hex, "events": [event]}
        body = json.dumps(said).encode()
        head = (
            "POST /e HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\n"
            f"User-Agent: {CHROME}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


async def _measure(settings: Settings, body: dict[str, object], beacons: int) -> None:
    sender = Sender(settings, body, beacons)
    sending = asyncio.create_task(sender.run())
    await asyncio.sleep(2)
    sender.waits = before = Waits()
    await asyncio.sleep(BEFORE_S)
    with contextlib.closing(open_database(settings.db)) as db, transaction(db):
        retention.keep(db, 1, "page view", KEPT_DAYS)
    with contextlib.closing(connect(settings.db, read_only=True)) as db:
        oldest, kept_from_ms = _oldest(db), clock.now_ms() - KEPT_DAYS * DAY_MS
        await _until(lambda: _oldest(db) != oldest)
        sender.waits, begun = Waits(), time.perf_counter()
        await _until(lambda: _oldest(db) >= kept_from_ms)  # more comes of age meanwhile
        took_s, during = time.perf_counter() - begun, sender.waits
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    print(f"before: {before}")
    print(f"while deleting: {during}")
    print(f"deleting took {took_s:.0f} s")


def _disk(path: Path, writes: int) -> Waits:
    """How long so many writes a second wait for the disk."""
    waits, end_s = Waits(), time.monotonic() + DISK_S
    with path.open("wb+") as file:
        file.write(bytes(DISK_FILE_BYTES))
        os.fdatasync(file)
        file.seek(0)
        while time.monotonic() < end_s:
            if file.tell() + DISK_WRITE_BYTES > DISK_FILE_BYTES:
                file.seek(0)
            file.write(os.urandom(DISK_WRITE_BYTES))
            file.flush()
            begun = time.perf_counter()
            os.fdatasync(file)
            waits.ms.append((time.perf_counter() - begun) * 1000)
            time.sleep(1 / writes)
    return waits


async def _until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - what is waited for happens in another process
        await asyncio.sleep(0.2)


def _oldest(db: sqlite3.Connection) -> int:
    return int(db.execute("select min(happened_at_ms) from events where name_id = 1").fetchone()[0])


def _history(settings: Settings, events: int) -> dict[str, object]:
    signing = Signing(secrets_of(settings))
    with contextlib.closing(open_database(settings.db)) as db:
        with transaction(db):
            account = accounts.create(db, "owner@example.com", "correct horse", clock.now_ms())
            made = lists.create(db, account.id, "A list", (), clock.now_ms())
        add_page_views(db, made.id, [uuids.uuid4() for _ in range(VISITORS)], events + KEPT_EVENTS)
    return {
        "v": 1,
        "user": signing.user_tracker_id(account.id),
        "list": signing.list_tracker_id(made.id),
    }


def _free(path: Path) -> str:
    with contextlib.closing(connect(path, read_only=True)) as db:
        free = db.execute("pragma freelist_count").fetchone()[0]
        pages = db.execute("pragma page_count").fetchone()[0]
    return f"{free / pages:.0%} of it free for what comes"


if __name__ == "__main__":
    main()
