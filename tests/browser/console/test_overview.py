"""The page people land on: what happened on a list, as its owner looks at it."""

import contextlib
from collections.abc import Callable

from playwright.sync_api import Page, expect

from gateway.records import lists
from gateway.store.database import open_database, transaction
from tests.browser.console.conftest import look
from tests.hostile import BY_TARGET
from tests.support import RunningGateway, Tracked

MARKUP = "<img src=x onerror=\"document.title='attacked'\">"


def figure(page: Page, label: str) -> str:
    """What the page says of one figure."""
    return page.locator(".figure", has_text=label).locator("dd").inner_text()


def test_the_overview_looks_well(owner: Page, shop: Tracked) -> None:
    """With thirty days of a shop, and with a single one of them."""
    look(owner, f"/console/lists/{shop.list_id}", "overview")
    look(owner, f"/console/lists/{shop.list_id}?range=today", "overview-today")


def test_a_list_without_events_leads_to_the_tracker(
    tracked: Tracked, sign_in: Callable[[Tracked], Page]
) -> None:
    """What comes first is pasting the snippet."""
    page = sign_in(tracked)
    look(page, f"/console/lists/{tracked.list_id}", "overview-empty")
    page.get_by_role("link", name="Put the tracker into your pages").click()
    expect(page.get_by_role("heading", name="Event Tracker")).to_be_visible()


def test_what_has_just_come_is_counted_at_once(
    gateway: RunningGateway, tracked: Tracked, sign_in: Callable[[Tracked], Page]
) -> None:
    """One visitor, two events, one conversion: a site owner who tries it sees just that."""
    page = sign_in(tracked)
    gateway.beacon(tracked, {"event": "pageView", "properties": {"url": "https://a.example/b"}})
    sold = {"conversion-id": "1", "conversion-name": "Order", "conversion-value": 290.5}
    answer = gateway.call(
        "event", tracked, Event="conversion", Email="ann@example.com", Properties=sold
    )
    assert answer.status_code == 200
    page.goto(f"/console/lists/{tracked.list_id}?range=today")
    assert figure(page, "Visitors").startswith("2")
    assert figure(page, "Conversions").startswith("1")
    assert figure(page, "Revenue in USD").startswith("290.50")
    expect(page.get_by_role("region", name="Pages").get_by_text("a.example/b")).to_be_visible()


def test_a_range_is_chosen_and_each_figure_leads_to_what_it_counts(
    owner: Page, shop: Tracked
) -> None:
    """By the keyboard: a range, then dates, then a figure and a page of the shop."""
    owner.goto(f"/console/lists/{shop.list_id}")
    owner.get_by_role("link", name="7 days").focus()
    owner.keyboard.press("Enter")
    expect(owner.get_by_role("link", name="7 days")).to_have_attribute("aria-current", "true")
    assert "before" in figure(owner, "Events")
    owner.get_by_label("From", exact=True).fill("2026-01-31")
    owner.get_by_label("To", exact=True).fill("2026-01-01")
    owner.get_by_role("button", name="Show").click()
    expect(owner.get_by_role("alert")).to_contain_text("must not be after the last")
    owner.goto(f"/console/lists/{shop.list_id}?range=90d")
    owner.locator(".figure", has_text="Revenue").get_by_role("link").click()
    expect(owner.get_by_role("heading", name="Conversions", exact=True)).to_be_visible()
    owner.goto(f"/console/lists/{shop.list_id}?range=90d")
    owner.get_by_role("link", name="shop.example/product/mug").click()
    expect(owner.get_by_label("Page", exact=True)).to_have_value("shop.example/product/mug")
    expect(owner.get_by_role("link", name="pageView").first).to_be_visible()
    owner.goto(f"/console/lists/{shop.list_id}?range=90d")
    owner.get_by_role("link", name="Firefox").click()
    expect(owner.get_by_label("Value")).to_have_value("Firefox")
    expect(owner.get_by_role("link", name="pageView").first).to_be_visible()


def test_the_line_can_be_read_as_a_table_and_by_pointing_at_it(owner: Page, shop: Tracked) -> None:
    """The numbers are there without the drawing."""
    owner.goto(f"/console/lists/{shop.list_id}")
    expect(owner.get_by_role("img", name="Events and visitors by day")).to_be_visible()
    owner.get_by_text("As a table").first.click()
    rows = owner.get_by_role("region", name="Events and visitors by day").get_by_role("row")
    assert rows.count() == 31
    owner.locator(".area").hover()
    expect(owner.locator(".readout")).to_contain_text("visitors")


def test_days_are_those_of_the_lists_time_zone(
    gateway: RunningGateway, tracked: Tracked, sign_in: Callable[[Tracked], Page]
) -> None:
    """The page says whose they are."""
    with contextlib.closing(open_database(gateway.settings.db)) as db, transaction(db):
        db.execute("update lists set time_zone = 'Asia/Kathmandu' where id = ?", (tracked.list_id,))
        assert lists.get(db, tracked.list_id)
    gateway.call("event", tracked, Event="hello", Email="ann@example.com")
    page = sign_in(tracked)
    page.goto(f"/console/lists/{tracked.list_id}")
    expect(page.get_by_text("Days are those of Asia/Kathmandu.")).to_be_visible()


def test_hostile_texts_are_texts(
    gateway: RunningGateway, tracked: Tracked, sign_in: Callable[[Tracked], Page]
) -> None:
    """In the names of events, in addresses of pages, in referrers and in campaigns."""
    page = sign_in(tracked)
    for text in (MARKUP, *BY_TARGET["html"]):
        said = {
            "$current_url": f"https://a.example/{text}?utm_campaign={text}&utm_source={text}",
            "$referrer": f"https://{text}/",
        }
        gateway.call("event", tracked, Event="pageView", Email="ann@example.com", Properties=said)
        gateway.call("event", tracked, Event=text[:200], Email="ann@example.com")
    page.goto(f"/console/lists/{tracked.list_id}")
    assert "attacked" not in page.title()
    assert page.locator("main img, main script").count() == 0
