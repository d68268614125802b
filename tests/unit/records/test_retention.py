"""How long events are kept, and what goes with them."""

import sqlite3

import pytest

from gateway.events.vocabulary import Door
from gateway.records import attribution, bindings, catalog, event_log, lists, people, retention
from tests.unit.records.shop import DAY_MS, NOON_MS, Shop

ANN = "ann@example.com"
NOW_MS = NOON_MS + 100 * DAY_MS


def all_past(db: sqlite3.Connection, now_ms: int = NOW_MS, rows: int = 50) -> int:
    """Take away everything past its time, so many rows a step. How many events went."""
    removed = 0
    for name_id in retention.names_past(db, now_ms):
        while step := retention.remove_some(db, name_id, now_ms, rows):
            assert step <= rows
            removed += step
    assert retention.names_past(db, now_ms) == []
    assert db.execute("pragma foreign_key_check").fetchall() == []
    return removed


def days_ago(days: float) -> int:
    return NOW_MS - int(days * DAY_MS)


def names(db: sqlite3.Connection, shop: Shop) -> list[str]:
    return [event.event for event in event_log.each(db, shop.list_id)]


class TestTheSetting:
    def test_at_first_everything_is_kept_for_ever(self, db: sqlite3.Connection, shop: Shop) -> None:
        assert retention.days(db, shop.list_id) == {
            "custom": None,
            "page view": None,
            "identify": None,
            "conversion": None,
        }
        shop.view(shop.browser(), at_ms=1)
        assert all_past(db) == 0

    def test_it_is_of_one_list_and_one_kind_and_can_be_changed(
        self, db: sqlite3.Connection, shop: Shop
    ) -> None:
        other = lists.create(db, shop.account_id, "Other", (), NOON_MS).id
        retention.keep(db, shop.list_id, "page view", 90)
        retention.keep(db, shop.list_id, "page view", 30)
        assert retention.days(db, shop.list_id)["page view"] == 30
        assert retention.days(db, shop.list_id)["custom"] is None
        assert retention.days(db, other)["page view"] is None
        retention.keep(db, shop.list_id, "page view", None)
        assert retention.days(db, shop.list_id)["page view"] is None


class TestWhatGoes:
    def test_what_happened_longer_ago_than_that_and_not_what_is_as_old_as_that(
        self, db: sqlite3.Connection, shop: Shop
    ) -> None:
        for name, at_ms in (("gone", days_ago(30) - 1), ("just", days_ago(30)), ("new", NOW_MS)):
            shop.send(name, shop.browser(), at_ms=at_ms)
        retention.keep(db, shop.list_id, "custom", 30)
        assert all_past(db) == 1
        assert names(db, shop) == ["just", "new"]

    def test_each_kind_by_its_own_time(self, db: sqlite3.Connection, shop: Shop) -> None:
        browser = shop.browser()
        shop.view(browser, at_ms=days_ago(50))
        shop.send("cart", browser, at_ms=days_ago(50))
        shop.identify(browser, ANN, at_ms=days_ago(50))
        shop.buy(browser, "order-1", at_ms=days_ago(50))
        for kind, gone in (("page view", 3), ("conversion", 2), ("identify", 1), ("custom", 0)):
            retention.keep(db, shop.list_id, kind, 49)
            assert all_past(db) == 1
            assert event_log.count(db, shop.list_id) == gone

    @pytest.mark.parametrize("rows", [1, 2, 3, 100])
    def test_the_oldest_first_in_steps_of_any_size(
        self, db: sqlite3.Connection, shop: Shop, rows: int
    ) -> None:
        for number in range(7):
            shop.view(shop.browser(), f"/{number}", at_ms=days_ago(90 - number))
        retention.keep(db, shop.list_id, "page view", 30)
        [name_id] = retention.names_past(db, NOW_MS)
        assert retention.remove_some(db, name_id, NOW_MS, rows) == min(rows, 7)
        left = [e.properties["$pathname"] for e in event_log.each(db, shop.list_id)]
        assert left == [f"/{number}" for number in range(rows, 7)]
        all_past(db, rows=rows)
        assert names(db, shop) == []

    def test_not_those_of_other_lists(self, db: sqlite3.Connection, shop: Shop) -> None:
        shop.view(shop.browser(), at_ms=1)
        other = lists.create(db, shop.account_id, "Other", (), NOON_MS).id
        retention.keep(db, other, "page view", 1)
        assert all_past(db) == 0

    def test_those_of_a_deleted_list_are_not_ours_to_take(
        self, db: sqlite3.Connection, shop: Shop
    ) -> None:
        shop.view(shop.browser(), at_ms=1)
        retention.keep(db, shop.list_id, "page view", 1)
        lists.bury(db, shop.list_id, NOW_MS)
        assert retention.names_past(db, NOW_MS) == []

    def test_a_setting_that_was_taken_back_meanwhile_counts_at_once(
        self, db: sqlite3.Connection, shop: Shop
    ) -> None:
        for _ in range(3):
            shop.view(shop.browser(), at_ms=days_ago(50))
        retention.keep(db, shop.list_id, "page view", 30)
        [name_id] = retention.names_past(db, NOW_MS)
        assert retention.remove_some(db, name_id, NOW_MS, 1) == 1
        retention.keep(db, shop.list_id, "page view", None)
        assert retention.remove_some(db, name_id, NOW_MS, 1) == 0
        assert event_log.count(db, shop.list_id) == 2


