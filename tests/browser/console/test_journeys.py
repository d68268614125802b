"""Journeys and their deliveries, from the form to a real receiver and back: tried against the past,
enabled, delivered, dead and replayed."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from gateway.records import outbox
from gateway.workers import courier
from tests.browser.console.conftest import look
from tests.hostile import SHOWN
from tests.http.management import done
from tests.receiver import OK, Receiver, receiving, status
from tests.support import PASSWORD, RunningGateway, Tracked, running_gateway, until

EMAIL = "ada@example.com"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """A gateway that may post to this machine, is quick, and gives up after the first attempt."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(courier, "LOOK_S", 0.02)
        patch.setattr(outbox, "GIVE_UP_MS", 0)
        with running_gateway(
            tmp_path_factory.mktemp("journeys"),
            rate_limits=False,
            webhook_hosts_allowed=("127.0.0.1",),
        ) as running:
            yield running


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def path(tracked: Tracked, rest: str = "journeys") -> str:
    return f"/console/lists/{tracked.list_id}/{rest}"


def cart(gateway: RunningGateway, tracked: Tracked, **properties: Any) -> None:
    """A cart of the person's, as the shop's own server tells it."""
    said = gateway.call("event", tracked, Event="cart", Email=EMAIL, Properties=properties)
    assert said.status_code == 200, said.text


def journey(gateway: RunningGateway, tracked: Tracked, url: str, **parameters: Any) -> int:
    """An enabled one that waits for `cart` and posts to this URL."""
    usual = {
        "Name": "After the cart", "Trigger": "WebsiteEvent_customEvent", "Trigger_Value": "cart",
        "Trigger_ListID": tracked.list_id,
    }  # fmt: skip
    made = done(gateway, tracked, "journey.create", **usual | parameters)["JourneyID"]
    actions = [{"Action": "Webhook", "ActionParameters": {"URL": url}}]
    done(gateway, tracked, "journey.actions.update", JourneyID=made, Actions=actions)
    done(gateway, tracked, "journey.enable", JourneyID=made)
    return int(made)


def build(page: Page, url: str) -> None:
    """A journey for carts above 20, by form, with a payload; the first URL is refused."""
    page.get_by_role("link", name="New journey").click()
    page.get_by_label("Name").fill("Dear carts")
    page.get_by_label("It starts when").select_option("another event happens")
    page.get_by_label("Event", exact=True).fill("cart")
    page.get_by_role("button", name="Add rule").click()
    page.get_by_label("Rule", exact=True).select_option("greater than")
    expect(page.locator("datalist[id^=properties] option[value=price]")).to_be_attached()
    page.get_by_label("Property").fill("price")
    page.get_by_label("Value").fill("20")
    page.get_by_role("button", name="Add field").click()
    page.get_by_label("Field").select_option("emailaddress")
    page.get_by_label("Value").nth(1).fill(EMAIL)
    page.get_by_role("button", name="Add webhook").click()
    page.get_by_label("URL", exact=True).fill("http://192.168.0.1/")
    page.get_by_text("Headers, payload and signature").click()
    page.get_by_label("Payload").fill(
        '{"to": "%Subscriber:EmailAddress%", "cost": "%Event:price%"}'
    )
    page.get_by_role("button", name="Save journey").click()
    expect(page.locator(".fault:not(:empty)")).to_contain_text("begins with https://")
    page.get_by_label("URL", exact=True).fill(url)
    page.get_by_role("button", name="Save journey").click()


def test_a_journey_is_built_tried_enabled_and_delivers(
    gateway: RunningGateway,
    tracked: Tracked,
    receiver: Receiver,
    sign_in: Callable[[Tracked], Page],
) -> None:
    """The whole story: what was rehearsed is what is posted."""
    cart(gateway, tracked, price=5)
    cart(gateway, tracked, price=50)
    page = sign_in(tracked)
    page.goto(path(tracked))
    expect(page.get_by_text("No journeys yet")).to_be_visible()
    build(page, receiver.url("/in"))
    secret = page.get_by_role("region", name="The secret of webhook 1").inner_text()
    assert secret.startswith("whsec_")
    page.get_by_role("link", name="Try it against the past").click()
    expect(page.get_by_text("this would have fired 1 time")).to_be_visible()
    page.get_by_role("link", name="Payload").click()
    posted = json.loads(page.get_by_role("region", name="Payload of webhook 1").inner_text())
    assert (posted["to"], posted["cost"], posted["Event"]["Event"]) == (EMAIL, "50", "cart")
    page.get_by_role("button", name="Enable").click()
    expect(page.get_by_role("status")).to_contain_text("fires from now on")
    assert secret not in page.content()
    cart(gateway, tracked, price=5)
    cart(gateway, tracked, price=70)
    [received] = until(lambda: receiver.received)
    assert received.said["cost"] == "70"
    page.goto(path(tracked))
    cells = page.get_by_role("row", name="Dear carts").get_by_role("cell")
    expect(cells.nth(1)).to_contain_text("the event “cart” happens")
    expect(cells.nth(2)).to_have_text("enabled")
    expect(cells.nth(3)).to_have_text("1")
    until(lambda: page.reload() and "1" in cells.nth(5).inner_text())
    page.get_by_role("link", name="1 delivered of Dear carts").click()
    expect(page.get_by_role("row", name=EMAIL)).to_contain_text("200")
    page.goto(path(tracked))
    page.get_by_role("link", name="Dear carts", exact=True).click()
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="New secret").click()
    expect(page.get_by_text("The one before is valid until")).to_be_visible()
    assert page.get_by_role("region", name="The secret of webhook 1").inner_text() != secret
    page.get_by_role("link", name="To the journey").click()
    page.get_by_role("button", name="Disable").click()
    page.get_by_role("button", name="Delete journey").click()
    expect(page.get_by_text("No journeys yet")).to_be_visible()


