"""When a journey fires, when it does not, and that it says why."""

import json
import sqlite3

import pytest

from gateway import clock
from gateway.events.event import Trust
from gateway.events.vocabulary import Door, Kind
from gateway.records import enrolments, event_log, fields, journeys, webhooks
from gateway.records.enrolments import LATE_MS, Explained
from gateway.records.journeys import Journey
from gateway.store.database import savepoint
from tests.unit.records.journeying import events_of, journey, owed
from tests.unit.records.shop import DAY_MS, Shop

ANN = "ann@example.com"
HOUR_MS = 3_600_000


@pytest.fixture(autouse=True)
def now(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is whenever the shop's last event came in."""
    monkeypatch.setattr(clock, "now_ms", lambda: shop.now_ms)


def explained(shop: Shop, number: int = -1) -> Explained:
    """What the only journey says of an event; by default of the last one."""
    event = list(event_log.each(shop.db, shop.list_id))[number]
    [found] = enrolments.explain(shop.db, event)
    return found


# -- what it fires for ----------------------------------------------------------------------


def test_it_fires_for_the_event_of_somebody_who_is_known(shop: Shop) -> None:
    made, browser = journey(shop), shop.browser()
    shop.identify(browser, ANN)
    shop.send("cart", browser, properties={"product": "Mug"})
    assert events_of(shop, made) == ["cart"]
    assert explained(shop).fired


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (Kind.PAGE_VIEW, "", ["pageView"]),
        (Kind.IDENTIFY, "", ["identify"]),
        (Kind.CUSTOM, "cart", ["cart"]),
        (Kind.CONVERSION, "", ["conversion"]),
    ],
)
def test_each_trigger_is_for_its_own_kind(
    shop: Shop, kind: Kind, value: str, expected: list[str]
) -> None:
    made, browser = journey(shop, kind, value), shop.browser()
    shop.identify(browser, ANN)
    shop.view(browser)
    shop.send("cart", browser)
    shop.send("Cart", browser)
    shop.buy(browser, "order-1")
    assert events_of(shop, made) == expected


def test_the_identify_that_an_event_brings_fires_too(shop: Shop) -> None:
    made = journey(shop, Kind.IDENTIFY)
    shop.send("signup", shop.browser(), email=ANN, door=Door.API)
    assert events_of(shop, made) == ["identify"]


def test_an_event_of_nobody_fires_nothing_and_not_when_somebody_is_known_later(shop: Shop) -> None:
    made, browser = journey(shop), shop.browser()
    shop.send("cart", browser)
    shop.identify(browser, ANN)
    assert owed(shop, made) == []
    assert explained(shop, 0).why == "the visitor is bound to nobody"


def test_a_silent_event_fires_nothing(shop: Shop) -> None:
    made, browser = journey(shop), shop.browser()
    shop.identify(browser, ANN)
    shop.send("cart", browser, silent=True)
    assert owed(shop, made) == []
    assert explained(shop).why == "the event is silent"


def test_a_provisional_click_fires_nothing_and_a_confirmed_one_does(shop: Shop) -> None:
    """The landing page is opened by mail scanners too; the next page is a person's."""
    made, browser = journey(shop, Kind.PAGE_VIEW, ""), shop.browser()
    click = shop.click(shop.person(ANN))
    shop.view(browser, "/landing", click=click)
    assert owed(shop, made) == []
    shop.view(browser, "/next", click=click)
    assert events_of(shop, made) == ["pageView"]


def test_a_click_fires_no_identify(shop: Shop) -> None:
    made, browser = journey(shop, Kind.IDENTIFY), shop.browser()
    shop.view(browser, click=shop.click(shop.person(ANN)), human=True)
    assert shop.bound(browser)[0] is not None
    assert owed(shop, made) == []


@pytest.mark.parametrize(
    "said", [{"external_id": "0" * 64}, {"email": "eve@example.com", "trust": Trust.NONE}]
)
def test_an_identify_that_names_nobody_we_believe_fires_nothing(
    shop: Shop, said: dict[str, str]
) -> None:
    """A hash that matches nobody, or an address its door is not trusted with; though the browser
    is somebody's already."""
    made, browser = journey(shop, Kind.IDENTIFY), shop.browser()
    shop.identify(browser, ANN, silent=True)
    shop.send("identify", browser, **said)
    assert owed(shop, made) == []
    assert not explained(shop).fired


@pytest.mark.parametrize(("late_ms", "fired"), [(LATE_MS, True), (LATE_MS + 1, False)])
def test_what_a_server_tells_long_afterwards_fires_nothing(
    shop: Shop, late_ms: int, fired: bool
) -> None:
    made = journey(shop)
    happened_at_ms = shop.now_ms + 1_000 - late_ms
    shop.send("cart", email=ANN, door=Door.API, happened_at_ms=happened_at_ms)
    assert bool(owed(shop, made)) is fired
    assert explained(shop, 0).fired is fired


