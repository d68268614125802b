"""The page people land on: what its figures say, from the first event on, and where they lead."""

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from gateway.records import lists
from gateway.store.database import open_database, transaction
from tests import hostile
from tests.browser.console.conftest import look
from tests.support import RunningGateway, Tracked

SHOP = "https://shop.example"


def overview(tracked: Tracked, query: str = "") -> str:
    return f"/console/lists/{tracked.list_id}{query}"


def figure(page: Page, label: str) -> str:
    """What a figure says, and what it was before."""
    return page.locator(".figure", has=page.get_by_text(label, exact=True)).inner_text()


def order(number: int, value: float, currency: str) -> dict[str, Any]:
    said = {"conversion-id": f"order-{number}", "conversion-name": "Order"}
    said |= {"conversion-value": value, "conversion-currency": currency}  # type: ignore[dict-item]
    return {"event": "conversion", "properties": said}


@pytest.mark.parametrize("query", ["", "?range=today"])
def test_the_overview_looks_well(owner: Page, shop: Tracked, query: str) -> None:
    """A month by days, a day by hours."""
    look(owner, overview(shop, query), f"overview{query[7:]}")


def test_a_list_without_events_leads_to_the_tracker(
    tracked: Tracked, sign_in: Callable[[Tracked], Page]
) -> None:
    """What would be here, and what to do."""
    page = sign_in(tracked)
    page.goto(overview(tracked))
    expect(page.get_by_text("No event has come yet")).to_be_visible()
    tracker = page.get_by_role("link", name="Put the tracker into your pages")
    assert tracker.get_attribute("href") == overview(tracked) + "/tracker"


def test_the_first_event_is_there_at_once(
    gateway: RunningGateway, tracked: Tracked, sign_in: Callable[[Tracked], Page]
) -> None:
    """Who has just pasted the snippet sees a visitor."""
    gateway.beacon(tracked, {"event": "pageView"}, context={"$current_url": f"{SHOP}/mug?size=1"})
    page = sign_in(tracked)
    page.goto(overview(tracked))
    assert figure(page, "Events").split("\n")[1:] == ["1", "0 before"]
    assert figure(page, "Visitors").split("\n")[1:] == ["1", "0 before"]
    assert figure(page, "Identified").split("\n")[1:] == ["0 %", "\N{EN DASH} before"]
    pages = page.get_by_role("region", name="Pages", exact=True)
    row = pages.get_by_role("row", name="/mug")
    assert row.get_by_role("cell").all_inner_texts()[1:] == ["1", "1"]
    link = row.get_by_role("link").get_attribute("href")
    assert link == overview(tracked) + "/live?page=shop.example%2Fmug"


def test_the_chart_tells_its_numbers_to_the_keyboard(owner: Page, shop: Tracked) -> None:
    """And has a table, whose last row is today's."""
    owner.goto(overview(shop, "?range=7d"))
    owner.get_by_role("group", name="Chart").focus()
    owner.keyboard.press("Home")
    owner.keyboard.press("ArrowRight")
    owner.get_by_text("As a table").click()
    day, events, visitors = owner.locator(".chart tbody tr").nth(1).locator("td").all_inner_texts()
    owner.get_by_role("group", name="Chart").focus()
    expect(owner.locator(".readout")).to_have_text(f"{day}: {events} events, {visitors} visitors")
    assert owner.locator(".chart tbody tr").count() == 7


def test_days_are_chosen_by_their_dates(owner: Page, shop: Tracked) -> None:
    """What cannot be is said, and what was typed still stands there."""
    owner.goto(overview(shop, "?from=2026-03-01&to=2026-02-01"))
    expect(owner.get_by_role("alert")).to_contain_text("must not be after the last one")
    expect(owner.get_by_label("From")).to_have_value("2026-03-01")
    owner.get_by_label("To", exact=True).fill("2026-03-31")
    owner.get_by_role("button", name="Show").click()
    heading = owner.get_by_role("heading", name="2026-03-01 to 2026-03-31")
    expect(heading).to_be_visible()
    expect(owner.get_by_text("Before: 2026-01-29 to 2026-02-28")).to_be_visible()


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
    owner.get_by_role("link", name="/product/mug").click()
    expect(owner.get_by_label("Page", exact=True)).to_have_value("shop.example/product/mug")
    expect(owner.get_by_role("link", name="pageView").first).to_be_visible()
    owner.goto(f"/console/lists/{shop.list_id}?range=90d")
    owner.get_by_role("link", name="Firefox").click()
    expect(owner.get_by_label("Value")).to_have_value("Firefox")
    expect(owner.get_by_role("link", name="pageView").first).to_be_visible()


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


def test_money_of_several_currencies_is_not_added_up(
    gateway: RunningGateway, tracked: Tracked, sign_in: Callable[[Tracked], Page]
) -> None:
    """The list's own comes first; an enormous value breaks nothing."""
    orders = [(10.5, "EUR"), (20, "EUR"), (3, "USD"), (1e300, "CHF"), (1e308, "JPY"), (9, "JPY")]
    gateway.beacon(tracked, *(order(number, *each) for number, each in enumerate(orders)))
    page = sign_in(tracked)
    page.goto(overview(tracked))
    assert figure(page, "Conversions").split("\n")[1] == "6"
    assert figure(page, "Revenue in USD").split("\n")[1] == "3.00"
    assert figure(page, "Revenue in EUR").split("\n")[1] == "30.50"
    assert figure(page, "Revenue in JPY").split("\n")[1] == "1e+308"
    link = page.get_by_role("link", name="30.50").get_attribute("href")
    assert link
    assert link.startswith(overview(tracked) + "/conversions?from=20")
    expect(page.get_by_text("Of 1 further currency see the conversions.")).to_be_visible()


def test_hostile_texts_are_texts(
    gateway: RunningGateway, tracked: Tracked, sign_in: Callable[[Tracked], Page]
) -> None:
    """As a page, a referrer, a campaign, an event's name and a currency. The fixture fails the test
    for whatever ran, or was kept from it by the policy."""
    texts = hostile.BY_TARGET["html"][:5]
    for number, text in enumerate(texts):
        said = {"$current_url": f"{SHOP}/{text}", "$referring_domain": text, "$pathname": text}
        said |= {"utm_campaign": text, "utm_source": text, "url": f"/{text}"}
        views = {"event": "pageView", "properties": said}
        named = {"event": text, "properties": {}}
        gateway.beacon(tracked, views, named, order(number, 1, text))
    page = sign_in(tracked)
    page.goto(overview(tracked))
    shown = page.locator("main").inner_text()
    for text in texts:
        assert shown.count(text) >= 4, text
    assert page.locator("main script, main img, main iframe, main base").count() == 0