def test_a_dead_letter_is_shown_with_its_answer_and_sent_once_more(
    gateway: RunningGateway,
    tracked: Tracked,
    receiver: Receiver,
    sign_in: Callable[[Tracked], Page],
) -> None:
    """With the keyboard alone, once the receiver is well again; each page looks well on the way."""
    receiver.answer = lambda received: status(503)
    made = journey(gateway, tracked, receiver.url())
    cart(gateway, tracked, n=1)
    page = sign_in(tracked)
    page.goto(path(tracked, f"deliveries?journey={made}&state=dead"))
    until(lambda: page.reload() and page.get_by_role("row", name=EMAIL).count())
    row = page.get_by_role("row", name=EMAIL)
    expect(row).to_contain_text("last: 503")
    look(page, path(tracked, f"deliveries?journey={made}&state=dead"), "deliveries")
    row.get_by_role("link").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Payload")).to_contain_text('"n": 1')
    look(page, page.url, "delivery")
    receiver.answer = lambda received: OK
    page.get_by_role("button", name="Send once more").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("sent once more")
    until(lambda: page.reload() and page.get_by_text("what is delivered is not kept").count())
    look(page, path(tracked), "journeys")
    look(page, path(tracked, f"journeys/{made}"), "journey")
    look(page, path(tracked, f"journeys/{made}/try"), "journey-try")


def test_all_dead_letters_of_a_journey_are_sent_once_more(
    gateway: RunningGateway,
    tracked: Tracked,
    receiver: Receiver,
    sign_in: Callable[[Tracked], Page],
) -> None:
    """And those of no other one. They are fewer than make the courier leave the receiver alone."""
    receiver.answer = lambda received: status(500)
    made, other = (journey(gateway, tracked, receiver.url()) for _ in range(2))
    for n in range(2):
        cart(gateway, tracked, n=n)
    page = sign_in(tracked)
    dead = path(tracked, "deliveries?state=dead")
    until(lambda: page.goto(dead) and page.get_by_role("row", name=EMAIL).count() == 4)
    receiver.answer = lambda received: OK
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"{dead}&journey={made}")
    page.get_by_role("button", name="Send all once more").click()
    expect(page.get_by_role("status")).to_contain_text("2 dead letters")
    until(lambda: page.reload() and page.get_by_role("row", name="delivered").count() == 2)
    page.goto(dead)
    assert page.get_by_role("row", name=EMAIL).count() == 2
    page.goto(f"{dead}&journey={other}")
    assert page.get_by_role("row", name=EMAIL).count() == 2


