"""`subscribers.*`: many people of a list, by segment, by rules and by id."""

import json
from typing import Any

import pytest

from tests.http.management import done, refused, subscribe
from tests.support import RunningGateway, Tracked


@pytest.fixture
def crowd(gateway: RunningGateway, tracked: Tracked) -> dict[str, int]:
    """Five people: their plan and age in custom fields, one bounced, one gone, one pending."""
    fields = {}
    for alias in ("plan", "age"):
        given = {"FieldName": alias, "FieldType": "Text", "MergeTagAlias": alias}
        fields[alias] = done(gateway, tracked, "customfield.create", **given)["CustomFieldID"]
    for name, plan, age, more in (
        ("ann", "Pro", "9", {}),
        ("ben", "pro", "10", {"BounceType": "Hard"}),
        ("cat", "free", "100", {"Status": "Unsubscribed"}),
        ("dan", "free", "", {"Status": "Opt-In Pending", "BounceType": "Soft"}),
        ("eve", None, "old", {"SubscriptionDate": "2020-01-01"}),
    ):
        values = {"age": age} | ({"plan": plan} if plan else {})
        subscribe(gateway, tracked, f"{name}@example.com", CustomFields=values, **more)
    return fields


def named(said: dict[str, Any]) -> list[str]:
    return [each["EmailAddress"].partition("@")[0] for each in said["Subscribers"]]


def search(gateway: RunningGateway, tracked: Tracked, rules: Any, **more: Any) -> list[str]:
    given = {"Operator": "and", "RulesJSON": rules, **more}
    said = done(gateway, tracked, "subscribers.search", **given)
    assert said["TotalSubscribers"] == len(said["Subscribers"])
    return named(said)


@pytest.mark.parametrize(
    ("segment", "expected"),
    [
        ("All", ["ann", "ben", "cat", "dan", "eve"]),
        ("Active", ["ann", "eve"]),
        ("unsubscribed", ["cat"]),
        ("Opt-In Pending", ["dan"]),
        ("Soft bounced", ["dan"]),
        ("Hard bounced", ["ben"]),
        ("Suppressed", []),
    ],
)
def test_a_segment_is_those_of_that_standing(
    gateway: RunningGateway,
    tracked: Tracked,
    crowd: dict[str, int],
    segment: str,
    expected: list[str],
) -> None:
    said = done(gateway, tracked, "subscribers.get", SubscriberSegment=segment)
    assert named(said) == expected
    assert said["TotalSubscribers"] == len(expected)


def test_people_are_searched_ordered_and_paged(
    gateway: RunningGateway, tracked: Tracked, crowd: dict[str, int]
) -> None:
    given = {"SubscriberSegment": "All", "OrderField": "EmailAddress", "OrderType": "DESC"}
    page = done(gateway, tracked, "subscribers.get", **given, RecordsPerRequest=2, RecordsFrom=1)
    assert named(page) == ["dan", "cat"]
    assert page["TotalSubscribers"] == 5
    by_keyword = {"SearchField": "EmailAddress", "SearchKeyword": "A"}
    assert named(done(gateway, tracked, "subscribers.get", **given, **by_keyword)) == [
        "eve", "dan", "cat", "ben", "ann",
    ]  # fmt: skip
    by_field = {"SearchField": str(crowd["plan"]), "SearchKeyword": "PRO"}
    assert named(done(gateway, tracked, "subscribers.get", **given, **by_field)) == ["ben", "ann"]
    by_date = {"SubscriberSegment": "All", "OrderField": "SubscriptionDate"}
    assert named(done(gateway, tracked, "subscribers.get", **by_date))[0] == "eve"


@pytest.mark.parametrize(
    ("parameters", "codes"),
    [
        ({"SubscriberSegment": "Nonsense"}, [1007]),
        ({"SearchField": "Colour"}, [4]),
        ({"SearchField": "999999"}, [4]),
        ({"OrderField": "id; drop table events"}, [1003]),
        ({"OrderType": "sideways"}, [1003]),
    ],
)
def test_what_cannot_be_listed_is_refused(
    gateway: RunningGateway, tracked: Tracked, parameters: dict[str, Any], codes: list[int]
) -> None:
    given = {"SubscriberSegment": "All", **parameters}
    assert refused(gateway, tracked, "subscribers.get", **given) == codes


