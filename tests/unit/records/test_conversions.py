"""Conversions as they are told of: one by one, and summed over a time."""

import pytest

from gateway.records import conversions, lists
from gateway.records.conversions import LAST, Sum, Taken
from tests.unit.records.shop import DAY_MS, NOON_MS, Shop

SPAN = {"since_ms": NOON_MS, "until_ms": NOON_MS + 10 * DAY_MS}


@pytest.fixture
def sold(shop: Shop) -> Shop:
    """Three orders: two by a link of ann's, one of them in euros; the last one by nobody."""
    browser, ann = shop.browser(), shop.person("ann@example.com")
    shop.view(browser, "/landing", click=shop.click(ann), human=True)
    shop.buy(browser, "1", 10, at_ms=NOON_MS + DAY_MS)
    in_euros = {"conversion-currency": "eur"}
    shop.buy(browser, "2", 5, at_ms=NOON_MS + 2 * DAY_MS, properties=in_euros)
    shop.buy(shop.browser(), "3", 7, at_ms=NOON_MS + 2 * DAY_MS)
    return shop


def test_they_are_told_newest_first_page_by_page(sold: Shop) -> None:
    """Two of the same instant are not lost between two pages."""
    pages, before = [], LAST
    while page := conversions.page(sold.db, sold.list_id, **SPAN, before=before, rows=1):
        pages.append(page[0].conversion_id)
        before = page[0].happened_at_ms, page[0].id
    assert pages == ["3", "2", "1"]


def test_each_tells_who_and_by_which_campaign(sold: Shop) -> None:
    """A browser that is nobody's has neither."""
    told = conversions.page(sold.db, sold.list_id, **SPAN, rows=9)
    assert [(each.email, each.campaign) for each in told] == [
        (None, None),
        ("ann@example.com", "spring"),
        ("ann@example.com", "spring"),
    ]


def test_they_are_summed_by_campaign_name_and_currency(sold: Shop) -> None:
    """Money of different currencies is never added up."""
    assert conversions.sums(sold.db, sold.list_id, SPAN["since_ms"], SPAN["until_ms"]) == [
        Sum("spring", "Order", "USD", 1, 10.0),
        Sum(None, "Order", "USD", 1, 7.0),
        Sum("spring", "Order", "EUR", 1, 5.0),
    ]


def test_they_are_summed_over_time(sold: Shop) -> None:
    """An instant where two spans meet is the later one's."""
    bounds = [NOON_MS, NOON_MS + DAY_MS, NOON_MS + 2 * DAY_MS, NOON_MS + 3 * DAY_MS]
    assert conversions.over_time(sold.db, sold.list_id, bounds) == [
        Taken(1, "USD", 1, 10.0),
        Taken(2, "EUR", 1, 5.0),
        Taken(2, "USD", 1, 7.0),
    ]


def test_another_lists_are_not_there(sold: Shop) -> None:
    """Neither one by one nor in a sum."""
    other = lists.create(sold.db, sold.account_id, "Other", (), NOON_MS).id
    assert conversions.page(sold.db, other, **SPAN, rows=9) == []
    assert conversions.sums(sold.db, other, 0, 2**62) == []
    assert conversions.over_time(sold.db, other, [0, 2**62]) == []
    assert conversions.on_list(sold.db, other, 1) is None
    assert conversions.on_list(sold.db, sold.list_id, 1) is not None
