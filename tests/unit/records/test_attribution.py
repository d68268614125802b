"""Conversions: once per list and id, credited to the last valid click within the window."""

import pytest

from gateway.events.vocabulary import Door
from gateway.records import attribution, lists
from tests.unit.records.shop import DAY_MS, NOON_MS


@pytest.fixture
def ann(shop):
    return shop.person("ann@example.com")


def revenue(shop):
    """Campaign → what it earned."""
    lines = attribution.of_list(shop.db, shop.list_id)
    return {line.campaign: line.revenue for line in lines}


def test_a_purchase_after_a_click_is_the_campaigns(shop, ann):
    browser = shop.browser()
    shop.view(browser, "/landing", click=shop.click(ann, "spring"), human=True)
    shop.buy(browser, "order-1", 290.5)
    assert revenue(shop) == {"spring": 290.5}


def test_a_purchase_without_a_click_is_nobodys(shop):
    shop.buy(shop.browser(), "order-1", 5)
    assert revenue(shop) == {None: 5}


def test_a_conversion_id_counts_once_whoever_sends_it(shop, ann):
    """A thank-you page reloaded, another browser, the server besides: the first one stands."""
    browser = shop.browser()
    shop.view(browser, "/landing", click=shop.click(ann), human=True)
    shop.buy(browser, "order-1", 10, event_id="first")
    shop.buy(browser, "order-1", 10, event_id="first")
    shop.buy(browser, "order-1", 10, event_id="reload")
    shop.buy(shop.browser(), "order-1", 99)
    shop.buy(None, "order-1", 99, door=Door.API, page=None)
    assert revenue(shop) == {"spring": 10}


def test_the_same_conversion_id_on_another_list_is_another_conversion(shop):
    shop.buy(shop.browser(), "order-1", 10)
    first = shop.list_id
    shop.list_id = lists.create(shop.db, shop.account_id, "Other", (), NOON_MS).id
    shop.buy(shop.browser(), "order-1", 7)
    assert revenue(shop) == {None: 7}
    shop.list_id = first
    assert revenue(shop) == {None: 10}


@pytest.mark.parametrize(
    ("bought_after_ms", "campaign"),
    [
        (0, "spring"),
        (30 * DAY_MS, "spring"),
        (30 * DAY_MS + 1, None),
        (-1, None),
    ],
)
def test_the_window_is_thirty_days_from_the_click(shop, ann, bought_after_ms, campaign):
    browser = shop.browser()
    shop.view(browser, "/landing", click=shop.click(ann), human=True, at_ms=NOON_MS)
    shop.buy(browser, "order-1", 10, at_ms=NOON_MS + bought_after_ms)
    assert revenue(shop) == {campaign: 10}


def test_the_last_click_wins(shop, ann):
    browser = shop.browser()
    for campaign in ("spring", "summer"):
        shop.view(browser, "/landing", click=shop.click(ann, campaign), human=True)
    shop.buy(browser, "order-1", 10)
    assert revenue(shop) == {"summer": 10}


def test_a_later_click_does_not_take_an_earlier_purchase(shop, ann):
    browser = shop.browser()
    shop.view(browser, "/landing", click=shop.click(ann, "spring"), human=True)
    shop.buy(browser, "order-1", 10)
    shop.view(browser, "/landing", click=shop.click(ann, "summer"), human=True)
    assert revenue(shop) == {"spring": 10}


def test_a_purchase_in_another_browser_of_the_person_is_credited_too(shop, ann):
    phone, desk = shop.browser(), shop.browser()
    shop.view(phone, "/landing", click=shop.click(ann), human=True)
    shop.identify(desk, ann.email)
    shop.buy(desk, "order-1", 10)
    assert revenue(shop) == {"spring": 10}


def test_a_marked_click_is_credited_nothing(shop):
    browsers = []
    for number in range(5):
        browsers.append(shop.browser())
        person = shop.person(f"reader{number}@example.com")
        shop.view(browsers[-1], "/landing", click=shop.click(person))
    shop.buy(browsers[2], "order-1", 10)
    assert revenue(shop) == {None: 10}


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ({}, ("USD", 1.0)),
        ({"conversion-currency": " eur ", "conversion-quantity": 3}, ("EUR", 3.0)),
        ({"conversion-currency": "", "conversion-quantity": "many"}, ("USD", 1.0)),
    ],
)
def test_currency_and_quantity_are_the_lists_and_one_unless_said(shop, said, kept):
    shop.buy(shop.browser(), "order-1", 10, properties=said)
    [line] = attribution.of_list(shop.db, shop.list_id)
    assert (line.currency, line.quantity) == kept


def test_the_default_currency_is_the_lists(shop):
    shop.db.execute("update lists set currency = 'CHF'")
    shop.buy(shop.browser(), "order-1", 10)
    assert attribution.of_list(shop.db, shop.list_id)[0].currency == "CHF"


def test_amounts_of_different_currencies_do_not_add_up(shop, ann):
    browser = shop.browser()
    shop.identify(browser, ann.email)
    for number, currency in enumerate(("EUR", "EUR", "USD")):
        shop.buy(browser, f"order-{number}", 10, properties={"conversion-currency": currency})
    lines = attribution.of_subscriber(shop.db, ann.id)
    assert (attribution.total(lines, "EUR"), attribution.total(lines, "USD")) == (20, 10)


def test_a_persons_revenue_is_that_of_all_their_browsers_and_nobody_elses(shop, ann):
    phone, desk, other = shop.browser(), shop.browser(), shop.browser()
    for browser, email in ((phone, ann.email), (desk, ann.email), (other, "bob@example.com")):
        shop.buy(browser, f"order-{browser}", 10)
        shop.identify(browser, email)
    [line] = attribution.of_subscriber(shop.db, ann.id)
    assert (line.conversions, line.revenue) == (2, 20)
