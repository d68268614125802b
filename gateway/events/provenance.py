"""What of a stored event's properties the gateway has put there, as far as it can be told.

What a sender said is not kept apart from what `enrich` made of it. But some names are the
gateway's alone, and what follows from a URL can be worked out again: where a property is what it
would have been made, it is told so, though a sender may have said the same. Pure.
"""

from gateway.events.enrich import LIBRARY, derive_from_urls
from gateway.events.event import Properties
from gateway.events.scrub import REDACTED, SCRUBBED, utm_of
from gateway.events.vocabulary import Door, Kind

_DEVICE = ("$browser", "$browser_version", "$os", "$device", "$device_type")
_GATEWAYS = {
    "$uuid": "the visitor it belongs to",
    "$list_id": "the list it belongs to",
    "$dsn": "the address it was sent to",
    "$server": "the host it was sent to",
}
_FROM = {"$host": "$current_url", "$pathname": "$current_url", "$referring_domain": "$referrer"}


def added(properties: Properties, door: Door, kind: Kind) -> dict[str, str]:
    """Name → where the gateway has it from, of those that are known."""
    page_url = properties.get("$current_url")
    derived: Properties = {"$current_url": page_url, "$referrer": properties.get("$referrer")}
    derive_from_urls(derived)
    utm = utm_of(page_url)
    told = {
        **{name: f"follows from {url}" for name, url in _FROM.items() if name in derived},
        **{name: "read from $current_url" for name in utm},
    }
    found = {
        name: where
        for name, where in told.items()
        if properties.get(name) == derived.get(name, utm.get(name))
    }
    found |= _GATEWAYS | _by_door(properties, door, kind)
    found |= {name: _TAKEN_OUT for name in SCRUBBED if REDACTED in str(properties.get(name))}
    return {name: where for name, where in found.items() if properties.get(name) is not None}


_TAKEN_OUT = f"what looked secret or personal in it was written over with “{REDACTED}”"


def _by_door(properties: Properties, door: Door, kind: Kind) -> dict[str, str]:
    if door is Door.API:
        return {"$id": "the ID of the call"}
    found = dict.fromkeys(_DEVICE, "read from the browser's headers")
    if properties.get("$lib") == LIBRARY:
        found["$lib"] = "the gateway's own tracker"
    if kind is Kind.IDENTIFY:
        found["emailAddress"] = "the address it named"
    return found
