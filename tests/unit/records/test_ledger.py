"""What was lost is read from the gaps in a tab's numbers."""

import contextlib
import uuid
from typing import Any

import pytest

from gateway import clock
from gateway.records import ledger, retention
from gateway.store.database import connect, transaction
from tests.support import RunningGateway, Tracked
from tests.unit.records.shop import Shop


def event(tab: Any, seq: Any) -> dict[str, Any]:
    return {"id": str(uuid.uuid4()), "event": "seen", "tab": tab, "seq": seq}


def loss_of(
    gateway: RunningGateway, tracked: Tracked, since_ms: int = 0, after_id: int = 0
) -> list[ledger.Loss]:
    with contextlib.closing(connect(gateway.settings.db, read_only=True)) as db:
        now_ms = clock.now_ms()
        return ledger.loss(
            db, list_id=tracked.list_id, since_ms=since_ms, now_ms=now_ms, after_id=after_id
        )


def test_a_missing_number_is_a_lost_event(gateway: RunningGateway, tracked: Tracked):
    gateway.beacon(tracked, event(7, 2), event(7, 5), event(8, 1))
    [row] = loss_of(gateway, tracked)
    assert (row.browser, row.tabs, row.made, row.stored) == ("Chrome", 2, 6, 3)
    assert (row.missing, row.rate) == (3, 0.5)


def test_the_same_event_twice_counts_once(gateway: RunningGateway, tracked: Tracked):
    once = event(7, 1)
    gateway.beacon(tracked, once)
    gateway.beacon(tracked, once)
    [row] = loss_of(gateway, tracked)
    assert (row.made, row.stored) == (1, 1)


def test_events_that_nobody_numbered_are_no_part_of_it(gateway: RunningGateway, tracked: Tracked):
    """Of older trackers, by hand, or numbered with what is no number."""
    gateway.beacon(tracked, event(None, None), event("x", -1), event(2**60, True))
    assert loss_of(gateway, tracked) == []


def test_an_identify_of_our_own_making_is_no_count_of_the_trackers(
    gateway: RunningGateway, tracked: Tracked
):
    gateway.beacon(tracked, event(7, 1) | {"email": "ada@example.com"})
    [row] = loss_of(gateway, tracked)
    assert (row.made, row.stored) == (1, 1)


def test_only_tabs_that_were_opened_since_then(gateway: RunningGateway, tracked: Tracked):
    gateway.beacon(tracked, event(7, 1))
    assert loss_of(gateway, tracked, since_ms=2**62) == []


def test_a_tab_that_was_there_before_what_is_read_is_left_out(
    gateway: RunningGateway, tracked: Tracked
):
    """What it made before that is not lost; one whose first number never came counts."""
    said = {"seed": "s33d" * 8}
    gateway.beacon(tracked, event(7, 1), event(7, 2), **said)
    after_id = gateway.events(tracked)[-1].id
    gateway.beacon(tracked, event(7, 3), event(8, 2), event(9, 1), **said)
    [row] = loss_of(gateway, tracked, after_id=after_id)
    assert (row.tabs, row.made, row.stored) == (2, 3, 2)


@pytest.mark.parametrize(
    ("since_ms", "events", "found"),
    [
        (0, 99, (0, None)),
        (300, 99, (2, None)),
        (301, 99, (3, None)),
        (10_000, 99, (9, None)),
        (0, 3, (6, 700)),
        (800, 3, (7, None)),
        (700, 3, (6, None)),
    ],
)
def test_reading_starts_behind_the_last_event_before_an_instant_or_later_where_that_is_too_much(
    shop: Shop, since_ms: int, events: int, found: tuple[int, int | None]
) -> None:
    """Nine events, a hundred milliseconds apart, of which the fifth is gone."""
    for number in range(1, 10):
        shop.send("x", shop.browser(), at_ms=number * 100)
    shop.db.execute("delete from events where id = 5")
    assert ledger.last_before(shop.db, since_ms, events) == found


def test_what_retention_took_away_was_not_lost(gateway: RunningGateway, tracked: Tracked):
    """So only tabs count that began well after the oldest event that is kept for sure."""

    def with_time(days: int, begun_days_ago: int) -> list[ledger.Loss]:
        at_ms = clock.now_ms() - begun_days_ago * 86_400_000
        with contextlib.closing(connect(gateway.settings.db)) as db, transaction(db):
            db.execute(
                "update events set received_at_ms = ? where list_id = ?", (at_ms, tracked.list_id)
            )
            retention.keep(db, tracked.list_id, "page view", days)
        return loss_of(gateway, tracked)

    gateway.beacon(tracked, event(7, 3))
    assert with_time(days=10, begun_days_ago=10) == []
    [row] = with_time(days=10, begun_days_ago=8)
    assert row.missing == 2
    assert len(with_time(days=12, begun_days_ago=10)) == 1


def test_an_event_by_image_is_taken_without_anybodys_address(
    gateway: RunningGateway, tracked: Tracked
):
    said = f'{{"list":"{tracked.list_tracker_id}","events":[{{"event":"small"}},'
    said += '{"event":"identify","email":"ada@example.com"}]}'
    answer = gateway.client.get("/e", params={"b": said}, headers={"user-agent": "Mozilla/5.0"})
    assert answer.headers["content-type"] == "image/gif"
    assert [kept.event for kept in gateway.events(tracked)] == ["small"]
    assert gateway.client.get("/e").status_code == 200
