"""The life of one event, as each of the files that had a part in it remembers it."""

import pytest

from gateway import clock
from gateway.events.event import Trust
from gateway.events.vocabulary import Door, Kind
from gateway.records import bindings, event_log, outbox
from gateway.records.explain import Explanation, Other, Person, explain
from gateway.records.outbox import Attempted
from tests.unit.records.journeying import journey, owed
from tests.unit.records.shop import DAY_MS, Shop

ANN, BOB = "ann@example.com", "bob@example.com"
CLICK_DAYS = 30


@pytest.fixture(autouse=True)
def now(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is whenever the shop's last event came in."""
    monkeypatch.setattr(clock, "now_ms", lambda: shop.now_ms)


def life(shop: Shop, number: int = -1) -> Explanation:
    """Of one of the list's events; by default of the last."""
    event = list(event_log.each(shop.db, shop.list_id))[number]
    return explain(shop.db, event, CLICK_DAYS)


# -- how it came in -------------------------------------------------------------------------


def test_a_sender_that_says_nothing_of_its_clock_is_not_judged(shop: Shop) -> None:
    shop.view(shop.browser())
    assert (life(shop).times.clock_off_ms, life(shop).times.corrected) == (None, False)


@pytest.mark.parametrize(("off_ms", "corrected"), [(30_000, False), (-30_001, True)])
def test_a_clock_more_than_thirty_seconds_off_is_told_to_be_corrected(
    shop: Shop, off_ms: int, corrected: bool
) -> None:
    shop.view(shop.browser())
    shop.db.execute("update events set sent_at_ms = received_at_ms + ?", (off_ms,))
    assert (life(shop).times.clock_off_ms, life(shop).times.corrected) == (off_ms, corrected)


def test_its_number_in_its_tab_is_told(shop: Shop) -> None:
    shop.view(shop.browser(), tab=5, seq=3)
    assert life(shop).seq == 3


# -- whose it is ----------------------------------------------------------------------------


def test_an_event_of_nobody_is_nobodys(shop: Shop) -> None:
    shop.view(shop.browser())
    whose = life(shop).whose
    assert (whose.was, whose.now, whose.bound_by, whose.because) == (None, None, None, None)


def test_who_it_is_becomes_known_later_and_it_says_since_when(shop: Shop) -> None:
    browser = shop.browser()
    shop.view(browser)
    shop.identify(browser, ANN)
    first, second = life(shop, 0), life(shop, 1)
    ann = Person(shop.person(ANN).id, ANN)
    assert (first.whose.was, first.whose.now) == (None, ann)
    assert (second.whose.was, second.whose.now) == (ann, ann)
    assert first.whose.because == second.whose.because
    assert first.bindings == []
    [entry] = second.bindings
    assert (entry.cause, entry.before, entry.after) == ("identify", None, ANN)
    assert entry.evidence["event_id"] == second.event.event_id


def test_what_was_taken_back_is_told_with_the_event_that_did_it(shop: Shop) -> None:
    browser = shop.browser()
    shop.identify(browser, ANN)
    bindings.undo(shop.db, 1, shop.now_ms + 1)
    told = life(shop)
    assert told.whose.now is None
    assert told.whose.was == Person(shop.person(ANN).id, ANN)
    assert told.whose.because
    assert told.whose.because.cause == "undo"
    assert told.bindings[0].undone_by == told.whose.because.id


def test_a_second_person_of_a_browser_is_told_with_the_browser_it_went_on_from(shop: Shop) -> None:
    browser = shop.browser()
    shop.identify(browser, ANN)
    shop.identify(browser, BOB)
    told = life(shop)
    assert told.bindings[0].evidence["split_from"] == str(browser)
    assert told.whose.uuid != str(browser)


def test_a_servers_event_and_the_identify_it_brings_tell_of_each_other(shop: Shop) -> None:
    shop.send("signup", email=ANN, door=Door.API)
    event, identify = life(shop, 0), life(shop, 1)
    assert event.identify == Other(identify.event.id, "identify")
    assert identify.caused_by == Other(event.event.id, "signup")
    assert event.bindings == identify.bindings != []
    assert (event.caused_by, identify.identify) == (None, None)


def test_an_address_that_is_not_believed_changes_nothing(shop: Shop) -> None:
    shop.send("signup", shop.browser(), email=ANN, trust=Trust.NONE)
    assert (life(shop).bindings, life(shop).whose.now) == ([], None)


# -- clicks and conversions -----------------------------------------------------------------


def test_the_opening_of_a_link_is_told_of_its_event_only(shop: Shop) -> None:
    """Events of the same beacon happen at the same instant."""
    browser, click = shop.browser(), shop.click(shop.person(ANN))
    for page in ("/landing", "/next"):
        shop.view(browser, page, click=click, happened_at_ms=shop.now_ms + 10)
        shop.now_ms -= 1_000
    [opened] = life(shop, 0).clicks
    assert (opened.campaign, opened.email, opened.confirmed_by) == ("spring", ANN, "second page")
    assert life(shop, 1).clicks == []
    assert life(shop, 1).bindings[0].cause == "click"


def test_a_conversion_tells_the_click_it_is_credited_to(shop: Shop) -> None:
    browser = shop.browser()
    shop.view(browser, click=shop.click(shop.person(ANN)), human=True)
    shop.buy(browser, "order-1", 290.5)
    credit = life(shop).conversion
    assert credit
    assert credit.click
    assert (credit.conversion_id, credit.value, credit.click.campaign) == (
        "order-1",
        290.5,
        "spring",
    )
    assert credit.why == "the last link opened in the 30 days before it"


def why_nobodys(shop: Shop) -> str:
    credit = life(shop).conversion
    assert credit
    assert credit.click is None
    return credit.why


def test_a_conversion_without_a_click_says_so(shop: Shop) -> None:
    shop.buy(shop.browser(), "order-1")
    assert why_nobodys(shop) == "before it no link was opened by this browser or its person"


def test_a_conversion_too_long_after_its_click_says_so(shop: Shop) -> None:
    browser = shop.browser()
    shop.view(browser, click=shop.click(shop.person(ANN)), human=True)
    shop.buy(browser, "order-1", at_ms=shop.now_ms + 30 * DAY_MS + 1)
    assert why_nobodys(shop) == "the last link before it was opened more than 30 days earlier"


def test_a_conversion_after_a_scanners_click_says_so(shop: Shop) -> None:
    browser = shop.browser()
    shop.view(browser, click=shop.click(shop.person(ANN)))
    shop.db.execute("update clicks set marked = 1")
    shop.buy(browser, "order-1")
    assert "burst" in why_nobodys(shop)


def test_a_click_that_became_known_later_is_not_taken_for_one_that_was(shop: Shop) -> None:
    """A browser's event from before was told later than the conversion."""
    browser = shop.browser()
    before_ms = shop.now_ms
    shop.buy(browser, "order-1")
    click = shop.click(shop.person(ANN))
    shop.view(browser, click=click, human=True, happened_at_ms=before_ms)
    event = event_log.get(shop.db, 1)
    assert event
    credit = explain(shop.db, event, CLICK_DAYS).conversion
    assert credit
    assert credit.why == "the link before it was not known yet when it came in"


def test_a_conversion_that_was_counted_before_names_the_first(shop: Shop) -> None:
    browser = shop.browser()
    shop.buy(browser, "order-1")
    shop.buy(browser, "order-1")
    told = life(shop)
    assert (told.conversion, told.counted_by) == (None, life(shop, 0).event.id)
    shop.view(browser)
    assert life(shop).counted_by is None


# -- journeys -------------------------------------------------------------------------------


def test_a_journey_that_fired_tells_when_and_what_became_of_it(shop: Shop) -> None:
    made, browser = journey(shop, name="Remind"), shop.browser()
    shop.identify(browser, ANN)
    shop.send("cart", browser)
    [delivery] = owed(shop, made)
    tried = Attempted(delivery, "HTTP 500", again_at_ms=shop.now_ms + 5)
    outbox.settle(shop.db, [tried], shop.now_ms)
    [told] = life(shop).journeys
    assert (told.name, told.waits, told.fired, told.fired_at_ms) == (
        "Remind", True, True, shop.now_ms,
    )  # fmt: skip
    [sent] = told.deliveries
    assert (sent.url, sent.state, sent.attempts) == ("https://hooks.example/in", "waiting", 1)
    assert (sent.outcome, sent.due_at_ms) == ("HTTP 500", shop.now_ms + 5)


def test_each_journey_of_the_list_says_why_it_did_not_fire(shop: Shop) -> None:
    journey(shop, value="other")
    journey(shop, enabled=False)
    journey(shop, Kind.CUSTOM)
    shop.send("cart", shop.browser())
    assert [(each.waits, each.why) for each in life(shop).journeys] == [
        (False, "it waits for other events"),
        (False, "the journey is disabled"),
        (True, "the visitor is bound to nobody"),
    ]
