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


def span(milliseconds: int) -> str:
    """How long something took, in the unit that says it best: `3 min`."""
    for unit_ms, unit in ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s")):
        if milliseconds >= unit_ms:
            return f"{milliseconds // unit_ms} {unit}"
    return "at once"


def clipped(text: str) -> str:
    return text if len(text) <= CHARS_MAX else text[: CHARS_MAX - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
