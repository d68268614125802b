"""The demo shop, from landing to thank-you, and what the gateway then knows."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from gateway import demo
from gateway.receiver import Arrived
from tests.support import RunningGateway, Tracked, free_socket, running_gateway, serving, until

Shop = tuple[RunningGateway, demo.Demo, list[Arrived]]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A gateway, the shop, and the webhooks that arrive at it."""
    folder: Path = tmp_path_factory.mktemp("demo")
    with running_gateway(folder, webhook_hosts_allowed=("127.0.0.1",)) as gateway:
        sock, arrived = free_socket(), []
        made = demo.seed(gateway.settings, sock.getsockname()[1])
        with serving(demo.create_shop(made, arrived.append), sock):
            yield gateway, made, arrived


def test_the_story_of_the_reference_from_landing_to_thank_you(shop: Shop, page: Page):
    gateway, made, arrived = shop
    strip = page.locator("#live-events")
    page.goto(made.shop_url + "/")
    expect(strip.locator("li[data-event=pageView]")).to_have_count(1)
    page.goto(made.shop_url + "/product-mug.html")
    page.click("#add-to-cart")
    page.goto(made.shop_url + "/cart.html")
    page.click("#go-checkout")
    page.fill("#email", "ada@example.com")
    page.fill("#first-name", "Ada")
    page.fill("#last-name", "Lovelace")
    page.check("#card-declined")
    page.click("#pay")
    expect(page.locator("#payment-message")).to_contain_text("declined")
    page.check("#card-good")
    page.click("#pay")
    page.wait_for_url("**/thank-you.html*")
    row = strip.locator("li[data-event=conversion]").first
    expect(row).to_contain_text("Linux")
    expect(row).to_contain_text("ada@example.com")

    tracked = _as_tracked(made)
    events = until(lambda: (found := gateway.events(tracked)) and len(found) >= 11 and found)
    told = [event.event for event in events if event.event != "pageView"]
    assert told == [
        "add_to_shopping_cart",
        "checkout_page_visited",
        "identify",
        "payment_failed",
        "payment_succeeded",
        "conversion",
    ]
    assert len({event.uuid for event in events}) == 1
    assert {event.email for event in events} == {"ada@example.com"}
    [conversion] = [event for event in events if event.event == "conversion"]
    assert conversion.properties["conversion-value"] == 18

    catalog = gateway.call("website_events.properties", tracked).json()["Properties"]
    assert {"product", "product_id", "price", "quantity"} <= set(catalog["add_to_shopping_cart"])
    assert "conversion-currency" in catalog["conversion"]

    [thanks] = until(lambda: list(arrived))
    assert (thanks.checked, thanks.fault) == (True, None)
    assert "ada@example.com" in str(thanks.body)


def test_no_key_ever_reaches_the_browser(shop: Shop, page: Page):
    _, made, _ = shop
    seen: list[str] = []
    page.on("request", lambda request: seen.append(str(request.all_headers()) + request.url))
    page.goto(made.shop_url + "/")
    expect(page.locator("#live-strip")).to_have_attribute("data-state", "live")
    assert made.api_key not in page.content() + "".join(seen)


def _as_tracked(made: demo.Demo) -> Tracked:
    return Tracked(
        list_id=made.list_id,
        account_id=0,
        account=made.account,
        api_key=made.api_key,
        user_tracker_id=made.user_tracker_id,
        list_tracker_id=made.list_tracker_id,
    )
