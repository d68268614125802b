"""A database of people who look, fill carts and buy: rows as the river would have written them.

Two thirds are page views; the rest cart events, conversions and identifies with properties of
their own. A few browsers and pages go down the river itself, the many are copies of these.
"""

import json
import random
import sqlite3
import uuid as uuids

import click

from gateway import clock
from gateway.events.device import device_of
from gateway.events.enrich import Source, enrich
from gateway.events.event import Event
from gateway.events.vocabulary import Door, kind_of
from gateway.records import event_log
from gateway.store.database import transaction

CHUNK = 10_000
DAYS = 90
BROWSERS = 2_000
PAGES = 5_000
MIX = (("pageView", 66), ("add_to_cart", 20), ("checkout", 7), ("conversion", 4), ("identify", 3))
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0"


def add_shoppers(db: sqlite3.Connection, list_id: int, *, subscribers: int, events: int) -> None:
    """Each subscriber has a browser, every tenth two; their events fill the past ninety days."""
    chooser = random.Random(1)
    now_ms = clock.now_ms()
    with transaction(db):
        visitors = _people(db, list_id, subscribers, now_ms)
        browsers, pages = _contexts(db, list_id, chooser)
        names = [(event_log.name_id(db, list_id, name, kind_of(name))[0], name) for name, _ in MIX]
    home = {visitor: chooser.choice(browsers) for visitor in visitors}
    weights = [weight for _, weight in MIX]
    with click.progressbar(range(0, events, CHUNK), label="Events") as chunks:
        for start in chunks:
            rows = []
            for number in range(start, min(start + CHUNK, events)):
                visitor = chooser.choice(visitors)
                ((name_id, name),) = chooser.choices(names, weights)
                at_ms = now_ms - (events - number) * DAYS * 86_400_000 // events
                own = json.dumps(_own(name, number, chooser), separators=(",", ":"))
                rows.append(
                    (list_id, uuids.UUID(int=chooser.getrandbits(128)).bytes, visitor, name_id,
                     home[visitor], chooser.choice(pages), at_ms, at_ms, at_ms, own, number)
                )  # fmt: skip
            with transaction(db):
                db.executemany(
                    """insert into events (list_id, unique_id, visitor_id, name_id, browser_id,
                           page_id, happened_at_ms, sent_at_ms, received_at_ms, door, silent,
                           format, properties, tab, seq)
                       values (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, 0, 1, ?, 1, ?)""",
                    rows,
                )


def _people(db: sqlite3.Connection, list_id: int, subscribers: int, now_ms: int) -> list[int]:
    visitors = []
    for number in range(subscribers):
        email = f"reader{number}@example.com"
        person = db.execute(
            """insert into subscribers (list_id, email, email_key, created_at_ms)
               values (?, ?, ?, ?)""",
            (list_id, email, email, now_ms),
        ).lastrowid
        for _ in range(2 if number % 10 == 0 else 1):
            visitor = db.execute(
                """insert into visitors (list_id, uuid, subscriber_id, bound_by, created_at_ms)
                   values (?, ?, ?, 1, ?)""",
                (list_id, uuids.uuid4().bytes, person, now_ms),
            ).lastrowid
            assert visitor is not None
            visitors.append(visitor)
    return visitors


def _contexts(
    db: sqlite3.Connection, list_id: int, chooser: random.Random
) -> tuple[list[int], list[int]]:
    """The ids of browsers' and of pages' contexts."""
    browsers, pages = set(), set()
    for number in range(max(BROWSERS, PAGES)):
        url = (
            f"https://shop.example/{chooser.choice(('products', 'blog', 'help'))}/{number % PAGES}"
        )
        width = 320 + number % BROWSERS
        source = Source(
            list_id=list_id,
            door=Door.TRACKER,
            device=device_of(AGENT.format(100 + number % 20)),
            dsn="https://track.example/e",
            server="track.example",
            received_at_ms=0,
            context={"$current_url": url, "$screen_width": width, "$pageTitle": f"Shop {number}"},
        )
        event = enrich(Event(name="pageView", properties={"url": url}), source)
        browsers.add(event_log.context_id(db, event.browser))
        pages.add(event_log.context_id(db, event.page))
    return sorted(browsers), sorted(pages)


def _own(name: str, number: int, chooser: random.Random) -> dict[str, object]:
    if name in ("add_to_cart", "checkout"):
        return {
            "product": f"Mug {chooser.randrange(500)}",
            "price": chooser.randrange(1, 20_000) / 100,
        }
    if name == "conversion":
        value = chooser.randrange(100, 50_000) / 100
        return {
            "conversion-id": f"order-{number}",
            "conversion-name": "Order",
            "conversion-value": value,
        }
    return {"firstName": f"Ada {number % 300}"} if name == "identify" else {}
