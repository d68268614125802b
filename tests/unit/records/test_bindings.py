"""Whose a browser is: the rule, what its journal says, and taking one entry back."""

import pytest

from gateway.errors import Refused
from gateway.events.ids import is_nobodys
from gateway.records import bindings
from gateway.records.bindings import By
from gateway.records.identity import Known, Stitch, decide

ANN, BOB = 1, 2
BY_IDENTIFY, BY_CLICK = Known(ANN, By.IDENTIFY), Known(ANN, By.CLICK)


@pytest.mark.parametrize(
    ("known", "claimed", "clicked", "expected"),
    [
        (None, None, None, Stitch.KEEP),
        (None, None, ANN, Stitch.CLICK),
        (None, ANN, None, Stitch.IDENTIFY),
        (None, ANN, BOB, Stitch.IDENTIFY),
        (BY_CLICK, None, None, Stitch.KEEP),
        (BY_CLICK, None, ANN, Stitch.KEEP),
        (BY_CLICK, None, BOB, Stitch.KEEP),
        (BY_CLICK, ANN, None, Stitch.IDENTIFY),
        (BY_CLICK, BOB, None, Stitch.IDENTIFY),
        (BY_CLICK, BOB, ANN, Stitch.IDENTIFY),
        (BY_IDENTIFY, None, None, Stitch.KEEP),
        (BY_IDENTIFY, None, BOB, Stitch.KEEP),
        (BY_IDENTIFY, ANN, None, Stitch.KEEP),
        (BY_IDENTIFY, ANN, BOB, Stitch.KEEP),
        (BY_IDENTIFY, BOB, None, Stitch.SPLIT),
        (BY_IDENTIFY, BOB, BOB, Stitch.SPLIT),
    ],
)
def test_identify_goes_over_click_and_click_over_nobody(known, claimed, clicked, expected):
    assert decide(known, claimed, clicked) is expected


@pytest.mark.parametrize(
    "identifier",
    [
        "anonymous", "guest", "null", "undefined", "0", "none", "[object Object]", "", " ", "\t\n",
        "NULL", " Guest ", "Anonymous", "NaN", "-1", "true", "false", "unknown", "n/a",
        "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
    ],
)  # fmt: skip
def test_an_id_nobody_can_own_is_nobodys(identifier):
    assert is_nobodys(identifier)


@pytest.mark.parametrize(
    "identifier",
    [
        "42", "1", "null-island", "guest-7", "ada", "crm:anonymous:9",
        "00000000-0000-0000-0000-000000000001",
    ],
)  # fmt: skip
def test_an_id_somebody_may_own_is_left_alone(identifier):
    assert not is_nobodys(identifier)


def test_a_second_address_on_one_browser_starts_a_new_visitor(shop):
    browser = shop.browser()
    shop.identify(browser, "ann@example.com")
    receipt = shop.identify(browser, "bob@example.com")
    assert receipt.uuid != str(browser)
    assert shop.bound(browser)[0] == shop.person("ann@example.com").id


def test_the_new_visitor_is_the_same_however_often_the_old_one_says_so(shop):
    browser = shop.browser()
    shop.identify(browser, "ann@example.com")
    receipts = [shop.identify(browser, "bob@example.com") for _ in range(3)]
    assert len({receipt.uuid for receipt in receipts}) == 1
    assert len(shop.db.execute("select id from visitors").fetchall()) == 2


def test_an_identify_in_another_browser_joins_that_browser_to_the_person(shop):
    phone, desk = shop.browser(), shop.browser()
    shop.view(desk)
    shop.identify(phone, "ann@example.com")
    shop.identify(desk, "ANN@example.com")
    ann = shop.person("ann@example.com").id
    assert shop.bound(phone) == shop.bound(desk) == (ann, By.IDENTIFY)


def test_the_journal_says_cause_evidence_before_and_after(shop):
    browser, ann = shop.browser(), shop.person("ann@example.com")
    shop.view(browser, "/landing", click=shop.click(ann), human=True, event_id="first")
    shop.identify(browser, "bob@example.com")
    told = bindings.of_visitor(shop.db, shop.list_id, browser.bytes)
    assert [(entry.cause, entry.before, entry.after) for entry in told] == [
        ("click", None, "ann@example.com"),
        ("identify", "ann@example.com", "bob@example.com"),
    ]
    assert all(entry.evidence["event_id"] for entry in told)
    assert told[0].evidence["door"] == "tracker"
    assert told[0].visitor == str(browser)


