"""What a webhook says: the journey, the subscriber, the event, and the owner's own keys. Read-only.

Written once, when the event is stored, in the wire's spellings. A merge tag in the owner's values
(`%Subscriber:EmailAddress%`, `%Event:product%`) becomes what it names, or nothing.
"""

import re
import sqlite3
from collections.abc import Mapping
from typing import Any

import msgspec

from gateway import clock
from gateway.events.vocabulary import TRIGGERS
from gateway.records import fields, people
from gateway.records.event_log import StoredEvent
from gateway.records.journeys import Journey
from gateway.records.webhooks import Webhook

Facts = Mapping[str, Any]

OWN_KEYS = ("Journey", "Subscriber", "Event")
"""What the owner's keys may not be."""

_TAG = re.compile(r"%(Journey|Subscriber|Event):([^%\r\n]{1,200})%")
_SPELLED = {kind: word for word, kind in TRIGGERS.items()}


def facts(
    db: sqlite3.Connection, journey: Journey, subscriber_id: int, event: StoredEvent
) -> Facts:
    """What is the same for all webhooks of a journey."""
    assert journey.kind is not None
    return {
        "Journey": {
            "JourneyID": journey.id,
            "JourneyName": journey.name,
            "Trigger": _SPELLED[journey.kind],
        },
        "Subscriber": _subscriber(db, subscriber_id),
        "Event": {
            "EventID": event.event_id,
            "Event": event.event,
            "UUID": event.uuid,
            "EventDate": clock.iso(event.happened_at_ms),
            "Properties": event.properties,
        },
    }


def body(webhook: Webhook, known: Facts) -> str:
    """The JSON that is posted."""
    own = {name: _merged(value, known) for name, value in webhook.payload.items()}
    return msgspec.json.encode({**own, **known}).decode()


def _subscriber(db: sqlite3.Connection, subscriber_id: int) -> Facts:
    found = people.subscriber(db, subscriber_id)
    values = fields.values(db, subscriber_id)
    own: dict[str, Any] = {}
    for field in fields.of_list(db, found.list_id):
        value = values.get(field.id, field.default_value)
        own[f"CustomField{field.id}"] = value
        if field.alias:
            own[field.alias] = value
    return {
        **own,
        "SubscriberID": found.id,
        "ListID": found.list_id,
        "EmailAddress": found.email,
        "ExternalID": found.external_id or "",
        "SubscriptionStatus": found.status,
        "SubscriptionDate": clock.iso(found.created_at_ms),
    }


def _merged(value: Any, known: Facts) -> Any:
    if isinstance(value, str):
        return _TAG.sub(lambda tag: _named(tag[1], tag[2], known), value)
    if isinstance(value, list):
        return [_merged(each, known) for each in value]
    if isinstance(value, dict):
        return {name: _merged(each, known) for name, each in value.items()}
    return value


def _named(of: str, name: str, known: Facts) -> str:
    """As text. An event's tags name its properties, and then what else is said of it."""
    own = known[of]
    value = own["Properties"].get(name, own.get(name)) if of == "Event" else own.get(name)
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
