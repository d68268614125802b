"""The live page and the life of one event, as somebody sees them who asks what comes in."""

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from gateway.records import recent
from gateway.records.event_log import StoredEvent
from tests import hostile
from tests.browser.console.conftest import look
from tests.support import RunningGateway, Tracked

PERSON = "ada@example.com"
OTHER = "5b0ba7a5-3a4c-4c5d-9d3e-0a1b2c3d4e5f"
SHOP = "https://shop.example"

SignIn = Callable[[Tracked], Page]


def send(gateway: RunningGateway, tracked: Tracked, name: str, **said: Any) -> StoredEvent:
    """An event of a server, as it is stored."""
    answer = gateway.call("event", tracked, Event=name, **{"UUID": OTHER, **said})
    assert answer.status_code == 200, answer.text
    return next(each for each in gateway.events(tracked)[::-1] if each.event == name)


def open_live(page: Page, tracked: Tracked, query: str = "") -> None:
    """The live page, once it is listening."""
    page.goto(f"/console/lists/{tracked.list_id}/live{query}")
    expect(page.get_by_text("Events appear as they are stored.")).to_be_visible()


def rows(page: Page) -> Locator:
    return page.locator("tbody tr")


def fact(page: Page, name: str) -> Locator:
    """What stands behind a word in a list of facts."""
    return page.locator("dt", has_text=name).first.locator("xpath=following-sibling::dd[1]")


def saying(page: Page, name: str) -> Locator:
    """The row of a property."""
    return page.locator(".properties tr", has=page.get_by_text(name, exact=True)).first


def test_the_live_page_looks_well(owner: Page, shop: Tracked) -> None:
    look(owner, f"/console/lists/{shop.list_id}/live", "live")
    answer = owner.goto(f"/console/lists/{shop.list_id}/live?person=nobody@example.com")
    assert answer
    assert answer.status == 422
    expect(owner.get_by_role("alert")).to_contain_text("Nobody on this list is that")
    expect(owner.get_by_label("Person")).to_have_value("nobody@example.com")


def test_events_appear_by_themselves_whichever_way_they_came(
    gateway: RunningGateway, tracked: Tracked, sign_in: SignIn
) -> None:
    """A beacon's and a server's, in the order they are stored, the newest on top; the page begins
    with the empty state."""
    page = sign_in(tracked)
    open_live(page, tracked)
    expect(page.get_by_text("No events yet")).to_be_visible()
    gateway.beacon(
        tracked,
        {"event": "pageView", "properties": {"$current_url": f"{SHOP}/product/mug"}},
        {"event": "identify", "email": PERSON},
    )
    expect(rows(page)).to_have_count(2)
    expect(page.get_by_text("No events yet")).to_be_hidden()
    send(gateway, tracked, "payment_succeeded")
    expect(rows(page)).to_have_count(3)
    expect(rows(page).nth(0)).to_contain_text("payment_succeeded")
    expect(rows(page).nth(0)).to_contain_text("api")
    expect(rows(page).nth(0)).to_contain_text(OTHER[:8])
    expect(rows(page).nth(1)).to_contain_text(PERSON)
    expect(rows(page).nth(2)).to_contain_text("/product/mug")
    expect(rows(page).nth(2)).to_contain_text("tracker")


def test_a_row_that_came_is_as_the_page_itself_shows_it(
    gateway: RunningGateway, tracked: Tracked, sign_in: SignIn
) -> None:
    page = sign_in(tracked)
    open_live(page, tracked)
    send(gateway, tracked, "paid", Email=PERSON)
    expect(rows(page)).to_have_count(2)
    came = [" ".join(text.split()) for text in rows(page).all_inner_texts()]
    open_live(page, tracked)
    assert [" ".join(text.split()) for text in rows(page).all_inner_texts()] == came


def test_paused_it_counts_what_comes_and_resumed_it_shows_it(
    gateway: RunningGateway, tracked: Tracked, sign_in: SignIn
) -> None:
    page = sign_in(tracked)
    open_live(page, tracked)
    page.get_by_role("button", name="Pause").press("Enter")
    for number in range(3):
        send(gateway, tracked, f"e{number}")
    expect(page.get_by_text("Paused. 3 new events wait.")).to_be_visible()
    expect(rows(page)).to_have_count(0)
    page.get_by_role("button", name="Resume").press("Enter")
    expect(rows(page)).to_have_count(3)
    expect(rows(page).first).to_contain_text("e2")
    expect(page.get_by_role("status")).to_have_text("3 new events shown")


