"""Browsers as they are shown: what they are, whose, and when they were seen."""

from gateway.events.vocabulary import Door
from gateway.records import browsers
from tests.unit.records.shop import NOON_MS, Shop

FIREFOX = {"$browser": "Firefox", "$os": "Linux", "$device_type": "desktop"}


def test_a_browser_is_what_its_latest_event_said(shop: Shop) -> None:
    """A server that speaks of it says nothing of what it is."""
    browser = shop.browser()
    shop.view(browser, at_ms=NOON_MS, properties={**FIREFOX, "$browser": "Chrome"})
    shop.view(browser, at_ms=NOON_MS + 1, properties=FIREFOX)
    shop.send("paid", browser, at_ms=NOON_MS + 2, door=Door.API, page=None)
    shown = browsers.of_visitor(shop.db, shop.visitor(browser))
    assert (shown.browser, shown.os, shown.device) == ("Firefox", "Linux", "desktop")
    assert (shown.first_seen_ms, shown.last_seen_ms) == (NOON_MS, NOON_MS + 2)


def test_a_persons_are_told_the_last_seen_first(shop: Shop) -> None:
    """So many of them."""
    seen = [shop.browser() for _ in range(3)]
    for browser in seen:
        shop.identify(browser, "ann@example.com")
    shop.view(seen[0])
    ann = shop.visitor(seen[0]).subscriber_id
    assert ann
    told = browsers.of_subscriber(shop.db, ann, rows=2)
    assert [each.uuid for each in told] == [str(seen[0]), str(seen[2])]
    assert told[0].bound_by == "identify"
