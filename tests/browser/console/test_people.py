"""Finding somebody, seeing who they are and why, and their rights, as the list's owner does it."""

import contextlib
import json
import uuid as uuids
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from gateway import clock
from gateway.console import erasing
from gateway.events.vocabulary import Kind
from gateway.records import journeys, people, segments, webhooks
from gateway.records.journeys import Journey
from gateway.records.webhooks import Webhook
from gateway.store.database import open_database, transaction
from tests import hostile
from tests.browser.console.conftest import look
from tests.http.management import done
from tests.support import RunningGateway, Tracked

SignIn = Callable[[Tracked], Page]

ANN = "ann@example.com"
BROWSER = "5b0ba7a5-3a4c-4c5d-9d3e-0a1b2c3d4e5f"


def root(tracked: Tracked) -> str:
    return f"/console/lists/{tracked.list_id}"


def say(gateway: RunningGateway, tracked: Tracked, event: str, **said: Any) -> None:
    """An event of Ann's browser, told by a server."""
    answer = gateway.call("event", tracked, Event=event, UUID=BROWSER, **said)
    assert answer.status_code == 200, answer.text


def find(page: Page, tracked: Tracked, query: str) -> None:
    page.goto(f"{root(tracked)}/people")
    page.get_by_label("Find").fill(query)
    page.keyboard.press("Enter")


def test_the_pages_of_people_look_well(owner: Page, shop: Tracked) -> None:
    """The list of them, one of them, and one of their browsers."""
    look(owner, f"{root(shop)}/people", "people")
    find(owner, shop, "ada@")
    owner.get_by_role("link", name="ada@example.com").click()
    look(owner, owner.url, "profile")
    owner.get_by_role("region", name="Table of browsers").get_by_role("link").click()
    look(owner, owner.url, "visitor")


def test_somebody_is_found_by_address_and_their_event_opened_by_keyboard_alone(
    owner: Page, shop: Tracked
) -> None:
    """From the search to the profile to the newest event, without a pointer."""
    owner.goto(f"{root(shop)}/people")
    owner.get_by_label("Find").focus()
    owner.keyboard.type("GRACE")
    owner.keyboard.press("Enter")
    expect(owner.get_by_role("row")).to_have_count(2)
    tab_to(owner, "grace@example.com")
    owner.keyboard.press("Enter")
    expect(owner.get_by_role("heading", name="grace@example.com")).to_be_visible()
    newest = owner.get_by_role("region", name="Table of events").get_by_role("link").first
    path = newest.get_attribute("href")
    tab_to(owner, newest.inner_text())
    owner.keyboard.press("Enter")
    owner.wait_for_url(f"**{path}")


def tab_to(page: Page, text: str) -> None:
    """Goes on by the Tab key until what has the focus is called so."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == text:
            return
    pytest.fail(f"{text!r} cannot be reached by the Tab key")


def test_a_browsers_uuid_leads_to_its_page_and_from_there_to_its_person(
    gateway: RunningGateway, tracked: Tracked, sign_in: SignIn
) -> None:
    """A browser of nobody has one too."""
    say(gateway, tracked, "hello")
    page = sign_in(tracked)
    find(page, tracked, BROWSER.upper())
    expect(page.get_by_text("nobody's yet")).to_be_visible()
    say(gateway, tracked, "identify", Email=ANN)
    page.reload()
    page.get_by_role("region", name="This browser").get_by_role("link", name=ANN).click()
    expect(page.get_by_role("heading", name=ANN)).to_be_visible()
    find(page, tracked, str(uuids.UUID(int=1, version=4)))
    expect(page.get_by_text("Nobody found")).to_be_visible()


def test_a_binding_is_taken_back_with_the_journal_saying_so(
    gateway: RunningGateway, tracked: Tracked, sign_in: SignIn
) -> None:
    """It is asked about once more; the browser is nobody's again, and an undo is an entry too."""
    say(gateway, tracked, "identify", Email=ANN)
    page = sign_in(tracked)
    find(page, tracked, "ann")
    page.get_by_role("link", name=ANN).click()
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("region", name="Table of browsers")).to_be_visible()
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("status")).to_contain_text(f"the browser {BROWSER} is nobody's again")
    expect(page.get_by_text("No browser yet")).to_be_visible()
    journal = page.get_by_role("region", name="Journal of bindings")
    expect(journal.get_by_role("row")).to_contain_text(["When", "takes back #", "taken back by #"])
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)


