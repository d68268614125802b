"""The Event Tracker of a list: the snippet, whether events come, the settings, the secret."""

import hashlib
import hmac
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests import hostile
from tests.browser.console.conftest import look, picture, serious
from tests.browser.pages import open_and_wait
from tests.browser.sites import Site
from tests.support import PASSWORD, RunningGateway, Tracked, running_gateway, until


def tracker_of(tracked: Tracked) -> str:
    return f"/console/lists/{tracked.list_id}/tracker"


def test_the_page_looks_well(owner: Page, shop: Tracked) -> None:
    """Axe finds nothing serious, and nothing is cut off at any width."""
    look(owner, tracker_of(shop), "tracker")


def test_the_snippet_is_copied_and_works_on_a_page(
    sign_in: Callable[[Tracked], Page], page: Page, site: Site
) -> None:
    """From the copy button into a page, whose events then arrive, which the status says."""
    console = sign_in(site.tracked)
    console.context.grant_permissions(["clipboard-read", "clipboard-write"])
    console.goto(tracker_of(site.tracked))
    expect(console.get_by_text("Waiting for the first event")).to_be_visible()
    for name in ("User Tracker ID", "List Tracker ID", "The snippet"):
        region = console.get_by_role("region", name=name)
        region.locator("xpath=following-sibling::button").click()
        copied = console.evaluate("navigator.clipboard.readText()")
        assert copied == region.inner_text()
    site.pages["pasted"] = f"<!doctype html><title>Pasted</title>{copied}", {}
    page.goto(site.url + "pasted")
    expect(console.get_by_text("An event has been received")).to_be_visible()
    expect(console.get_by_text("Waiting for the first event")).to_be_hidden()
    status = console.locator("[data-stream]")
    for text in ("pageView", site.url + "pasted", "Chrome"):
        expect(status).to_contain_text(text)
    console.reload()
    expect(status).to_contain_text(site.url + "pasted")


def test_a_verified_identify_is_made_as_the_page_shows_it(
    gateway: RunningGateway, sign_in: Callable[[Tracked], Page], page: Page, site: Site
) -> None:
    """The mode is set by the form, the secret is shown, and the example's call is believed; without
    a signature nobody is."""
    console = sign_in(site.tracked)
    console.goto(tracker_of(site.tracked))
    console.get_by_label("How identify is trusted").select_option("verified")
    console.get_by_role("button", name="Save settings").click()
    expect(console.get_by_role("status").first).to_contain_text("The settings are saved")
    console.get_by_role("button", name="Show the secret").click()
    secret = console.get_by_role("region", name="The list's secret").inner_text()
    example = console.get_by_role("region", name="Example for the page").inner_text()
    proof = hmac.new(secret.encode(), b"ada@example.com", hashlib.sha256).hexdigest()
    open_and_wait(page, site.url)
    page.evaluate("oct.eventI('bob@example.com')")
    page.evaluate(f"((email, proof) => {{ {example} }})('ada@example.com', '{proof}')")
    events = until(lambda: [e for e in gateway.events(site.tracked) if e.event == "identify"][1:])
    assert [event.email for event in events] == ["ada@example.com"]


def test_the_snippet_of_a_site_with_a_banner_waits_for_it(
    sign_in: Callable[[Tracked], Page], tracked: Tracked
) -> None:
    """One click away, and the page says what the banner is to call."""
    console = sign_in(tracked)
    console.goto(tracker_of(tracked))
    region = console.get_by_role("region", name="The snippet")
    expect(region).not_to_contain_text("data-consent")
    console.get_by_role("link", name="For a site that asks for consent").click()
    expect(region).to_contain_text('data-consent="required"')
    expect(console.get_by_text("oct.consent(true)")).to_be_visible()


def test_a_setting_that_is_wrong_keeps_what_was_typed(
    sign_in: Callable[[Tracked], Page], tracked: Tracked
) -> None:
    """With the keyboard, as the form is filled."""
    console = sign_in(tracked)
    console.goto(tracker_of(tracked))
    console.get_by_label("Allowed origins").fill("https://shop.example\nshop.example")
    console.get_by_label("Time zone").select_option("Asia/Tokyo")
    console.get_by_label("Name").press("Enter")
    expect(console.get_by_role("alert")).to_contain_text("'shop.example' is no origin")
    expect(console.get_by_label("Time zone")).to_have_value("Asia/Tokyo")
    console.get_by_label("Allowed origins").fill("https://shop.example")
    console.get_by_role("button", name="Save settings").click()
    expect(console.get_by_role("status").first).to_contain_text("The settings are saved")
    expect(console.get_by_label("Allowed origins")).to_have_value("https://shop.example")


def test_hostile_texts_are_texts(
    gateway: RunningGateway, sign_in: Callable[[Tracked], Page], tracked: Tracked
) -> None:
    """In the event, its page and the settings: shown when the page is made, and when it is told by
    the stream."""
    text = next(text for text in hostile.SHOWN if "<script" in text)
    console = sign_in(tracked)
    console.goto(tracker_of(tracked))
    gateway.beacon(tracked, {"event": text, "properties": {"$current_url": text}})
    status = console.locator("[data-stream]")
    expect(status.locator("[data-told=event]")).to_have_text(text)
    console.get_by_label("Name").fill(text[:200])
    console.get_by_role("button", name="Save settings").click()
    expect(console.get_by_role("status").first).to_contain_text("The settings are saved")
    expect(console.get_by_label("Name")).to_have_value(text[:200])
    expect(status.locator("[data-told=event]")).to_have_text(text)


def test_a_page_is_checked(tmp_path: Path, browser: Browser, new_site: Callable[..., Site]) -> None:
    """The page of a site that is allowed: what is wrong and what is well, one a line."""
    with running_gateway(tmp_path, webhook_hosts_allowed=("127.0.0.1",)) as own:
        tracked = own.new_list()
        site = new_site()
        site.pages["wrong"] = (
            f"<!doctype html><title>x</title>{site.snippet}{site.snippet}",
            {"content-security-policy": "default-src 'self' <script>alert(1)</script>"},
        )
        with browser.new_context(base_url=own.url) as context:
            page = context.new_page()
            page.goto("/console/sign-in?next=" + tracker_of(tracked))
            page.get_by_label("Email address").fill(tracked.account)
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_role("button", name="Sign in").click()
            page.get_by_label("Page of your site").fill(site.url + "wrong")
            page.get_by_role("button", name="Check page").click()
            found = page.locator(".findings")
            expect(found).to_contain_text("on the page 2 times")
            expect(found).to_contain_text("none of yours")
            expect(found).to_contain_text("hands on this gateway's")
            expect(found).to_contain_text("to its script-src")
            expect(page.get_by_role("heading", name="to mend")).to_be_visible()
            assert serious(page) == []
            for width, scheme in ((1440, "light"), (390, "dark")):
                page.set_viewport_size({"width": width, "height": 900})
                page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                picture(page, f"check-{width}-{scheme}")
