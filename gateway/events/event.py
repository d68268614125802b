"""The values that travel down the river: what a sender said, and what it became when enriched."""

from enum import IntEnum
from typing import Any

import msgspec

from gateway.events.vocabulary import Door, Kind, kind_of

Properties = dict[str, Any]
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Context(dict[str, Any]):
    """Properties that many events say alike, a browser's or a page's, and the JSON they were read
    from. Not to be changed: others hold the same. As a key it stands for itself, with nothing
    compared: what was said alike is one object (`context_of`)."""

    __slots__ = ("text",)
    __hash__ = object.__hash__  # type: ignore[assignment] # of a dict there is none

    def __init__(self, text: bytes) -> None:
        super().__init__(_decode(text))
        self.text = text


NOTHING = Context(b"{}")


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event as its sender said it, checked and bounded, its spellings already ours.

    `event_id` is the sender's id for this event, `external_id` the sender's id for the person,
    `uuid` the visitor (lower-case 8-4-4-4-12), `at_ms` when it happened by the sender's clock,
    `proof` the HMAC by which the site's own server vouches for the address.
    `tab` and `seq` are the tracker's count of events: a number that is missing was lost.
    """

    name: str
    properties: Properties = {}
    event_id: str | None = None
    at_ms: int | None = None
    uuid: str | None = None
    email: str | None = None
    proof: str | None = None
    external_id: str | None = None
    identify_properties: Properties = {}
    silent: bool = False
    test: bool = False
    tab: int | None = None
    seq: int | None = None

    @property
    def kind(self) -> Kind:
        return kind_of(self.name)


class Beacon(msgspec.Struct, frozen=True, kw_only=True):
    """What one request from a browser carries. An entry of `events` is an Event where nothing
    about it is unusual, else it is still raw: one that cannot be read must not cost the others, so
    they are parsed one by one. `alone`: the body says who it is, and cookies are neither asked nor
    set."""

    list_tracker_id: str
    user_tracker_id: str | None = None
    visitor_token: str | None = None
    seed: str | None = None
    attribution_token: str | None = None
    sent_at_ms: int | None = None
    human: bool = False
    context: Properties = {}
    alone: bool = False
    events: list[Any]


class Trust(IntEnum):
    """What an address that an event brings may do: nothing, find a subscriber, or make one."""

    NONE = 0
    BIND = 1
    CREATE = 2


class Click(msgspec.Struct, frozen=True, kw_only=True):
    """What a valid attribution token says, and where it was shown. The digests are 16 bytes."""

    subscriber_id: int
    campaign: str
    token_digest: bytes
    address_digest: bytes


class Enriched(msgspec.Struct, frozen=True, kw_only=True):
    """One event ready to be recorded: who sent it, all it says, and the three instants.

    The properties come in three parts by what they are the same for: `browser` and `page` are
    kept once and pointed to, `own` belongs to this event. `unique_id` (16 bytes) is what makes
    it once per list. `human`: the tracker saw a sign of a person on this page.
    """

    list_id: int
    unique_id: bytes
    name: str
    kind: Kind
    door: Door
    browser: Context
    page: Context
    own: Properties
    happened_at_ms: int
    sent_at_ms: int | None
    received_at_ms: int
    uuid: bytes | None
    email: str | None
    trust: Trust
    click: Click | None
    human: bool
    external_id: str | None
    identify_properties: Properties
    silent: bool
    test: bool
    tab: int | None = None
    seq: int | None = None
    opted_out: bool = False
