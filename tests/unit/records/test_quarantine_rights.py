"""What was refused of a person is shown to them, and forgotten with them."""

import asyncio
import json
import sqlite3
import uuid as uuids
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from gateway.errors import InvalidEvent, Problem
from gateway.events import refusal
from gateway.events.event import Click
from gateway.events.refusal import Refusal
from gateway.events.vocabulary import Door
from gateway.records import erasure, lists, quarantine, removal, rights
from gateway.records.quarantine import Facts, Fate, Request
from gateway.records.rights import Name, Person
from gateway.settings import Limits
from gateway.store.database import savepoint
from tests import traces
from tests.unit.records.shop import NOON_MS, Shop

T = TypeVar("T")
ANN, BOB = "Ann@example.com", "bob@example.com"
ERROR = InvalidEvent(Problem(1006, "Property a is longer than 8192 bytes: shorten it."))


def refuse(
    shop: Shop,
    event: Refusal,
    browser: uuids.UUID | None = None,
    door: Door = Door.TRACKER,
    **facts: Any,
) -> Fate:
    request = Request(
        list_id=shop.list_id,
        door=door,
        visitor=browser.bytes if browser else None,
        received_at_ms=NOON_MS,
        facts=Facts(dsn="http://g/e", server="g", **facts),
    )
    [fate], _ = quarantine.keep(shop.db, request, [event], Limits())
    return fate


def by_browser(**said: Any) -> Refusal:
    return refusal.of_browser({"event": "x", **said}, ERROR)


def by_server(**said: Any) -> Refusal:
    return refusal.of_server({"event": "x", **said}, ERROR)


def find(shop: Shop, **name: Any) -> Person:
    [person] = rights.find(shop.db, [shop.list_id], Name(**name))
    return person


def erase(shop: Shop, person: Person) -> erasure.Receipt:
    async def run(fn: Callable[[sqlite3.Connection], T]) -> T:
        with savepoint(shop.db):
            return fn(shop.db)

    return asyncio.run(erasure.erase(run, person, NOON_MS))


@pytest.fixture
def browser(shop: Shop) -> uuids.UUID:
    """Ann's, with something refused of hers under every name she has, and one thing of Bob's."""
    browser = shop.browser()
    shop.identify(browser, ANN)
    shop.send("paid", browser, page=None, email=ANN, external_id="crm-ann", door=Door.API)
    ann = find(shop, email=ANN).subscriber
    assert ann
    click = Click(
        subscriber_id=ann.id, campaign="spring", token_digest=b"t" * 16, address_digest=b"a" * 16
    )
    refuse(shop, by_browser(id="by her browser"), browser)
    refuse(shop, by_browser(id="by her address", email=ANN.upper()), shop.browser())
    refuse(shop, by_browser(id="in a property", properties={"mail": ANN}), shop.browser())
    refuse(shop, by_browser(id="of her page"), shop.browser(), context={"$pageTitle": f"Hi {ANN}"})
    refuse(shop, by_browser(id="by her link"), shop.browser(), click=click)
    refuse(shop, by_server(eventid="by your id", id="crm-ann"), door=Door.API)
    refuse(shop, by_server(eventid="by her uuid", uuid=str(browser)), door=Door.API)
    refuse(shop, by_browser(id="of Bob", email=BOB), shop.browser())
    return browser


def kept(shop: Shop) -> list[str]:
    payloads = [json.loads(each.payload) for each in quarantine.each(shop.db, shop.list_id)]
    return [payload.get("id") for payload in payloads]


def test_a_person_is_shown_what_was_refused_of_them(shop: Shop, browser: uuids.UUID) -> None:
    document = json.loads("".join(rights.document(shop.db, [find(shop, email=ANN)], NOON_MS)))
    found = document["persons"][0]["quarantined"]
    assert len(found) == 7
    assert BOB not in json.dumps(found)
    assert found[1]["payload"] == {"id": "by her address", "event": "x", "email": ANN.upper()}
    assert found[1]["problems"] == ["Property a is longer than 8192 bytes: shorten it."]
    assert (found[1]["door"], found[5]["door"]) == ("tracker", "api")


def test_a_person_is_forgotten_with_what_was_refused_of_them(
    shop: Shop, browser: uuids.UUID
) -> None:
    assert "quarantine.payload" in traces.of(shop.db, ANN)
    receipt = erase(shop, find(shop, email=ANN))
    assert receipt.counts["quarantined"] == 7
    assert traces.of(shop.db, ANN, "crm-ann", browser) == set()
    assert kept(shop) == ["of Bob"]


def test_what_a_browser_s_request_brings_after_that_is_not_kept(
    shop: Shop, browser: uuids.UUID
) -> None:
    erase(shop, find(shop, email=ANN))
    assert refuse(shop, by_browser(), browser) is Fate.ERASED
    assert refuse(shop, by_browser(email=ANN), shop.browser()) is Fate.ERASED
    assert refuse(shop, by_server(id="crm-ann"), door=Door.API) is Fate.ERASED


def test_a_browser_that_is_nobodys_is_forgotten_with_its_own_only(
    shop: Shop, browser: uuids.UUID
) -> None:
    lone = shop.browser()
    shop.view(lone)
    refuse(shop, by_browser(id="of the lone one", properties={"mail": ANN}), lone)
    erase(shop, find(shop, uuid=lone.bytes))
    assert len(kept(shop)) == 8
    assert "of the lone one" not in kept(shop)


def test_a_deleted_list_takes_what_it_refused_with_it(shop: Shop, browser: uuids.UUID) -> None:
    lists.bury(shop.db, shop.list_id, NOON_MS)
    while removal.remove_some(shop.db, shop.list_id, 3):
        pass
    assert kept(shop) == []
    for table in ("quarantine_requests", "quarantine_sizes"):
        assert shop.db.execute(f"select count(*) from {table}").fetchone()[0] == 0
    assert lists.buried(shop.db) == []
