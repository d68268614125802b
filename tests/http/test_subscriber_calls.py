"""`subscriber.*`: one person on a list, put there, read, changed and unsubscribed by a server."""

import contextlib
from typing import Any

import pytest

from gateway import clock
from gateway.records import suppressions
from gateway.store.database import open_database, transaction
from tests.http.management import done, refused, subscribe
from tests.support import RunningGateway, Tracked

ANN = "Ann@Example.com"


def person(
    gateway: RunningGateway, tracked: Tracked, email: str = ANN, **parameters: Any
) -> dict[str, Any]:
    return dict(done(gateway, tracked, "subscriber.get", EmailAddress=email, **parameters))


def info(gateway: RunningGateway, tracked: Tracked, email: str = ANN) -> dict[str, Any]:
    return dict(person(gateway, tracked, email)["SubscriberInformation"])


def field(gateway: RunningGateway, tracked: Tracked, **parameters: Any) -> int:
    given = {"FieldName": "F", "FieldType": "Text", **parameters}
    return int(done(gateway, tracked, "customfield.create", **given)["CustomFieldID"])


def suppress(gateway: RunningGateway, tracked: Tracked, email: str) -> None:
    with contextlib.closing(open_database(gateway.settings.db)) as db, transaction(db):
        digest = suppressions.email_digest(email)
        suppressions.add(db, tracked.list_id, digest, clock.now_ms())


# -- subscriber.create --------------------------------------------------------------------------


