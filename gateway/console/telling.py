"""Events and instants in a few words, for tables that many pages have."""

from typing import Any

from gateway.events.vocabulary import KNOWN_PROPERTIES
from gateway.records.event_log import StoredEvent

CHARS_MAX = 160
PROPERTIES_MAX = 4


def about(event: StoredEvent) -> str:
    """What an event says, in one line: the page, what was bought, or its own first properties."""
    said = event.properties
    if event.kind == "page view":
        return clipped(page_of(event))
    if event.kind == "conversion":
        name, value = said.get("conversion-name"), said.get("conversion-value")
        return clipped(f"{name}, {value}")
    own = [(name, value) for name, value in said.items() if name not in KNOWN_PROPERTIES]
    return clipped(", ".join(f"{name}: {value}" for name, value in own[:PROPERTIES_MAX]))


def page_of(event: StoredEvent) -> str:
    """The page's path, or the whole address of one that has none."""
    said = event.properties
    return _text(said.get("$pathname")) or _text(said.get("$current_url")) or _text(said.get("url"))


UNITS_MS = (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000))


def span(milliseconds: int) -> str:
    """How long something took, or how far it is off, in its two largest units: `2 h 5 min`."""
    parts, rest = [], abs(milliseconds)
    for unit, unit_ms in UNITS_MS:
        count, rest = divmod(rest, unit_ms)
        if count:
            parts.append(f"{count:,} {unit}")
    return " ".join(parts[:2]) or "at once"


def clipped(text: str) -> str:
    return text if len(text) <= CHARS_MAX else text[: CHARS_MAX - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
