"""Finding a person, everything held of them, and forgetting it."""

import asyncio
import itertools
import json
import uuid as uuids

import pytest

from gateway import clock
from gateway.errors import GatewayError
from gateway.events.vocabulary import Door
from gateway.records import bindings, erasure, fields, lists, people, rights, suppressions
from gateway.records.bindings import By
from gateway.records.rights import Name
from gateway.records.suppressions import Erased
from gateway.store.database import savepoint
from tests import traces
from tests.unit.records.journeying import journey
from tests.unit.records.shop import NOON_MS, Shop

ANN, BOB = "Ann@example.com", "bob@example.com"


class Interrupted(Exception):
    """The process that erased has ended."""


def erase(shop: Shop, person: rights.Person, *, between=None, chunks_max=10_000):
    """Erase chunk by chunk; `between` happens after each of them."""
    chunks = 0

    async def run(fn):
        nonlocal chunks
        chunks += 1
        if chunks > chunks_max:
            raise Interrupted
        with savepoint(shop.db):
            answer = fn(shop.db)
        if between:
            between()
        return answer

    return asyncio.run(erasure.erase(run, person, shop.now_ms))


def find(shop, **name):
    found = rights.find(shop.db, [shop.list_id], Name(**name))
    assert len(found) == 1
    return found[0]


def rows(shop, table):
    return shop.db.execute(f"select count(*) from {table}").fetchone()[0]


def live(shop, email=ANN, external_id="crm-ann"):
    """A person with something in every table: a click, a purchase, two browsers, a field."""
    person = shop.person(email)
    field = fields.create(shop.db, shop.list_id, name="City", type="text", alias="city").id
    phone, desk = shop.browser(), shop.browser()
    click = shop.click(person)
    shop.view(phone, f"/landing?email={email}", click=click, human=True)
    shop.view(desk, "/hello", properties={"$pageTitle": f"Hello {email}"})
    for browser in (phone, desk):
        shop.identify(browser, email, identify_properties={"city": f"{email}'s town"})
    shop.buy(phone, f"order of {email}", 20, click=click)
    shop.send(
        "paid", desk, page=None, email=email, external_id=external_id, door=Door.API,
        properties={"name": "Ann"},
    )  # fmt: skip
    assert fields.values(shop.db, person.id) == {field: f"{email}'s town"}
    return phone, desk


@pytest.fixture
def browsers(shop):
    return live(shop)


# Finding.


def test_a_person_is_found_by_address_external_id_browser_and_id(shop, browsers):
    live(shop, BOB, "crm-bob")
    ann = shop.person(ANN)
    for name in (
        {"email": "ANN@EXAMPLE.COM"},
        {"external_id": "crm-ann"},
        {"uuid": browsers[0].bytes},
        {"uuid": browsers[1].bytes},
        {"subscriber_id": ann.id},
    ):
        assert find(shop, **name).subscriber.email == ANN


def test_nobody_is_found_under_a_name_nobody_has(shop, browsers):
    for name in ({"email": "x@example.com"}, {"external_id": "x"}, {"uuid": bytes(16)},
                 {"subscriber_id": 99}):  # fmt: skip
        assert rights.find(shop.db, [shop.list_id], Name(**name)) == []


def test_a_browser_that_is_nobodys_is_found_as_itself(shop):
    browser = shop.browser()
    shop.view(browser)
    person = find(shop, uuid=browser.bytes)
    assert (person.subscriber, person.visitor.uuid) == (None, browser)


def test_who_is_found_by_a_browser_is_found_on_the_other_lists_by_address(shop, browsers):
    first = shop.list_id
    shop.list_id = lists.create(shop.db, shop.account_id, "Other", (), NOON_MS).id
    shop.person(ANN.upper())
    both = rights.find(shop.db, [first, shop.list_id], Name(uuid=browsers[0].bytes))
    assert [person.list_id for person in both] == [first, shop.list_id]
    assert len(rights.find(shop.db, [first], Name(uuid=browsers[0].bytes))) == 1


# Exporting.


def exported(shop, person):
    return json.loads("".join(rights.document(shop.db, [person], NOON_MS)))["persons"][0]