def test_the_new_visitors_first_entry_says_whom_it_came_from(shop):
    browser = shop.browser()
    shop.identify(browser, "ann@example.com")
    shop.identify(browser, "bob@example.com")
    bob = shop.person("bob@example.com")
    [entry] = bindings.of_subscriber(shop.db, bob.id)
    assert entry.evidence["split_from"] == str(browser)


def test_an_event_that_changes_nothing_leaves_no_entry(shop):
    browser = shop.browser()
    shop.view(browser)
    shop.identify(browser, "ann@example.com")
    shop.identify(browser, "ann@example.com")
    shop.view(browser)
    assert len(bindings.of_visitor(shop.db, shop.list_id, browser.bytes)) == 1


def test_an_undo_gives_the_browser_back_to_whom_it_was(shop):
    browser, ann = shop.browser(), shop.person("ann@example.com")
    shop.view(browser, "/landing", click=shop.click(ann), human=True)
    shop.identify(browser, "bob@example.com")
    entry = bindings.of_visitor(shop.db, shop.list_id, browser.bytes)[-1]
    made = bindings.undo(shop.db, entry.id, shop.now_ms)
    assert shop.bound(browser) == (ann.id, By.CLICK)
    assert (made.cause, made.undoes, made.after) == ("undo", entry.id, "ann@example.com")
    again = bindings.of_visitor(shop.db, shop.list_id, browser.bytes)[1]
    assert again.undone_by == made.id


def test_what_cannot_be_undone_is_refused_with_the_reason(shop):
    browser, ann = shop.browser(), shop.person("ann@example.com")
    shop.view(browser, "/landing", click=shop.click(ann), human=True)
    shop.identify(browser, "bob@example.com")
    first, second = bindings.of_visitor(shop.db, shop.list_id, browser.bytes)
    with pytest.raises(Refused, match=f"Binding {second.id} of this visitor came later"):
        bindings.undo(shop.db, first.id, shop.now_ms)
    undo = bindings.undo(shop.db, second.id, shop.now_ms)
    with pytest.raises(Refused, match="undone already"):
        bindings.undo(shop.db, second.id, shop.now_ms)
    with pytest.raises(Refused, match="itself the undoing"):
        bindings.undo(shop.db, undo.id, shop.now_ms)
    with pytest.raises(Refused, match="no binding 999"):
        bindings.undo(shop.db, 999, shop.now_ms)


def test_an_undone_click_does_not_bind_again_by_the_next_page(shop):
    browser, click = shop.browser(), shop.click(shop.person("ann@example.com"))
    shop.view(browser, "/landing", click=click, human=True)
    [entry] = bindings.of_visitor(shop.db, shop.list_id, browser.bytes)
    bindings.undo(shop.db, entry.id, shop.now_ms)
    shop.view(browser, "/shoes", click=click, human=True)
    assert shop.bound(browser) == (None, None)


def test_a_story_says_which_of_its_entries_may_be_taken_back(shop):
    """Of each browser the newest that stands: what `undo` refuses is not among them."""
    first, second, ann = shop.browser(), shop.browser(), shop.person("ann@example.com")
    shop.view(first, "/landing", click=shop.click(ann), human=True)
    shop.identify(first, "ann@example.com")
    shop.identify(second, "ann@example.com")
    clicked, identified, other = bindings.of_subscriber(shop.db, ann.id)
    assert bindings.may_undo([clicked, identified, other]) == {identified.id, other.id}
    bindings.undo(shop.db, identified.id, shop.now_ms)
    assert bindings.may_undo(bindings.of_subscriber(shop.db, ann.id)) == {clicked.id, other.id}


def test_of_a_long_story_the_newest_entries_are_told_oldest_first(shop):
    """For whoever shows a page of it."""
    browser, ann = shop.browser(), shop.person("ann@example.com")
    shop.view(browser, "/landing", click=shop.click(ann), human=True)
    shop.identify(browser, "ann@example.com")
    undone = bindings.undo(shop.db, bindings.of_subscriber(shop.db, ann.id)[-1].id, shop.now_ms)
    told = bindings.of_subscriber(shop.db, ann.id, newest=2)
    assert [each.cause for each in told] == ["identify", "undo"]
    assert bindings.of_visitor(shop.db, shop.list_id, browser.bytes, newest=1) == [undone]
    assert bindings.is_on_list(shop.db, shop.list_id, undone.id)
    assert not bindings.is_on_list(shop.db, shop.list_id + 1, undone.id)