def test_the_page_keeps_so_many_rows_and_the_rest_is_a_link_away(
    gateway: RunningGateway, tracked: Tracked, sign_in: SignIn
) -> None:
    """Whatever comes while it is open; and it says so when more comes than it shows."""
    page = sign_in(tracked)
    open_live(page, tracked)
    for batch in range(5):
        gateway.beacon(tracked, *({"event": f"{batch}.{number}"} for number in range(50)))
        expect(rows(page).first).to_contain_text(f"{batch}.49")
    expect(rows(page)).to_have_count(200)
    last = rows(page).last.get_attribute("data-id")
    older = page.get_by_role("link", name="Older")
    expect(older).to_have_attribute("href", re.compile(rf"/live\?before={last}$"))
    gateway.beacon(tracked, *({"event": f"flood.{number}"} for number in range(200)))
    expect(page.get_by_text("More events come than can be shown")).to_be_visible()
    expect(rows(page).first).to_contain_text("flood.199")
    expect(rows(page)).to_have_count(200)
    older.click()
    expect(rows(page)).to_have_count(50)


def test_a_filter_is_in_the_address_and_holds_for_what_comes(
    gateway: RunningGateway, tracked: Tracked, sign_in: SignIn
) -> None:
    """By the event's name, by a person, and by what the page's URL has in it."""
    gateway.beacon(
        tracked,
        {"event": "pageView", "properties": {"$current_url": f"{SHOP}/product/mug"}},
        {"event": "pageView", "properties": {"$current_url": f"{SHOP}/about"}},
    )
    send(gateway, tracked, "signup", Email=PERSON)
    page = sign_in(tracked)
    open_live(page, tracked)
    expect(rows(page)).to_have_count(4)
    page.get_by_label("Event", exact=True).fill("pageView")
    page.get_by_label("Page", exact=True).fill("/PRODUCT/")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(rows(page)).to_have_count(1)
    assert parse_qs(urlsplit(page.url).query) == {"event": ["pageView"], "page": ["/PRODUCT/"]}
    expect(page.get_by_label("Event", exact=True)).to_have_value("pageView")
    expect(page.get_by_text("Events appear as they are stored.")).to_be_visible()
    gateway.beacon(
        tracked,
        {"event": "pageView", "properties": {"$current_url": f"{SHOP}/about"}},
        {"event": "cart", "properties": {"$current_url": f"{SHOP}/product/tote"}},
        {"event": "pageView", "properties": {"$current_url": f"{SHOP}/product/tote"}},
    )
    expect(rows(page)).to_have_count(2)
    expect(rows(page).first).to_contain_text("/product/tote")
    page.get_by_role("link", name="Show all").click()
    expect(rows(page)).to_have_count(7)
    page.get_by_label("Person").fill(PERSON)
    page.get_by_label("Person").press("Enter")
    expect(rows(page)).to_have_count(2)
    expect(page.get_by_text("Events appear as they are stored.")).to_be_visible()
    send(gateway, tracked, "of somebody else", UUID=None)
    send(gateway, tracked, "of theirs")
    expect(rows(page)).to_have_count(3)
    expect(rows(page).first).to_contain_text("of theirs")


def test_older_events_are_a_link_away_without_script(
    owner: Page, shop: Tracked, gateway: RunningGateway
) -> None:
    """Page by page down to the first, each event once."""
    seen: list[str] = []
    path: str | None = f"/console/lists/{shop.list_id}/live?event=add_to_shopping_cart"
    context = owner.context.browser.new_context(  # type: ignore[union-attr]
        base_url=gateway.url, java_script_enabled=False, storage_state=owner.context.storage_state()
    )
    page = context.new_page()
    while path:
        page.goto(path)
        ids = rows(page).evaluate_all("rows => rows.map(row => row.dataset.id)")
        assert 0 < len(ids) <= 50
        seen += ids
        older = page.get_by_role("link", name="Older")
        path = older.get_attribute("href") if older.count() else None
    context.close()
    carts = [each for each in gateway.events(shop) if each.event == "add_to_shopping_cart"]
    assert seen == [str(each.id) for each in carts[::-1]]
    assert len(seen) > 100