def test_the_document_holds_everything(shop, browsers):
    document = exported(shop, find(shop, email=ANN))
    assert document["subscriber"]["email"] == ANN
    assert document["subscriber"]["external_id"] == "crm-ann"
    assert list(document["custom_fields"].values()) == [f"{ANN}'s town"]
    assert {each["uuid"] for each in document["visitors"]} == set(map(str, browsers))
    assert [click["campaign"] for click in document["clicks"]] == ["spring"]
    assert [each["conversion_id"] for each in document["conversions"]] == [f"order of {ANN}"]
    assert {entry["cause"] for entry in document["bindings"]} == {"click", "identify"}
    assert sorted(event["event"] for event in document["events"]) == [
        "conversion", "identify", "identify", "pageView", "pageView", "paid",
    ]  # fmt: skip
    [paid] = [event for event in document["events"] if event["event"] == "paid"]
    assert paid["properties"]["name"] == "Ann"


def test_the_document_names_nobody_else(shop, browsers):
    """Not even where the journal of a browser of theirs speaks of others."""
    browser, ann = shop.browser(), shop.person(ANN)
    shop.view(browser, "/landing", click=shop.click(ann), human=True)
    shop.identify(browser, BOB)
    shop.identify(browser, ANN)
    document = exported(shop, find(shop, email=ANN))
    assert BOB not in json.dumps(document)
    assert "(another person)" in {entry["after"] for entry in document["bindings"]}


def test_a_long_history_is_exported_whole_and_in_order(shop):
    browser = shop.browser()
    shop.identify(browser, ANN)
    for number in range(1_100):
        shop.view(browser, event_id=f"view {number}")
    ids = [event["id"] for event in exported(shop, find(shop, email=ANN))["events"]]
    assert ids == sorted(set(ids))
    assert len(ids) == 1_101


def test_an_export_goes_on_behind_any_of_its_events(shop, browsers):
    person = find(shop, email=ANN)
    whole = list(rights.events(shop.db, person))
    for place, (cursor, _) in enumerate(whole):
        assert list(rights.events(shop.db, person, cursor)) == whole[place + 1 :]


@pytest.fixture
def owed_something(shop, monkeypatch):
    """A person who is in a journey, and a message about them that waits."""
    monkeypatch.setattr(clock, "now_ms", lambda: shop.now_ms)
    journey(shop)
    browser = shop.browser()
    shop.identify(browser, ANN)
    shop.send("cart", browser)
    return browser


def test_the_document_shows_the_journeys_and_what_is_sent_of_the_person(shop, owed_something):
    document = exported(shop, find(shop, email=ANN))
    assert [each["journey_id"] for each in document["enrolments"]] == [1]
    [delivery] = document["deliveries"]
    assert (delivery["state"], delivery["ended_at"]) == ("waiting", None)
    assert delivery["body"]["Subscriber"]["EmailAddress"] == ANN


# Forgetting.


def test_what_is_owed_of_an_erased_person_is_not_sent(shop, owed_something):
    receipt = erase(shop, find(shop, email=ANN))
    assert (receipt.counts["outbox"], receipt.counts["enrolments"]) == (1, 1)
    assert traces.of(shop.db, ANN, owed_something) == set()
    assert rows(shop, "outbox") == rows(shop, "enrolments") == 0


def test_nothing_of_an_erased_person_remains_in_any_table(shop, browsers):
    held = traces.of(shop.db, ANN, "crm-ann", *browsers)
    assert {"subscribers.email", "visitors.uuid", "events.properties", "field_values.value",
            "conversions.conversion_id", "contexts.properties"} <= held  # fmt: skip
    erase(shop, find(shop, email=ANN))
    assert traces.of(shop.db, ANN, "crm-ann", *browsers) == set()
    for table in ("events", "conversions", "clicks", "bindings", "visitors", "field_values"):
        assert rows(shop, table) == 0, table


def test_every_table_that_points_to_a_person_is_known_to_the_erasure(shop):
    """A new one has to be put into `rights` and `erasure`, then here."""
    known = {"subscribers", "visitors", "events", "clicks"}
    pointing = set()
    for row in shop.db.execute("select name from sqlite_master where type = 'table'").fetchall():
        for key in shop.db.execute(f"pragma foreign_key_list({row['name']})"):
            if key["table"] in known:
                pointing.add(row["name"])
    assert pointing == {
        "visitors", "events", "clicks", "bindings", "conversions", "field_values",
        "enrolments", "outbox", "erasures",
    }  # fmt: skip


