"""A database of visits to a shop: rows as the river would have written them.

Visitors come for a first time all along the ninety days, some of them again; each visit begins at a
page that a search, a mail or another site led to, and goes on to others. Some put things into the
cart, some buy, some say who they are. A few pages and browsers are seen most, most seldom.
"""

import json
import random
import sqlite3
import uuid as uuids
from collections.abc import Iterator
from itertools import accumulate

import click

from gateway import clock
from gateway.events.device import device_of
from gateway.events.enrich import Source, enrich
from gateway.events.event import Enriched, Event
from gateway.events.vocabulary import Door, kind_of
from gateway.records import event_log
from gateway.store.database import transaction

CHUNK = 10_000
DAY_MS = 86_400_000
DAYS = 90
PAGES, REFERRERS, CAMPAIGNS = 1_500, 300, 25
BOUND_SHARE, CLICK_SHARE = 0.2, 0.05
SITE = "https://shop.example"
MIX = (("pageView", 70), ("add_to_cart", 18), ("checkout", 8), ("conversion", 4))
AGENTS = tuple(
    [f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
     f"Chrome/{version}.0.0.0 Safari/537.36" for version in range(110, 127)]
    + [f"Mozilla/5.0 (X11; Linux x86_64; rv:{version}.0) Gecko/20100101 Firefox/{version}.0"
       for version in range(115, 127)]
    + [f"Mozilla/5.0 (iPhone; CPU iPhone OS {version}_5 like Mac OS X) AppleWebKit/605.1.15 "
       f"(KHTML, like Gecko) Version/{version}.5 Mobile/15E148 Safari/604.1"
       for version in (15, 16, 17)]
    + [f"Mozilla/5.0 (Linux; Android {version}; SM-X900) AppleWebKit/537.36 (KHTML, like Gecko) "
       "Chrome/125.0.0.0 Safari/537.36" for version in (12, 13, 14)]
)  # fmt: skip


def add_visits(db: sqlite3.Connection, list_id: int, *, visitors: int, events: int) -> None:
    """So many events of so many visitors, up to now."""
    draw = random.Random(1)
    now_ms = clock.now_ms()
    with transaction(db):
        known = _add_visitors(db, list_id, visitors, draw, now_ms)
        browsers = _contexts(db, [(_seen(list_id, agent), {}) for agent in AGENTS], "browser")
        first = _contexts(db, [(_seen(list_id), _landing(draw)) for _ in range(4_000)], "page")
        further = _contexts(
            db, [(_seen(list_id), _page(number)) for number in range(PAGES)], "page"
        )
        names = [(event_log.name_id(db, list_id, name, kind_of(name))[0], name) for name, _ in MIX]
    made = _visits(draw, known, browsers, first, further, names, events, now_ms)
    with click.progressbar(range(0, events, CHUNK), label="Events") as chunks:
        for start in chunks:
            with transaction(db):
                for _ in range(start, min(start + CHUNK, events)):
                    _add(db, list_id, *next(made), draw)


def _add_visitors(
    db: sqlite3.Connection, list_id: int, visitors: int, draw: random.Random, now_ms: int
) -> list[int]:
    made = []
    for number in range(visitors):
        person = None
        if draw.random() < BOUND_SHARE:
            email = f"reader{number}@example.com"
            person = db.execute(
                """insert into subscribers (list_id, email, email_key, created_at_ms)
                   values (?, ?, ?, ?)""",
                (list_id, email, email, now_ms),
            ).lastrowid
        visitor = db.execute(
            """insert into visitors (list_id, uuid, subscriber_id, bound_by, created_at_ms)
               values (?, ?, ?, ?, ?)""",
            (list_id, uuids.uuid4().bytes, person, 1 if person else None, now_ms),
        ).lastrowid
        assert visitor is not None
        made.append(visitor)
        if person and draw.random() < CLICK_SHARE:
            _add_click(db, list_id, visitor, person, now_ms - draw.randrange(DAYS * DAY_MS), draw)
    return made


