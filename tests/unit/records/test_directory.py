"""Looking through the people of a list, and for somebody."""

from gateway.records import directory, lists, people
from tests.unit.records.shop import NOON_MS, Shop


def names(found: list[people.Subscriber]) -> list[str]:
    return [each.email for each in found]


def test_the_newest_come_first_page_by_page(shop: Shop) -> None:
    """Each page goes on behind the last one of the page before."""
    for name in "abcde":
        shop.person(f"{name}@example.com")
    first = directory.newest(shop.db, shop.list_id, rows=3)
    assert names(first) == ["e@example.com", "d@example.com", "c@example.com"]
    second = directory.newest(shop.db, shop.list_id, before_id=first[-1].id, rows=3)
    assert names(second) == ["b@example.com", "a@example.com"]


def test_an_address_is_found_by_how_it_begins_without_regard_to_case(shop: Shop) -> None:
    """What is special to other ways of searching is a character like any other."""
    for address in ("Ann@example.com", "anne@example.com", "a_n@example.com", "bob@example.com"):
        shop.person(address)
    found = directory.beginning_with(shop.db, shop.list_id, "ANN", rows=9)
    assert names(found) == ["Ann@example.com", "anne@example.com"]
    further = directory.beginning_with(
        shop.db, shop.list_id, "ann", after="Ann@example.com", rows=9
    )
    assert names(further) == ["anne@example.com"]
    assert names(directory.beginning_with(shop.db, shop.list_id, "a_n", rows=9)) == [
        "a_n@example.com"
    ]
    assert directory.beginning_with(shop.db, shop.list_id, "%", rows=9) == []


def test_an_address_is_found_by_any_part_among_the_newest(shop: Shop, monkeypatch) -> None:
    """Only so many are looked through, so that a long list does not make it slow."""
    for address in ("ann@old.example", "ben@new.example", "cat@new.example"):
        shop.person(address)
    assert len(directory.containing(shop.db, shop.list_id, ".EXAMPLE", rows=9)) == 3
    monkeypatch.setattr(directory, "LOOKED_THROUGH", 2)
    assert directory.containing(shop.db, shop.list_id, "old", rows=9) == []
    assert names(directory.containing(shop.db, shop.list_id, "n@new", rows=9)) == [
        "ben@new.example"
    ]


def test_nobody_of_another_list_is_found(shop: Shop) -> None:
    """Whichever way somebody is looked for."""
    ann = shop.person("ann@example.com")
    people.name_subscriber(shop.db, ann.id, "A-1")
    other = lists.create(shop.db, shop.account_id, "Other", (), NOON_MS).id
    assert directory.newest(shop.db, other, rows=9) == []
    assert directory.beginning_with(shop.db, other, "a", rows=9) == []
    assert directory.containing(shop.db, other, "a", rows=9) == []
    assert directory.of_external_id(shop.db, other, "A-1", rows=9) == ([], [])
    assert directory.count(shop.db, other, 9) == 0
    assert directory.count(shop.db, shop.list_id, 9) == 1


def test_an_id_of_the_accounts_own_finds_people_and_browsers_of_nobody(shop: Shop) -> None:
    """A browser that has become somebody's is found by its person."""
    ann, browser = shop.person("ann@example.com"), shop.browser()
    people.name_subscriber(shop.db, ann.id, "A-1")
    shop.view(browser)
    people.name_visitor(shop.db, shop.visitor(browser), "A-1")
    found, lone = directory.of_external_id(shop.db, shop.list_id, "A-1", rows=9)
    assert (names(found), [each.uuid for each in lone]) == (["ann@example.com"], [browser])
    shop.identify(browser, "ann@example.com")
    assert directory.of_external_id(shop.db, shop.list_id, "A-1", rows=9)[1] == []


def test_a_line_tells_how_many_browsers_and_when_the_last_was_seen(shop: Shop) -> None:
    """Of whichever browser; nothing of who has none."""
    first, second = shop.browser(), shop.browser()
    shop.identify(first, "ann@example.com", at_ms=NOON_MS + 1)
    shop.identify(second, "ann@example.com", at_ms=NOON_MS + 2)
    shop.view(first, at_ms=NOON_MS + 9)
    shop.person("ben@example.com")
    told = directory.entries(shop.db, directory.newest(shop.db, shop.list_id, rows=9))
    assert [(each.browsers, each.seen_at_ms) for each in told] == [(0, None), (2, NOON_MS + 9)]
