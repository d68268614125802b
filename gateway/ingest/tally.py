"""What this process has counted: plain numbers, each under its series, such as
`("events", "tracker", "stored", "")`. The event loop counts, and the writer's thread its commits.

The ledger: an event is `received` when its door has answered for it, and `ended` where it ended.
The two are counted apart, so that they can be held against each other. What a sender was told to
send again is `deferred`, and was not received.
"""

from bisect import bisect_left
from collections import defaultdict

from gateway.events.vocabulary import Door

Series = tuple[str, ...]
Numbers = dict[Series, float]

COMMIT_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
COMMIT_ITEMS = (1, 2, 5, 10, 20, 50, 100, 200, 500)
WEBHOOK_LAG_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0, 3600.0, 86400.0)
BEYOND = "+Inf"

# By the door's number: looking up an enum by its hash takes longer than counting.
_DOORS = ("", *(door.name.lower() for door in sorted(Door)))


class Tally:
    """One for a process, from its start on."""

    def __init__(self) -> None:
        self._numbers: defaultdict[Series, float] = defaultdict(int)

    def numbers(self) -> Numbers:
        """A copy, made at one instant."""
        return self._numbers.copy()

    def received(self, door: Door, events: int) -> None:
        self._numbers["received", _DOORS[door]] += events

    def ended(self, door: Door, outcome: str, reason: str | None = None) -> None:
        self._numbers["events", _DOORS[door], outcome, reason or ""] += 1

    def deferred(self, door: Door, reason: str, events: int = 1) -> None:
        self._numbers["deferred", _DOORS[door], reason] += events

    def evicted(self, reason: str, events: int) -> None:
        self._numbers["evicted", reason] += events

    def answered(self, status: int) -> None:
        self._numbers["answers", f"{status // 100}xx"] += 1

    def committed(self, items: int, seconds: float, failed: bool) -> None:
        """A commit of the writer: how many writes shared it, how long they and it took."""
        if failed:
            self._numbers["commits_failed",] += 1
            return
        self._observe("commit_seconds", COMMIT_SECONDS, seconds)
        self._observe("commit_items", COMMIT_ITEMS, items)

    def delivered(self, lag_s: float) -> None:
        """A webhook arrived, so long after it was owed."""
        self._numbers["deliveries", "delivered"] += 1
        self._observe("webhook_lag_seconds", WEBHOOK_LAG_SECONDS, lag_s)

    def undelivered(self, outcome: str) -> None:
        """An attempt failed, or was the last."""
        self._numbers["deliveries", outcome] += 1

    def _observe(self, name: str, bounds: tuple[float, ...], value: float) -> None:
        place = bisect_left(bounds, value)
        self._numbers[name, str(bounds[place]) if place < len(bounds) else BEYOND] += 1
        self._numbers[name, "sum"] += value