def test_what_a_browser_could_not_send_at_once_fires_all_the_same(shop: Shop) -> None:
    made, browser = journey(shop), shop.browser()
    shop.identify(browser, ANN)
    shop.send("cart", browser, happened_at_ms=shop.now_ms - DAY_MS)
    assert events_of(shop, made) == ["cart"]


def test_what_comes_out_of_quarantine_days_later_fires_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is received when it was; now is another time."""
    made, browser = journey(shop), shop.browser()
    shop.identify(browser, ANN)
    monkeypatch.setattr(clock, "now_ms", lambda: shop.now_ms + DAY_MS)
    shop.send("cart", browser)
    assert owed(shop, made) == []


def test_the_same_event_again_fires_nothing_more(shop: Shop) -> None:
    made, browser = journey(shop), shop.browser()
    shop.identify(browser, ANN)
    for _ in range(2):
        shop.send("cart", browser, event_id="cart-1")
    assert events_of(shop, made) == ["cart"]


def test_a_thank_you_page_that_is_reloaded_fires_nothing_more(shop: Shop) -> None:
    made, browser = journey(shop, Kind.CONVERSION), shop.browser()
    shop.identify(browser, ANN)
    for _ in range(2):
        shop.buy(browser, "order-1")
    shop.buy(browser, "order-2")
    assert events_of(shop, made) == ["conversion"] * 2


def test_what_undoes_the_event_undoes_what_it_fired(shop: Shop) -> None:
    """One transaction holds both."""
    made, browser = journey(shop), shop.browser()
    shop.identify(browser, ANN)

    def cut_short() -> None:
        with savepoint(shop.db):
            shop.send("cart", browser)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        cut_short()
    assert owed(shop, made) == []
    assert explained(shop).journey == made


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("update journeys set enabled = 0", "the journey is disabled"),
        ("update journeys set value = 'other'", "it waits for other events"),
    ],
)
def test_what_is_disabled_or_waits_for_another_event_says_so(
    shop: Shop, change: str, why: str
) -> None:
    made, browser = journey(shop), shop.browser()
    shop.db.execute(change)
    shop.identify(browser, ANN)
    shop.send("cart", browser)
    assert owed(shop, made) == []
    assert explained(shop).why == why


# -- rules ----------------------------------------------------------------------------------


def test_the_trigger_s_criteria_are_on_the_event_and_all_must_hold(shop: Shop) -> None:
    rules = [
        {"event_parameter": "product", "operator": "equals", "value": "Mug"},
        {"event_parameter": "price", "operator": "greater than", "value": 10},
    ]
    made, browser = journey(shop, trigger_rules=rules), shop.browser()
    shop.identify(browser, ANN)
    shop.send("cart", browser, properties={"product": "Mug", "price": 18})
    shop.send("cart", browser, properties={"product": "Mug", "price": 8})
    assert explained(shop).why == "the trigger's criteria do not hold for the event"
    shop.send("cart", browser, properties={"price": 18})
    assert events_of(shop, made) == ["cart"]


@pytest.mark.parametrize(
    ("wanted", "fires"),
    [
        ("", True),
        ("/cart", True),
        ("SHOP.example/*?step=", True),
        ("/cart*step=2", True),
        ("step=2*/cart", False),
        ("/checkout", False),
    ],
)
def test_a_page_view_s_url_is_matched_by_what_it_has_in_it(
    shop: Shop, wanted: str, fires: bool
) -> None:
    made, browser = journey(shop, Kind.PAGE_VIEW, wanted), shop.browser()
    shop.identify(browser, ANN)
    shop.view(browser, "/cart?step=2")
    assert bool(owed(shop, made)) is fires


def test_the_run_criteria_are_on_the_subscriber(shop: Shop) -> None:
    city = fields.create(shop.db, shop.list_id, name="City", type="text", alias="city").id
    rules = [{"type": "fields", "field_id": city, "operator": "is", "value": "Oslo"}]
    made, browser = journey(shop, run_rules=rules), shop.browser()
    shop.identify(browser, ANN, identify_properties={"city": "Rome"})
    shop.send("cart", browser)
    assert explained(shop).why == "the run criteria do not hold for the subscriber"
    shop.identify(browser, ANN, identify_properties={"city": "Oslo"})
    shop.send("cart", browser)
    assert events_of(shop, made) == ["cart"]


def test_the_run_criteria_know_what_the_subscriber_did_up_to_this_event(shop: Shop) -> None:
    rules = [{"type": "website-events", "event": "conversion", "operator": "did not happen"}]
    made, browser = journey(shop, run_rules=rules), shop.browser()
    shop.identify(browser, ANN)
    shop.send("cart", browser)
    shop.buy(browser, "order-1")
    shop.send("cart", browser)
    assert events_of(shop, made) == ["cart"]


def test_run_criteria_about_what_is_gone_fire_nothing_and_cost_no_event(shop: Shop) -> None:
    city = fields.create(shop.db, shop.list_id, name="City", type="text", alias="city").id
    rules = [{"type": "fields", "field_id": city, "operator": "is not set"}]
    made, browser = journey(shop, run_rules=rules), shop.browser()
    fields.delete(shop.db, city)
    shop.identify(browser, ANN)
    shop.send("cart", browser)
    assert owed(shop, made) == []
    assert "cannot be judged" in explained(shop).why


# -- once, and limits -----------------------------------------------------------------------


def test_once_per_subscriber_where_it_says_so(shop: Shop) -> None:
    made = journey(shop, once_per_subscriber=True)
    for email in (ANN, "eve@example.com"):
        browser = shop.browser()
        shop.identify(browser, email)
        for _ in range(2):
            shop.send("cart", browser)
    assert events_of(shop, made) == ["cart", "cart"]
    assert explained(shop).why == "the subscriber has been in it, and comes in once only"


@pytest.mark.parametrize(
    ("limit", "within_ms", "said"),
    [("hourly_max", HOUR_MS, "hour"), ("daily_max", DAY_MS, "day")],
)
def test_a_limit_holds_for_its_time_and_no_longer(
    shop: Shop, limit: str, within_ms: int, said: str
) -> None:
    made, browser = journey(shop, **{limit: 2}), shop.browser()
    shop.identify(browser, ANN)
    start_ms = shop.now_ms
    for at_ms in (start_ms, start_ms + 1, start_ms + within_ms - 1, start_ms + within_ms):
        shop.send("cart", browser, at_ms=at_ms)
    assert len(owed(shop, made)) == 3
    assert explained(shop, 3).why == f"its limit of 2 per {said} was reached"


# -- what is sent ---------------------------------------------------------------------------


def test_the_message_says_who_did_what_and_which_journey_it_is(shop: Shop) -> None:
    fields.create(shop.db, shop.list_id, name="City", type="text", alias="city")
    payload = {
        "to": "%Subscriber:EmailAddress%",
        "lines": ["%Event:product% for %Event:price%", {"of": "%Journey:JourneyName%"}],
        "city": "%Subscriber:city%",
        "nothing": "%Event:no such%",
        "number": 7,
    }
    made, browser = journey(shop, payload=payload), shop.browser()
    shop.identify(browser, "Ann@example.com", identify_properties={"city": "Oslo"})
    shop.send("cart", browser, properties={"product": 'Mug "L"', "price": 18.5})
    [delivery] = owed(shop, made)
    said = json.loads(delivery.body)
    assert said["Journey"] == {
        "JourneyID": made.id, "JourneyName": "After the cart", "Trigger": "WebsiteEvent_customEvent"
    }  # fmt: skip
    assert said["Subscriber"]["EmailAddress"] == "Ann@example.com"
    assert said["Event"]["Event"] == "cart"
    assert said["Event"]["Properties"]["price"] == 18.5
    assert said["Event"]["Properties"]["$current_url"] == "https://shop.example/"
    assert said["Event"]["Properties"]["$browser"] is None
    own = {name: said[name] for name in payload}
    assert own == {
        "to": "Ann@example.com",
        "lines": ['Mug "L" for 18.5', {"of": "After the cart"}],
        "city": "Oslo",
        "nothing": "",
        "number": 7,
    }


def test_nothing_a_visitor_sends_is_read_as_a_merge_tag(shop: Shop) -> None:
    made = journey(shop, payload={"text": "%Event:note%"})
    browser = shop.browser()
    shop.identify(browser, ANN)
    shop.send("cart", browser, properties={"note": "%Subscriber:EmailAddress%"})
    [delivery] = owed(shop, made)
    assert json.loads(delivery.body)["text"] == "%Subscriber:EmailAddress%"


def test_a_journey_of_two_webhooks_owes_two_deliveries(shop: Shop) -> None:
    made, browser = journey(shop), shop.browser()
    [first] = webhooks.of_journey(shop.db, made.id)
    second = webhooks.Webhook(0, made.id, "https://other.example/in")
    webhooks.replace(shop.db, made.id, [first, second], shop.now_ms)
    shop.identify(browser, ANN)
    shop.send("cart", browser)
    assert len({each.delivery_id for each in owed(shop, made)}) == 2
    assert len(explained(shop).deliveries) == 2


# -- who came in ----------------------------------------------------------------------------


def test_stats_count_people_within_a_time_and_who_is_owed_something(shop: Shop) -> None:
    made = journey(shop)
    for email in (ANN, "eve@example.com"):
        browser = shop.browser()
        shop.identify(browser, email)
        shop.send("cart", browser)
        shop.send("cart", browser)
    last_ms = shop.now_ms
    shop.db.execute("update outbox set state = 1 where id <= 2")
    assert enrolments.stats(shop.db, made.id) == enrolments.Stats(active=1, total=2)
    assert enrolments.stats(shop.db, made.id, last_ms).total == 1
    assert enrolments.stats(shop.db, made.id, 0, shop.now_ms - 100_000).total == 0


def test_a_deleted_journey_is_nobody_s_and_waits_for_nothing(
    shop: Shop, db: sqlite3.Connection
) -> None:
    made, browser = journey(shop), shop.browser()
    shop.identify(browser, ANN)
    journeys.bury(db, made.id, shop.now_ms)
    shop.send("cart", browser)
    assert journeys.get(db, made.id) is None
    assert db.execute("select count(*) from enrolments").fetchone()[0] == 0


# -- what it would have fired for -------------------------------------------------------------


def rehearsed(shop: Shop, made: Journey, events_max: int = 100) -> list[str]:
    """The product of each event it would have fired for, the newest first."""
    found = enrolments.rehearse(
        shop.db, made, shop.now_ms, within_ms=7 * DAY_MS, events_max=events_max
    )
    return [each.event.properties["product"] for each in found.firings]


def test_a_rehearsal_tells_what_it_does_when_it_is_enabled(shop: Shop) -> None:
    """The same events, told beforehand and as they fired."""
    rules = [{"event_parameter": "price", "operator": "greater than", "value": "10"}]
    waiting = journey(shop, enabled=False, trigger_rules=rules)
    fired = journey(shop, trigger_rules=rules)
    stranger, browser = shop.browser(), shop.browser()
    shop.send("cart", stranger, properties={"product": "nobody's", "price": 50})
    shop.identify(browser, ANN)
    for product, price in (("mug", 12), ("pin", 2), ("lamp", 60)):
        shop.send("cart", browser, properties={"product": product, "price": price})
    shop.send("looked", browser, properties={"product": "other", "price": 50})
    assert rehearsed(shop, waiting) == ["lamp", "mug"]
    assert [
        json.loads(each.body)["Event"]["Properties"]["product"] for each in owed(shop, fired)
    ] == ["mug", "lamp"]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"once_per_subscriber": True}, ["0"]),
        ({"hourly_max": 2}, ["1", "0"]),
        ({"daily_max": 1}, ["0"]),
        (
            {
                "run_rules": [
                    {"type": "fields", "field_id": "email", "operator": "is", "value": "x"}
                ]
            },
            [],
        ),
        ({"run_rules": [{"type": "fields", "field_id": 99, "operator": "is set"}]}, []),
    ],
)
def test_a_rehearsal_holds_the_limits_by_itself(
    shop: Shop, facts: dict[str, object], expected: list[str]
) -> None:
    """Nobody came in: what is counted are the rehearsal's own firings."""
    browser = shop.browser()
    shop.identify(browser, ANN)
    for n in range(3):
        shop.send("cart", browser, properties={"product": str(n)})
    assert rehearsed(shop, journey(shop, enabled=False, **facts)) == expected
    assert enrolments.of_subscriber(shop.db, shop.person(ANN).id) == []


def test_a_rehearsal_looks_at_the_newest_and_says_how_far_it_got(shop: Shop) -> None:
    """So that nobody takes a part for the whole."""
    browser = shop.browser()
    shop.identify(browser, ANN)
    for n in range(5):
        shop.send("cart", browser, properties={"product": str(n)})
    made = journey(shop, enabled=False)
    assert rehearsed(shop, made, events_max=2) == ["4", "3"]
    part = enrolments.rehearse(shop.db, made, shop.now_ms, within_ms=DAY_MS, events_max=2)
    assert (part.events, part.is_whole) == (2, False)
    assert part.since_ms == part.firings[-1].event.happened_at_ms
    whole = enrolments.rehearse(shop.db, made, shop.now_ms, within_ms=DAY_MS, events_max=5)
    assert (whole.events, whole.is_whole, whole.since_ms) == (5, True, shop.now_ms - DAY_MS)
    late = enrolments.rehearse(
        shop.db, made, shop.now_ms + 2 * DAY_MS, within_ms=DAY_MS, events_max=5
    )
    assert late.firings == []