@pytest.mark.parametrize(
    ("field", "operator", "value", "expected"),
    [
        ("EmailAddress", "is", "ANN@example.com", ["ann"]),
        ("EmailAddress", "is not", "ann@example.com", ["ben", "cat", "dan", "eve"]),
        ("EmailAddress", "contains", "AN", ["ann", "dan"]),
        ("EmailAddress", "does not contain", "an", ["ben", "cat", "eve"]),
        ("EmailAddress", "begins with", "d", ["dan"]),
        ("EmailAddress", "ends with", "@example.com", ["ann", "ben", "cat", "dan", "eve"]),
        ("EmailAddress", "contains", "%", []),
        ("SubscriptionStatus", "is", "unsubscribed", ["cat"]),
        ("BounceType", "is", "Hard", ["ben"]),
        ("SubscriptionDate", "is less than", "2021-01-01", ["eve"]),
        ("plan", "is", "pro", ["ann", "ben"]),
        ("plan", "is not", "pro", ["cat", "dan", "eve"]),
        ("plan", "does not contain", "r", ["eve"]),
        ("plan", "is set", None, ["ann", "ben", "cat", "dan"]),
        ("plan", "is not set", None, ["eve"]),
        ("age", "is less than", 10, ["ann"]),
        ("age", "is less than or equal to", "10", ["ann", "ben"]),
        ("age", "is greater than", "9", ["ben", "cat"]),
        ("age", "is greater than or equal to", 100, ["cat"]),
        ("age", "is not set", "", ["dan"]),
    ],
)
def test_a_field_rule_finds_those_it_means(
    gateway: RunningGateway,
    tracked: Tracked,
    crowd: dict[str, int],
    field: str,
    operator: str,
    value: Any,
    expected: list[str],
) -> None:
    rule = {
        "type": "fields",
        "field_id": crowd.get(field, field),
        "operator": operator,
        "value": value,
    }
    assert search(gateway, tracked, [rule]) == expected


def test_rules_alternate_between_all_and_one_and_the_operator_flips_them(
    gateway: RunningGateway, tracked: Tracked, crowd: dict[str, int]
) -> None:
    def rule(value: str, field: Any = "EmailAddress") -> dict[str, Any]:
        return {"type": "fields", "field_id": field, "operator": "contains", "value": value}

    pro = rule("pro", f"CustomField{crowd['plan']}")
    assert search(gateway, tracked, []) == ["ann", "ben", "cat", "dan", "eve"]
    assert search(gateway, tracked, [pro, rule("ann")]) == ["ann"]
    assert search(gateway, tracked, [pro, [rule("ann"), rule("eve")]]) == ["ann"]
    assert search(gateway, tracked, [[pro, rule("eve")]]) == ["ann", "ben", "eve"]
    assert search(gateway, tracked, json.dumps([pro, rule("eve")]), Operator="OR") == [
        "ann", "ben", "eve",
    ]  # fmt: skip
    flipped = [rule("cat"), [pro, rule("ben")]]
    assert search(gateway, tracked, flipped, Operator="or") == ["ben", "cat"]


@pytest.mark.parametrize(
    ("parameters", "codes"),
    [
        ({"RulesJSON": "["}, [6]),
        ({"RulesJSON": '{"type": "fields"}'}, [6]),
        ({"RulesJSON": [[[[[[[[[[[]]]]]]]]]]]}, [5]),
        ({"RulesJSON": [{"type": "website-events", "event": "x"}]}, [4, 1004]),
        ({"RulesJSON": ["x"]}, [4, 1004]),
        ({"RulesJSON": [{"type": "fields", "field_id": "Colour", "operator": "is"}]}, [4, 1004]),
        ({"RulesJSON": [{"type": "fields", "field_id": "EmailAddress", "operator": "likes"}]},
         [4, 1004]),
        ({"RulesJSON": [{"type": "fields", "field_id": "EmailAddress", "operator": "is"}] * 201},
         [4, 1004]),
        ({"Rules": "[[EmailAddress]||[Is]||[x]]"}, [1006]),
        ({"Operator": "xor"}, [1003]),
    ],
)  # fmt: skip
def test_rules_that_mean_nothing_are_refused(
    gateway: RunningGateway, tracked: Tracked, parameters: dict[str, Any], codes: list[int]
) -> None:
    given = {"Operator": "and", **parameters}
    assert refused(gateway, tracked, "subscribers.search", **given) == codes


