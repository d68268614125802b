"""What conversions brought, and the path to one of them, as the shop's owner looks at it."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests import hostile
from tests.browser.console.conftest import look
from tests.support import RunningGateway, Tracked

SignIn = Callable[[Tracked], Page]


def root(tracked: Tracked) -> str:
    return f"/console/lists/{tracked.list_id}/conversions"


def test_the_pages_of_conversions_look_well(owner: Page, shop: Tracked) -> None:
    """The sums of thirty days, and the path to one order."""
    look(owner, root(shop), "conversions")
    owner.get_by_role("link", name="order-2001").click()
    look(owner, owner.url, "path")


def test_sums_are_those_of_the_orders_in_the_days_that_were_chosen(
    owner: Page, shop: Tracked, gateway: RunningGateway
) -> None:
    """By campaign and in all; what is wrong with the days is said above them."""
    owner.goto(root(shop))
    lines = {line.campaign: line for line in gateway.revenue(shop)}
    total = owner.get_by_role("region", name=" to ", exact=False)
    expect(total).to_contain_text(f"{sum(line.revenue for line in lines.values()):,.2f} USD")
    spring = owner.get_by_role("region", name="By campaign", exact=True).get_by_role(
        "row", name="spring"
    )
    expect(spring).to_contain_text(f"{lines['spring'].revenue:,.2f} USD")
    owner.get_by_label("From").fill("2020-01-01")
    owner.get_by_role("button", name="Show").click()
    expect(owner.get_by_role("alert")).to_contain_text("at most 366 days")
    expect(owner.get_by_label("From")).to_have_value("2020-01-01")
    owner.get_by_label("To", exact=True).fill("2020-01-31")
    owner.get_by_role("button", name="Show").click()
    expect(owner.get_by_text("No conversion in these days")).to_be_visible()


def test_the_path_of_an_order_leads_from_the_first_visit_to_the_purchase(
    owner: Page, shop: Tracked
) -> None:
    """With where each visit came from, the link that was opened, and why it is credited."""
    owner.goto(root(shop))
    owner.get_by_role("link", name="order-2001").click()
    path = owner.get_by_role("region", name="From the first visit to the purchase")
    steps = path.get_by_role("listitem")
    expect(steps.first).to_contain_text("Chrome on Windows")
    expect(steps.last).to_contain_text("the conversion")
    expect(path).to_contain_text("by the link of spring")
    expect(owner.get_by_role("region", name="Credited to spring")).to_contain_text(
        "ada@example.com's link: credited: the last valid click"
    )
    owner.get_by_role("link", name="ada@example.com").click()
    expect(owner.get_by_role("heading", name="ada@example.com")).to_be_visible()


def test_conversions_said_with_ill_intent_are_text_and_nobody_elses(
    gateway: RunningGateway, tracked: Tracked, sign_in: SignIn
) -> None:
    """Ids, names, currencies and where a visitor came from; another account sees none of it."""
    bad = hostile.BY_TARGET["html"][2]
    uuid = "5b0ba7a5-3a4c-4c5d-9d3e-0a1b2c3d4e5f"
    viewed = {"$current_url": "https://shop.example/", "$referrer": f"https://x.example/{bad}"}
    sold = {"conversion-id": bad, "conversion-name": bad, "conversion-value": 5}
    sold["conversion-currency"] = "<b>"
    for event, properties in (("pageView", viewed), ("conversion", sold)):
        gateway.call("event", tracked, Event=event, UUID=uuid, properties=properties)
    page = sign_in(tracked)
    page.goto(root(tracked))
    expect(page.get_by_role("region", name="By name", exact=True)).to_contain_text(bad)
    page.get_by_role("link", name=bad).click()
    expect(page.get_by_role("heading", name=bad)).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("5.00 <B>")
    expect(page.get_by_role("main")).to_contain_text("from https://x.example/")
    assert page.locator("main :is(script, img, iframe, base, style, b)").count() == 0
    stranger = gateway.new_list()
    theirs = sign_in(stranger)
    assert theirs.request.get(page.url).status == 404
    own = page.url.replace(f"/{tracked.list_id}/", f"/{stranger.list_id}/")
    assert theirs.request.get(own).status == 404
