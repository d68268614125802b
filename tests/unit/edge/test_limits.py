import pytest

from gateway.edge import limits
from gateway.edge.limits import RateLimit
from gateway.errors import RateLimited


class Clock:
    """The one thing that is not real here."""

    now_s = 1_000.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(limits, "time", clock)
    return clock


def allowed(limit: RateLimit, caller: str, tries: int) -> int:
    return sum(limit.wait_s(caller) == 0 for _ in range(tries))


def test_a_caller_may_use_its_whole_allowance_at_once_and_not_one_call_more(clock: Clock) -> None:
    limit = RateLimit(60, 60)
    assert allowed(limit, "a", 61) == 60
    assert limit.wait_s("a") == 1


@pytest.mark.parametrize(
    ("calls", "span_s"), [(5_000, 60), (100, 60), (30, 3_600), (7, 3), (1, 60)]
)
def test_the_allowance_holds_whatever_the_numbers(clock: Clock, calls: int, span_s: int) -> None:
    limit = RateLimit(calls, span_s)
    assert allowed(limit, "a", calls + 1) == calls
    clock.now_s += span_s
    assert allowed(limit, "a", calls + 1) == calls


def test_callers_do_not_use_up_each_other_s_allowance(clock: Clock) -> None:
    limit = RateLimit(2, 60)
    assert allowed(limit, "a", 5) == 2
    assert allowed(limit, "b", 5) == 2


def test_the_allowance_comes_back_evenly(clock: Clock) -> None:
    limit = RateLimit(60, 60)
    allowed(limit, "a", 60)
    clock.now_s += 10
    assert allowed(limit, "a", 60) == 10


def test_who_waits_as_long_as_told_is_let_in(clock: Clock) -> None:
    limit = RateLimit(3, 60)
    allowed(limit, "a", 3)
    wait_s = limit.wait_s("a")
    assert wait_s == 20
    clock.now_s += wait_s - 1
    assert limit.wait_s("a") == 1
    clock.now_s += 1
    assert limit.wait_s("a") == 0


def test_being_refused_costs_nothing(clock: Clock) -> None:
    """A client that hammers is let in as soon as one that waits."""
    limit = RateLimit(1, 60)
    limit.take("a")
    for _ in range(1_000):
        limit.wait_s("a")
    clock.now_s += 60
    assert limit.wait_s("a") == 0


def test_a_batch_counts_as_many_calls_or_none_at_all(clock: Clock) -> None:
    limit = RateLimit(10, 60)
    assert limit.wait_s("a", 8) == 0
    assert limit.wait_s("a", 3) > 0
    assert limit.wait_s("a", 2) == 0


def test_more_at_once_than_the_allowance_is_told_a_wait_of_one_span_at_most(clock: Clock) -> None:
    assert RateLimit(10, 60).wait_s("a", 10_000) == 60


def test_a_refusal_says_when_to_come_back(clock: Clock) -> None:
    limit = RateLimit(1, 60)
    limit.take("a")
    with pytest.raises(RateLimited, match="Try again in 60 seconds") as refused:
        limit.take("a")
    assert refused.value.retry_after_s == 60


@pytest.mark.parametrize("limit", [RateLimit(1, 60, enabled=False), RateLimit(0, 60)])
def test_a_limit_that_is_off_counts_nothing(clock: Clock, limit: RateLimit) -> None:
    assert allowed(limit, "a", 1_000) == 1_000


def test_callers_that_are_idle_are_forgotten_before_busy_ones(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is bounded however many addresses call."""
    monkeypatch.setattr(limits, "CALLERS_MAX", 3)
    limit = RateLimit(1, 60)
    limit.take("idle 1")
    limit.take("idle 2")
    clock.now_s += 61
    limit.take("busy")
    limit.take("new")
    assert limit.wait_s("busy") > 0
