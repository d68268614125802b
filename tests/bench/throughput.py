"""Requests a second of the hot routes, against the yardstick in the same run.

    python -m tests.bench.throughput [--seconds 8] [--rounds 3]

Wants `wrk` and two cores: the server on one, the load on the other, 32 connections, one worker.
The two are measured in turn, so that a machine whose speed drifts still gives a fair ratio.
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

import httpx

from tests.support import free_socket

HERE = Path(__file__).parent
SERVER_CORE, LOAD_CORE = "0", "1"
CONNECTIONS = 32


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=int, default=8)
    arguments.add_argument("--rounds", type=int, default=3)
    chosen = arguments.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed: apt-get install wrk")
    with tempfile.TemporaryDirectory() as folder:
        made = _database(Path(folder))
        routes = {
            "beacon": ("/e", made["list_tracker_id"], ""),
            "server event": ("/api/v1/event", str(made["list_id"]), made["api_key"]),
        }
        with _yardstick() as bare, _gateway(made["db"]) as gateway:
            for name, (path, list_id, key) in routes.items():
                pairs = [
                    (
                        _load(bare, path, list_id, key, chosen.seconds),
                        _load(gateway, path, list_id, key, chosen.seconds),
                    )
                    for _ in range(chosen.rounds)
                ]
                _report(name, pairs)
        _report_size(Path(made["db"]))


def _report(name: str, pairs: list[tuple[dict[str, float], dict[str, float]]]) -> None:
    def median(figure: str, side: int) -> float:
        return statistics.median(pair[side][figure] for pair in pairs)

    ratio = statistics.median(ours["rate"] / bare["rate"] for bare, ours in pairs)
    p99 = statistics.median(ours["p99_us"] / bare["p99_us"] for bare, ours in pairs)
    print(
        f"{name}: {median('rate', 1):,.0f} a second, yardstick {median('rate', 0):,.0f},"
        f" ratio {ratio:.2f}; p99 {median('p99_us', 1) / 1000:.1f} ms, {p99:.1f} times the"
        f" yardstick's; errors {sum(ours['errors'] for _, ours in pairs):.0f}"
    )


def _report_size(db: Path) -> None:
    """After the servers have stopped: the write-ahead log is in the file then."""
    with contextlib.closing(sqlite3.connect(db)) as connection:
        events = connection.execute("select count(*) from events").fetchone()[0]
    size = db.stat().st_size
    print(f"file: {size / events:.0f} bytes an event at {events:,} events")


def _database(folder: Path) -> dict[str, str]:
    db = folder / "bench.db"
    command = [sys.executable, "-m", "gateway", "init", "--db", str(db), "--json"]
    made: dict[str, str] = json.loads(subprocess.check_output(command))
    return made


def _load(url: str, path: str, list_id: str, key: str, seconds: int) -> dict[str, float]:
    wrk = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(HERE / "beacon.lua"), url]
    environment = {**os.environ, "BENCH_SEED": str(time.time_ns() % 2**31)}
    said = subprocess.check_output(
        ["taskset", "-c", LOAD_CORE, *wrk, "--", list_id, key, path], env=environment, text=True
    )
    figures: dict[str, float] = json.loads(said.strip().splitlines()[-1])
    figures["rate"] = figures["requests"] / figures["seconds"]
    return figures


@contextlib.contextmanager
def _yardstick() -> Iterator[str]:
    code = (
        "import sys, uvicorn; from gateway.server import uvicorn_config;"
        "app = 'tests.bench.yardstick:app';"
        "uvicorn.Server(uvicorn_config(app, '127.0.0.1', int(sys.argv[1]), http='httptools')).run()"
    )
    with _process([sys.executable, "-c", code]) as url:
        yield url


@contextlib.contextmanager
def _gateway(db: str) -> Iterator[str]:
    with _process([sys.executable, "-m", "gateway", "serve", "--db", db, "--port"]) as url:
        yield url


@contextlib.contextmanager
def _process(command: list[str]) -> Iterator[str]:
    with free_socket() as sock:
        port = str(sock.getsockname()[1])
    environment = {**os.environ, "GATEWAY_RATE_LIMITS": "off"}
    pinned = ["taskset", "-c", SERVER_CORE, *command, port]
    process = subprocess.Popen(pinned, env=environment)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(url)
        yield url
    finally:
        process.terminate()
        process.wait()


def _wait(url: str) -> None:
    for _ in range(200):
        with contextlib.suppress(httpx.TransportError):
            httpx.post(url, content="{}", trust_env=False)
            return
        time.sleep(0.05)
    raise SystemExit(f"{url} does not answer")


if __name__ == "__main__":
    main()
