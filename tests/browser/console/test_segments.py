"""Segments, built by hand: counted while one types, kept, looked into and changed; with a script,
without one, and with the keyboard alone."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from gateway import clock
from gateway.records import segments
from gateway.store.database import open_database, transaction
from tests.browser.console.conftest import look
from tests.hostile import SHOWN
from tests.http.management import done
from tests.support import PASSWORD, RunningGateway, Tracked

CARTS = {"ada": 10, "grace": 25, "alan": 40}


@pytest.fixture
def visited(gateway: RunningGateway, tracked: Tracked) -> Tracked:
    """A list of three people with a cart each, and of a fourth who only looked."""
    for name, price in CARTS.items():
        gateway.call(
            "event", tracked, Event="cart", Email=f"{name}@example.com",
            Properties={"price": price, "colour": "red" if price > 20 else "blue"},
        )  # fmt: skip
    gateway.call("event", tracked, Event="looked", Email="edsger@example.com")
    return tracked


@pytest.fixture
def plain(gateway: RunningGateway, browser: Browser, visited: Tracked) -> Any:
    """A page of the owner's in a browser that runs no scripts."""
    context = browser.new_context(base_url=gateway.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/console/sign-in")
    page.get_by_label("Email address").fill(visited.account)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    yield page
    context.close()


def path(tracked: Tracked, rest: str = "") -> str:
    return f"/console/lists/{tracked.list_id}/segments{rest}"


def found(page: Page) -> Any:
    return page.get_by_role("region", name="Who is meant now")


def test_the_pages_look_well(owner: Page, shop: Tracked) -> None:
    """Axe finds nothing serious, and nothing is cut off at any width."""
    look(owner, path(shop), "segments")
    owner.goto(path(shop))
    first = owner.get_by_role("link", name="Cart, but no order lately", exact=True)
    look(owner, str(first.get_attribute("href")), "segment")


def test_a_segment_is_built_counted_saved_and_changed(
    visited: Tracked, sign_in: Callable[[Tracked], Page]
) -> None:
    """The count follows what is typed; what the list has seen is suggested."""
    page = sign_in(visited)
    page.goto(path(visited))
    expect(page.get_by_text("No segments yet")).to_be_visible()
    page.get_by_role("link", name="New segment").click()
    expect(found(page)).to_contain_text("4 people are meant")
    page.get_by_label("Name").fill("Dear carts")
    page.get_by_role("button", name="Add event").click()
    expect(page.get_by_label("Event")).to_be_focused()
    expect(found(page)).to_contain_text("Once every rule is complete")
    expect(page.get_by_label("Property")).to_be_hidden()
    page.get_by_label("Event").fill("cart")
    expect(found(page)).to_contain_text("3 people are meant")
    page.get_by_label("Rule", exact=True).select_option("greater than")
    page.get_by_label("Property").fill("price")
    expect(page.locator("datalist[id^=properties] option[value=price]")).to_be_attached()
    expect(page.locator(".fault")).to_contain_text("Write what to compare with")
    page.get_by_label("Value").fill("20")
    expect(found(page)).to_contain_text("2 people are meant")
    expect(page.locator("datalist[id^=values] option[value='40']")).to_be_attached()
    expect(found(page).get_by_role("link", name="alan@example.com")).to_be_visible()
    page.get_by_role("button", name="Save segment").click()
    expect(page.get_by_role("status")).to_contain_text("Dear carts is saved")
    row = page.get_by_role("row", name="Dear carts")
    expect(row.get_by_role("cell").nth(3)).to_have_text("2")
    page.get_by_role("link", name="Dear carts", exact=True).click()
    page.get_by_label("Value").fill("30")
    expect(found(page)).to_contain_text("1 person is meant")
    page.get_by_role("button", name="Save segment").click()
    expect(page.get_by_role("row", name="Dear carts").get_by_role("cell").nth(3)).to_have_text("1")


def test_groups_alternate_and_what_is_removed_is_gone(
    visited: Tracked, sign_in: Callable[[Tracked], Page]
) -> None:
    """One of a group's rules is enough where all of those around it must hold."""
    page = sign_in(visited)
    page.goto(path(visited, "/new"))
    page.get_by_role("button", name="Add group").click()
    group = page.get_by_role("group", name="One of these")
    group.get_by_label("Event").fill("cart")
    expect(found(page)).to_contain_text("3 people are meant")
    group.get_by_role("button", name="Add event").click()
    group.get_by_label("Event").nth(1).fill("looked")
    expect(found(page)).to_contain_text("4 people are meant")
    group.get_by_role("button", name="Remove rule").first.click()
    expect(found(page)).to_contain_text("1 person is meant")
    expect(group.get_by_label("Event")).to_have_value("looked")
    page.get_by_role("button", name="Remove group").click()
    expect(found(page)).to_contain_text("4 people are meant")


def test_it_works_without_a_script(plain: Page, visited: Tracked) -> None:
    """Each button brings the form back as it was typed, changed by what the button says."""
    page = plain
    page.goto(path(visited, "/new"))
    page.get_by_label("Name").fill("Red carts")
    page.get_by_role("button", name="Add event").click()
    page.get_by_label("Event").fill("cart")
    page.get_by_label("Rule", exact=True).select_option("equals")
    page.get_by_label("Property").fill("colour")
    page.get_by_role("button", name="Save segment").click()
    expect(page.get_by_role("alert")).to_contain_text("Some rules cannot be used")
    expect(page.locator(".fault")).to_contain_text("Write what to compare with")
    page.get_by_label("Value").fill("RED")
    page.get_by_role("button", name="Count").click()
    expect(found(page)).to_contain_text("2 people are meant")
    expect(page.get_by_label("Name")).to_have_value("Red carts")
    page.get_by_role("button", name="Add field").click()
    page.get_by_label("Field").select_option("emailaddress")
    page.get_by_label("Value").nth(1).fill("alan@example.com")
    page.get_by_role("button", name="Count").click()
    expect(found(page)).to_contain_text("1 person is meant")
    page.get_by_role("button", name="Remove rule").first.click()
    page.get_by_label("Value").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Red carts is saved")
    page.get_by_role("link", name="Count Red carts").click()
    expect(page.get_by_role("row", name="Red carts").get_by_role("cell").nth(3)).to_have_text("1")


def test_a_segment_is_made_and_deleted_with_the_keyboard_alone(
    visited: Tracked, sign_in: Callable[[Tracked], Page]
) -> None:
    """From the link to the saved segment, and away with it once it was asked about."""
    page = sign_in(visited)
    page.goto(path(visited))
    page.get_by_role("link", name="New segment").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Name").focus()
    page.keyboard.type("Looked")
    page.get_by_role("button", name="Add event").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Event")).to_be_focused()
    page.keyboard.type("looked")
    expect(found(page)).to_contain_text("1 person is meant")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Looked is saved")
    page.get_by_role("link", name="Looked", exact=True).click()
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete segment").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Looked is deleted")


