"""A shop's last thirty days, the same each time, put in by the river's own steps: what the demo
shows of the console, and what the console is tried with.
"""

import random
import sqlite3
import uuid as uuids
from typing import Any

from gateway.events.device import Device, device_of
from gateway.events.enrich import Source, enrich
from gateway.events.event import Click, Event
from gateway.events.vocabulary import Door
from gateway.ingest.record import record
from gateway.records import fields, people, segments
from gateway.settings import Limits

DAY_MS = 86_400_000
VISITORS = 60
PEOPLE = ("ada", "grace", "alan", "edsger", "barbara", "donald", "radia", "ken", "margaret")
PRODUCTS = (("mug", 18.5), ("poster", 24.0), ("tote", 12.0), ("desk-lamp", 64.9))
REFERRERS = (None, None, "https://www.google.com/", "https://news.example/a", "https://t.co/x")
CAMPAIGNS = (None, None, None, "spring", "newsletter-42")
SEGMENTS: dict[str, list[Any]] = {
    "Cart, but no order lately": [
        {"type": "website-events", "event": "add_to_shopping_cart", "operator": "happened"},
        [
            {
                "type": "website-events", "event": "conversion", "value": "3",
                "operator": "did not happen in the last x days",
            },
            {
                "type": "website-events", "event": "conversion", "operator": "less than",
                "event_parameter": "conversion-value", "value": "50",
            },
        ],
        {"type": "fields", "field_id": "subscriptionstatus", "operator": "is",
         "value": "Subscribed"},
    ],
    "Paid by card": [
        {
            "type": "website-events", "event": "payment_succeeded", "operator": "equals",
            "event_parameter": "method", "value": "card",
        },
    ],
}  # fmt: skip
AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Safari/605.1.15",
)


def fill(db: sqlite3.Connection, list_id: int, now_ms: int) -> None:
    """Puts the shop's past into an empty list: some 700 events of 60 visitors, nine of whom said
    who they are; orders, some by links of a campaign; a server's events, all up to an hour ago."""
    fields.create(db, list_id, name="Plan", type="Single line", alias="plan")
    until_ms = now_ms - 3_600_000
    recipients = {
        name: people.subscribe(db, list_id, f"{name}@example.com", until_ms - 40 * DAY_MS).id
        for name in PEOPLE[::2]
    }
    history = _Shop(list_id, until_ms, recipients)
    for event, source in sorted(history.events(), key=lambda each: each[1].received_at_ms):
        record(db, enrich(event, source), Limits())
    for name, rules in SEGMENTS.items():
        segments.create(db, list_id, name=name, rules=rules, match_all=True, now_ms=now_ms)


class _Shop:
    def __init__(self, list_id: int, until_ms: int, recipients: dict[str, int]) -> None:
        self._list_id = list_id
        self._draw = random.Random(42)  # the same shop each time
        self._until_ms = until_ms
        self._recipients = recipients
        self._click: Click | None = None
        self._made: list[tuple[Event, Source]] = []
        self._order = 2_000

    def events(self) -> list[tuple[Event, Source]]:
        for number in range(VISITORS):
            self._visitor(number)
        return self._made

    def _visitor(self, number: int) -> None:
        draw = self._draw
        self._uuid = uuids.UUID(int=draw.getrandbits(128), version=4)
        self._device = device_of(AGENTS[number % len(AGENTS)])
        person = PEOPLE[number // 4] if number % 4 == 0 and number // 4 < len(PEOPLE) else None
        for visit in range(draw.randint(1, 4)):
            start_ms = self._until_ms - draw.randrange(30 * DAY_MS)
            self._visit(start_ms, person if visit == 0 else None)

    def _visit(self, at_ms: int, person: str | None) -> None:
        draw = self._draw
        query = f"?utm_source=mail&utm_campaign={name}" if (name := draw.choice(CAMPAIGNS)) else ""
        self._click = self._link_of(person)
        self._page(at_ms, f"/{query}", "The shop", referrer=draw.choice(REFERRERS))
        self._click = None
        for _ in range(draw.randint(0, 4)):
            product, price = draw.choice(PRODUCTS)
            at_ms += draw.randint(5_000, 200_000)
            self._page(at_ms, f"/product/{product}", f"The {product}")
            if draw.random() < 0.4:
                cart = {"product_id": product, "price": price, "quantity": draw.randint(1, 3)}
                self._event(at_ms + 2_000, Event(name="add_to_shopping_cart", properties=cart))
        if person:
            at_ms += 9_000
            email = f"{person}@example.com"
            plan = {"plan": "basic"}
            self._event(
                at_ms,
                Event(name="identify", email=email, properties=plan, identify_properties=plan),
            )
            self._order_something(at_ms + 30_000)

    def _order_something(self, at_ms: int) -> None:
        self._order += 1
        said = {
            "conversion-id": f"order-{self._order}",
            "conversion-name": self._draw.choice(("Order", "Order", "Gift card")),
            "conversion-value": round(self._draw.uniform(12, 290), 2),
        }
        self._event(at_ms, Event(name="conversion", properties=said))
        paid = {"order": said["conversion-id"], "method": "card"}
        self._event(at_ms + 3_000, Event(name="payment_succeeded", properties=paid), Door.API)

    def _link_of(self, person: str | None) -> Click | None:
        """The link of a mail to a person, for those who had one."""
        subscriber_id = self._recipients.get(person or "")
        if subscriber_id is None:
            return None
        return Click(
            subscriber_id=subscriber_id,
            campaign="spring",
            token_digest=subscriber_id.to_bytes(16, "big"),
            address_digest=subscriber_id.to_bytes(16, "little"),
        )

    def _page(self, at_ms: int, path: str, title: str, referrer: str | None = None) -> None:
        url = f"https://shop.example{path}"
        said = {"$current_url": url, "$page_title": title, "$referrer": referrer}
        properties = {name: value for name, value in said.items() if value is not None}
        self._event(at_ms, Event(name="pageView", properties=properties))

    def _event(self, at_ms: int, event: Event, door: Door = Door.TRACKER) -> None:
        at_ms = min(at_ms, self._until_ms)
        source = Source(
            list_id=self._list_id,
            door=door,
            device=self._device if door is Door.TRACKER else Device(),
            dsn="https://track.example.com/e",
            server="track.example.com",
            received_at_ms=at_ms,
            visitor=self._uuid,
            click=self._click,
        )
        self._made.append((event, source))