def test_the_receipt_counts_what_went_and_names_nobody(shop, browsers):
    receipt = erase(shop, find(shop, email=ANN))
    assert receipt.counts == {
        "events": 6, "conversions": 1, "clicks": 1, "bindings": 3, "visitors": 2,
        "field_values": 1, "subscribers": 1,
    }  # fmt: skip
    assert receipt.digest == suppressions.email_digest(ANN.lower()).hex()
    assert receipt.at_ms == shop.now_ms


def test_other_people_lose_nothing(shop, browsers):
    others = live(shop, BOB, "crm-bob")
    before = exported(shop, find(shop, email=BOB))
    erase(shop, find(shop, email=ANN))
    assert exported(shop, find(shop, email=BOB)) == before
    assert {each["uuid"] for each in before["visitors"]} == set(map(str, others))


def test_the_same_person_on_another_list_stays_there(shop, browsers):
    first = shop.list_id
    shop.list_id = lists.create(shop.db, shop.account_id, "Other", (), NOON_MS).id
    live(shop)
    other, shop.list_id = shop.list_id, first
    erase(shop, find(shop, email=ANN))
    [person] = rights.find(shop.db, [first, other], Name(email=ANN))
    assert person.list_id == other


def test_neither_address_nor_browser_nor_id_brings_an_erased_person_back(shop, browsers):
    erase(shop, find(shop, email=ANN))
    late = [
        lambda: shop.view(browsers[0]),
        lambda: shop.view(browsers[1], email=BOB),
        lambda: shop.identify(shop.browser(), ANN.upper()),
        lambda: shop.send("paid", None, page=None, email=ANN, door=Door.API),
        lambda: shop.send("paid", None, page=None, external_id="crm-ann", door=Door.API),
        lambda: shop.send("paid", shop.browser(), external_id="crm-ann", door=Door.API),
    ]
    for event in late:
        with pytest.raises(Erased):
            event()
    assert traces.of(shop.db, ANN, "crm-ann", *browsers) == set()
    assert rows(shop, "visitors") == rows(shop, "subscribers") == rows(shop, "events") == 0


def test_the_link_of_an_erased_person_never_becomes_somebody_elses(shop, browsers):
    """Their id is not given out again, for it is signed into every mail they were sent."""
    click = shop.click(shop.person(ANN))
    erase(shop, find(shop, email=ANN))
    assert shop.person(BOB).id != click.subscriber_id
    browser = shop.browser()
    shop.view(browser, "/landing", click=click, human=True)
    assert shop.bound(browser) == (None, None)


def test_what_comes_in_between_two_chunks_is_forgotten_too(shop, browsers):
    """From a browser of theirs, from a new one by their address, from their link."""
    for number in range(erasure.ROWS * 2):
        shop.view(browsers[0], event_id=f"view {number}")
    click, comers = shop.click(shop.person(ANN)), []

    def between():
        if len(comers) < 4 and shop.db.execute("select 1 from subscribers").fetchone():
            comers.append(shop.browser())
            shop.identify(comers[-1], ANN)
            shop.view(browsers[1], f"/{len(comers)}", click=click)
            shop.buy(browsers[0], f"order {len(comers)}", click=click)

    erase(shop, find(shop, email=ANN), between=between)
    assert len(comers) == 4
    assert traces.of(shop.db, ANN, *browsers, *comers) == set()
    for table in ("events", "conversions", "clicks", "bindings", "visitors", "subscribers"):
        assert rows(shop, table) == 0, table


@pytest.mark.parametrize("chunks_max", range(1, 9))
def test_an_erasure_that_was_cut_short_is_finished_by_running_it_again(
    shop, browsers, chunks_max, monkeypatch
):
    """At whatever chunk; the receipt counts both runs."""
    monkeypatch.setattr(erasure, "ROWS", 2)
    with pytest.raises(Interrupted):
        erase(shop, find(shop, email=ANN), chunks_max=chunks_max)
    receipt = erase(shop, find(shop, email=ANN))
    assert receipt.counts["events"] == 6
    assert rows(shop, "erasures") == 1
    assert traces.of(shop.db, ANN, "crm-ann", *browsers) == set()


