"""What counting a segment costs when there is a long history, for each operator.

python -m tests.bench.segments [--events 1000000] [--subscribers 50000] [--plans]

Cold is the first time on a fresh connection, the file in the system's cache; warm the time after.
Besides the time on the clock the thread's own is printed, for the machine may have other work.
"""

import argparse
import contextlib
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from gateway.events import criteria
from gateway.records import accounts, audience, event_log, happenings, lists, segments
from gateway.records.audience import Condition
from gateway.store.database import connect, open_database, transaction
from tests.bench.shoppers import add_shoppers

CASES: tuple[tuple[str, str, str, Any], ...] = (
    ("pageView", "happened", "", None),
    ("conversion", "happened", "", None),
    ("pageView", "did not happen", "", None),
    ("pageView", "happened in the last X days", "", 7),
    ("pageView", "did not happen in the last X days", "", 7),
    ("pageView", "equals", "$pageTitle", "Shop 7"),
    ("pageView", "does not equal", "$pageTitle", "Shop 7"),
    ("pageView", "contains", "$current_url", "/blog"),
    ("pageView", "does not contain", "$current_url", "/blog"),
    ("pageView", "matches regex", "$current_url", r"/blog/\d+$"),
    ("pageView", "does not match regex", "$current_url", r"/blog/\d+$"),
    ("pageView", "greater than", "$screen_width", 900),
    ("pageView", "less than", "$screen_width", 900),
    ("pageView", "is set", "$referrer", None),
    ("pageView", "is not set", "$referrer", None),
    ("add_to_cart", "equals", "product", "mug 7"),
    ("add_to_cart", "does not equal", "product", "mug 7"),
    ("add_to_cart", "contains", "product", "mug 1"),
    ("add_to_cart", "matches regex", "product", r"^Mug 1\d\d"),
    ("add_to_cart", "greater than", "price", "100"),
    ("add_to_cart", "is not set", "product", None),
    ("conversion", "greater than", "conversionValue", 400),
    ("conversion", "equals", "conversionId", "ORDER-7"),
)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--events", type=int, default=1_000_000)
    arguments.add_argument("--subscribers", type=int, default=50_000)
    arguments.add_argument("--plans", action="store_true")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "shoppers.db"
        with contextlib.closing(open_database(path)) as db:
            list_id = _make(db, given.events, given.subscribers)
            _report_folding(db, list_id)
        for case in CASES:
            _report(path, list_id, case, plans=given.plans)


def _make(db: sqlite3.Connection, events: int, subscribers: int) -> int:
    db.execute("pragma synchronous = off")  # it is thrown away
    with transaction(db):
        account = accounts.create(db, "owner@example.com", "correct horse", 1)
        found = lists.create(db, account.id, "Shop", (), 1)
    add_shoppers(db, found.id, subscribers=subscribers, events=events)
    db.execute("pragma wal_checkpoint(truncate)")
    db.execute("pragma synchronous = full")
    return found.id


def _report_folding(db: sqlite3.Connection, list_id: int) -> None:
    """And what a count costs before anything is folded in: the worst there can be."""
    first, _ = _timed(db, list_id, CASES[0])
    steps = []
    more = True
    while more:
        begun = time.perf_counter()
        with transaction(db):
            more = happenings.fold_some(db)
        steps.append((time.perf_counter() - begun) * 1000)
    wrong = happenings.differences(db, list_id)
    rows = db.execute("select count(*) from happenings").fetchone()[0]
    per_event = sum(steps) * 1000 / max(event_log.last_id(db), 1)
    print(f"happened, nothing folded in: {first} ms")
    print(
        f"folded in {len(steps)} steps, median {statistics.median(steps):.1f}, most"
        f" {max(steps):.1f} ms; {per_event:.1f} us an event; {rows} rows; {len(wrong)} wrong"
    )
    db.execute("pragma wal_checkpoint(truncate)")


def _report(path: Path, list_id: int, case: tuple[str, str, str, Any], *, plans: bool) -> None:
    event, operator, parameter, value = case
    with contextlib.closing(connect(path, read_only=True)) as db:
        cold, found = _timed(db, list_id, case)
        warm, _ = _timed(db, list_id, case)
        what = " ".join(str(part) for part in (event, parameter, operator, value or "") if part)
        print(f"{what:55} {found:>7}  cold {cold:>11} ms  warm {warm:>11} ms", flush=True)
        if plans:
            wanted = _condition(db, list_id, case)
            rows = db.execute(
                "explain query plan select count(*) from subscribers"
                f" where list_id = :list_id and {wanted.sql}",
                {**wanted.values, "list_id": list_id},
            )
            print("".join(f"    {row['detail']}\n" for row in rows))


def _timed(
    db: sqlite3.Connection, list_id: int, case: tuple[str, str, str, Any]
) -> tuple[str, int]:
    """On the clock (of the thread), and how many were found."""
    db.execute("begin")
    begun, own = time.perf_counter(), time.thread_time()
    found = audience.count(db, list_id, _condition(db, list_id, case))
    took = (time.perf_counter() - begun) * 1000
    own = (time.thread_time() - own) * 1000
    db.execute("rollback")
    return f"{took:.0f} ({own:.0f})", found


def _condition(db: sqlite3.Connection, list_id: int, case: tuple[str, str, str, Any]) -> Condition:
    event, operator, parameter, value = case
    rule = {
        "type": "website-events", "event": event, "operator": operator,
        "event_parameter": parameter, "value": value,
    }  # fmt: skip
    return segments.condition_of(db, list_id, criteria.parse([rule]))


if __name__ == "__main__":
    main()
