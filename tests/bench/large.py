"""How the gateway does on a file with many events, and how much it takes to install and to run.

    python -m tests.bench.large [--events 10000000] [--visitors 20000]

Makes a file of that many page views (a progress bar tells how far), says what it takes on disk, and
measures on it: the catalog and a person's last 100 events, on a reader that has just been opened;
how soon a server on it is ready; and ingest, in turn with a server on an empty file. Memory is the
server's, at its most. Wants `wrk`, as `tests.bench.throughput` does.
"""

import argparse
import contextlib
import shutil
import statistics
import sys
import tempfile
import time
import uuid as uuids
from collections.abc import Callable
from pathlib import Path

import httpx

from gateway.records import catalog, event_log, people
from gateway.store.database import connect, open_database, transaction
from tests.bench.history import add_page_views
from tests.bench.throughput import (
    Route,
    Server,
    gateway,
    load,
    made_database,
    warm_up,
)

ROUNDS = 5
SECONDS = 5
LAST = 100


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0] if __doc__ else "")
    arguments.add_argument("--events", type=int, default=10_000_000)
    arguments.add_argument("--visitors", type=int, default=20_000)
    chosen = arguments.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed: apt-get install wrk")
    with tempfile.TemporaryDirectory() as large, tempfile.TemporaryDirectory() as empty:
        made = made_database(Path(large))
        _fill(Path(made["db"]), int(made["list_id"]), chosen.events, chosen.visitors)
        _report_reads(Path(made["db"]), int(made["list_id"]))
        _report_ingest(made, made_database(Path(empty)), chosen.visitors)


def _fill(db: Path, list_id: int, events: int, visitors: int) -> None:
    browsers = [uuids.uuid4() for _ in range(visitors)]
    with contextlib.closing(open_database(db)) as connection:
        add_page_views(connection, list_id, browsers, events)
        with transaction(connection):
            person = people.subscribe(connection, list_id, "ada@example.com", 1)
            for uuid in browsers[:20]:
                found = people.find_visitor(connection, list_id, uuid.bytes)
                assert found is not None
                people.point(connection, found.id, person.id, 1)
        connection.execute("pragma wal_checkpoint(truncate)")
    print(f"file: {db.stat().st_size / events:.0f} bytes an event at {events:,} events", flush=True)


def _report_reads(db: Path, list_id: int) -> None:
    def last(connection: object) -> None:
        person = people.subscriber_by_email(connection, list_id, "ada@example.com")  # type: ignore[arg-type]
        assert person is not None
        found = event_log.newest_of_subscriber(connection, person.id, rows=LAST, offset=0)  # type: ignore[arg-type]
        assert len(found) == LAST

    names = _median_ms(db, lambda connection: catalog.for_list(connection, list_id))
    events = _median_ms(db, last)
    print(f"catalog: {names:.1f} ms; a person's last {LAST} events: {events:.1f} ms", flush=True)


def _median_ms(db: Path, read: Callable[..., object]) -> float:
    taken = []
    for _ in range(11):
        with contextlib.closing(connect(db, read_only=True)) as connection:
            connection.execute("select 1 from accounts").fetchone()
            began_s = time.perf_counter()
            read(connection)
            taken.append((time.perf_counter() - began_s) * 1e3)
    return statistics.median(taken)


def _report_ingest(large: dict[str, str], empty: dict[str, str], visitors: int) -> None:
    began_s = time.perf_counter()
    with gateway(large["db"]) as on_large:
        while httpx.get(f"{on_large.url}/readyz", trust_env=False).status_code != 200:
            time.sleep(0.01)
        ready_s = time.perf_counter() - began_s
        with gateway(empty["db"]) as on_empty:
            pairs = []
            routes = [Route("/e", made["list_tracker_id"], "") for made in (large, empty)]
            for server, route in zip((on_large, on_empty), routes, strict=True):
                warm_up(server, route, visitors)
            for _ in range(ROUNDS):
                pairs.append(
                    [
                        load(server, route, visitors, SECONDS)["rate"]
                        for server, route in zip((on_large, on_empty), routes, strict=True)
                    ]
                )
            memory = max(_most_memory_mb(on_large), _most_memory_mb(on_empty))
    ratio = statistics.median(one / other for one, other in pairs)
    rates = [statistics.median(rates) for rates in zip(*pairs, strict=True)]
    print(
        f"ready in {ready_s:.2f} s; ingest {rates[0]:,.0f} beacons a second, {rates[1]:,.0f} into"
        f" an empty file, ratio {ratio:.2f}; memory {memory:.0f} MB at its most"
    )


def _most_memory_mb(server: Server) -> float:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
