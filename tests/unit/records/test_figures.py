"""The figures of a list's days: whatever is counted, late, deleted or moved to other days, they are
what a plain reading of all events says."""

import dataclasses
import random
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from gateway.events.days import DAY_MS, HOUR_MS, day_from, start_ms
from gateway.events.facets import Facet
from gateway.records import event_log, figures, lists, removal, tallies
from gateway.records.event_log import StoredEvent
from gateway.records.figures import Figures, Ranked
from gateway.records.tallies import REST
from tests.unit.records.shop import NOON_MS, Shop

# Half hours, quarters of an hour, clocks put forward at midnight or by half an hour, and both ends
# of the earth's day.
ZONES = (
    "UTC",
    "Europe/Berlin",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/Havana",
    "Asia/Beirut",
    "Pacific/Kiritimati",
    "America/St_Johns",
    "Pacific/Pago_Pago",
)
FACETS = {
    Facet.EVENT: "event",
    Facet.BROWSER: "$browser",
    Facet.CAMPAIGN: "utm_campaign",
    Facet.REFERRER: "$referring_domain",
}
Told = dict[tuple[int, Facet, str], tuple[int, int]]
"""Day, facet and value → events and visitors."""


@pytest.fixture(autouse=True)
def counts_every_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """However few wait."""
    monkeypatch.setattr(figures, "FOLD_LEAST", 1)


def count_all(shop: Shop, events: int = 1_000) -> int:
    """As the worker does; how many steps of new events that took."""
    recount_all(shop)
    steps = 0
    while step := figures.next_step(shop.db, events):
        assert figures.apply(shop.db, step)
        steps += 1
    return steps


def recount_all(shop: Shop) -> None:
    for mark in figures.stale(shop.db):
        step = figures.recount(shop.db, mark)
        assert step
        assert figures.apply(shop.db, step)


def zone_of(shop: Shop) -> str:
    found = lists.get(shop.db, shop.list_id)
    assert found
    return found.time_zone


def move_to(shop: Shop, zone: str) -> None:
    found = lists.get(shop.db, shop.list_id)
    assert found
    lists.change(shop.db, dataclasses.replace(found, time_zone=zone))


