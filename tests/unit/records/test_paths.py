"""The path of a conversion: from the first visit to the purchase."""

import pytest

from gateway.records import conversions, paths
from gateway.records.paths import PAUSE_MS, Path
from tests.unit.records.shop import NOON_MS, Shop

HOUR_MS = 3_600_000


def path_of(shop: Shop, row_id: int = 1) -> Path:
    found = conversions.on_list(shop.db, shop.list_id, row_id)
    assert found
    return paths.of(shop.db, found)


def told(path: Path) -> list[str]:
    """One text a step; `|` before one that begins a visit."""
    return [
        "| " * step.begins_visit + " ".join(event.event for event in step.events)
        for step in path.beginning + path.end
    ]


def test_it_begins_with_the_first_visit_and_ends_with_the_conversion(shop: Shop) -> None:
    """Page views in a row are one step; what came afterwards is no part of it."""
    browser = shop.browser()
    shop.view(browser, "/", at_ms=NOON_MS)
    shop.view(browser, "/mug", at_ms=NOON_MS + 1_000)
    shop.send("add_to_cart", browser, at_ms=NOON_MS + 2_000)
    shop.view(browser, "/cart", at_ms=NOON_MS + 3_000)
    shop.buy(browser, "1", at_ms=NOON_MS + 4_000)
    shop.view(browser, "/thanks", at_ms=NOON_MS + 5_000)
    found = path_of(shop)
    assert told(found) == ["| pageView pageView", "add_to_cart", "pageView", "conversion"]
    assert [step.pause_ms for step in found.beginning] == [None, 1_000, 1_000, 1_000]


def test_a_pause_begins_another_visit(shop: Shop) -> None:
    """One that is a millisecond longer than the longest within a visit."""
    browser = shop.browser()
    shop.view(browser, at_ms=NOON_MS)
    shop.view(browser, at_ms=NOON_MS + PAUSE_MS)
    shop.view(browser, at_ms=NOON_MS + 2 * PAUSE_MS + 1)
    shop.buy(browser, "1", at_ms=NOON_MS + 2 * PAUSE_MS + 2)
    assert told(path_of(shop)) == ["| pageView pageView", "| pageView", "conversion"]


def test_a_persons_other_browsers_are_part_of_it(shop: Shop) -> None:
    """Looked at on a phone, bought at a desk; each begins a visit of its own."""
    phone, desk, strangers = shop.browser(), shop.browser(), shop.browser()
    shop.identify(phone, "ann@example.com", at_ms=NOON_MS)
    shop.view(strangers, at_ms=NOON_MS + 1)
    shop.identify(desk, "ann@example.com", at_ms=NOON_MS + 2)
    shop.buy(desk, "1", at_ms=NOON_MS + 3)
    found = path_of(shop)
    assert told(found) == ["| identify", "| identify", "conversion"]
    assert [step.first.uuid for step in found.beginning] == [str(phone), str(desk), str(desk)]


def test_events_are_told_in_the_order_they_happened(shop: Shop) -> None:
    """Also one that a browser could send only after the conversion."""
    browser = shop.browser()
    shop.view(browser, "/a", at_ms=NOON_MS)
    shop.buy(browser, "1", at_ms=NOON_MS + 60_000)
    shop.send("late", browser, at_ms=NOON_MS + 70_000, happened_at_ms=NOON_MS + 30_000)
    assert told(path_of(shop)) == ["| pageView", "late", "conversion"]


def test_a_link_that_was_opened_is_told_with_its_page(shop: Shop) -> None:
    """And all clicks before, newest first, whether they counted or not."""
    browser, ann = shop.browser(), shop.person("ann@example.com")
    shop.view(browser, "/", click=shop.click(ann, "winter"), human=True, at_ms=NOON_MS)
    shop.view(browser, "/", click=shop.click(ann, "spring"), at_ms=NOON_MS + HOUR_MS)
    shop.buy(browser, "1", at_ms=NOON_MS + HOUR_MS + 1)
    found = path_of(shop)
    assert [each.campaign for each in found.clicks] == ["spring", "winter"]
    assert [step.click and step.click.campaign for step in found.beginning] == [
        "winter",
        "spring",
        None,
    ]


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "HEAD_EVENTS", 3)
    monkeypatch.setattr(paths, "TAIL_EVENTS", 4)
    monkeypatch.setattr(paths, "HEAD_STEPS", 2)
    monkeypatch.setattr(paths, "TAIL_STEPS", 3)


@pytest.mark.parametrize(
    ("before", "beginning", "end"),
    [
        (3, ["0", "1", "2", "conversion"], []),
        (5, ["0", "1"], ["3", "4", "conversion"]),
        (9, ["0", "1"], ["7", "8", "conversion"]),
    ],
)
def test_of_a_long_one_the_beginning_and_the_end_are_told(
    shop: Shop, short: None, before: int, beginning: list[str], end: list[str]
) -> None:
    """Whether few events are too many steps, or there are too many events to read them all."""
    browser = shop.browser()
    for number in range(before):
        shop.send(str(number), browser)
    shop.buy(browser, "1")
    found = path_of(shop)
    assert [step.first.event for step in found.beginning] == beginning
    assert [step.first.event for step in found.end] == end
