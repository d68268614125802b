"""The words of events: kinds, the standard properties, and which of them belong together.

Everything here is fixed by the reference; nothing is computed but `kind_of`.
"""

from enum import IntEnum


class Kind(IntEnum):
    """What segments and triggers match on: the three known kinds, or a custom event's name."""

    CUSTOM = 0
    PAGE_VIEW = 1
    IDENTIFY = 2
    CONVERSION = 3


class Door(IntEnum):
    """Where an event came in; stored with it."""

    TRACKER = 1
    PIXEL = 2
    API = 3


_KINDS = {
    "pageView": Kind.PAGE_VIEW,
    "page_view": Kind.PAGE_VIEW,
    "$pageview": Kind.PAGE_VIEW,
    "identify": Kind.IDENTIFY,
    "conversion": Kind.CONVERSION,
}


def kind_of(event_name: str) -> Kind:
    """The kind of an event, by its name as sent."""
    return _KINDS.get(event_name, Kind.CUSTOM)


TRIGGERS = {
    "WebsiteEvent_pageView": Kind.PAGE_VIEW,
    "WebsiteEvent_identify": Kind.IDENTIFY,
    "WebsiteEvent_customEvent": Kind.CUSTOM,
    "WebsiteEvent_conversion": Kind.CONVERSION,
}
"""What a journey can wait for, as it is spelled on the wire."""


STANDARD_PROPERTIES = (
    "$browser",
    "$browser_language",
    "$browser_version",
    "$current_url",
    "$device",
    "$device_type",
    "$dsn",
    "$host",
    "$lib",
    "$lib_version",
    "$list_id",
    "$os",
    "$pathname",
    "$referrer",
    "$referring_domain",
    "$screen_height",
    "$screen_width",
    "$sent_at",
    "$server",
    "$uuid",
    "$viewport_height",
    "$viewport_width",
)
"""On every event, null where not known."""

BROWSER_PROPERTIES = frozenset(
    {
        "$browser",
        "$browser_language",
        "$browser_version",
        "$device",
        "$device_type",
        "$dsn",
        "$lib",
        "$lib_version",
        "$os",
        "$screen_height",
        "$screen_width",
        "$server",
        "$viewport_height",
        "$viewport_width",
    }
)
"""The same for all events of one browser: kept once, pointed to."""

UTM_PROPERTIES = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "utm_id")
"""Read from the page's URL under the names they have there: what other trackers call them too."""

PAGE_PROPERTIES = frozenset(
    {
        "$current_url",
        "$host",
        "$pageTitle",
        "$page_title",
        "$pathname",
        "$referrer",
        "$referring_domain",
        "url",
        *UTM_PROPERTIES,
    }
)
"""The same for all events of one page: kept once, pointed to."""

SHARED_PROPERTIES = BROWSER_PROPERTIES | PAGE_PROPERTIES

KNOWN_PROPERTIES = frozenset(STANDARD_PROPERTIES) | SHARED_PROPERTIES

URL_PROPERTIES = frozenset({"$current_url", "$referrer", "url"})

SERVER_PROPERTIES = frozenset({"$list_id", "$sent_at", "$uuid", "$dsn", "$server"})
"""Facts only the gateway knows: a sender's claim about them is not kept."""
