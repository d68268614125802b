"""Rate limits by caller: so many calls in a span of time, spread evenly, bursts up to the whole.

The generic cell rate algorithm: one number a caller (the instant its allowance is used up),
no timers. Each process counts for itself. Memory is bounded: callers idle for a whole span are
forgotten, and when everybody is busy the table is emptied rather than let grow.
"""

import math
import time

from gateway.errors import RateLimited

CALLERS_MAX = 100_000


class RateLimit:
    """At most `calls` a caller in `span_s` seconds."""

    def __init__(self, calls: int, span_s: float, *, enabled: bool = True) -> None:
        self._span_s = span_s
        self._cost_s = span_s / max(calls, 1)
        self._enabled = enabled and calls > 0
        self._used_up_at: dict[str, float] = {}

    def wait_s(self, caller: str, calls: int = 1) -> int:
        """0 and the calls are counted; or the whole seconds until they would be allowed."""
        if not self._enabled:
            return 0
        now = time.monotonic()
        used_up_at = max(self._used_up_at.get(caller, now), now) + calls * self._cost_s
        excess_s = used_up_at - now - self._span_s
        if excess_s > self._cost_s * 1e-6:
            # More at once than the whole allowance can only be told to come back with less.
            return math.ceil(min(excess_s, self._span_s))
        if len(self._used_up_at) >= CALLERS_MAX:
            self._forget(now)
        self._used_up_at[caller] = used_up_at
        return 0

    def take(self, caller: str, calls: int = 1) -> None:
        """Count the calls, or raise RateLimited."""
        wait_s = self.wait_s(caller, calls)
        if wait_s:
            raise RateLimited(wait_s)

    def _forget(self, now: float) -> None:
        busy = {caller: at for caller, at in self._used_up_at.items() if at > now}
        self._used_up_at = busy if len(busy) < CALLERS_MAX else {}