def test_a_journey_is_built_without_a_script(
    gateway: RunningGateway, tracked: Tracked, browser: Browser
) -> None:
    """Each button brings the form back as it was typed; a new secret is shown all the same."""
    with browser.new_context(base_url=gateway.url, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(path(tracked, "journeys/new"))
        page.get_by_label("Email address").fill(tracked.account)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_label("Name").fill("Visits")
        page.get_by_label("whose URL has in it").fill("/pricing")
        page.get_by_role("button", name="Add webhook").click()
        page.get_by_label("URL", exact=True).fill("https://hooks.example.com/in")
        page.get_by_role("button", name="Add event").click()
        page.get_by_label("Event", exact=True).nth(1).fill("cart")
        page.get_by_role("button", name="Add webhook").click()
        page.get_by_role("button", name="Remove webhook 2").click()
        expect(page.get_by_label("URL", exact=True)).to_have_value("https://hooks.example.com/in")
        page.get_by_role("button", name="Save journey").click()
        expect(page.get_by_text("Copy the secret now")).to_be_visible()
    [made] = done(gateway, tracked, "journey.list")["Journeys"]
    assert made["TriggerParameters"]["URL"] == "/pricing"
    assert [rule["event"] for rule in made["Run_Criteria"]] == ["cart"]


def test_what_is_wrong_with_a_journey_is_said_and_nothing_is_lost(
    tracked: Tracked, sign_in: Callable[[Tracked], Page]
) -> None:
    """Above the form, or beside what it is about."""
    page = sign_in(tracked)
    page.goto(path(tracked, "journeys/new"))
    page.get_by_label("It starts when").select_option("another event happens")
    page.get_by_label("At most an hour").fill("many")
    page.get_by_role("button", name="Add webhook").click()
    page.get_by_text("Headers, payload and signature").click()
    page.get_by_label("Payload").fill("{")
    page.get_by_role("button", name="Save journey").click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Give the journey a name")
    expect(alert).to_contain_text("Write the name of the event")
    expect(alert).to_contain_text("as a whole number")
    expect(page.get_by_label("At most an hour")).to_have_value("many")
    page.get_by_label("Name").fill("x")
    page.get_by_label("Event", exact=True).first.fill("cart")
    page.get_by_label("At most an hour").fill("")
    page.get_by_role("button", name="Save journey").click()
    expect(page.locator(".fault:not(:empty)")).to_contain_text("Write JSON")
    expect(page.get_by_label("Payload")).to_have_value("{")


def test_another_account_s_journeys_and_deliveries_are_nobody_s(
    gateway: RunningGateway,
    tracked: Tracked,
    receiver: Receiver,
    sign_in: Callable[[Tracked], Page],
) -> None:
    """By whatever path: through the other's list, and through one's own."""
    made = journey(gateway, tracked, receiver.url())
    cart(gateway, tracked)
    until(lambda: receiver.received)
    stranger = gateway.new_list()
    page = sign_in(stranger)
    for rest in (
        f"journeys/{made}",
        f"journeys/{made}/try",
        "deliveries/1",
        f"deliveries?journey={made}",
    ):
        for of in (tracked, stranger):
            answer = page.request.get(path(of, rest))
            assert answer.status == 404, rest
    headers = {"origin": gateway.url}
    for rest in ("switch", "delete", "webhooks/1/rotate"):
        said = page.request.post(
            path(stranger, f"journeys/{made}/{rest}"), form={"state": "off"}, headers=headers
        )
        assert said.status == 404, rest
    said = page.request.post(
        path(stranger, "deliveries/replay"), form={"journey": made}, headers=headers
    )
    assert said.status == 404


def test_hostile_texts_are_texts(
    gateway: RunningGateway,
    tracked: Tracked,
    receiver: Receiver,
    sign_in: Callable[[Tracked], Page],
) -> None:
    """In the name, the trigger, the notes, the URL, the payload and what was delivered."""
    html = "</textarea></script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    made = done(
        gateway, tracked, "journey.create", Name=html, Notes=html,
        Trigger="WebsiteEvent_customEvent", Trigger_Value=html, Trigger_ListID=tracked.list_id,
    )["JourneyID"]  # fmt: skip
    payload = {f"key {number}": text for number, text in enumerate(SHOWN[:40])}
    url = receiver.url("/?x=%3Cscript%3E<script>alert(1)</script>")
    inner = {"URL": url, "Payload": payload, "Headers": {"X-Own": "<script>alert(1)</script>"}}
    actions = [{"Action": "Webhook", "ActionParameters": inner}]
    done(gateway, tracked, "journey.actions.update", JourneyID=made, Actions=actions)
    done(gateway, tracked, "journey.enable", JourneyID=made)
    receiver.answer = lambda received: status(500)
    gateway.call("event", tracked, Event=html, Email=EMAIL, Properties={html: html})
    page = sign_in(tracked)
    until(lambda: page.goto(path(tracked, "deliveries")) and page.get_by_text("last: 500").count())
    page.get_by_role("row", name=EMAIL).get_by_role("link").first.click()
    expect(page.get_by_role("region", name="Payload")).to_contain_text("onerror=alert(1)")
    page.goto(path(tracked, f"journeys/{made}/try"))
    page.get_by_role("link", name="Payload").click()
    expect(page.get_by_role("region", name="Payload of webhook 1")).to_contain_text("</script>")
    page.goto(path(tracked))
    page.get_by_role("link", name=html, exact=True).click()
    expect(page.get_by_label("Notes")).to_have_value(html)
    page.get_by_role("button", name="Save journey").click()
    expect(page.get_by_role("status")).to_contain_text(re.compile("is saved"))
    kept = done(gateway, tracked, "journey.get", JourneyID=made)
    assert (kept["JourneyName"], kept["TriggerParameters"]["Event"]) == (html, html)
    assert kept["Actions"][0]["ActionParameters"]["Payload"] == payload