def _add_click(
    db: sqlite3.Connection, list_id: int, visitor: int, person: int, at_ms: int, draw: random.Random
) -> None:
    db.execute(
        """insert into clicks (list_id, visitor_id, subscriber_id, campaign, token_digest,
               landing_digest, address_digest, clicked_at_ms, marked)
           values (?, ?, ?, ?, ?, ?, ?, ?, 0)""",
        (list_id, visitor, person, f"letter-{draw.randint(1, 12)}", draw.randbytes(16),
         b"", b"", at_ms),
    )  # fmt: skip


def _seen(list_id: int, agent: str = AGENTS[0]) -> Source:
    return Source(
        list_id=list_id,
        door=Door.TRACKER,
        device=device_of(agent),
        dsn="https://track.example/e",
        server="track.example",
        received_at_ms=1,
    )


def _landing(draw: random.Random) -> dict[str, str]:
    said = {"$current_url": f"{SITE}/products/{_seldom(draw, PAGES)}"}
    if draw.random() < 0.4:
        said["$current_url"] += f"?utm_source=mail&utm_campaign=campaign-{_seldom(draw, CAMPAIGNS)}"
    elif draw.random() < 0.8:
        said["$referrer"] = f"https://site{_seldom(draw, REFERRERS)}.example/"
    return said


def _page(number: int) -> dict[str, str]:
    return {"$current_url": f"{SITE}/products/{number}", "$referrer": f"{SITE}/"}


def _seldom(draw: random.Random, most: int) -> int:
    """The lower the more often."""
    return int(most * draw.random() ** 3)


def _contexts(
    db: sqlite3.Connection, of: list[tuple[Source, dict[str, str]]], part: str
) -> list[int]:
    made = []
    for seen, said in of:
        event: Enriched = enrich(Event(name="pageView", properties=dict(said)), seen)
        made.append(event_log.context_id(db, getattr(event, part)))
    return made


def _visits(
    draw: random.Random,
    visitors: list[int],
    browsers: list[int],
    first: list[int],
    further: list[int],
    names: list[tuple[int, str]],
    events: int,
    now_ms: int,
) -> Iterator[tuple[int, tuple[int, str], int, int, int]]:
    """Visitor, name, browser, page and time of one event after the other, in the order of time."""
    weights = list(accumulate(weight for _, weight in MIX))
    number = 0
    while True:
        known = max(1, len(visitors) * (number + events // 20) // (events + events // 20))
        back = int(known * draw.random() ** 2)  # most of those who come were there lately
        visitor = visitors[min(known - 1, known - 1 - back)]
        browser = browsers[visitor % len(browsers)]
        for page_number in range(draw.randint(1, 8)):
            page = draw.choice(first) if page_number == 0 else further[_seldom(draw, PAGES)]
            (name,) = draw.choices(names, cum_weights=weights) if page_number else (names[0],)
            at_ms = now_ms - (events - number) * DAYS * DAY_MS // events
            yield visitor, name, browser, page, at_ms
            number += 1


def _add(
    db: sqlite3.Connection,
    list_id: int,
    visitor: int,
    name: tuple[int, str],
    browser: int,
    page: int,
    at_ms: int,
    draw: random.Random,
) -> None:
    value = round(draw.uniform(5, 200), 2)
    own = {"conversion-value": value} if name[1] == "conversion" else {}
    event_id = db.execute(
        """insert into events (list_id, unique_id, visitor_id, name_id, browser_id, page_id,
               happened_at_ms, sent_at_ms, received_at_ms, door, silent, format, properties)
           values (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, 0, 1, ?)""",
        (list_id, draw.randbytes(16), visitor, name[0], browser, page, at_ms, at_ms, at_ms,
         json.dumps(own)),
    ).lastrowid  # fmt: skip
    if own:
        db.execute(
            """insert into conversions (list_id, conversion_id, event_id, visitor_id, name, value,
                   currency, quantity, happened_at_ms)
               values (?, ?, ?, ?, 'Order', ?, ?, 1, ?)""",
            (list_id, f"order-{event_id}", event_id, visitor, value,
             draw.choice(("EUR", "EUR", "USD")), at_ms),
        )  # fmt: skip