@pytest.mark.parametrize("name", ["address", "browser"])
def test_an_erasure_is_under_way_until_somebody_has_finished_it(shop, name):
    """Whoever that is: it says itself whom it forgets, and no longer than it takes."""
    browser = shop.browser()
    shop.view(browser, email=ANN if name == "address" else None)
    person = find(shop, email=ANN) if name == "address" else find(shop, uuid=browser.bytes)
    assert erasure.under_way(shop.db) == []
    receipt_id = erasure.begin(shop.db, person, NOON_MS)
    assert erasure.under_way(shop.db) == [(receipt_id, person)]
    assert erase(shop, person).id == receipt_id
    assert erasure.under_way(shop.db) == []
    ids = shop.db.execute("select subscriber_id, visitor_id from erasures").fetchone()
    assert tuple(ids) == (None, None)


def test_who_comes_after_an_erasure_is_not_met_by_another_that_was_at_it_too(shop):
    """The row of a new visitor may have the number of the one who was forgotten."""
    gone, newcomer = shop.browser(), shop.browser()
    shop.view(gone)
    person = find(shop, uuid=gone.bytes)
    receipt = erase(shop, person)
    shop.view(newcomer)
    assert find(shop, uuid=newcomer.bytes).visitor.id == person.visitor.id

    async def run(fn):
        return fn(shop.db)

    asyncio.run(erasure.finish(run, person, receipt.id, shop.now_ms))
    assert (rows(shop, "visitors"), rows(shop, "events")) == (1, 1)


def test_what_points_to_another_row_goes_before_it_chunk_by_chunk(shop, monkeypatch):
    """An identify to the event that brought it, an undo to what it takes back."""
    monkeypatch.setattr(erasure, "ROWS", 1)
    browser = shop.browser()
    for _ in range(2):
        shop.view(browser, email=ANN)
        entry = bindings.of_visitor(shop.db, shop.list_id, browser.bytes)[-1]
        bindings.undo(shop.db, entry.id, shop.now_ms)
    shop.view(browser, email=ANN)
    receipt = erase(shop, find(shop, email=ANN))
    assert (receipt.counts["events"], receipt.counts["bindings"]) == (6, 5)


def test_the_address_and_browsers_are_suppressed_in_the_first_transaction(shop, browsers):
    with pytest.raises(Interrupted):
        erase(shop, find(shop, email=ANN), chunks_max=1)
    digests = [suppressions.email_digest(ANN)]
    digests += [suppressions.visitor_digest(browser.bytes) for browser in browsers]
    assert all(suppressions.holds(shop.db, shop.list_id, digest) for digest in digests)
    assert rows(shop, "events") == 6


def test_no_chunk_takes_more_than_its_rows(shop):
    browser = shop.browser()
    shop.identify(browser, ANN)
    for number in range(erasure.ROWS * 3):
        shop.view(browser, event_id=f"view {number}")
    left = [rows(shop, "events")]
    erase(shop, find(shop, email=ANN), between=lambda: left.append(rows(shop, "events")))
    assert max(a - b for a, b in itertools.pairwise(left)) == erasure.ROWS
    assert left[-1] == 0


def test_somebody_erased_and_welcomed_back_gets_a_receipt_of_each_erasure(shop, browsers):
    erase(shop, find(shop, email=ANN))
    shop.db.execute("delete from suppressions")
    shop.identify(shop.browser(), ANN)
    second = erase(shop, find(shop, email=ANN))
    assert (rows(shop, "erasures"), second.counts["events"]) == (2, 1)


def test_a_browser_that_is_nobodys_can_be_erased(shop, browsers):
    lone = shop.browser()
    shop.view(lone)
    receipt = erase(shop, find(shop, uuid=lone.bytes))
    assert (receipt.counts["events"], receipt.counts["visitors"]) == (1, 1)
    assert receipt.digest == suppressions.visitor_digest(lone.bytes).hex()
    with pytest.raises(Erased):
        shop.view(lone)
    assert rows(shop, "events") == 6


def test_a_browser_that_becomes_somebodys_meanwhile_is_theirs_and_stays(shop):
    lone = shop.browser()
    shop.view(lone)
    person = find(shop, uuid=lone.bytes)
    shop.identify(lone, BOB)
    erase(shop, person)
    assert rows(shop, "events") == 2


# Browsers that were the person's once.


