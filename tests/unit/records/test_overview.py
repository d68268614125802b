"""What a list's owner sees first: sums of some days beside those of as many days before."""

from gateway.events.days import DAY_MS
from gateway.events.facets import Facet
from gateway.records import lists, overview
from gateway.records.attribution import Earned
from gateway.records.figures import Ranked
from gateway.records.overview import Overview
from tests.unit.records.shop import NOON_MS, Shop

TODAY = NOON_MS // DAY_MS


def seen(shop: Shop, days: int = 7) -> Overview:
    found = lists.get(shop.db, shop.list_id)
    assert found
    return overview.of_days(shop.db, found, range(TODAY - days + 1, TODAY + 1))


def test_an_empty_list_has_nothing_to_tell(shop: Shop) -> None:
    nothing = seen(shop)
    assert not nothing.ever
    assert (nothing.now.events, nothing.now.visitors, nothing.now.conversions) == (0, 0, 0)


def test_days_stand_beside_as_many_before(shop: Shop) -> None:
    """Each day belongs to one of the two, or to neither."""
    for days_ago in range(20):
        shop.view(shop.browser(), at_ms=NOON_MS - days_ago * DAY_MS)
    week = seen(shop)
    assert (week.now.events, week.before.events) == (7, 7)
    assert [count.events for count in week.line] == [1] * 7
    assert [count.events for count in seen(shop, 1).line] == [0] * 12 + [1] + [0] * 11


def test_the_identified_are_those_whom_we_know_by_now(shop: Shop) -> None:
    """Also where they said so only afterwards; another list's are not among them."""
    ada = shop.browser()
    shop.view(ada, at_ms=NOON_MS - 3 * DAY_MS)
    shop.view(shop.browser(), at_ms=NOON_MS - 3 * DAY_MS)
    assert seen(shop).now.identified == 0
    shop.identify(ada, "ada@example.com", at_ms=NOON_MS + 5 * DAY_MS)
    assert (seen(shop).now.identified, seen(shop).now.visitors) == (1, 2)


def test_what_was_earned_is_told_by_currency(shop: Shop) -> None:
    """Most conversions first; what was earned before stands beside it."""
    buyer = shop.browser()
    sales = ((10, "EUR", 0), (5.25, "EUR", 1), (7, "USD", 2), (99, "USD", 8))
    for number, (value, currency, days_ago) in enumerate(sales):
        said = {"conversion-currency": currency}
        at_ms = NOON_MS - days_ago * DAY_MS
        shop.buy(buyer, f"order-{number}", value, properties=said, at_ms=at_ms)
    week = seen(shop)
    assert week.now.earned == [Earned("EUR", 2, 15.25), Earned("USD", 1, 7)]
    assert (week.now.conversions, week.now.revenue("USD"), week.before.revenue("USD")) == (3, 7, 99)


def test_clicks_of_links_in_mails_are_told_by_campaign(shop: Shop) -> None:
    """But not those that may have been a scanner's, and not those of other days."""
    ada, grace = shop.person("ada@example.com"), shop.person("grace@example.com")
    shop.view(shop.browser(), click=shop.click(ada, "spring"), at_ms=NOON_MS)
    shop.view(shop.browser(), click=shop.click(grace, "spring"), at_ms=NOON_MS)
    shop.view(shop.browser(), click=shop.click(grace, "sale"), at_ms=NOON_MS)
    shop.view(shop.browser(), click=shop.click(ada, "old"), at_ms=NOON_MS - 9 * DAY_MS)
    assert seen(shop).clicks == [("spring", 2), ("sale", 1)]
    shop.db.execute("update clicks set marked = 1 where subscriber_id = ?", (grace.id,))
    assert seen(shop).clicks == [("spring", 1)]


def test_where_views_came_from_is_told_apart(shop: Shop) -> None:
    """From other sites and from links that say so; the site's own pages are no referrers, and a
    path that a page view made up is its page."""
    browser = shop.browser()
    shop.view(browser, "/?utm_source=mail&utm_campaign=spring")
    shop.view(browser, "/", properties={"$referrer": "https://news.example/a"})
    shop.view(browser, "/", properties={"$referrer": "https://www.shop.example/mug"})
    shop.view(browser, "/", properties={"url": "/virtual/page"})
    shop.send("add_to_cart", browser, page="/?utm_source=letter")
    top = seen(shop).top
    assert top[Facet.SOURCE] == [Ranked("mail", 1, 1)]
    assert top[Facet.CAMPAIGN] == [Ranked("spring", 1, 1)]
    assert top[Facet.REFERRER] == [Ranked("news.example", 1, 1)]
    assert top[Facet.PAGE] == [
        Ranked("shop.example/", 3, 1),
        Ranked("shop.example/virtual/page", 1, 1),
    ]