class TestWhatGoesWithIt:
    def test_an_identify_it_brought_stays_for_its_own_time(
        self, db: sqlite3.Connection, shop: Shop
    ) -> None:
        """And can still go by itself."""
        shop.send("cart", shop.browser(), email=ANN, at_ms=days_ago(50))
        retention.keep(db, shop.list_id, "custom", 30)
        all_past(db)
        assert names(db, shop) == ["identify"]
        retention.keep(db, shop.list_id, "identify", 30)
        all_past(db)
        assert names(db, shop) == []

    def test_revenue_stays_while_its_conversion_does(
        self, db: sqlite3.Connection, shop: Shop
    ) -> None:
        """However little is left of the way that led there; then it goes with it."""
        ann, browser = shop.person(ANN), shop.browser()
        shop.view(browser, click=shop.click(ann), human=True, at_ms=days_ago(50))
        shop.buy(browser, "order-1", 290.5, at_ms=days_ago(50) + 1)
        before = attribution.of_list(db, shop.list_id)
        assert before[0].campaign == "spring"
        for kind in ("page view", "custom", "identify"):
            retention.keep(db, shop.list_id, kind, 1)
        all_past(db)
        assert names(db, shop) == ["conversion"]
        assert attribution.of_list(db, shop.list_id) == before
        retention.keep(db, shop.list_id, "conversion", 49)
        all_past(db)
        assert attribution.of_list(db, shop.list_id) == []

    def test_a_visitor_who_was_never_anybody_and_has_nothing_left(
        self, db: sqlite3.Connection, shop: Shop
    ) -> None:
        gone, back, bought = (shop.browser() for _ in range(3))
        for browser in (gone, back, bought):
            shop.view(browser, at_ms=days_ago(50))
        shop.view(back, at_ms=NOW_MS)
        shop.buy(bought, "order-1", at_ms=days_ago(50))
        retention.keep(db, shop.list_id, "page view", 30)
        all_past(db)
        assert people.find_visitor(db, shop.list_id, gone.bytes) is None
        assert shop.visitor(back)
        assert shop.visitor(bought)

    def test_who_is_or_was_somebody_stays_and_so_does_the_journal(
        self, db: sqlite3.Connection, shop: Shop
    ) -> None:
        known, taken_back = shop.browser(), shop.browser()
        for browser in (known, taken_back):
            shop.identify(browser, ANN, at_ms=days_ago(50))
        [entry] = bindings.of_visitor(db, shop.list_id, taken_back.bytes)
        bindings.undo(db, entry.id, NOW_MS)
        retention.keep(db, shop.list_id, "identify", 30)
        all_past(db)
        assert names(db, shop) == []
        assert shop.bound(known)[1] == bindings.By.IDENTIFY
        assert shop.bound(taken_back) == (None, None)
        assert len(bindings.of_visitor(db, shop.list_id, taken_back.bytes)) == 2

    def test_who_clicked_stays_so_that_a_later_order_is_the_campaign_s(
        self, db: sqlite3.Connection, shop: Shop
    ) -> None:
        browser = shop.browser()
        shop.view(browser, click=shop.click(shop.person(ANN)), at_ms=days_ago(20))
        retention.keep(db, shop.list_id, "page view", 10)
        all_past(db)
        shop.buy(browser, "order-1", at_ms=NOW_MS)
        [line] = attribution.of_list(db, shop.list_id)
        assert line.campaign == "spring"

    def test_who_comes_back_is_who_they_were(self, db: sqlite3.Connection, shop: Shop) -> None:
        browser = shop.browser()
        shop.view(browser, at_ms=days_ago(50))
        retention.keep(db, shop.list_id, "page view", 30)
        all_past(db)
        assert shop.view(browser, at_ms=NOW_MS).uuid == str(browser)

    def test_the_catalog_stays(self, db: sqlite3.Connection, shop: Shop) -> None:
        shop.send("cart", shop.browser(), properties={"n": 1}, at_ms=days_ago(50))
        before = catalog.for_list(db, shop.list_id)
        retention.keep(db, shop.list_id, "custom", 30)
        all_past(db)
        assert catalog.for_list(db, shop.list_id) == before

    def test_every_table_that_points_to_an_event_or_a_visitor_is_thought_of(
        self, db: sqlite3.Connection
    ) -> None:
        """A new table that does must go before what it points to, or keep it."""
        tables = [
            row["name"] for row in db.execute("select name from sqlite_master where type='table'")
        ]
        statements = " ".join((*retention._REMOVE_EVENTS, retention._REMOVE_VISITORS))
        for target, spelled in (
            ("events", ("delete from {}", "update {}")),
            ("visitors", ("from {}",)),
        ):
            pointing = {
                table
                for table in tables
                for key in db.execute(f"pragma foreign_key_list({table})")
                if key["table"] == target
            }
            assert pointing
            for table in pointing:
                assert any(each.format(table) + " where" in statements for each in spelled), table


