"""The one place time is read, so that a test can fix it.

Instants are integer milliseconds since 1970 UTC everywhere in this project;
only what leaves it for people to read is spelled as ISO 8601.
"""

import datetime
import time


def now_ms() -> int:
    """The current instant in milliseconds UTC."""
    return time.time_ns() // 1_000_000


def iso(instant_ms: int) -> str:
    """`2026-01-31T12:00:00.000Z` for an instant in milliseconds."""
    moment = datetime.datetime.fromtimestamp(instant_ms / 1000, datetime.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