def test_a_profile_tells_segments_journeys_and_what_became_of_their_deliveries(
    gateway: RunningGateway, tracked: Tracked, sign_in: SignIn
) -> None:
    """Each leads to its page; of a receiver its host is shown, for its path may be a secret."""
    rule = {"type": "website-events", "event": "bought", "operator": "happened"}
    with contextlib.closing(open_database(gateway.settings.db)) as db, transaction(db):
        waiting = Journey(
            id=0, account_id=tracked.account_id, list_id=tracked.list_id, name="Thank buyers",
            enabled=True, kind=Kind.CUSTOM, value="bought",
        )  # fmt: skip
        made = journeys.create(db, waiting, clock.now_ms())
        webhook = Webhook(0, made.id, "http://127.0.0.1:9/a-secret")
        webhooks.replace(db, made.id, [webhook], clock.now_ms())
        segments.create(db, tracked.list_id, name="Buyers", rules=[rule], match_all=True, now_ms=0)
    say(gateway, tracked, "bought", Email=ANN)
    page = sign_in(tracked)
    find(page, tracked, "ann")
    page.get_by_role("link", name=ANN).click()
    expect(page.get_by_role("link", name="Buyers", exact=True)).to_be_visible()
    stay = page.get_by_role("region", name="Table of journeys").get_by_role("row").last
    expect(stay).to_contain_text("Thank buyers")
    expect(stay).to_contain_text("127.0.0.1")
    expect(stay).not_to_contain_text("a-secret")


def test_everything_held_of_a_person_is_downloaded(
    gateway: RunningGateway, tracked: Tracked, sign_in: SignIn, tmp_path: Path
) -> None:
    """The same document that the command line gives."""
    say(gateway, tracked, "identify", Email=ANN)
    page = sign_in(tracked)
    find(page, tracked, "ann")
    page.get_by_role("link", name=ANN).click()
    with page.expect_download() as started:
        page.get_by_role("link", name="Export everything").click()
    started.value.save_as(tmp_path / "ann.json")
    [person] = json.loads((tmp_path / "ann.json").read_text())["persons"]
    assert person["subscriber"]["email"] == ANN
    assert [event["event"] for event in person["events"]] == ["identify"]


def test_a_person_is_erased_once_their_address_is_typed(
    gateway: RunningGateway, tracked: Tracked, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another address is refused; the page follows until it says what was removed."""
    monkeypatch.setattr(erasing, "PATIENCE_S", 0)
    say(gateway, tracked, "identify", Email=ANN)
    page = sign_in(tracked)
    find(page, tracked, "ann")
    page.get_by_role("link", name=ANN).click()
    page.get_by_role("link", name="Erase").click()
    look(page, page.url, "erase")
    page.get_by_label("Type the address").fill("ben@example.com")
    page.get_by_role("button", name="Erase for good").click()
    expect(page.get_by_role("alert")).to_contain_text("not this person's address")
    expect(page.get_by_label("Type the address")).to_have_value("ben@example.com")
    page.get_by_label("Type the address").fill(ANN.upper())
    page.get_by_role("button", name="Erase for good").click()
    expect(page.get_by_role("heading", name="Erased", exact=True)).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("Events1")
    look(page, page.url, "erasure")
    find(page, tracked, "ann")
    expect(page.get_by_text("Nobody found")).to_be_visible()
    assert gateway.events(tracked) == []


def test_nothing_of_a_person_is_anothers_to_see_or_to_change(
    gateway: RunningGateway, tracked: Tracked, sign_in: SignIn
) -> None:
    """Another account's list, and a person or a binding of another list, are as if not there."""
    say(gateway, tracked, "identify", Email=ANN)
    with contextlib.closing(open_database(gateway.settings.db)) as db:
        ann = people.subscriber_by_email(db, tracked.list_id, ANN)
        [binding] = db.execute(
            "select id from bindings where list_id = ?", (tracked.list_id,)
        ).fetchone()
    assert ann
    stranger = gateway.new_list()
    page = sign_in(stranger)
    for place in (root(tracked), root(stranger)):
        for path in (f"people/{ann.id}", f"people/{ann.id}/export", f"visitors/{BROWSER}"):
            assert page.request.get(f"{place}/{path}").status == 404
        posted = {"headers": {"origin": gateway.url}, "form": {"address": ANN}}
        for path in (f"people/{ann.id}/bindings/{binding}/undo", f"people/{ann.id}/erase"):
            assert page.request.post(f"{place}/{path}", **posted).status == 404  # type: ignore[arg-type]
    assert len(gateway.events(tracked)) == 1


def test_what_somebody_said_with_ill_intent_is_text(
    gateway: RunningGateway, tracked: Tracked, sign_in: SignIn
) -> None:
    """In fields, ids, names of events and of properties; the fixture fails for what ran."""
    bad = hostile.BY_TARGET["html"][2]
    field = done(gateway, tracked, "customfield.create", FieldName=bad, FieldType="Single line")
    said = {f"CustomField{field['CustomFieldID']}": bad}
    known = {"Email": ANN, "ID": bad, "identifyProperties": said}
    say(gateway, tracked, "identify", **known)
    for text in hostile.BY_TARGET["html"]:
        say(gateway, tracked, text, Email=ANN, properties={text: text})
    page = sign_in(tracked)
    find(page, tracked, bad)
    expect(page.get_by_role("cell", name=bad)).to_be_visible()
    find(page, tracked, hostile.BY_TARGET["html"][0])
    expect(page.get_by_text("Nobody found")).to_be_visible()
    find(page, tracked, "ann")
    page.get_by_role("link", name=ANN).click()
    for place in ("Fields", "Standing", "Table of events"):
        expect(page.get_by_role("region", name=place)).to_contain_text(bad)
    assert page.locator("main :is(script, img, iframe, base, style)").count() == 0
