"""Journeys in a shop: made in a line, and what they brought about."""

import json
from typing import Any

from gateway.events.vocabulary import Kind
from gateway.records import journeys, outbox, webhooks
from gateway.records.journeys import Journey
from gateway.records.outbox import Delivery
from gateway.records.webhooks import Webhook
from tests.unit.records.shop import Shop


def journey(shop: Shop, kind: Kind = Kind.CUSTOM, value: str = "cart", **facts: Any) -> Journey:
    """An enabled one that waits for `cart` and posts to one endpoint."""
    webhook = Webhook(0, 0, "https://hooks.example/in", payload=facts.pop("payload", {}))
    made = journeys.create(
        shop.db,
        Journey(
            **{
                "id": 0, "account_id": shop.account_id, "list_id": shop.list_id,
                "name": "After the cart", "enabled": True, "kind": kind,
                "value": value if kind in (Kind.CUSTOM, Kind.PAGE_VIEW) else "",
            }
            | facts
        ),
        shop.now_ms,
    )  # fmt: skip
    own = Webhook(0, made.id, webhook.url, payload=webhook.payload)
    webhooks.replace(shop.db, made.id, [own], shop.now_ms)
    return made


def owed(shop: Shop, journey: Journey) -> list[Delivery]:
    """All that a journey has written into the outbox, however it stands."""
    ids = [webhook.id for webhook in webhooks.of_journey(shop.db, journey.id)]
    return outbox.newest(shop.db, ids, [*outbox.State], rows=1_000)[::-1]


def events_of(shop: Shop, journey: Journey) -> list[str]:
    """The names of the events it fired for, in order."""
    return [json.loads(each.body)["Event"]["Event"] for each in owed(shop, journey)]