def test_a_browser_that_is_another_persons_now_stays_theirs(shop):
    """It clicked Ann's link, then Bob identified: its history is Bob's. Ann is gone from its
    journal, and taking Bob's identify back leaves it nobody's."""
    browser, ann = shop.browser(), shop.person(ANN)
    shop.view(browser, "/landing", click=shop.click(ann), human=True)
    shop.buy(browser, "order-1", 30, click=shop.click(ann))
    shop.identify(browser, BOB)
    receipt = erase(shop, find(shop, email=ANN))
    assert (receipt.counts["bindings mentioning"], receipt.counts["clicks"]) == (2, 1)
    assert (rows(shop, "events"), rows(shop, "conversions")) == (3, 1)
    assert shop.bound(browser) == (shop.person(BOB).id, By.IDENTIFY)
    entry = bindings.of_visitor(shop.db, shop.list_id, browser.bytes)[-1]
    assert (entry.before, entry.after) == (None, BOB)
    bindings.undo(shop.db, entry.id, shop.now_ms)
    assert shop.bound(browser) == (None, None)
    assert traces.of(shop.db, ANN) == set()


def test_an_identify_that_was_taken_back_names_the_person_no_more(shop):
    """The browser is nobody's again and keeps its history, but not the events with the address."""
    browser = shop.browser()
    shop.view(browser)
    shop.send("signup", browser, email=ANN, properties={"emailAddress": ANN})
    shop.view(browser, f"/welcome?email={ANN}")
    [entry] = bindings.of_visitor(shop.db, shop.list_id, browser.bytes)
    bindings.undo(shop.db, entry.id, shop.now_ms)
    receipt = erase(shop, find(shop, email=ANN))
    assert receipt.counts["events"] == 2
    assert traces.of(shop.db, ANN) == set()
    assert rows(shop, "events") == 2


def test_a_visitor_that_started_from_an_erased_one_forgets_it(shop):
    browser = shop.browser()
    shop.identify(browser, ANN)
    shop.identify(browser, BOB)
    erase(shop, find(shop, email=ANN))
    assert traces.of(shop.db, ANN, browser) == set()
    assert find(shop, email=BOB).subscriber.email == BOB


def test_an_address_with_signs_that_urls_escape_is_found_in_them(shop):
    email = "ann+news@example.com"
    browser = shop.browser()
    shop.view(browser, "/hello?email=ann%2Bnews%40example.com")
    shop.identify(browser, email)
    erase(shop, find(shop, email=email))
    assert traces.of(shop.db, "ann%2Bnews", email) == set()


def test_erased_is_an_answer_that_names_nobody():
    assert isinstance(Erased(), GatewayError)
    assert "@" not in str(Erased())


def test_an_unbound_visitor_may_have_any_id_that_was_not_erased(shop):
    """A server's own id for a browser nobody knows is kept."""
    browser = uuids.UUID(int=7)
    receipt = shop.send("seen", browser, external_id="crm-9", door=Door.API)
    assert (
        receipt.external_id == people.find_visitor(shop.db, shop.list_id, browser.bytes).external_id
    )


def test_the_document_read_in_steps_is_the_one_read_at_once(shop, browsers, monkeypatch):
    """Whatever fits a step, and wherever the next one goes on."""
    monkeypatch.setattr(rights.event_log, "PAGE_ROWS", 2)
    person = find(shop, email=ANN)

    async def run(fn):
        return fn(shop.db)

    async def read():
        return "".join([piece async for piece in rights.document_of(run, person, NOON_MS)])

    at_once = "".join(rights.document(shop.db, [person], NOON_MS))
    assert len(json.loads(at_once)["persons"][0]["events"]) > 4
    assert asyncio.run(read()) == at_once


def test_somebody_is_being_erased_from_the_first_step_to_the_last(shop, browsers):
    """While their own row is there, which goes last; its receipt is of its own list only."""
    person = find(shop, email=ANN)
    assert not erasure.is_begun(shop.db, person)
    receipt_id = erasure.begin(shop.db, person, NOON_MS)
    assert erasure.is_begun(shop.db, person)
    assert people.on_list(shop.db, shop.list_id, person.subscriber.id)
    assert erasure.begin(shop.db, person, NOON_MS) == receipt_id
    assert erase(shop, person).id == receipt_id
    assert people.on_list(shop.db, shop.list_id, person.subscriber.id) is None
    assert erasure.of_list(shop.db, shop.list_id, receipt_id).counts["subscribers"] == 1
    assert erasure.of_list(shop.db, shop.list_id + 1, receipt_id) is None