def test_a_subscriber_is_made_and_found_without_regard_to_case(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    said = done(gateway, tracked, "subscriber.create", EmailAddress=ANN)
    made = said["SubscriberInformation"]
    assert made["EmailAddress"] == ANN
    assert made["SubscriptionStatus"] == "Subscribed"
    assert made["BounceType"] == "Not Bounced"
    assert said["Suppressed"] is False
    found = done(gateway, tracked, "subscriber.exists", EmailAddress=ANN.lower())
    assert (found["Exists"], found["SubscriberID"]) == (True, made["SubscriberID"])
    assert info(gateway, tracked, ANN.upper()) == made


def test_all_that_is_given_of_a_new_subscriber_is_given_back(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    plan, own = field(gateway, tracked, MergeTagAlias="Plan"), field(gateway, tracked)
    subscribe(
        gateway, tracked, ANN, Status="Unsubscribed", BounceType="hard",
        SubscriptionDate="2026-01-02 03:04:05", SubscriptionIP="203.0.113.1",
        UnsubscriptionDate="2026-02-03", UnsubscriptionIP="203.0.113.2",
        CustomFields={"plan": "pro", f"CustomField{own}": 7},
    )  # fmt: skip
    found = info(gateway, tracked)
    assert found["SubscriptionStatus"] == "Unsubscribed"
    assert found["BounceType"] == "Hard"
    assert found["SubscriptionDate"] == "2026-01-02 03:04:05"
    assert found["SubscriptionIP"] == "203.0.113.1"
    assert found["UnsubscriptionDate"] == "2026-02-03 00:00:00"
    assert found["UnsubscriptionIP"] == "203.0.113.2"
    assert found["Plan"] == found[f"CustomField{plan}"] == "pro"
    assert found[f"CustomField{own}"] == "7"


@pytest.mark.parametrize(
    ("parameters", "codes"),
    [
        ({"EmailAddress": "no address"}, [3]),
        ({"EmailAddress": "a@" + "b" * 400 + ".com"}, [3]),
        ({"BounceType": "Rubber"}, [5]),
        ({"Status": "Happy"}, [6]),
        ({"SubscriptionDate": "yesterday"}, [7]),
        ({"SubscriptionDate": "9999-12-31T23:59:59-01:00"}, [7]),
        ({"UnsubscriptionDate": "2026-13-01"}, [13]),
        ({"OptInDate": "soon"}, [16]),
        ({"OptInConfirmationEmailID": "x"}, [24]),
        ({"CustomFields": "text"}, [17]),
        ({"CustomFields": [1, 2]}, [17]),
        ({"EmailAddress": "x", "Status": "x", "BounceType": "x", "OptInDate": "x"}, [3, 5, 6, 16]),
    ],
)
def test_a_subscriber_that_cannot_be_is_not_made(
    gateway: RunningGateway, tracked: Tracked, parameters: dict[str, Any], codes: list[int]
) -> None:
    given = {"EmailAddress": ANN, **parameters}
    assert refused(gateway, tracked, "subscriber.create", **given) == codes
    assert done(gateway, tracked, "subscriber.exists", EmailAddress=ANN)["Exists"] is False


def test_a_value_too_long_for_a_field_makes_no_subscriber(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    field(gateway, tracked, MergeTagAlias="f")
    values = {"f": "x" * 8_193}
    codes = refused(gateway, tracked, "subscriber.create", EmailAddress=ANN, CustomFields=values)
    assert codes == [17]
    assert done(gateway, tracked, "subscriber.exists", EmailAddress=ANN)["Exists"] is False


def test_who_is_there_is_a_duplicate_unless_an_update_is_asked_for(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    field(gateway, tracked, MergeTagAlias="f")
    first = subscribe(gateway, tracked, ANN, CustomFields={"f": "1"})
    again = {"EmailAddress": ANN.lower(), "CustomFields": {"f": "2"}}
    assert refused(gateway, tracked, "subscriber.create", **again) == [20]
    assert info(gateway, tracked)["f"] == "1"
    said = done(gateway, tracked, "subscriber.create", **again, UpdateIfDuplicate=True)
    assert said["SubscriberInformation"]["SubscriberID"] == first
    assert info(gateway, tracked)["f"] == "2"
    assert info(gateway, tracked)["EmailAddress"] == ANN


def test_who_left_comes_back_only_when_the_call_says_so(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    subscribe(gateway, tracked, ANN, Status="Unsubscribed")
    again = {"EmailAddress": ANN, "UpdateIfDuplicate": True}
    assert refused(gateway, tracked, "subscriber.create", **again) == [21]
    assert info(gateway, tracked)["SubscriptionStatus"] == "Unsubscribed"
    done(gateway, tracked, "subscriber.create", **again, UpdateIfUnsubscribed="true")
    found = info(gateway, tracked)
    assert found["SubscriptionStatus"] == "Subscribed"
    assert found["UnsubscriptionDate"] is None


def test_an_erased_address_is_refused_and_said_to_be_suppressed(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    suppress(gateway, tracked, ANN)
    answer = gateway.call("subscriber.create", tracked, EmailAddress=ANN.upper())
    assert answer.status_code == 200
    said = answer.json()
    assert (said["Success"], said["ErrorCode"], said["Suppressed"]) == (False, [1005], True)
    assert "erased" in said["ErrorText"][0]
    assert done(gateway, tracked, "subscriber.exists", EmailAddress=ANN)["Exists"] is False
    other = subscribe(gateway, tracked, "b@example.com")
    answer = gateway.call(
        "subscriber.update", tracked, SubscriberListID=tracked.list_id, SubscriberID=other,
        EmailAddress=ANN,
    )  # fmt: skip
    assert answer.json()["ErrorCode"] == [1005]


def test_what_fields_ask_of_values_is_held_when_enforced_and_only_then(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    field(gateway, tracked, MergeTagAlias="must", IsRequired="Yes")
    field(gateway, tracked, MergeTagAlias="once", IsUnique="Yes")
    field(gateway, tracked, MergeTagAlias="age", ValidationMethod="Numbers")
    subscribe(gateway, tracked, "first@example.com", CustomFields={"once": "Taken"})
    bad = {"once": "taken", "age": "old"}
    given = {"EmailAddress": ANN, "CustomFields": bad, "EnforceRequiredFields": True}
    assert refused(gateway, tracked, "subscriber.create", **given) == [26, 27, 28]
    good = {"once": "free", "age": "41", "must": "x"}
    done(gateway, tracked, "subscriber.create", **{**given, "CustomFields": good})
    assert info(gateway, tracked)["age"] == "41"


# -- subscriber.get -----------------------------------------------------------------------------


def test_a_person_shows_their_events_of_all_browsers_newest_first_and_paged(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    browsers = (f"{n}1111111-1111-4111-8111-111111111111" for n in "abc")
    for uuid in browsers:
        gateway.call("event", tracked, Event="identify", Email=ANN, UUID=uuid)
    names = [f"e{n}" for n in range(9)]
    for n, name in enumerate(names):
        uuid = f"{'abc'[n % 3]}1111111-1111-4111-8111-111111111111"
        gateway.call("event", tracked, Event=name, UUID=uuid, Properties={"n": n})
    gateway.call("event", tracked, Event="someone else's", Email="b@example.com")

    whole = person(gateway, tracked)["SubscriberWebsiteEvents"]
    assert [each["Event"] for each in whole] == [*names[::-1], *["identify"] * 3]
    assert whole[0]["Properties"]["n"] == 8
    assert "$browser" in whole[0]["Properties"]
    page = person(gateway, tracked, EventsPerRequest=4, EventsFrom=4)["SubscriberWebsiteEvents"]
    assert page == whole[4:8]
    beyond = person(gateway, tracked, EventsFrom=100)["SubscriberWebsiteEvents"]
    assert beyond == []
    assert refused(gateway, tracked, "subscriber.get", EmailAddress=ANN, EventsFrom=-1) == [1003]


def test_a_person_has_the_events_from_before_they_were_known(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    uuid = "d1111111-1111-4111-8111-111111111111"
    gateway.call("event", tracked, Event="before", UUID=uuid)
    gateway.call("event", tracked, Event="identify", UUID=uuid, Email=ANN)
    events = person(gateway, tracked)["SubscriberWebsiteEvents"]
    assert [each["Event"] for each in events] == ["identify", "before"]


def test_revenue_is_summed_in_the_lists_currency_and_told_in_lines(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    done(gateway, tracked, "list.update", Currency="EUR")
    for order, value, currency in (("1", 10.5, None), ("2", "20", "EUR"), ("3", 99, "USD")):
        properties = {"conversion-id": order, "conversion-name": "o", "conversion-value": value}
        if currency:
            properties["conversion-currency"] = currency
        for _ in range(2):
            gateway.call("event", tracked, Event="conversion", Email=ANN, Properties=properties)
    found = person(gateway, tracked)
    assert found["TotalRevenue"] == 30.5
    lines = {line["Currency"]: line for line in found["Revenue"]}
    assert lines["USD"] == {
        "Campaign": None, "Currency": "USD", "Conversions": 1, "Quantity": 1, "Revenue": 99,
    }  # fmt: skip
    assert lines["EUR"]["Revenue"] == 30.5


@pytest.mark.parametrize(
    ("switch", "left_out"),
    [
        ("IncludeEvents", {"SubscriberWebsiteEvents"}),
        ("IncludeRevenue", {"TotalRevenue", "Revenue"}),
        ("IncludeActivity", {"SubscriberActivity"}),
        ("IncludeJourneys", {"SubscriberJourneys"}),
        ("IncludeTags", {"SubscriberTags"}),
        ("IncludeSegments", {"SubscriberSegments"}),
    ],
)
def test_parts_of_a_person_can_be_left_out(
    gateway: RunningGateway, tracked: Tracked, switch: str, left_out: set[str]
) -> None:
    subscribe(gateway, tracked, ANN)
    whole = person(gateway, tracked).keys()
    assert whole - person(gateway, tracked, **{switch: "false"}).keys() == left_out


def test_a_person_of_another_list_is_not_found_by_id(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    other = gateway.new_list()
    theirs = subscribe(gateway, other, ANN)
    assert refused(gateway, tracked, "subscriber.get", SubscriberID=theirs) == [3]
    assert refused(gateway, tracked, "subscriber.get.activity", SubscriberID=theirs) == [3]
    own = subscribe(gateway, tracked, ANN)
    assert done(gateway, tracked, "subscriber.get", SubscriberID=str(own))["SubscriberInformation"]


# -- subscriber.update --------------------------------------------------------------------------


def test_an_update_changes_what_it_names(gateway: RunningGateway, tracked: Tracked) -> None:
    plan, other = field(gateway, tracked, MergeTagAlias="plan"), field(gateway, tracked)
    values = {"plan": "free", f"CustomField{other}": "kept"}
    person_id = subscribe(gateway, tracked, ANN, CustomFields=values)
    done(
        gateway, tracked, "subscriber.update", SubscriberID=person_id,
        EmailAddress="new@example.com", SubscriptionStatus="Opt-Out Pending", BounceType="Soft",
        Fields={f"CustomField{plan}": "pro"},
    )  # fmt: skip
    found = info(gateway, tracked, "new@example.com")
    assert found["SubscriberID"] == person_id
    assert found["SubscriptionStatus"] == "Opt-Out Pending"
    assert found["BounceType"] == "Soft"
    assert (found["plan"], found[f"CustomField{other}"]) == ("pro", "kept")
    assert done(gateway, tracked, "subscriber.exists", EmailAddress=ANN)["Exists"] is False


def test_the_case_of_an_own_address_can_be_changed(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    person_id = subscribe(gateway, tracked, ANN)
    done(gateway, tracked, "subscriber.update", SubscriberID=person_id, EmailAddress=ANN.lower())
    assert info(gateway, tracked)["EmailAddress"] == ANN.lower()


@pytest.mark.parametrize(
    ("parameters", "codes"),
    [
        ({"SubscriberID": 10**9}, [6]),
        ({"EmailAddress": ""}, [3]),
        ({"EmailAddress": "x"}, [4]),
        ({"EmailAddress": "Taken@example.com"}, [7]),
        ({"Fields": "x"}, [10]),
        ({"SubscriptionStatus": "Happy"}, [1003]),
        ({"UnsubscriptionDate": "never"}, [1006]),
        ({"Fields": {"must": ""}, "EnforceRequiredFields": 1}, [8]),
        ({"Fields": {"must": "x", "once": "TAKEN"}, "EnforceRequiredFields": 1}, [9]),
        ({"Fields": {"must": "x", "age": "old"}, "EnforceRequiredFields": 1}, [10]),
    ],
)
def test_an_update_that_cannot_be_changes_nothing(
    gateway: RunningGateway, tracked: Tracked, parameters: dict[str, Any], codes: list[int]
) -> None:
    field(gateway, tracked, MergeTagAlias="must", IsRequired="Yes")
    field(gateway, tracked, MergeTagAlias="once", IsUnique="Yes")
    field(gateway, tracked, MergeTagAlias="age", ValidationMethod="Numbers")
    subscribe(gateway, tracked, "taken@example.com", CustomFields={"once": "taken"})
    person_id = subscribe(gateway, tracked, ANN, CustomFields={"must": "x"})
    before = info(gateway, tracked)
    given = {"SubscriberID": person_id, "BounceType": "Hard", **parameters}
    assert refused(gateway, tracked, "subscriber.update", **given) == codes
    assert info(gateway, tracked) == before


def test_unknown_fields_are_named_and_nothing_is_written(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    field(gateway, tracked, MergeTagAlias="known")
    person_id = subscribe(gateway, tracked, ANN)
    answer = gateway.call(
        "subscriber.update", tracked, SubscriberListID=tracked.list_id, SubscriberID=person_id,
        Fields={"known": "x", "CustomField999999": "y", "999998": "z"},
    ).json()  # fmt: skip
    assert answer["ErrorCode"] == [11]
    assert answer["ErrorCustomFieldIDs"] == ["CustomField999999", "CustomField999998"]
    assert info(gateway, tracked)["known"] == ""


# -- subscriber.unsubscribe and activity --------------------------------------------------------


def test_who_is_unsubscribed_left_when_and_from_where(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    subscribe(gateway, tracked, ANN)
    given = {"EmailAddress": ANN, "IPAddress": "203.0.113.9"}
    done(gateway, tracked, "subscriber.unsubscribe", **given, Preview=1)
    assert info(gateway, tracked)["SubscriptionStatus"] == "Subscribed"
    said = done(gateway, tracked, "subscriber.unsubscribe", **given)
    assert "RedirectURL" in said
    found = info(gateway, tracked)
    assert found["SubscriptionStatus"] == "Unsubscribed"
    assert found["UnsubscriptionIP"] == "203.0.113.9"
    assert found["UnsubscriptionDate"]
    assert refused(gateway, tracked, "subscriber.unsubscribe", **given) == [9]


@pytest.mark.parametrize(
    ("parameters", "codes"),
    [
        ({}, [3]),
        ({"EmailAddress": "x"}, [6]),
        ({"EmailAddress": "nobody@example.com"}, [7]),
        ({"SubscriberID": "x"}, [7]),
        ({"RulesJSON": "["}, [7]),
        ({"RulesJSON": '{"a": 1}'}, [7]),
        ({"RulesJSON": [{"type": "website-events"}]}, [11, 1004]),
    ],
)
def test_who_cannot_be_unsubscribed_is_told_why(
    gateway: RunningGateway, tracked: Tracked, parameters: dict[str, Any], codes: list[int]
) -> None:
    subscribe(gateway, tracked, ANN)
    given = {"IPAddress": "203.0.113.9", **parameters}
    assert refused(gateway, tracked, "subscriber.unsubscribe", **given) == codes
    assert info(gateway, tracked)["SubscriptionStatus"] == "Subscribed"


def test_many_are_unsubscribed_by_rules(gateway: RunningGateway, tracked: Tracked) -> None:
    for n in range(120):
        subscribe(gateway, tracked, f"{n}@a.example" if n % 2 else f"{n}@b.example")
    rules = [{"type": "fields", "field_id": "EmailAddress", "operator": "ends with",
              "value": "@A.example"}]  # fmt: skip
    done(gateway, tracked, "subscriber.unsubscribe", IPAddress="x", RulesJSON=rules)
    left = {"SubscriberSegment": "Unsubscribed"}
    assert done(gateway, tracked, "subscribers.get", **left)["TotalSubscribers"] == 60
    assert info(gateway, tracked, "0@b.example")["SubscriptionStatus"] == "Subscribed"


def test_activity_tells_what_a_person_did_newest_first(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    person_id = subscribe(gateway, tracked, ANN, SubscriptionDate="2020-01-01")
    token = done(gateway, tracked, "attribution.create", EmailAddress=ANN, Campaign="spring")[
        "Token"
    ]
    gateway.beacon(tracked, {"event": "pageView"}, pr=token)
    done(gateway, tracked, "subscriber.unsubscribe", EmailAddress=ANN, IPAddress="x")
    said = done(gateway, tracked, "subscriber.get.activity", SubscriberID=person_id)["Activity"]
    assert [(each["ActivityType"], each["CampaignID"]) for each in said] == [
        ("Unsubscription", ""), ("Click", "spring"), ("Subscription", ""),
    ]  # fmt: skip
    assert said[-1]["ActivityDate"] == "2020-01-01 00:00:00"
    assert person(gateway, tracked)["SubscriberActivity"] == said
