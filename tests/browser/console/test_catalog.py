"""The catalog of a list, as its owner reads it: what comes, what it looks like, what is odd."""

import contextlib
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from gateway.records import sightings
from gateway.store.database import open_database, transaction
from tests import hostile
from tests.browser.console.conftest import look
from tests.support import RunningGateway, Tracked

UUID = "5b0ba7a5-3a4c-4c5d-9d3e-0a1b2c3d4e5f"


@pytest.fixture
def count(gateway: RunningGateway) -> Callable[[], None]:
    """Counts what came so far, at once: the gateway itself does so every ten seconds."""

    def count_now() -> None:
        with contextlib.closing(open_database(gateway.settings.db)) as db:
            while gathered := sightings.gather(db, 1_000):
                with transaction(db):
                    sightings.add(db, gathered)

    return count_now


def path(tracked: Tracked) -> str:
    return f"/console/lists/{tracked.list_id}/catalog"


def test_the_catalog_looks_well(
    gateway: RunningGateway, shop: Tracked, owner: Page, count: Callable[[], None]
) -> None:
    """Its first page, and an event's own page, with everything odd that there can be."""
    for value in (1, "2", True):
        gateway.call(
            "event",
            shop,
            Event="stock_counted",
            UUID=UUID,
            Properties={"amount": value, "warehouse": "north", "contact": "ann@example.com"},
        )
    again = {"Event": "stock_counted", "UUID": UUID, "Properties": {"amount": 5}}
    gateway.call("event", shop, **again)
    for kind in (5, "five"):
        gateway.call("event", shop, Event="price_set", UUID=UUID, Properties={"price": kind})
    for _ in range(12):
        gateway.call("event", shop, Event="price_set", UUID=UUID)
    count()
    look(owner, path(shop), "catalog")
    owner.goto(path(shop))
    owner.get_by_role("link", name="price_set").first.click()
    look(owner, owner.url, "catalog-event")


def test_an_event_that_came_is_found_with_its_properties(
    gateway: RunningGateway,
    tracked: Tracked,
    sign_in: Callable[[Tracked], Page],
    count: Callable[[], None],
) -> None:
    """From nothing, by the search, to the event's own page; personal data is nowhere on it."""
    page = sign_in(tracked)
    page.goto(path(tracked))
    expect(page.get_by_text("No events yet")).to_be_visible()
    for size in ("M", "L", 42):
        said = {"size": size, "email": "ann@example.com", "note": "for Ann", "price": 18.5}
        gateway.beacon(tracked, {"event": "add_to_cart", "properties": said})
    gateway.beacon(tracked, {"event": "other"})
    count()
    page.get_by_role("link", name="Catalog").click()
    expect(page.get_by_role("heading", name="other")).to_be_visible()
    page.get_by_label("Search events").fill("SIZE")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("1 event with “SIZE”")
    expect(page.get_by_role("heading", name="other")).to_have_count(0)
    row = page.get_by_role("row", name="size")
    expect(row).to_contain_text("type changed")
    expect(row.get_by_label("text: 67 %")).to_be_visible()
    expect(row).to_contain_text("42")
    page.get_by_role("link", name="add_to_cart").first.click()
    expect(page.get_by_role("heading", name="add_to_cart")).to_be_visible()
    expect(page.get_by_text("never sent so far")).to_contain_text("$current_url")
    expect(page.get_by_role("row", name="$browser text")).to_contain_text("Chrome")
    assert page.get_by_role("row", name="email").inner_text().count("[hidden]") == 1
    assert "ann@example.com" not in page.content()
    assert "for Ann" not in page.content()
    page.goto(f"{path(tracked)}/99999999999999999999")
    expect(page.get_by_role("heading", name="Nothing here")).to_be_visible()


def test_hostile_names_and_values_are_text(
    gateway: RunningGateway,
    tracked: Tracked,
    sign_in: Callable[[Tracked], Page],
    count: Callable[[], None],
) -> None:
    """In an event's name, a property's, an example, and what was searched for."""
    texts = [text for text in hostile.SHOWN if len(text) <= 200][:60]
    gateway.beacon(
        tracked,
        *({"event": text, "properties": {"a": text, text: text}} for text in texts),
    )
    count()
    page = sign_in(tracked)
    page.goto(path(tracked))
    shown = page.get_by_role("heading", level=2).all_text_contents()
    sent = {as_html_reads(event.event) for event in gateway.events(tracked)}
    assert len(shown) == min(len(sent), 50)
    assert sent.issuperset(shown)
    page.get_by_role("heading", level=2).get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="Properties")).to_be_visible()
    hit = "<script>alert(1)</script>"
    page.goto(path(tracked))
    page.get_by_label("Search events").fill(hit)
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text(hit)


def as_html_reads(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
