"""A list's newest events that fit: page by page, each once, whichever way they are looked for."""

import uuid as uuids

import pytest

from gateway.events.vocabulary import Door
from gateway.records import event_log, lists, recent
from gateway.records.event_log import StoredEvent
from gateway.records.people import Subscriber, Visitor
from gateway.records.recent import Wanted
from tests.unit.records.shop import NOON_MS, Shop

ANN = "Ann@example.com"
PAGES = ("/", "/product/mug", "/product/tote", "/about")


@pytest.fixture
def browsers(shop: Shop) -> list[uuids.UUID]:
    """Three, of which two are Ann's, with ninety events; another list's are in between."""
    mine = shop.list_id
    other = lists.create(shop.db, shop.account_id, "Other", (), NOON_MS).id
    found = [shop.browser() for _ in range(3)]
    for number in range(30):
        for place, browser in enumerate(found):
            page = PAGES[(number + place) % len(PAGES)]
            shop.send("cart" if number % 7 == place else "pageView", browser, page=page)
        shop.list_id = other
        shop.send("pageView", found[0])
        shop.list_id = mine
    for browser in found[:2]:
        shop.identify(browser, ANN)
    shop.send("paid", email=ANN, door=Door.API, page=None)
    return found


def whole(shop: Shop) -> list[StoredEvent]:
    return list(event_log.each(shop.db, shop.list_id))[::-1]


def paged(shop: Shop, wanted: Wanted) -> list[StoredEvent]:
    """All pages, one behind the other."""
    found, before_id = [], None
    while True:
        page = recent.newest(shop.db, shop.list_id, wanted, before_id)
        assert len(page.events) <= recent.ROWS
        found += page.events
        before_id = page.older_id
        if before_id is None:
            return found


def person(shop: Shop, said: str) -> Subscriber | Visitor:
    found = recent.find_person(shop.db, shop.list_id, said)
    assert found
    return found


@pytest.mark.parametrize(("few", "looks"), [(20_000, 50_000), (0, 50_000), (0, 7), (10, 7)])
@pytest.mark.parametrize("event", ["", "cart", "paid", "unheard"])
@pytest.mark.parametrize("page", ["", "/PRODUCT/", "nowhere"])
@pytest.mark.parametrize("who", ["", "person", "browser"])
def test_what_is_found_is_what_fits_newest_first_and_each_once(
    shop: Shop,
    browsers: list[uuids.UUID],
    monkeypatch: pytest.MonkeyPatch,
    few: int,
    looks: int,
    event: str,
    page: str,
    who: str,
) -> None:
    """By an index or down from the newest, in one look or in many: what a stream would show."""
    monkeypatch.setattr(recent, "FEW", few)
    monkeypatch.setattr(recent, "LOOKS", looks)
    monkeypatch.setattr(recent, "ROWS", 5)
    monkeypatch.setattr(recent, "CHUNK", 3)
    said = {"": None, "person": ANN, "browser": str(browsers[1])}[who]
    wanted = Wanted(event, person(shop, said) if said else None, page)
    expected = [each for each in whole(shop) if wanted.fits(each)]
    assert paged(shop, wanted) == expected
    assert expected or event in ("unheard", "paid") or page == "nowhere"


def test_a_property_is_found_wherever_an_event_keeps_it(
    shop: Shop, browsers: list[uuids.UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its browser, with its page or by itself; by the whole of its text, or of its JSON."""
    priced = {"price": 18.5, "plan": "basic", "tags": ["a"]}
    shop.send("priced", browsers[2], properties=priced)
    monkeypatch.setattr(recent, "FEW", 0)
    monkeypatch.setattr(recent, "LOOKS", 30)
    events = whole(shop)
    for name, value, many in [
        ("price", "18.5", 1),
        ("price", "18", 0),
        ("plan", "basic", 1),
        ("tags", '["a"]', 1),
        ("no such", "", 0),
        ("$browser", "Chrome", None),
        ("$pathname", "/", None),
    ]:
        wanted = Wanted(property=name, value=value)
        found = paged(shop, wanted)
        assert found == [each for each in events if wanted.fits(each)], name
        assert many is None or len(found) == many, name


def test_a_person_is_found_by_address_number_and_uuid(
    shop: Shop, browsers: list[uuids.UUID]
) -> None:
    ann = person(shop, ANN.upper())
    assert isinstance(ann, Subscriber)
    assert person(shop, str(ann.id)) == ann
    browser = person(shop, browsers[2].hex)
    assert isinstance(browser, Visitor)
    assert browser.uuid == browsers[2]


@pytest.mark.parametrize(
    "said", ["eve@example.com", "99999", "1" * 19, "x", "²", "7" * 32, "5b0ba7a5"]
)
def test_who_is_not_there_is_nobody(shop: Shop, said: str) -> None:
    assert recent.find_person(shop.db, shop.list_id, said) is None


def test_another_lists_person_is_nobody(shop: Shop, browsers: list[uuids.UUID]) -> None:
    ann = person(shop, ANN)
    shop.list_id = lists.create(shop.db, shop.account_id, "Third", (), NOON_MS).id
    for said in (ANN, str(ann.id), str(browsers[0])):
        assert recent.find_person(shop.db, shop.list_id, said) is None


def test_a_rare_one_is_looked_for_so_far_and_no_further(
    shop: Shop, browsers: list[uuids.UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And it is said where to go on."""
    monkeypatch.setattr(recent, "FEW", 0)
    monkeypatch.setattr(recent, "LOOKS", 20)
    last_id = event_log.last_id(shop.db)
    found = recent.newest(shop.db, shop.list_id, Wanted(page="nowhere"))
    assert (found.events, found.looked_far, found.older_id) == ([], True, last_id + 1 - 20)


def test_a_list_without_events_has_none(shop: Shop) -> None:
    assert recent.newest(shop.db, shop.list_id, Wanted()).events == []
    assert recent.newest(shop.db, shop.list_id, Wanted(page="x")).older_id is None