def test_an_event_is_opened_with_the_keyboard_and_tells_its_life(
    gateway: RunningGateway, tracked: Tracked, sign_in: SignIn
) -> None:
    """A conversion after a mail's link: how it came, whose it is, what it was credited to."""
    link = gateway.call(
        "subscriber.create", tracked, SubscriberListID=tracked.list_id, EmailAddress=PERSON
    ).json()
    token = gateway.call(
        "attribution.create",
        tracked,
        SubscriberID=link["SubscriberInformation"]["SubscriberID"],
        Campaign="spring",
    ).json()["Token"]
    journey(gateway, tracked)
    order = {"conversion-id": "order-1", "conversion-name": "Order", "conversion-value": 290.5}
    at = {"$current_url": f"{SHOP}/thanks?utm_source=mail&token=s3cret"}
    gateway.beacon(
        tracked,
        {"event": "pageView", "properties": {"$current_url": f"{SHOP}/landing"}},
        {"event": "conversion", "properties": order | at, "seq": 2, "tab": 7},
        pr=token,
        human=True,
    )
    page = sign_in(tracked)
    open_live(page, tracked)
    page.get_by_role("region", name="Events, newest first").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="conversion", level=1)).to_be_visible()
    expect(fact(page, "Received")).to_contain_text("by the tracker")
    expect(fact(page, "Person")).to_contain_text(PERSON)
    expect(fact(page, "Person")).to_contain_text("by a link opened")
    expect(fact(page, "Conversion")).to_contain_text("290.50 USD")
    expect(fact(page, "Credited to")).to_contain_text("spring")
    expect(page.locator(".life").first).to_contain_text("fired")
    expect(page.locator(".life").first).to_contain_text("https://localhost/in")
    expect(saying(page, "utm_source")).to_contain_text("read from $current_url")
    expect(saying(page, "$current_url")).to_contain_text("token=redacted")
    raw = json.loads(page.get_by_role("region", name="The event as JSON").inner_text())
    assert raw["properties"]["conversion-value"] == 290.5
    assert raw["id"] == gateway.events(tracked)[-1].id
    look(page, page.url, "event-conversion")


def journey(gateway: RunningGateway, tracked: Tracked) -> None:
    """One that waits for conversions, and one that does not; nothing is posted to this machine."""
    for name, trigger in (("Thank them", "conversion"), ("Remind them", "pageView")):
        made = gateway.call(
            "journey.create",
            tracked,
            Name=name,
            Trigger=f"WebsiteEvent_{trigger}",
            Trigger_ListID=tracked.list_id,
        ).json()["JourneyID"]
        hook = {"Action": "Webhook", "ActionParameters": {"URL": "https://localhost/in"}}
        gateway.call("journey.actions.update", tracked, JourneyID=made, Actions=[hook])
        if trigger == "conversion":
            gateway.call("journey.enable", tracked, JourneyID=made)


def test_whose_it_was_and_what_it_changed_is_told_of_an_identify(
    gateway: RunningGateway, tracked: Tracked, sign_in: SignIn
) -> None:
    """The second address on one browser goes on as a visitor of its own; a clock that is far off
    is told of."""
    first = gateway.beacon(tracked, {"event": "identify", "email": "first@example.com"}).json()
    gateway.beacon(
        tracked,
        {"event": "identify", "email": PERSON, "at": 1_700_000_000_000},
        visitor=first["visitor"],
        sent_at=1_700_000_007_000,
    )
    [before, event] = gateway.events(tracked)
    page = sign_in(tracked)
    page.goto(f"/console/lists/{tracked.list_id}/events/{event.id}")
    expect(fact(page, "It changed")).to_contain_text(f"nobody → {PERSON}: an identify")
    expect(fact(page, "It changed").get_by_role("link", name=before.uuid)).to_be_visible()
    expect(fact(page, "Clock")).to_contain_text("behind: the time it happened was moved by that")
    expect(fact(page, "Happened")).to_contain_text("7 s before it came")


