"""What comes after an attempt."""

import email.utils

import pytest

from gateway.records import outbox
from gateway.records.outbox import GIVE_UP_MS, Delivery, State
from gateway.workers.circuit import BACKOFF_MS
from gateway.workers.courier import RETRY_AFTER_MS_MAX, judge, retry_after_ms
from gateway.workers.frames import Answer

NOW_MS = 1_770_000_000_000


def delivery(attempts: int = 0, written_at_ms: int = NOW_MS) -> Delivery:
    return Delivery(
        id=1, delivery_id="msg_1", webhook_id=1, subscriber_id=1, event_id=1, body="{}",
        state=State.WAITING, due_at_ms=NOW_MS, give_up_at_ms=written_at_ms + GIVE_UP_MS,
        attempts=attempts, written_at_ms=written_at_ms, ended_at_ms=None, outcome="",
    )  # fmt: skip


@pytest.mark.parametrize("status", [200, 202, 204, 299])
def test_what_was_taken_is_delivered(status: int) -> None:
    assert judge(delivery(), Answer(status), NOW_MS).delivered


@pytest.mark.parametrize(
    "answer", [Answer(100), Answer(302), Answer(400), Answer(500), Answer(None, fault="no answer")]
)
def test_all_else_is_tried_again_after_a_while(answer: Answer) -> None:
    after = judge(delivery(), answer, NOW_MS)
    assert not after.delivered
    assert after.again_at_ms is not None
    assert BACKOFF_MS // 2 <= after.again_at_ms - NOW_MS <= BACKOFF_MS
    assert after.outcome in ("no answer", str(answer.status))


def test_what_is_gone_is_not_tried_again() -> None:
    after = judge(delivery(), Answer(410), NOW_MS)
    assert (after.gone, after.again_at_ms, after.outcome) == (True, None, outbox.GONE)


def test_after_a_day_it_is_given_up() -> None:
    after = judge(delivery(20, NOW_MS - GIVE_UP_MS + 1), Answer(500), NOW_MS)
    assert (after.delivered, after.again_at_ms) == (False, None)
    assert after.outcome.endswith("500")


def test_the_endpoint_may_ask_for_more_time() -> None:
    after = judge(delivery(), Answer(503, retry_after="3600"), NOW_MS)
    assert after.again_at_ms == NOW_MS + 3_600_000


@pytest.mark.parametrize(
    ("said", "pause_ms"),
    [
        ("", 0), ("0", 0), ("120", 120_000), ("-5", 0), ("soon", 0),
        ("9" * 400, RETRY_AFTER_MS_MAX),
        (email.utils.formatdate(NOW_MS // 1000 + 60, usegmt=True), 60_000),
        (email.utils.formatdate(NOW_MS // 1000 - 60, usegmt=True), 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", RETRY_AFTER_MS_MAX), ("Mon, 99 Foo 2026 00:00:00 GMT", 0),
    ],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date_and_bounded(said: str, pause_ms: int) -> None:
    assert retry_after_ms(said, NOW_MS) == pause_ms
