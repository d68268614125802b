"""How long the console's overview takes on a list with a long history.

    python -m tests.bench.overview [--events 1000000] [--visitors 50000]

A gateway in a process of its own serves the file: first its events are counted into figures of
days, which is timed, then the page of each range is asked for over HTTP: once with nothing in
memory, and then some times more.
"""

import argparse
import contextlib
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path

import httpx

from gateway import clock
from gateway.console import spans
from gateway.records import accounts, lists
from gateway.settings import Settings
from gateway.store.database import connect, open_database, transaction
from tests.bench.serving import serving
from tests.bench.visits import add_visits
from tests.support import PASSWORD, free_port

EMAIL = "owner@example.com"
TIMES = 7


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--events", type=int, default=1_000_000)
    arguments.add_argument("--visitors", type=int, default=50_000)
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(db=Path(folder) / "gateway.db", port=free_port())
        list_id = _history(settings, chosen.visitors, chosen.events)
        _count(settings)
        for name in spans.RANGES:
            _time(settings, f"/console/lists/{list_id}?range={name}")
        _time(settings, f"/console/lists/{list_id}/conversions?range=90d")


def _history(settings: Settings, visitors: int, events: int) -> int:
    with contextlib.closing(open_database(settings.db)) as db:
        with transaction(db):
            account = accounts.create(db, EMAIL, PASSWORD, clock.now_ms())
            made = lists.create(db, account.id, "A shop", (), clock.now_ms())
        add_visits(db, made.id, visitors=visitors, events=events)
    return made.id


def _count(settings: Settings) -> None:
    with serving(settings), contextlib.closing(connect(settings.db, read_only=True)) as db:
        begun = time.perf_counter()
        while left := _uncounted(db):
            print(f"\rnot counted yet: {left:,}      ", end="", flush=True)
            time.sleep(1)
        print(f"\rall counted after {time.perf_counter() - begun:.0f} s")


def _uncounted(db: sqlite3.Connection) -> int:
    counted, last = db.execute(
        "select (select event_id from figures_upto), (select max(id) from events)"
    ).fetchone()
    return int(last) - int(counted)


def _time(settings: Settings, path: str) -> None:
    """In a new process, so that nothing of the file is in its memory."""
    with serving(settings), httpx.Client(base_url=settings.base_url, trust_env=False) as client:
        form = {"email": EMAIL, "password": PASSWORD}
        client.post("/console/sign-in", data=form, headers={"origin": settings.base_url})
        taken_ms = [_ms(client, path) for _ in range(TIMES)]
    print(f"{path}: first {taken_ms[0]:.0f} ms, then {statistics.median(taken_ms[1:]):.0f} ms")


def _ms(client: httpx.Client, path: str) -> float:
    begun = time.perf_counter()
    answer = client.get(path)
    taken_ms = (time.perf_counter() - begun) * 1000
    assert answer.status_code == 200, answer
    return taken_ms


if __name__ == "__main__":
    main()
