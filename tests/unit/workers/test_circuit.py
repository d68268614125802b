"""When an endpoint is left alone, and for how long a delivery waits."""

import random

import pytest

from gateway.records.outbox import GIVE_UP_MS
from gateway.workers import circuit
from gateway.workers.circuit import FAILURES, PAUSE_MS, PAUSE_MS_MAX, Circuit, backoff_ms

NOW_MS = 1_000_000


def ill(now_ms: int = NOW_MS) -> Circuit:
    made = Circuit()
    for _ in range(FAILURES):
        made.failed(now_ms)
    return made


def test_a_few_failures_change_nothing_and_a_success_forgets_them() -> None:
    made = Circuit()
    for _ in range(3):
        for _ in range(FAILURES - 1):
            made.failed(NOW_MS)
        assert made.room(NOW_MS, 64) == 64
        made.succeeded()


def test_after_several_it_is_left_alone_and_then_tried_by_one() -> None:
    made = ill()
    assert made.room(NOW_MS + PAUSE_MS // 2 - 1, 64) == 0
    assert made.room(NOW_MS + PAUSE_MS, 64) == 1
    made.succeeded()
    assert made.room(NOW_MS + PAUSE_MS, 64) == 64


def test_each_time_longer_up_to_a_bound() -> None:
    made, now_ms, pauses = ill(), NOW_MS, []
    for _ in range(12):
        pauses.append(made.closed_at_ms - now_ms)
        now_ms = made.closed_at_ms
        made.failed(now_ms)
    for place, pause_ms in enumerate(pauses):
        longest_ms = min(PAUSE_MS << place, PAUSE_MS_MAX)
        assert longest_ms // 2 <= pause_ms <= longest_ms


def test_failures_that_were_under_way_together_are_one_opening() -> None:
    made = ill()
    for _ in range(50):
        made.failed(NOW_MS)
    assert made.openings == 1


def test_one_that_asks_for_a_pause_gets_it_and_is_not_ill() -> None:
    made = Circuit()
    made.pause(NOW_MS + 5_000)
    assert made.room(NOW_MS + 4_999, 64) == 0
    assert made.room(NOW_MS + 5_000, 64) == 64


@pytest.mark.parametrize("attempts", [1, 2, 5, 20, 10_000])
def test_a_delivery_waits_longer_after_each_attempt_and_never_the_same_time(attempts: int) -> None:
    longest_ms = min(circuit.BACKOFF_MS << min(attempts - 1, 20), circuit.BACKOFF_MS_MAX)
    found = {backoff_ms(attempts) for _ in range(200)}
    assert longest_ms // 2 <= min(found) <= max(found) <= longest_ms
    assert len(found) > 1


def test_a_pause_is_drawn_without_the_process_s_shared_random_state() -> None:
    """A courier beside a property test would change it while an example is drawn."""
    before = random.getstate()
    backoff_ms(3)
    assert random.getstate() == before


def test_a_day_has_room_for_at_least_a_dozen_attempts() -> None:
    waited_ms = sum(min(circuit.BACKOFF_MS << n, circuit.BACKOFF_MS_MAX) for n in range(12))
    assert waited_ms < GIVE_UP_MS
