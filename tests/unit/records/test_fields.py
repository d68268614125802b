"""Custom fields by alias and by number, hashed identify, and how far a browser is believed."""

import hashlib
import hmac
import logging

import pytest

from gateway.events.event import Event, Trust
from gateway.events.vocabulary import Door
from gateway.records import fields, lists
from gateway.records.bindings import By


def digest(address):
    return hashlib.sha256(address.encode()).hexdigest()


@pytest.fixture
def ann(shop):
    return shop.person("ann@example.com")


@pytest.fixture
def field(shop):
    def make(alias="", unique=False):
        return fields.create(
            shop.db,
            shop.list_id,
            name=alias or "A field",
            type="Single line",
            alias=alias,
            is_unique_identifier=unique,
        ).id

    return make


def identified_with(shop, properties, **more):
    """The values Ann has after an identify that brings these."""
    shop.identify(shop.browser(), "ann@example.com", identify_properties=properties, **more)
    return fields.values(shop.db, shop.person("ann@example.com").id)


def test_a_field_is_named_by_its_alias_or_its_number_in_any_case(shop, field):
    first, second = field("FirstName"), field()
    said = {"FIRSTNAME": "Ann", f"customfield{second}": "blue"}
    assert identified_with(shop, said) == {first: "Ann", second: "blue"}


@pytest.mark.parametrize("alias_first", [True, False])
def test_where_a_field_is_named_both_ways_the_alias_wins(shop, field, alias_first):
    number = field("FirstName")
    said = [("firstName", "by alias"), (f"CustomField{number}", "by number")]
    properties = dict(said if alias_first else said[::-1])
    assert identified_with(shop, properties) == {number: "by alias"}


def test_an_alias_spelled_like_a_number_is_the_alias(shop, field):
    field()
    other = field("CustomField1")
    assert identified_with(shop, {"CustomField1": "x"}) == {other: "x"}


def test_unknown_names_are_ignored_and_counted_in_the_log(shop, field, caplog):
    number = field("FirstName")
    with caplog.at_level(logging.INFO):
        assert identified_with(shop, {"firstName": "Ann", "CustomField99": 1, "x": 2}) == {
            number: "Ann"
        }
    assert f"list={shop.list_id} count=2" in caplog.text


def test_a_field_of_another_list_is_unknown_here(shop, field):
    mine = shop.list_id
    shop.list_id = lists.create(shop.db, shop.account_id, "Other", (), 0).id
    theirs = field("FirstName")
    shop.list_id = mine
    assert identified_with(shop, {"FirstName": "Ann", f"CustomField{theirs}": "x"}) == {}


def test_fields_are_written_on_identify_only(shop, field, ann):
    number, browser = field("FirstName"), shop.browser()
    shop.identify(browser, ann.email, identify_properties={"FirstName": "Ann"})
    shop.view(browser, email=ann.email, identify_properties={"FirstName": "changed"})
    shop.view(browser, identify_properties={"FirstName": "changed"})
    assert fields.values(shop.db, ann.id) == {number: "Ann"}


def test_an_event_that_brings_a_new_address_is_an_identify(shop, field, ann):
    number = field("FirstName")
    shop.view(shop.browser(), email=ann.email, identify_properties={"FirstName": "Ann"})
    assert fields.values(shop.db, ann.id) == {number: "Ann"}


def test_an_external_id_goes_into_the_unique_identifier_field_last(shop, field, ann):
    """Over what the same call says of that field."""
    number = field("CustomerID", unique=True)
    said = {"CustomerID": "from the properties"}
    values = identified_with(shop, said, external_id="crm-7", door=Door.API)
    assert values == {number: "crm-7"}


@pytest.mark.parametrize("spelled", [str.lower, str.upper])
@pytest.mark.parametrize("kept", [str.lower, str.upper])
@pytest.mark.parametrize("door", [Door.TRACKER, Door.API])
def test_a_hash_finds_the_person_whatever_the_case_of_its_hex(
    shop, field, ann, door, kept, spelled
):
    """Through the tracker and through the API's ID."""
    said = digest(ann.email)
    fields.put(shop.db, ann.id, field("Hash", unique=True), kept(said))
    browser = shop.browser()
    shop.send("identify", browser, external_id=spelled(said), door=door)
    assert shop.bound(browser) == (ann.id, By.IDENTIFY)


