"""What a binding and a profile cost when there is a long history.

python -m tests.bench.people [--events 1000000]
"""

import argparse
import contextlib
import statistics
import tempfile
import time
import uuid as uuids
from collections.abc import Callable
from pathlib import Path

from gateway import clock
from gateway.events.device import Device
from gateway.events.enrich import Source, enrich
from gateway.events.event import Event
from gateway.events.vocabulary import Door
from gateway.ingest.record import record
from gateway.settings import Limits
from gateway.store.database import open_database
from tests.bench.history import add_page_views
from tests.support import RunningGateway, Tracked, running_gateway

VISITORS = 20_000
LONG = 100_000
ROUNDS = 21


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--events", type=int, default=1_000_000)
    events = arguments.parse_args().events
    with (
        tempfile.TemporaryDirectory() as folder,
        running_gateway(Path(folder), rate_limits=False) as gateway,
    ):
        tracked = gateway.new_list()
        busy, *others = (uuids.uuid4() for _ in range(VISITORS))
        with contextlib.closing(open_database(gateway.settings.db)) as db:
            add_page_views(db, tracked.list_id, others, events - LONG)
            add_page_views(db, tracked.list_id, [busy], LONG)
        _report_binding(gateway, tracked, busy)
        _report_profile(gateway, tracked)


def _report_binding(gateway: RunningGateway, tracked: Tracked, busy: uuids.UUID) -> None:
    """Each in a transaction that is taken back, without the wait for the disk."""
    with contextlib.closing(open_database(gateway.settings.db)) as db:

        def bind(visitor: uuids.UUID) -> None:
            source = Source(
                list_id=tracked.list_id,
                door=Door.TRACKER,
                device=Device(),
                dsn="",
                server="",
                received_at_ms=clock.now_ms(),
                visitor=visitor,
            )
            event = Event(name="identify", email="ada@example.com")
            db.execute("begin immediate")
            record(db, enrich(event, source), Limits())
            db.execute("rollback")

        long, fresh = _median_us(lambda: bind(busy)), _median_us(lambda: bind(uuids.uuid4()))
        print(f"bind a visitor of {LONG:,} events: {long:.0f} us; of none: {fresh:.0f} us")
    said = {"Event": "identify", "Email": "ada@example.com", "UUID": str(busy)}
    assert gateway.call("event", tracked, **said).is_success


def _report_profile(gateway: RunningGateway, tracked: Tracked) -> None:
    def profile() -> None:
        answer = gateway.call(
            "subscriber.get", tracked, EmailAddress="ada@example.com", IncludeEvents=True
        )
        assert answer.json()["Success"], answer.text

    us = _median_us(profile)
    print(f"subscriber.get of a person of {LONG:,} events, over HTTP: {us / 1000:.1f} ms")


def _median_us(call: Callable[[], None]) -> float:
    taken = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        call()
        taken.append((time.perf_counter() - begun) * 1e6)
    return statistics.median(taken)


if __name__ == "__main__":
    main()