def test_hostile_texts_are_texts_in_rows_in_the_stream_and_on_the_event(
    gateway: RunningGateway, tracked: Tracked, sign_in: SignIn
) -> None:
    """Names, addresses of pages, properties and their names: as they were sent, and never run."""
    evil = [text for text in hostile.BY_TARGET["html"] if text.strip()]
    page = sign_in(tracked)
    page.on("dialog", lambda dialog: dialog.dismiss())
    open_live(page, tracked)
    events = [
        {"event": text, "properties": {text: text, "$page_title": text, "$pathname": text}}
        for text in evil
    ]
    gateway.beacon(tracked, *events)
    expect(rows(page)).to_have_count(len(evil))
    came = rows(page).locator("td:nth-child(2)").all_text_contents()
    assert came == evil[::-1]
    open_live(page, tracked)
    assert rows(page).locator("td:nth-child(2)").all_text_contents() == evil[::-1]
    one = gateway.events(tracked)[0]
    page.goto(f"/console/lists/{tracked.list_id}/events/{one.id}")
    assert page.get_by_role("heading", level=1).text_content() == evil[0]
    own = saying(page, evil[0]).locator("th, td")
    assert own.all_text_contents()[:2] == [evil[0], evil[0]]
    page.goto(f"/console/lists/{tracked.list_id}/live")
    page.get_by_label("Event", exact=True).fill(evil[2])
    page.get_by_label("Event", exact=True).press("Enter")
    expect(rows(page)).to_have_count(1)
    expect(page.get_by_label("Event", exact=True)).to_have_value(evil[2])
    assert page.locator("img, iframe, base, svg").count() == 0


def test_a_session_that_is_ended_ends_its_stream(
    gateway: RunningGateway, tracked: Tracked, sign_in: SignIn
) -> None:
    """What is stored from then on is shown to nobody who is signed out."""
    here, left = sign_in(tracked), sign_in(tracked)
    open_live(left, tracked)
    here.goto("/console/account")
    here.get_by_role("button", name="End the session").click()
    ended = left.locator("[data-live-state]")
    expect(ended).to_have_text("The stream has ended. Reload the page to go on.", timeout=15_000)
    path = f"/console/lists/{tracked.list_id}/live/stream?after=0"
    assert left.request.get(path, max_redirects=0).status == 303
    left.reload()
    expect(left.get_by_role("heading", name="Sign in")).to_be_visible()


def test_another_accounts_events_are_nowhere(
    gateway: RunningGateway, tracked: Tracked, shop: Tracked, sign_in: SignIn
) -> None:
    """Not below their own list, not below mine, not as a stream."""
    theirs = gateway.events(shop)[0]
    page = sign_in(tracked)
    for path in (
        f"{shop.list_id}/events/{theirs.id}",
        f"{tracked.list_id}/events/{theirs.id}",
        f"{tracked.list_id}/events/{theirs.event_id}",
        f"{shop.list_id}/live",
        f"{shop.list_id}/live/stream?after=0",
    ):
        answer = page.goto(f"/console/lists/{path}")
        assert answer
        assert answer.status == 404


def test_a_rare_event_is_searched_for_a_stretch_at_a_time(
    gateway: RunningGateway,
    tracked: Tracked,
    owner: Page,
    shop: Tracked,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It says how far it has looked, and goes on when it is told to; what is not there is told
    too."""
    half = send(gateway, tracked, "the newest of all lists").id // 2 + 1
    monkeypatch.setattr(recent, "FEW", 0)
    monkeypatch.setattr(recent, "LOOKS", half)
    path = f"/console/lists/{shop.list_id}/live?page=nowhere"
    owner.goto(path)
    expect(owner.get_by_text(f"None among the latest {half:,} events")).to_be_visible()
    owner.get_by_role("link", name="Search older").click()
    expect(owner.get_by_text("No older events")).to_be_visible()
    owner.get_by_role("link", name="Newest").click()
    expect(owner.get_by_text("Events appear as they are stored.")).to_be_visible()
    monkeypatch.setattr(recent, "LOOKS", 50_000)
    owner.reload()
    expect(owner.get_by_text("Nothing yet that fits")).to_be_visible()
