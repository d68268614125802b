"""Requests a second of the hot routes, against the yardstick in the same run; events a second of
batches, against what SQLite takes of the same rows when nothing else is to do.

    python -m tests.bench.throughput [--seconds 8] [--rounds 3] [--visitors 20000] [--only beacon]

Wants `wrk` and two cores: the server on one, the load on the other, 32 connections, one worker.
The two are measured in turn, so that a machine whose speed drifts still gives a fair ratio. Before
that all visitors have been here once. The processor's time for a request is told besides: it says
the same on a machine where others work too.
"""

import argparse
import contextlib
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx

from gateway.store.database import open_database, transaction
from tests.support import free_socket

HERE = Path(__file__).parent
SERVER_CORE, LOAD_CORE = "0", "1"
CONNECTIONS = 32
BATCH_EVENTS = 100


class Route(NamedTuple):
    path: str
    list_id: str
    key: str
    events: int = 1


class Server(NamedTuple):
    url: str
    process: subprocess.Popen[bytes]

    def cpu_s(self) -> float:
        """How long it has kept a processor busy."""
        behind_name = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2]
        user, system = behind_name.split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def resident_mb(self) -> float:
        """The most memory it has held so far."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1000


Figures = dict[str, float]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0] if __doc__ else "")
    arguments.add_argument("--seconds", type=int, default=8)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--visitors", type=int, default=20_000)
    arguments.add_argument("--only", choices=["beacon", "server event", "batch"])
    chosen = arguments.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed: apt-get install wrk")
    with tempfile.TemporaryDirectory() as folder:
        made = made_database(Path(folder))
        routes = {
            "beacon": Route("/e", made["list_tracker_id"], ""),
            "server event": Route("/api/v1/event", str(made["list_id"]), made["api_key"]),
            "batch": Route("/e", made["list_tracker_id"], "", BATCH_EVENTS),
        }
        batches_per_core = 0.0
        with _yardstick() as bare, gateway(made["db"]) as served:
            for name, route in routes.items():
                if chosen.only not in (None, name):
                    continue
                warm_up(served, route, chosen.visitors)
                pairs = [
                    (
                        load(bare, route, chosen.visitors, chosen.seconds),
                        load(served, route, chosen.visitors, chosen.seconds),
                    )
                    for _ in range(chosen.rounds)
                ]
                _report(name, pairs)
                print(f"resident: {served.resident_mb():.0f} MB at most so far")
                if name == "batch":
                    batches_per_core = statistics.median(1e6 / ours["cpu_us"] for _, ours in pairs)
        if batches_per_core:
            _report_batches(Path(made["db"]), batches_per_core * BATCH_EVENTS)
        _report_size(Path(made["db"]))


def _report(name: str, pairs: list[tuple[Figures, Figures]]) -> None:
    def median(figure: str, side: int) -> float:
        return statistics.median(pair[side][figure] for pair in pairs)

    def ratio(figure: str) -> float:
        return statistics.median(ours[figure] / bare[figure] for bare, ours in pairs)

    print(
        f"{name}: {median('rate', 1):,.0f} a second, yardstick {median('rate', 0):,.0f},"
        f" ratio {ratio('rate'):.2f}; {median('cpu_us', 1):.0f} \N{MICRO SIGN}s of a processor a"
        f" request, yardstick {median('cpu_us', 0):.0f}, ratio {1 / ratio('cpu_us'):.2f};"
        f" p99 {median('p99_us', 1) / 1000:.1f} ms, {ratio('p99_us'):.1f} times the yardstick's;"
        f" errors {sum(ours['errors'] for _, ours in pairs):.0f}",
        flush=True,
    )


def _report_batches(db: Path, events_per_core: float) -> None:
    alone = _executemany_alone(db)
    print(
        f"batches of {BATCH_EVENTS}: {events_per_core:,.0f} events for each second of a processor;"
        f" executemany alone {alone:,.0f}, ratio {events_per_core / alone:.2f}"
    )


def _executemany_alone(db: Path) -> float:
    """Rows for each second of a processor: the file's own events, put into it once more after they
    were taken out, as many to a transaction as all connections have under way."""
    copy = db.with_suffix(".copy")
    shutil.copy(db, copy)
    with contextlib.closing(open_database(copy)) as connection:
        found = connection.execute("select * from events order by id desc limit 200000")
        rows = [tuple(row) for row in found]
        with transaction(connection):
            connection.execute("delete from events")
        insert = f"insert into events values ({','.join('?' * len(rows[0]))})"
        together = CONNECTIONS * BATCH_EVENTS
        began_s = time.process_time()
        for first in range(0, len(rows), together):
            with transaction(connection):
                connection.executemany(insert, rows[first : first + together])
        return len(rows) / (time.process_time() - began_s)


def _report_size(db: Path) -> None:
    """After the servers have stopped: the write-ahead log is in the file then."""
    with contextlib.closing(sqlite3.connect(db)) as connection:
        events = connection.execute("select count(*) from events").fetchone()[0]
    size = db.stat().st_size
    print(f"file: {size / events:.0f} bytes an event at {events:,} events")


def made_database(folder: Path) -> dict[str, str]:
    db = folder / "bench.db"
    command = [sys.executable, "-m", "gateway", "init", "--db", str(db), "--json"]
    made: dict[str, str] = json.loads(subprocess.check_output(command))
    return made


def warm_up(server: Server, route: Route, visitors: int) -> None:
    """All visitors in turn, so that what is measured is their next page."""
    seen = 0.0
    alone = route._replace(events=1)
    while seen < visitors:
        seen += load(server, alone, visitors, 2, BENCH_FIRST=str(int(seen)))["requests"]
    if route.events > 1:
        load(server, route, visitors, 1)


def load(server: Server, route: Route, visitors: int, seconds: int, **more: str) -> Figures:
    wrk = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(HERE / "beacon.lua")]
    said = [server.url, "--", route.list_id, route.key, route.path]
    environment = {
        **os.environ,
        "BENCH_SEED": str(time.time_ns() % 2**31),
        "BENCH_VISITORS": str(visitors),
        "BENCH_BATCH": str(route.events),
        **more,
    }
    before_s = server.cpu_s()
    out = subprocess.check_output(
        ["taskset", "-c", LOAD_CORE, *wrk, *said], env=environment, text=True
    )
    figures: Figures = json.loads(out.strip().splitlines()[-1])
    figures["rate"] = figures["requests"] / figures["seconds"]
    figures["cpu_us"] = (server.cpu_s() - before_s) / figures["requests"] * 1e6
    return figures


@contextlib.contextmanager
def _yardstick() -> Iterator[Server]:
    code = (
        "import sys, uvicorn; from gateway.server import uvicorn_config;"
        "app = 'tests.bench.yardstick:app';"
        "uvicorn.Server(uvicorn_config(app, '127.0.0.1', int(sys.argv[1]), http='httptools')).run()"
    )
    with _process([sys.executable, "-c", code]) as server:
        yield server


@contextlib.contextmanager
def gateway(db: str) -> Iterator[Server]:
    with _process([sys.executable, "-m", "gateway", "serve", "--db", db, "--port"]) as server:
        yield server


@contextlib.contextmanager
def _process(command: list[str]) -> Iterator[Server]:
    with free_socket() as sock:
        port = str(sock.getsockname()[1])
    environment = {**os.environ, "GATEWAY_RATE_LIMITS": "off"}
    pinned = ["taskset", "-c", SERVER_CORE, *command, port]
    server = Server(f"http://127.0.0.1:{port}", subprocess.Popen(pinned, env=environment))
    try:
        _wait(server.url)
        yield server
    finally:
        server.process.terminate()
        server.process.wait()


def _wait(url: str) -> None:
    for _ in range(200):
        with contextlib.suppress(httpx.TransportError):
            httpx.post(url, content="{}", trust_env=False)
            return
        time.sleep(0.05)
    raise SystemExit(f"{url} does not answer")


if __name__ == "__main__":
    main()
