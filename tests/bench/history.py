"""A database with many events, made fast: rows as the river would have written them."""

import random
import sqlite3
import uuid as uuids

import click

from gateway import clock
from gateway.events.device import device_of
from gateway.events.enrich import Source, enrich
from gateway.events.event import Event
from gateway.events.vocabulary import Door
from gateway.ingest.record import record
from gateway.settings import Limits
from gateway.store.database import transaction

CHUNK = 10_000
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0"


def add_page_views(
    db: sqlite3.Connection, list_id: int, visitors: list[uuids.UUID], events: int
) -> None:
    """`events` page views of `visitors`, spread evenly over the past ninety days.

    Each visitor's first goes down the river itself; the others are copies of it under new ids.
    """
    now_ms = clock.now_ms()
    with transaction(db):
        for visitor in visitors:
            _first(db, list_id, visitor, now_ms)
    rows = db.execute(
        """select visitor_id, name_id, browser_id, page_id, properties from events
           where list_id = ? order by id desc limit ?""",
        (list_id, len(visitors)),
    ).fetchall()
    chooser = random.Random(1)
    with click.progressbar(range(0, events, CHUNK), label="Events") as chunks:
        for start in chunks:
            with transaction(db):
                db.executemany(
                    """insert into events (list_id, unique_id, visitor_id, name_id, browser_id,
                           page_id, happened_at_ms, sent_at_ms, received_at_ms, door, silent,
                           format, properties)
                       values (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, 0, 1, ?)""",
                    [
                        _copy(chooser.choice(rows), list_id, now_ms - (events - number) * 7_776)
                        for number in range(start, min(start + CHUNK, events))
                    ],
                )


def _first(db: sqlite3.Connection, list_id: int, visitor: uuids.UUID, now_ms: int) -> None:
    page = f"https://shop.example/products/{visitor.int % 500}"
    source = Source(
        list_id=list_id,
        door=Door.TRACKER,
        device=device_of(AGENT),
        dsn="https://track.example/e",
        server="track.example",
        received_at_ms=now_ms,
        visitor=visitor,
        context={"$current_url": page, "$pageTitle": "Shop"},
    )
    record(db, enrich(Event(name="pageView", properties={"url": page}), source), Limits())


def _copy(row: sqlite3.Row, list_id: int, at_ms: int) -> tuple[object, ...]:
    return (
        list_id, uuids.uuid4().bytes, row["visitor_id"], row["name_id"], row["browser_id"],
        row["page_id"], at_ms, at_ms, at_ms, row["properties"],
    )  # fmt: skip
