"""Values unit tests begin with: an event as it comes in, and the same ready to be recorded."""

import uuid as uuids
from typing import Any

from gateway.events.device import Device
from gateway.events.enrich import Source, enrich
from gateway.events.event import Enriched, Event
from gateway.events.vocabulary import Door

NOW_MS = 1_770_000_000_000
ACCOUNT_ID = 1
LIST_ID = 1

DESKTOP = Device("Chrome", "120.0.0", "Windows", "Other", "desktop")


def visitor(number: int) -> uuids.UUID:
    """The same uuid for the same number."""
    return uuids.UUID(int=number, version=4)


def source(**given: Any) -> Source:
    """What the gateway knows of a request; by default a browser's, received at NOW_MS."""
    return Source(
        **{
            "list_id": LIST_ID,
            "door": Door.TRACKER,
            "device": DESKTOP,
            "dsn": "https://track.example.com/e",
            "server": "track.example.com",
            "received_at_ms": NOW_MS,
            **given,
        }
    )


def enriched(name: str = "pageView", *, seen: Source | None = None, **event: Any) -> Enriched:
    """An event ready to be recorded: what its sender said, seen by the gateway as `seen`."""
    return enrich(Event(name=name, **event), seen or source())


def server_call(name: str, **event: Any) -> Enriched:
    """An event of an API call, ready to be recorded."""
    return enriched(name, seen=source(door=Door.API, device=Device()), **event)
