"""When to leave an endpoint alone: pure, told of attempts and asked how many may be under way.

An endpoint that fails several times in a row is left alone for a time, longer each time; then one
attempt tries it. One that asks for a pause gets it. Kept in memory: a courier that starts tries.
"""

import random
from dataclasses import dataclass

FAILURES = 5
PAUSE_MS, PAUSE_MS_MAX = 15_000, 600_000
BACKOFF_MS, BACKOFF_MS_MAX = 5_000, 4 * 3_600_000

# Not the module's own, which all of the process share: who seeds that, or watches it, is not to
# meet a courier's draws.
_dice = random.Random()


@dataclass(slots=True)
class Circuit:
    """Of one endpoint."""

    failures: int = 0
    openings: int = 0
    closed_at_ms: int = 0

    def room(self, now_ms: int, most: int) -> int:
        """How many attempts may be under way now, of `most`."""
        if now_ms < self.closed_at_ms:
            return 0
        return 1 if self.openings else most

    def succeeded(self) -> None:
        self.failures = self.openings = self.closed_at_ms = 0

    def failed(self, now_ms: int) -> None:
        """Several that were under way together count as one opening."""
        self.failures += 1
        if self.failures >= FAILURES and now_ms >= self.closed_at_ms:
            pause_ms = min(PAUSE_MS << min(self.openings, 20), PAUSE_MS_MAX)
            self.openings += 1
            self.pause(now_ms + jittered(pause_ms))

    def pause(self, until_ms: int) -> None:
        self.closed_at_ms = max(self.closed_at_ms, until_ms)


def backoff_ms(attempts: int) -> int:
    """How long to wait after so many attempts at one delivery."""
    return jittered(min(BACKOFF_MS << min(attempts - 1, 20), BACKOFF_MS_MAX))


def jittered(pause_ms: int) -> int:
    """Half of it to all of it, so that what failed together is not tried again together."""
    return _dice.randint(pause_ms // 2, pause_ms)