def test_what_cannot_be_deleted_or_is_made_of_itself_says_so(
    gateway: RunningGateway, visited: Tracked, sign_in: Callable[[Tracked], Page]
) -> None:
    """Segments that name each other, shown where it is wrong."""
    made = {
        "SegmentOperator": "and",
        "SegmentName": "Inner",
        "RulesJson": [],
    }
    inner = done(gateway, visited, "segment.create", **made)["SegmentID"]
    names_it = [{"type": "segments", "operator": "belongs to", "value": inner}]
    outer = made | {"SegmentName": "Outer", "RulesJson": names_it}
    done(gateway, visited, "segment.create", **outer)
    page = sign_in(visited)
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(path(visited, f"/{inner}"))
    page.get_by_role("button", name="Delete segment").click()
    expect(page.get_by_role("alert")).to_contain_text("is named by segment")
    page.get_by_role("button", name="Add segment").click()
    page.get_by_label("Segment").select_option(label="Outer")
    page.get_by_role("button", name="Save segment").click()
    expect(page.locator(".fault")).to_contain_text("is made of this one")


def test_hostile_texts_are_texts(
    gateway: RunningGateway, tracked: Tracked, sign_in: Callable[[Tracked], Page]
) -> None:
    """In a name, an event, a property and a value; nothing of them runs, and all are kept."""
    rules = [
        {
            "type": "website-events", "event": text, "operator": "equals",
            "event_parameter": text, "value": text,
        }
        for text in SHOWN[:60]
    ]  # fmt: skip
    name = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    for text in SHOWN[:60]:
        gateway.call("event", tracked, Event=text, Email="a@example.com", Properties={text: text})
    with open_database(gateway.settings.db) as db, transaction(db):
        made = segments.create(
            db, tracked.list_id, name=name, rules=rules, match_all=False, now_ms=clock.now_ms()
        )
    page = sign_in(tracked)
    page.goto(path(tracked))
    expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()
    page.goto(path(tracked, f"/{made.id}"))
    expect(found(page)).to_contain_text("meant now")
    page.get_by_role("button", name="Save segment").click()
    expect(page.get_by_role("status")).to_be_visible()
    with open_database(gateway.settings.db) as db:
        kept = segments.get(db, made.id)
    assert kept is not None
    assert (kept.rules, kept.name) == (rules, name)
