"""What was refused, and what was lost on the way, as the list's owner sees it and deals with it."""

import contextlib
import json
import uuid
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from gateway import clock
from gateway.errors import InvalidEvent, Problem
from gateway.events import refusal
from gateway.events.vocabulary import Door
from gateway.records import quarantine
from gateway.records.quarantine import Facts, Request
from gateway.settings import Limits
from gateway.store.database import open_database, transaction
from tests import hostile
from tests.browser.console.conftest import look
from tests.support import CHROME, RunningGateway, Tracked, metrics, total

TOO_LONG = "Property note is longer than 50 bytes: shorten it."
LONG = "x" * 9_000


def path(tracked: Tracked) -> str:
    return f"/console/lists/{tracked.list_id}/quarantine"


def refused_once(gateway: RunningGateway, tracked: Tracked, *raw: Any) -> None:
    """Puts events into quarantine that today's limits would let in."""
    request = Request(
        list_id=tracked.list_id,
        door=Door.TRACKER,
        visitor=uuid.uuid4().bytes,
        received_at_ms=clock.now_ms() - 86_400_000,
        facts=Facts(dsn="https://g.example/e", server="g.example", agent=CHROME),
    )
    error = InvalidEvent(Problem(1006, TOO_LONG))
    refusals = [refusal.of_browser(each, error) for each in raw]
    with contextlib.closing(open_database(gateway.settings.db)) as db, transaction(db):
        quarantine.keep(db, request, refusals, Limits())


def test_the_pages_look_well(gateway: RunningGateway, shop: Tracked, owner: Page) -> None:
    """The list, one event, and what was lost, with some of each."""
    for name in ("add_to_shopping_cart", "review"):
        gateway.beacon(
            shop,
            {"event": name, "properties": {"note": LONG, "price": 18.5}},
            context={"$current_url": "https://shop.example/product/mug", "$pageTitle": "The mug"},
        )
    gateway.beacon(shop, {"event": "identify", "email": "nobody"}, 5)
    gateway.call("event", shop, Event="identify", Properties={"plan": "basic"})
    for tab, seqs in ((1, (1, 2, 4)), (2, (1, 2, 3)), (3, (2, 9))):
        gateway.beacon(shop, *({"event": "pageView", "tab": tab, "seq": seq} for seq in seqs))
    look(owner, path(shop), "quarantine")
    look(owner, f"{path(shop)}/loss", "quarantine-loss")
    owner.goto(path(shop))
    owner.get_by_role("link", name="review").click()
    look(owner, owner.url, "quarantine-event")


def test_a_refused_event_is_seen_opened_replayed_in_vain_and_removed(
    gateway: RunningGateway, tracked: Tracked, sign_in: Callable[[Tracked], Page]
) -> None:
    """With its number, its message, its payload, and what is known of its request."""
    page = sign_in(tracked)
    page.goto(path(tracked))
    expect(page.get_by_text("Nothing is refused")).to_be_visible()
    gateway.beacon(tracked, {"event": "review", "properties": {"note": LONG, "stars": 5}})
    page.reload()
    expect(page.get_by_role("row", name="1006").first).to_contain_text("longer than 8192 bytes")
    page.get_by_role("link", name="review").click()
    [kept] = gateway.quarantined(tracked)
    expect(page.get_by_text(kept.problems[0].message)).to_be_visible()
    expect(page.get_by_text(str(kept.problems[0].code), exact=True)).to_be_visible()
    expect(page.get_by_role("region", name="Payload")).to_contain_text('"stars": 5')
    expect(page.get_by_text("Chrome on Windows")).to_be_visible()
    page.get_by_role("button", name="Replay").click()
    expect(page.get_by_role("status")).to_have_text("Replayed: 1 still refused.")
    expect(page.get_by_role("heading", name="review")).to_be_visible()
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("Nothing is refused")).to_be_visible()
    assert gateway.quarantined(tracked) == []


