"""Rate limits by caller: so many calls in a span of time, spread evenly, bursts up to the whole.

The generic cell rate algorithm: one number a caller (the instant its allowance is used up),
no timers. Each process counts for itself. Memory is bounded: the callers that have been quiet the
longest are forgotten first, so that a flood of new ones does not free a busy one.
"""

import ipaddress
import math
import time
from collections import OrderedDict
from functools import lru_cache

from gateway.errors import Allowance, RateLimited

CALLERS_MAX = 100_000
IPV6_PREFIX = 64  # what one host has to itself: it may change its address within it at will


class RateLimit:
    """At most `calls` a caller in `span_s` seconds."""

    def __init__(self, calls: int, span_s: float, *, enabled: bool = True) -> None:
        self._calls = calls
        self._span_s = span_s
        self._cost_s = span_s / max(calls, 1)
        self._enabled = enabled and calls > 0
        self._used_up_at: OrderedDict[str, float] = OrderedDict()

    def wait_s(self, caller: str, calls: int = 1) -> int:
        """0 and the calls are counted; or the whole seconds until they would be allowed."""
        if not self._enabled:
            return 0
        caller = self._named(caller)
        now = time.monotonic()
        before = max(self._used_up_at.get(caller, now), now)
        after = before + calls * self._cost_s
        wait_s = self._excess_s(after, now)
        self._remember(caller, before if wait_s else after)
        return wait_s

    def take(self, caller: str, calls: int = 1) -> None:
        """Count the calls, or raise RateLimited."""
        wait_s = self.wait_s(caller, calls)
        if wait_s:
            raise RateLimited(wait_s, self.left(caller))

    def check(self, caller: str) -> None:
        """Raise RateLimited where not one call is left. Nothing is counted."""
        used_up_at = self._used_up_at.get(self._named(caller))
        if used_up_at is not None:
            wait_s = self._excess_s(used_up_at + self._cost_s, time.monotonic())
            if wait_s:
                raise RateLimited(wait_s, self.left(caller))

    def left(self, caller: str) -> Allowance | None:
        """What the caller may still do; None where nothing is counted."""
        if not self._enabled:
            return None
        now = time.monotonic()
        taken_s = max(self._used_up_at.get(self._named(caller), now) - now, 0.0)
        remaining = int((self._span_s - taken_s) / self._cost_s + 1e-6)
        return Allowance(self._calls, remaining, math.ceil(taken_s))

    def _excess_s(self, used_up_at: float, now: float) -> int:
        excess_s = used_up_at - now - self._span_s
        if excess_s <= self._cost_s * 1e-6:
            return 0
        # More at once than the whole allowance can only be told to come back with less.
        return math.ceil(min(excess_s, self._span_s))

    def _remember(self, caller: str, used_up_at: float) -> None:
        self._used_up_at[caller] = used_up_at
        self._used_up_at.move_to_end(caller)
        if len(self._used_up_at) > CALLERS_MAX:
            self._used_up_at.popitem(last=False)

    def _named(self, caller: str) -> str:
        return caller


class AddressLimit(RateLimit):
    """A limit whose callers are addresses: IPv4 by the address, IPv6 by the /64 it is in."""

    def _named(self, caller: str) -> str:
        return network_of(caller)


def share(calls: int, workers: int) -> int:
    """A worker's part of a limit that guards against guessing: each process counts for itself, and
    who guesses speaks to all of them. (Allowances are not divided: a caller on one connection
    speaks to one worker, and is promised the whole.)"""
    return -(-calls // workers)


@lru_cache(10_000)
def network_of(address: str) -> str:
    """Whom an address stands for: itself, or its /64; other text as it is."""
    if ":" not in address:
        return address
    try:
        return str(ipaddress.ip_network((address, IPV6_PREFIX), strict=False))
    except ValueError:
        return address
