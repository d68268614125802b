import pytest

from gateway.edge import limits
from gateway.edge.limits import AddressLimit, RateLimit, share
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


def test_what_is_left_goes_down_with_each_call_and_comes_back_evenly(clock: Clock) -> None:
    limit = RateLimit(60, 60)
    assert limit.left("a") == (60, 60, 0)
    limit.take("a", 45)
    assert limit.left("a") == (60, 15, 45)
    clock.now_s += 30
    assert limit.left("a") == (60, 45, 15)
    clock.now_s += 3_600
    assert limit.left("a") == (60, 60, 0)


@pytest.mark.parametrize(
    ("calls", "span_s"), [(5_000, 60), (100, 60), (30, 3_600), (7, 3), (1, 60)]
)
def test_what_is_said_to_be_left_is_what_is_let_in(clock: Clock, calls: int, span_s: int) -> None:
    """To the call, wherever in the allowance one asks; and asking costs nothing."""
    limit = RateLimit(calls, span_s)
    for _ in range(20):
        clock.now_s += span_s / 7
        left = limit.left("a")
        assert left
        assert allowed(limit, "a", min(left.remaining, 3)) == min(left.remaining, 3)
    left = limit.left("a")
    assert left
    assert allowed(limit, "a", calls + 1) == left.remaining


def test_when_all_is_back_was_said_in_time(clock: Clock) -> None:
    limit = RateLimit(7, 60)
    allowed(limit, "a", 5)
    left = limit.left("a")
    assert left
    clock.now_s += left.reset_s
    assert limit.left("a") == (7, 7, 0)


def test_a_refusal_carries_what_is_left(clock: Clock) -> None:
    limit = RateLimit(10, 60)
    limit.take("a", 8)
    with pytest.raises(RateLimited) as refused:
        limit.take("a", 5)
    assert refused.value.allowance == (10, 2, 48)


def test_a_limit_can_be_looked_at_without_being_counted(clock: Clock) -> None:
    limit = RateLimit(2, 60)
    for _ in range(10):
        limit.check("a")
    allowed(limit, "a", 2)
    with pytest.raises(RateLimited, match="Try again in 30 seconds"):
        limit.check("a")
    clock.now_s += 30
    limit.check("a")


@pytest.mark.parametrize("limit", [RateLimit(1, 60, enabled=False), RateLimit(0, 60)])
def test_of_a_limit_that_is_off_nothing_is_said(clock: Clock, limit: RateLimit) -> None:
    limit.take("a")
    limit.check("a")
    assert limit.left("a") is None


class TestMemory:
    """Bounded, however many addresses call."""

    @pytest.fixture(autouse=True)
    def room_for_three(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "CALLERS_MAX", 3)

    def test_who_was_quiet_the_longest_is_forgotten_first(self, clock: Clock) -> None:
        limit = RateLimit(2, 60)
        for caller in ("first", "second", "third"):
            limit.take(caller)
        limit.take("first")
        limit.take("fourth")
        remaining = {name: left.remaining for name in NAMES if (left := limit.left(name))}
        assert remaining == {"first": 0, "second": 2, "third": 1, "fourth": 1}

    def test_a_flood_of_new_callers_does_not_free_one_that_goes_on(self, clock: Clock) -> None:
        """Being refused is a sign of life, too."""
        limit = RateLimit(1, 60)
        limit.take("busy")
        for number in range(100):
            limit.take(f"new {number}")
            assert limit.wait_s("busy") > 0

    def test_no_more_callers_are_kept_than_there_is_room_for(self, clock: Clock) -> None:
        limit = RateLimit(1, 60)
        for number in range(1_000):
            limit.take(str(number))
        assert sum(bool(limit.wait_s(str(number))) for number in range(1_000)) <= 3


NAMES = ("first", "second", "third", "fourth")


class TestAddresses:
    @pytest.mark.parametrize(
        ("one", "other", "same"),
        [
            ("203.0.113.1", "203.0.113.2", False),
            ("2001:db8:0:1::1", "2001:db8:0:1:ffff:ffff:ffff:ffff", True),
            ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
            ("", "203.0.113.1", False),
            ("not:an:address", "not:another", False),
        ],
    )
    def test_ipv4_is_counted_by_the_address_and_ipv6_by_the_64_it_is_in(
        self, clock: Clock, one: str, other: str, same: bool
    ) -> None:
        limit = AddressLimit(1, 60)
        limit.take(one)
        left = limit.left(other)
        assert left
        assert left.remaining == (0 if same else 1)

    def test_of_a_limit_that_guards_each_worker_has_its_part(self) -> None:
        """Together they let through what one alone would, and at least one a worker."""
        assert [share(30, workers) for workers in (1, 2, 4, 100)] == [30, 15, 8, 1]
        assert share(0, 4) == 0  # off stays off