def test_all_of_a_reason_are_replayed_once_they_can_be_stored(
    gateway: RunningGateway, tracked: Tracked, sign_in: Callable[[Tracked], Page]
) -> None:
    """Stored as received when they were; what has another reason is left alone. They are not
    counted again, for they were received once."""
    names = [f"review {number}" for number in range(60)]
    good = [{"event": name, "properties": {"note": "x" * 60}} for name in names]
    refused_once(gateway, tracked, *good, {"event": "long", "properties": {"note": LONG}})
    gateway.beacon(tracked, {"event": "identify", "email": "nobody"})
    before = total(metrics(gateway.url), "gateway_events_total")
    page = sign_in(tracked)
    page.goto(path(tracked))
    page.get_by_role("link", name="Older").click()
    expect(page.get_by_role("link", name="review 0", exact=True)).to_be_visible()
    page.get_by_role("link", name="Newer").click()
    page.get_by_role("link", name="61 refused by 1006").click()
    expect(page.get_by_role("heading", name="Refused by 1006")).to_be_visible()
    expect(page.get_by_role("row", name="identify")).to_have_count(0)
    page.get_by_role("button", name="Replay all refused by 1006").click()
    expect(page.get_by_role("status")).to_have_text("Replayed: 60 stored, 1 still refused.")
    assert sorted(event.event for event in gateway.events(tracked)) == sorted(names)
    assert {event.properties["$browser"] for event in gateway.events(tracked)} == {"Chrome"}
    assert len(gateway.quarantined(tracked)) == 2
    assert total(metrics(gateway.url), "gateway_events_total") == before


def test_what_was_lost_is_told_by_browser(
    gateway: RunningGateway, tracked: Tracked, sign_in: Callable[[Tracked], Page]
) -> None:
    page = sign_in(tracked)
    page.goto(f"{path(tracked)}/loss")
    expect(page.get_by_text("No numbered events")).to_be_visible()
    gateway.beacon(tracked, *({"event": "x", "tab": 5, "seq": seq} for seq in (1, 2, 4)))
    page.get_by_role("link", name="30 days").click()
    expect(page.get_by_role("row", name="Chrome")).to_have_text("Chrome 1 4 3 1 25 %")


def test_nobody_sees_or_replays_what_another_account_was_refused(
    gateway: RunningGateway, tracked: Tracked, sign_in: Callable[[Tracked], Page]
) -> None:
    """Not under its own list's path and not under one's own."""
    refused_once(gateway, tracked, {"event": "theirs"})
    [kept] = gateway.quarantined(tracked)
    other = gateway.new_list()
    page = sign_in(other)
    for tried in (f"{path(tracked)}/{kept.id}", f"{path(other)}/{kept.id}"):
        page.goto(tried)
        expect(page.get_by_role("heading", name="Nothing here")).to_be_visible()
    for act in ("replay", "remove"):
        answer = page.request.post(
            f"{path(other)}/{kept.id}/{act}", headers={"origin": gateway.url}
        )
        assert answer.status == 404
    assert gateway.quarantined(tracked) == [kept]


def test_hostile_names_and_payloads_are_text(
    gateway: RunningGateway, tracked: Tracked, sign_in: Callable[[Tracked], Page]
) -> None:
    """On the list, in the messages, and on the event's own page."""
    gateway.beacon(
        tracked,
        *({"event": text, "properties": {text: LONG, "a": text}} for text in hostile.SHOWN[:40]),
        {"event": hostile.EVERYTHING, "properties": {hostile.EVERYTHING: hostile.EVERYTHING}},
        context={"$pageTitle": hostile.EVERYTHING},
    )
    page = sign_in(tracked)
    page.goto(path(tracked))
    for kept in gateway.quarantined(tracked)[-3:]:
        page.goto(f"{path(tracked)}/{kept.id}")
        shown = page.get_by_role("region", name="Payload").text_content()
        assert json.loads(shown or "") == json.loads(kept.payload)
