"""What was lost is read from the gaps in a tab's numbers."""

import contextlib
import uuid
from typing import Any

from gateway import clock
from gateway.records import ledger, retention
from gateway.store.database import connect, transaction
from tests.support import RunningGateway, Tracked


def event(tab: Any, seq: Any) -> dict[str, Any]:
    return {"id": str(uuid.uuid4()), "event": "seen", "tab": tab, "seq": seq}


def loss_of(gateway: RunningGateway, tracked: Tracked, since_ms: int = 0) -> list[ledger.Loss]:
    with contextlib.closing(connect(gateway.settings.db, read_only=True)) as db:
        now_ms = clock.now_ms()
        return ledger.loss(db, list_id=tracked.list_id, since_ms=since_ms, now_ms=now_ms)


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