def days_of(shop: Shop) -> range:
    """From the first event's to the last one's, and one more at both ends."""
    found = shop.db.execute(
        "select min(happened_at_ms), max(happened_at_ms) from events where list_id = ?",
        (shop.list_id,),
    ).fetchone()
    return range((found[0] or 0) // DAY_MS - 1, (found[1] or 0) // DAY_MS + 2)


def told(shop: Shop) -> Told:
    """What the figures say, day by day."""
    known = Figures(shop.db, shop.list_id, zone_of(shop))
    found: Told = {}
    for day in days_of(shop):
        for facet in (*FACETS, Facet.PAGE):
            for each in known.top(facet, range(day, day + 1), 1_000):
                found[day, facet, each.value] = (each.events, each.visitors)
        for hour, count in enumerate(known.by_hour(day)):
            if count.events:
                found[day, Facet.HOUR, str(hour)] = (count.events, len(count.visitors))
    for day, count in zip(days_of(shop), known.by_day(days_of(shop)), strict=True):
        if count.events:
            found[day, Facet.ALL, REST] = (count.events, len(count.visitors))
    return found


def in_full(shop: Shop) -> Told:
    """What a reading of all events says."""
    zone = ZoneInfo(zone_of(shop))
    seen: defaultdict[tuple[int, Facet, str], list[str]] = defaultdict(list)
    for event in event_log.each(shop.db, shop.list_id):
        local = datetime.fromtimestamp(event.happened_at_ms // 1000, zone)
        midnight = datetime(local.year, local.month, local.day, tzinfo=zone)
        hour = int((local.timestamp() - midnight.timestamp()) // 3600)
        day = day_from(local.date())
        seen[day, Facet.ALL, REST].append(event.uuid)
        seen[day, Facet.HOUR, str(hour)].append(event.uuid)
        for facet, value in _values(event):
            seen[day, facet, value].append(event.uuid)
    return {key: (len(uuids), len(set(uuids))) for key, uuids in seen.items()}


def _values(event: StoredEvent) -> list[tuple[Facet, str]]:
    said = event.properties | {"event": event.event}
    values = [(Facet.EVENT, event.event), (Facet.BROWSER, said["$browser"])]
    if event.kind == "page view":
        values.append((Facet.PAGE, f"{said['$host']}{said['$pathname']}"))
        values.append((Facet.CAMPAIGN, said.get("utm_campaign")))
        if said["$referring_domain"] != "shop.example":
            values.append((Facet.REFERRER, said["$referring_domain"]))
    return [(facet, value) for facet, value in values if value]


class History:
    """What may happen to a list, in an order of its own for every seed. Half of the events are near
    a change of clocks."""

    def __init__(self, shop: Shop, seed: int) -> None:
        self.shop = shop
        self.draw = random.Random(seed)
        self.browsers = [shop.browser() for _ in range(6)]

    def go_on(self) -> None:
        move = self.draw.choices(
            (self.send, self.count, self.count_some, self.forget, self.erase, self.move),
            (60, 8, 12, 8, 1, 2),
        )[0]
        move()

    def send(self) -> None:
        draw = self.draw
        near = draw.choice((NOON_MS, 1_774_746_000_000, 1_775_314_800_000))
        said = {"$browser": draw.choice(("Chrome", "Firefox", "")), "n": draw.random()}
        if referrer := draw.choice((None, "https://news.example/a", "https://shop.example/b")):
            said["$referrer"] = referrer
        self.shop.send(
            draw.choice(("pageView", "pageView", "add_to_cart", "identify")),
            draw.choice(self.browsers),
            page=draw.choice(("/", "/mug", "/poster?utm_campaign=spring", "/mug#top")),
            at_ms=near + draw.randrange(-3 * DAY_MS, 3 * DAY_MS),
            properties=said,
        )

    def count(self) -> None:
        count_all(self.shop, self.draw.choice((1, 3, 1_000)))

    def count_some(self) -> None:
        """One step of new events, while days may be stale."""
        step = figures.next_step(self.shop.db, self.draw.randint(1, 9))
        assert step is None or figures.apply(self.shop.db, step)

    def forget(self) -> None:
        """Some events, as retention would."""
        self.shop.db.execute(
            """delete from events where id in
               (select id from events where caused_by is null order by random() limit 5)"""
        )

    def erase(self) -> None:
        """A person, with all that is theirs."""
        browser = self.browsers.pop()
        self.browsers.append(self.shop.browser())
        self.shop.identify(browser, f"{browser}@example.com")
        visitor = self.shop.visitor(browser)
        self.shop.db.execute("delete from bindings where visitor_id = ?", (visitor.id,))
        self.shop.db.execute("delete from events where visitor_id = ?", (visitor.id,))
        self.shop.db.execute("delete from visitors where id = ?", (visitor.id,))

    def move(self) -> None:
        move_to(self.shop, self.draw.choice(ZONES))


@pytest.mark.parametrize("seed", range(len(ZONES)))
def test_the_figures_are_what_a_plain_count_says(shop: Shop, seed: int) -> None:
    """At every moment that no day is marked as stale, and at the end."""
    move_to(shop, ZONES[seed])
    history = History(shop, seed)
    for _ in range(80):
        history.go_on()
        if not figures.stale(shop.db):
            assert told(shop) == in_full(shop)
    count_all(shop)
    assert told(shop) == in_full(shop) != {}
    assert not figures.is_behind(shop.db)


def test_visitors_of_several_days_are_counted_once(shop: Shop) -> None:
    """On each day they came, and once in all."""
    regular, other = shop.browser(), shop.browser()
    for day in range(3):
        shop.view(regular, at_ms=NOON_MS + day * DAY_MS)
    shop.view(other, at_ms=NOON_MS + DAY_MS)
    first = NOON_MS // DAY_MS
    for counted in (False, True):
        if counted:
            count_all(shop)
        known = Figures(shop.db, shop.list_id, "UTC")
        by_day = known.by_day(range(first, first + 3))
        assert [len(count.visitors) for count in by_day] == [1, 2, 1]
        expected = [Ranked("shop.example/", 4, 2)]
        assert known.top(Facet.PAGE, range(first, first + 3), 10) == expected


def test_an_event_shows_before_it_is_counted(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few events wait for more, so that a step is worth it; until then they are read."""
    monkeypatch.setattr(figures, "FOLD_LEAST", 2)
    shop.view(shop.browser())
    assert not figures.is_behind(shop.db)
    assert figures.next_step(shop.db) is None
    assert told(shop) == in_full(shop)
    shop.view(shop.browser())
    assert figures.is_behind(shop.db)


def test_what_waits_beyond_a_bound_is_said(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "READ_MOST", 3)
    for _ in range(5):
        shop.view(shop.browser())
    known = Figures(shop.db, shop.list_id, "UTC")
    assert known.uncounted == 2
    assert sum(count.events for count in known.by_day(days_of(shop))) == 3
    count_all(shop)
    assert Figures(shop.db, shop.list_id, "UTC").uncounted == 0


def test_a_step_that_is_large_is_made_smaller(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where events belong to many days; in the end all of them are counted."""
    monkeypatch.setattr(figures, "STEP_BYTES_MAX", 500)
    for day in range(20):
        shop.view(shop.browser(), at_ms=NOON_MS + day * DAY_MS)
    assert count_all(shop) > 5
    assert told(shop) == in_full(shop)


def test_values_beyond_a_bound_are_counted_together(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that came first have their own figures; all add up."""
    monkeypatch.setattr(tallies, "VALUES_MAX", 3)
    browser = shop.browser()
    for turn in range(3):
        for page in range(6):
            shop.view(browser, f"/{page}")
        if turn == 1:
            count_all(shop)
    found = Figures(shop.db, shop.list_id, "UTC").top(Facet.PAGE, days_of(shop), 100)
    told_apart = {"shop.example/0", "shop.example/1", "shop.example/2"}
    assert {each.value for each in found[:-1]} == told_apart
    assert [each.events for each in found] == [3, 3, 3, 9]
    assert found[-1].value == REST


def test_one_list_is_not_another(shop: Shop) -> None:
    """Nor are events on a day of both."""
    other = lists.create(shop.db, shop.account_id, "Other", (), NOON_MS)
    browser = shop.browser()
    shop.view(browser)
    mine, shop.list_id = shop.list_id, other.id
    for _ in range(3):
        shop.view(browser, "/other")
    count_all(shop)
    assert told(shop) == in_full(shop)
    shop.list_id = mine
    assert told(shop) == in_full(shop)


def delete_one(shop: Shop) -> None:
    shop.db.execute("delete from events where id = 1")


def count_elsewhere(shop: Shop) -> None:
    count_all(shop)


def recount_elsewhere(shop: Shop) -> None:
    """A day that an event was taken from; the last one that is counted stays the same."""
    delete_one(shop)
    recount_all(shop)


def other_zone(shop: Shop) -> None:
    move_to(shop, "Asia/Kolkata")


def bury(shop: Shop) -> None:
    lists.bury(shop.db, shop.list_id, NOON_MS)


@pytest.mark.parametrize("meanwhile", [count_elsewhere, recount_elsewhere, other_zone, bury])
def test_a_step_that_is_no_longer_true_is_not_written(
    shop: Shop, meanwhile: Callable[[Shop], None]
) -> None:
    """What another process has counted, what now belongs to another day, what is deleted."""
    shop.view(shop.browser())
    count_all(shop)
    shop.view(shop.browser())
    step = figures.next_step(shop.db)
    assert step
    meanwhile(shop)
    before = shop.db.total_changes
    assert not figures.apply(shop.db, step)
    assert shop.db.total_changes == before


@pytest.mark.parametrize("meanwhile", [delete_one, other_zone, bury])
def test_a_day_that_changes_while_it_is_counted_anew_stays_marked(
    shop: Shop, meanwhile: Callable[[Shop], None]
) -> None:
    for _ in range(4):
        shop.view(shop.browser())
    count_all(shop)
    shop.db.execute("delete from events where id = 4")
    [mark] = figures.stale(shop.db)
    step = figures.recount(shop.db, mark)
    assert step
    meanwhile(shop)
    assert not figures.apply(shop.db, step)
    if meanwhile is not bury:
        count_all(shop)
        assert told(shop) == in_full(shop)


def test_a_recount_does_not_undo_another_ones(shop: Shop) -> None:
    """In India, where two days by UTC mean a day in common."""
    move_to(shop, "Asia/Kolkata")
    for at_ms in (NOON_MS, NOON_MS + 8 * HOUR_MS, NOON_MS + DAY_MS):
        shop.view(shop.browser(), at_ms=at_ms)
    count_all(shop)
    shop.db.execute("delete from events where id = 1")
    [mark] = figures.stale(shop.db)
    step = figures.recount(shop.db, mark)
    assert step
    shop.db.execute("delete from events where id = 3")
    [_, other] = figures.stale(shop.db)
    another = figures.recount(shop.db, other)
    assert another
    assert figures.apply(shop.db, another)
    assert not figures.apply(shop.db, step)
    count_all(shop)
    assert told(shop) == in_full(shop)


def test_days_whose_events_are_gone_are_gone(shop: Shop) -> None:
    """With every visitor that was only there."""
    shop.view(shop.browser())
    count_all(shop)
    shop.db.execute("delete from events")
    count_all(shop)
    assert shop.db.execute("select count(*) from figures").fetchone()[0] == 0
    assert shop.db.execute("select count(*) from figures_stale").fetchone()[0] == 0


def test_a_deleted_list_takes_its_figures_along(shop: Shop) -> None:
    """Nothing is counted of it any more, and no day marked."""
    for _ in range(3):
        shop.view(shop.browser())
    count_all(shop)
    shop.db.execute("delete from events where id = 1")
    shop.view(shop.browser())
    lists.bury(shop.db, shop.list_id, NOON_MS)
    assert figures.stale(shop.db) == []
    count_all(shop)
    while removal.remove_some(shop.db, shop.list_id):
        pass
    assert lists.get(shop.db, shop.list_id) is None
    for table in ("figures", "figures_stale"):
        assert shop.db.execute(f"select count(*) from {table}").fetchone()[0] == 0


def test_a_new_time_zone_changes_the_days_of_what_was_counted(shop: Shop) -> None:
    """At half past eight in the evening it is another day in India."""
    evening_ms = NOON_MS + 8 * HOUR_MS + HOUR_MS // 2
    shop.view(shop.browser(), at_ms=evening_ms)
    count_all(shop)
    move_to(shop, "Asia/Kolkata")
    assert Figures(shop.db, shop.list_id, "Asia/Kolkata").stale == 3
    count_all(shop)
    days = range(NOON_MS // DAY_MS, NOON_MS // DAY_MS + 2)
    known = Figures(shop.db, shop.list_id, "Asia/Kolkata")
    assert [count.events for count in known.by_day(days)] == [0, 1]
    assert known.stale == 0
    assert start_ms(days[1], "Asia/Kolkata") < evening_ms