def test_a_hash_is_looked_up_in_the_unique_field_with_the_lowest_id(shop, field, ann):
    field("Plain")
    first, second = field("One", unique=True), field("Two", unique=True)
    bob = shop.person("bob@example.com")
    fields.put(shop.db, ann.id, first, digest("x"))
    fields.put(shop.db, bob.id, second, digest("x"))
    fields.put(shop.db, bob.id, second - 2, digest("y"))
    known, unknown = shop.browser(), shop.browser()
    shop.send("identify", known, external_id=digest("x"))
    shop.send("identify", unknown, external_id=digest("y"))
    assert shop.bound(known)[0] == ann.id
    assert shop.bound(unknown)[0] is None


def test_an_unmatched_hash_makes_nobody_and_is_logged_with_list_and_prefix(shop, field, caplog):
    field("Hash", unique=True)
    browser, said = shop.browser(), digest("nobody@example.com")
    with caplog.at_level(logging.INFO):
        shop.send("identify", browser, external_id=said)
    assert shop.bound(browser) == (None, None)
    assert shop.db.execute("select count(*) from subscribers").fetchone()[0] == 0
    assert f"unmatched hash list={shop.list_id} prefix={said[:8]}" in caplog.text
    assert said not in caplog.text


def test_the_lookup_of_a_hash_has_an_index(shop):
    plan = shop.db.execute(
        """explain query plan select subscriber_id from field_values
           where field_id = 1 and value_key = 'x' order by subscriber_id limit 1"""
    ).fetchall()
    assert "field_values_by_value" in plan[0]["detail"]


def test_bind_only_binds_who_is_on_the_list_and_makes_nobody(shop, ann):
    known, unknown = shop.browser(), shop.browser()
    shop.identify(known, ann.email, trust=Trust.BIND)
    shop.identify(unknown, "bob@example.com", trust=Trust.BIND)
    assert shop.bound(known) == (ann.id, By.IDENTIFY)
    assert shop.bound(unknown) == (None, None)
    assert shop.db.execute("select count(*) from subscribers").fetchone()[0] == 1


def test_an_address_that_is_not_believed_is_recorded_and_does_not_bind(shop, ann):
    browser = shop.browser()
    shop.identify(browser, ann.email, trust=Trust.NONE)
    assert shop.bound(browser) == (None, None)
    assert shop.db.execute("select count(*) from events").fetchone()[0] == 1


def vouched(found, text):
    return hmac.new(found.secret.encode(), text.encode(), hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    ("mode", "proof", "expected"),
    [
        ("create", None, Trust.CREATE),
        ("bind only", None, Trust.BIND),
        ("verified", None, Trust.NONE),
        ("verified", "", Trust.NONE),
        ("verified", "0" * 64, Trust.NONE),
        ("verified", "für", Trust.NONE),
        ("verified", "right", Trust.CREATE),
        ("verified", "RIGHT", Trust.CREATE),
        ("verified", "another address", Trust.NONE),
    ],
)
def test_how_far_an_address_from_a_browser_is_believed(shop, mode, proof, expected):
    shop.db.execute("update lists set identify_mode = :mode", {"mode": mode})
    found = lists.get(shop.db, shop.list_id)
    right = vouched(found, "ann@example.com")
    spelled = {"right": right, "RIGHT": right.upper()}
    spelled["another address"] = vouched(found, "bob@example.com")
    event = Event(name="identify", email="ann@example.com", proof=spelled.get(proof, proof))
    assert lists.trust_of(found, event) is expected


def test_every_list_has_a_secret_of_its_own(shop):
    other = lists.create(shop.db, shop.account_id, "Other", (), 0)
    found = lists.get(shop.db, shop.list_id)
    assert len(found.secret) == 64
    assert found.secret != other.secret