class TestTheOutlook:
    def test_it_counts_what_would_go_and_what_would_stay_by_kind(
        self, db: sqlite3.Connection, shop: Shop
    ) -> None:
        browser = shop.browser()
        for days in (50, 40, 20, 10):
            shop.view(browser, at_ms=days_ago(days))
        shop.send("cart", browser, at_ms=days_ago(70))
        retention.keep(db, shop.list_id, "page view", 30)
        kept = {each.kind: each for each in retention.outlook(db, shop.list_id, NOW_MS)}
        views, custom, conversions = kept["page view"], kept["custom"], kept["conversion"]
        assert (views.days, views.go, views.stay) == (30, 2, 2)
        assert (views.oldest_ms, views.newest_ms) == (days_ago(20), days_ago(10))
        assert (custom.days, custom.go, custom.stay) == (None, 0, 1)
        assert custom.oldest_ms == custom.newest_ms == days_ago(70)
        assert (conversions.stay, conversions.oldest_ms) == (0, None)
        assert all_past(db) == 2

    def test_looking_changes_nothing(self, db: sqlite3.Connection, shop: Shop) -> None:
        shop.view(shop.browser(), at_ms=days_ago(50))
        retention.keep(db, shop.list_id, "page view", 30)
        before = db.total_changes
        retention.outlook(db, shop.list_id, NOW_MS)
        assert db.total_changes == before


def test_an_event_is_once_for_as_long_as_it_is_kept(db: sqlite3.Connection, shop: Shop) -> None:
    """One that comes again after that is a new one, under a new id."""
    said = {"event_id": "11111111-1111-4111-8111-111111111111", "door": Door.API}
    browser = shop.browser()
    shop.send("cart", browser, at_ms=days_ago(50), **said)
    [first] = event_log.each(db, shop.list_id)
    retention.keep(db, shop.list_id, "custom", 30)
    all_past(db)
    shop.send("cart", browser, at_ms=days_ago(1), **said)
    [again] = event_log.each(db, shop.list_id)
    assert again.event_id == first.event_id
    assert again.id > first.id


def test_a_step_costs_the_same_however_much_is_left(db: sqlite3.Connection, shop: Shop) -> None:
    """Counted in steps of SQLite's machine, so that it holds on any machine."""
    retention.keep(db, shop.list_id, "page view", 30)

    def cost(events: int) -> int:
        for _ in range(events):
            shop.view(shop.browser(), at_ms=days_ago(50))
        [name_id] = retention.names_past(db, NOW_MS)
        steps = 0

        def count() -> int:
            nonlocal steps
            steps += 1
            return 0

        db.set_progress_handler(count, 1)
        retention.remove_some(db, name_id, NOW_MS, 10)
        db.set_progress_handler(None, 1)
        return steps

    few = cost(20)
    assert cost(500) < few * 1.5
