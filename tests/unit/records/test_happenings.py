"""The summary of the log: what a browser did last when, whatever is folded in or deleted."""

import random

import pytest

from gateway.records import event_log, happenings, people
from tests.unit.records.shop import Shop


def told(shop: Shop) -> list[tuple[int, int, int]]:
    rows = shop.db.execute("select name_id, visitor_id, last_at_ms from happenings order by 1, 2")
    return [tuple(row) for row in rows]


def in_full(shop: Shop) -> list[tuple[int, int, int]]:
    """What a reading of all events says."""
    rows = shop.db.execute(
        "select name_id, visitor_id, max(happened_at_ms) from events group by 1, 2 order by 1, 2"
    )
    return [tuple(row) for row in rows]


def busy(shop: Shop, events: int = 30) -> None:
    """Three browsers doing three things, in no order of time."""
    chooser = random.Random(7)
    browsers = [shop.browser() for _ in range(3)]
    for _ in range(events):
        shop.send(
            chooser.choice(("pageView", "buy", "leave")),
            chooser.choice(browsers),
            at_ms=chooser.randrange(1, 1_000) * 1_000,
        )


def fold_all(shop: Shop, events: int) -> int:
    steps = 1
    while happenings.fold_some(shop.db, events):
        steps += 1
    return steps


@pytest.mark.parametrize("events", [1, 7, 1_000])
def test_folded_to_the_end_it_says_what_the_events_say(shop: Shop, events: int) -> None:
    busy(shop)
    assert fold_all(shop, events) == -(-30 // events)
    assert told(shop) == in_full(shop)
    assert happenings.differences(shop.db, shop.list_id) == []


def test_folding_goes_on_where_it_stopped(shop: Shop) -> None:
    busy(shop)
    fold_all(shop, 1_000)
    busy(shop)
    assert happenings.differences(shop.db, shop.list_id) == []
    fold_all(shop, 4)
    assert told(shop) == in_full(shop)


def test_an_empty_log_has_nothing_to_fold(shop: Shop) -> None:
    assert happenings.fold_some(shop.db) is False
    assert not happenings.is_behind(shop.db)


def test_it_is_behind_when_many_events_wait(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(happenings, "BEHIND_EVENTS", 29)
    busy(shop, 29)
    assert not happenings.is_behind(shop.db)
    busy(shop, 1)
    assert happenings.is_behind(shop.db)
    fold_all(shop, 1_000)
    assert not happenings.is_behind(shop.db)


@pytest.mark.parametrize("folded", [0, 15, 30])
@pytest.mark.parametrize("order", ["id", "id desc", "happened_at_ms", "visitor_id", "random()"])
def test_it_forgets_with_the_events(shop: Shop, order: str, folded: int) -> None:
    """In whatever order they go; a browser without events is not in it, so that one made anew
    under the same number has none of its past."""
    busy(shop)
    happenings.fold_some(shop.db, folded)
    ids = [row["id"] for row in shop.db.execute(f"select id from events order by {order}")]
    for event_id in ids:
        shop.db.execute("delete from events where id = ?", (event_id,))
        assert happenings.differences(shop.db, shop.list_id) == []
    assert told(shop) == []


@pytest.mark.parametrize(
    "damage",
    [
        "delete from happenings where rowid_of = 1",
        "update happenings set last_at_ms = last_at_ms + 1",
        "update happenings set last_at_ms = last_at_ms - 1",
        "insert into happenings select name_id, 99, 1 from happenings limit 1",
        "delete from happenings",
    ],
)
def test_a_summary_that_is_wrong_is_found(shop: Shop, damage: str) -> None:
    busy(shop)
    fold_all(shop, 1_000)
    shop.db.execute(damage.replace("rowid_of", "visitor_id"))
    assert happenings.differences(shop.db, shop.list_id) != []


def test_the_summary_of_another_list_is_not_compared(shop: Shop) -> None:
    busy(shop)
    fold_all(shop, 1_000)
    shop.db.execute("delete from happenings")
    assert happenings.differences(shop.db, shop.list_id + 1) == []


def test_the_id_of_the_newest_event_never_comes_back(shop: Shop) -> None:
    """Else an event stored after a deletion would count as folded in already."""
    busy(shop, 5)
    fold_all(shop, 1_000)
    shop.db.execute("delete from events")
    browser = shop.browser()
    shop.send("buy", browser)
    assert event_log.last_id(shop.db) == 6
    fold_all(shop, 1_000)
    assert [row[1] for row in told(shop)] == [people.visitor(shop.db, shop.visitor(browser).id).id]
