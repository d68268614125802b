"""What a form of rules suggests: what the list has seen, the newest of it, bounded."""

import sqlite3

import pytest

from gateway.console import rule_choices, rule_form
from gateway.console.rule_choices import VALUES_MAX, Choices
from gateway.events.vocabulary import Kind
from gateway.records import event_log, fields
from tests.unit.records.shop import Shop


@pytest.fixture
def shop(db: sqlite3.Connection) -> Shop:
    return Shop(db)


def offered(shop: Shop, *rules: dict[str, object], event: str = "") -> Choices:
    form = rule_form.of_rules(rules)
    return rule_choices.choices(shop.db, shop.list_id, (form, "rules", event))


def compared(event: str, name: str) -> dict[str, object]:
    return {
        "type": "website-events", "event": event, "operator": "equals",
        "event_parameter": name, "value": "x",
    }  # fmt: skip


def test_the_names_and_values_of_the_list_s_own_events_are_offered(shop: Shop) -> None:
    """The most frequent values first, and of the event that the rule is on alone."""
    browser = shop.browser()
    for colour in ("red", "blue", "red", None, ["odd"], "x" * 500):
        shop.send("cart", browser, properties={"colour": colour})
    shop.send("looked", browser, properties={"colour": "green"})
    told = offered(shop, compared("cart", "colour"))
    assert told.events == ["cart", "conversion", "identify", "looked", "pageView"]
    assert told.properties["rules.0"][0] == "colour"
    assert "$browser" in told.properties["rules.0"]
    assert told.values["rules.0"] == ["red", "blue"]


def test_the_rules_of_a_trigger_are_offered_those_of_its_event(shop: Shop) -> None:
    """They name none themselves."""
    shop.send("cart", shop.browser(), properties={"colour": "red"})
    rule = {**compared("", "colour"), "event": "cart"}
    form = rule_form.of_rules([rule])
    blank = rule_form.read({"rules.0.subject": "event", "rules.0.operator": "equals",
                            "rules.0.property_name": "colour"}, "rules")  # fmt: skip
    for each in (form, blank):
        told = rule_choices.choices(shop.db, shop.list_id, (each, "rules", "cart"))
        assert told.values["rules.0"] == ["red"]


def test_there_is_an_end_to_what_is_offered(shop: Shop) -> None:
    """However many values there are."""
    for n in range(VALUES_MAX + 5):
        shop.send("cart", shop.browser(), properties={"n": n})
    told = offered(shop, compared("cart", "n"))
    assert len(told.values["rules.0"]) == VALUES_MAX


def test_fields_and_what_they_can_be_are_offered(shop: Shop) -> None:
    """The list's own besides those that every list has."""
    made = fields.create(shop.db, shop.list_id, name="Size", type="Single line")
    told = offered(
        shop, {"type": "fields", "field_id": "subscriptionstatus", "operator": "is", "value": "x"}
    )
    assert (str(made.id), "Size") in told.fields
    assert "Unsubscribed" in told.values["rules.0"]


def test_the_newest_of_a_kind_are_read_whatever_they_are_called(shop: Shop) -> None:
    """Page views have three names; what happened last comes first."""
    browser = shop.browser()
    for name in ("pageView", "page_view", "cart", "$pageview", "pageView"):
        shop.send(name, browser)
    found = event_log.newest_of_name(shop.db, shop.list_id, "", Kind.PAGE_VIEW, rows=3)
    assert [each.event for each in found] == ["pageView", "$pageview", "page_view"]
    at_ms = found[1].happened_at_ms
    part = event_log.newest_of_name(
        shop.db, shop.list_id, "", Kind.PAGE_VIEW, since_ms=at_ms, rows=9
    )
    assert [each.event for each in part] == ["pageView", "$pageview"]
