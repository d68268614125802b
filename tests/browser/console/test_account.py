"""Signing in and out, the lists of an account, its keys and its sessions, as the owner does it."""

from collections.abc import Callable

import httpx
from playwright.sync_api import Page, expect

from tests.browser.console.conftest import look
from tests.support import PASSWORD, RunningGateway, Tracked


def test_the_first_pages_look_well(owner: Page) -> None:
    """Axe finds nothing serious, and nothing is cut off at any width."""
    look(owner, "/console/", "lists")
    look(owner, "/console/account", "account")


def test_a_wrong_password_says_so_and_keeps_the_address(
    gateway: RunningGateway, tracked: Tracked, page: Page
) -> None:
    """Nobody types their address twice; what was wrong of the two is not told."""
    page.goto(gateway.url)
    page.get_by_label("Email address").fill(tracked.account)
    page.get_by_label("Password").fill("not it")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("address or the password is wrong")
    expect(page.get_by_label("Email address")).to_have_value(tracked.account)
    expect(page.get_by_label("Password")).to_be_focused()
    look(page, page.url, "sign-in")


def test_the_page_that_was_asked_for_comes_after_signing_in(
    gateway: RunningGateway, tracked: Tracked, page: Page
) -> None:
    """A link in a mail leads to its page, by way of the form, with the keyboard alone."""
    page.goto(f"{gateway.url}/console/account")
    page.keyboard.type(tracked.account)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Account")).to_be_visible()


def test_a_key_is_shown_once_works_and_stops_when_it_is_revoked(
    gateway: RunningGateway, tracked: Tracked, sign_in: Callable[[Tracked], Page]
) -> None:
    """Made for a back end, used by it, and ended."""
    page = sign_in(tracked)
    page.goto("/console/account")
    page.get_by_label("For").fill("shop backend")
    page.get_by_role("button", name="Make key").click()
    key = page.get_by_role("region", name="The new API key").inner_text().strip()
    call = {
        "ListID": tracked.list_id,
        "Event": "hello",
        "UUID": "5b0ba7a5-3a4c-4c5d-9d3e-0a1b2c3d4e5f",
    }
    sent = {"headers": {"authorization": f"Bearer {key}"}, "json": call, "trust_env": False}
    assert httpx.post(f"{gateway.url}/api/v1/event", **sent).status_code == 200  # type: ignore[arg-type]
    page.goto("/console/account")
    assert key not in page.content()
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("row", name="shop backend").get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("status")).to_contain_text("The key is revoked")
    assert httpx.post(f"{gateway.url}/api/v1/event", **sent).status_code == 401  # type: ignore[arg-type]


def test_a_new_password_ends_all_other_sessions(
    gateway: RunningGateway, tracked: Tracked, sign_in: Callable[[Tracked], Page]
) -> None:
    """Who knew the old one is out; who changed it is not."""
    here, elsewhere = sign_in(tracked), sign_in(tracked)
    here.goto("/console/account")
    here.get_by_label("Password now").fill(PASSWORD)
    here.get_by_label("New password").fill("a rather new password")
    here.get_by_role("button", name="Change password").click()
    expect(here.get_by_role("status")).to_contain_text("signed out elsewhere")
    elsewhere.goto("/console/account")
    expect(elsewhere.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_session_can_be_ended_from_another(
    tracked: Tracked, sign_in: Callable[[Tracked], Page]
) -> None:
    """A browser that was left signed in somewhere."""
    here, left = sign_in(tracked), sign_in(tracked)
    here.goto("/console/account")
    here.get_by_role("button", name="End the session").click()
    expect(here.get_by_role("status")).to_contain_text("ended")
    left.goto("/console/")
    expect(left.get_by_role("heading", name="Sign in")).to_be_visible()


def test_signing_out_ends_the_session(
    gateway: RunningGateway, tracked: Tracked, sign_in: Callable[[Tracked], Page]
) -> None:
    """The cookie opens nothing any more, even for who has kept it."""
    page = sign_in(tracked)
    page.goto("/console/")
    kept = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}  # type: ignore[index]
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    answer = httpx.get(f"{gateway.url}/console/account", cookies=kept, trust_env=False)
    assert answer.status_code == 303


def test_a_list_is_made_from_its_name_and_its_site(
    tracked: Tracked, sign_in: Callable[[Tracked], Page]
) -> None:
    """What is wrong with the form is said above it, and nothing that was typed is lost."""
    page = sign_in(tracked)
    page.goto("/console/")
    page.get_by_label("Name").fill("Second shop")
    page.get_by_label("Website").fill("https://second.example/shop")
    page.get_by_role("button", name="Make list").click()
    expect(page.get_by_role("alert")).to_contain_text("is no origin")
    expect(page.get_by_label("Name")).to_have_value("Second shop")
    page.get_by_label("Website").fill("https://second.example")
    page.get_by_role("button", name="Make list").click()
    page.goto("/console/")
    expect(page.get_by_role("link", name="Second shop")).to_be_visible()