def test_a_search_can_ask_for_the_total_only_and_tells_revenue(
    gateway: RunningGateway, tracked: Tracked, crowd: dict[str, int]
) -> None:
    properties = {"conversion-id": "1", "conversion-name": "n", "conversion-value": 12.5}
    given = {"Event": "conversion", "Email": "ann@example.com", "Properties": properties}
    gateway.call("event", tracked, **given)
    said = done(gateway, tracked, "subscribers.search", Operator="and", OnlyTotal=True)
    assert said["TotalSubscribers"] == 5
    assert "Subscribers" not in said
    whole = done(gateway, tracked, "subscribers.search", Operator="and")["Subscribers"]
    assert [each["TotalRevenue"] for each in whole] == [12.5, 0, 0, 0, 0]
    assert {"SubscriberID", "SubscriberTags", "Suppressed", "plan"} <= whole[0].keys()


def test_deleted_people_are_gone_and_their_events_are_nobodys(
    gateway: RunningGateway, tracked: Tracked, crowd: dict[str, int]
) -> None:
    token = done(
        gateway, tracked, "attribution.create", EmailAddress="ann@example.com", Campaign="c"
    )["Token"]
    gateway.beacon(tracked, {"event": "pageView"}, pr=token, human=True)
    gateway.call("event", tracked, Event="test", Email="ann@example.com")
    ann = done(gateway, tracked, "subscriber.exists", EmailAddress="ann@example.com")
    done(gateway, tracked, "subscribers.delete", Subscribers=str(ann["SubscriberID"]))
    assert search(gateway, tracked, []) == ["ben", "cat", "dan", "eve"]
    assert {event.email for event in gateway.events(tracked)} == {None}
    new = subscribe(gateway, tracked, "ann@example.com")
    assert new != ann["SubscriberID"]
    person = done(gateway, tracked, "subscriber.get", SubscriberID=new)
    assert person["SubscriberWebsiteEvents"] == []
    assert person["SubscriberInformation"]["plan"] == ""


def test_people_are_deleted_by_rules(
    gateway: RunningGateway, tracked: Tracked, crowd: dict[str, int]
) -> None:
    rules = [{"type": "fields", "field_id": crowd["plan"], "operator": "is", "value": "pro"}]
    done(gateway, tracked, "subscribers.delete", RulesJSON=rules)
    assert search(gateway, tracked, []) == ["cat", "dan", "eve"]


@pytest.mark.parametrize(
    ("parameters", "codes"),
    [
        ({}, [1008]),
        ({"Subscribers": "1,x"}, [8]),
        ({"Subscribers": "-1"}, [8]),
        ({"RulesJSON": "nonsense"}, [7]),
        ({"RulesJSON": [{"type": "tags"}]}, [6, 1004]),
    ],
)
def test_nobody_is_deleted_by_a_call_that_cannot_be(
    gateway: RunningGateway,
    tracked: Tracked,
    crowd: dict[str, int],
    parameters: dict[str, Any],
    codes: list[int],
) -> None:
    assert refused(gateway, tracked, "subscribers.delete", **parameters) == codes
    assert len(search(gateway, tracked, [])) == 5


def test_people_of_another_list_are_not_deleted(gateway: RunningGateway, tracked: Tracked) -> None:
    other = gateway.new_list()
    theirs = subscribe(gateway, other, "a@example.com")
    done(gateway, tracked, "subscribers.delete", Subscribers=[theirs])
    assert done(gateway, other, "subscriber.exists", EmailAddress="a@example.com")["Exists"]
