"""`segment.*` and `segments.*`: segments over the API, and where else a segment may be named."""

import json
from typing import Any

import pytest

from tests.http.management import done, refused, subscribe
from tests.support import RunningGateway, Tracked

BOUGHT = {"type": "website-events", "event": "buy", "operator": "happened"}
GIVEN = {"SegmentName": "Buyers", "SegmentOperator": "and"}


def make(gateway: RunningGateway, tracked: Tracked, *rules: Any, **more: Any) -> int:
    given = {**GIVEN, "RulesJson": json.dumps(rules), **more}
    return int(done(gateway, tracked, "segment.create", **given)["SegmentID"])


def count(gateway: RunningGateway, tracked: Tracked, segment_id: int) -> int:
    return int(done(gateway, tracked, "segment.count", SegmentID=segment_id)["SubscriberCount"])


def buy(gateway: RunningGateway, tracked: Tracked, name: str, **properties: Any) -> None:
    email = f"{name}@example.com"
    answer = gateway.call("event", tracked, Event="buy", Email=email, Properties=properties)
    assert answer.status_code == 200


def names(said: Any) -> list[str]:
    return [each["EmailAddress"].partition("@")[0] for each in said["Subscribers"]]


def test_a_segment_is_right_the_moment_an_event_is_answered(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    segment = make(gateway, tracked, BOUGHT)
    for number in range(3):
        assert count(gateway, tracked, segment) == number
        buy(gateway, tracked, f"p{number}")
    assert count(gateway, tracked, segment) == 3


def test_a_segment_is_shown_as_it_was_written(gateway: RunningGateway, tracked: Tracked) -> None:
    rules = [BOUGHT, [{**BOUGHT, "event": "leave", "operator": "did not happen"}, BOUGHT]]
    first = make(gateway, tracked, *rules, Randomness=True, RandomnessAudienceSize="10")
    second = make(gateway, tracked, SegmentName="All", SegmentOperator="OR")
    buy(gateway, tracked, "ann")
    said = done(gateway, tracked, "segments.get", IncludeTotals=True)
    assert said["TotalSegmentCount"] == 2
    shown = said["Segments"][0]
    assert json.loads(shown["SegmentRulesJson"]) == shown["SegmentRules"] == rules
    del shown["SegmentRulesJson"], shown["SegmentRules"]
    assert shown == {
        "SegmentID": first, "SegmentName": "Buyers", "SegmentOperator": "and",
        "SubscriberCount": 1, "Randomness": True, "RandomnessAudienceSize": 10,
    }  # fmt: skip
    assert said["Segments"][1]["SegmentOperator"] == "or"
    by_name = done(gateway, tracked, "segments.get", OrderField="SegmentName")
    assert [each["SegmentID"] for each in by_name["Segments"]] == [second, first]
    assert by_name["Segments"][0]["SubscriberCount"] is None
    alone = done(gateway, tracked, "segments.get", SegmentID=second)
    assert [each["SegmentID"] for each in alone["Segments"]] == [second]


def test_an_update_changes_what_is_said_and_leaves_the_rest(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    segment = make(gateway, tracked, BOUGHT, Randomness=1, RandomnessAudienceSize=7)
    done(gateway, tracked, "segment.update", SegmentID=segment, SegmentName="New")
    (shown,) = done(gateway, tracked, "segments.get")["Segments"]
    assert (shown["SegmentName"], shown["SegmentRules"]) == ("New", [BOUGHT])
    assert shown["RandomnessAudienceSize"] == 7
    change = {"SegmentOperator": "or", "RulesJson": [], "Randomness": False}
    done(gateway, tracked, "segment.update", SegmentID=segment, SegmentName="New", **change)
    (shown,) = done(gateway, tracked, "segments.get")["Segments"]
    assert (shown["SegmentOperator"], shown["SegmentRules"]) == ("or", [])
    assert not shown["Randomness"]


def test_the_people_of_a_segment_are_paged_and_who_joins_moves_nobody(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    segment = make(gateway, tracked, BOUGHT)
    ids = {name: subscribe(gateway, tracked, f"{name}@example.com") for name in "abcdef"}
    for name in "bcdef":
        buy(gateway, tracked, name)
    page = done(gateway, tracked, "segment.subscribers", SegmentID=segment, RecordsPerRequest=2)
    assert (names(page), page["After"]) == (["b", "c"], ids["c"])
    buy(gateway, tracked, "a")
    given = {"SegmentID": segment, "RecordsPerRequest": 3, "After": page["After"]}
    page = done(gateway, tracked, "segment.subscribers", **given)
    assert (names(page), page["After"]) == (["d", "e", "f"], None)


def test_a_sample_has_its_size_and_stays_the_same(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    for number in range(20):
        subscribe(gateway, tracked, f"p{number}@example.com")
    segment = make(gateway, tracked, Randomness=True, RandomnessAudienceSize=5)
    assert count(gateway, tracked, segment) == 5
    first, second = (
        names(done(gateway, tracked, "segment.subscribers", SegmentID=segment)) for _ in range(2)
    )
    assert first == second
    assert len(first) == 5


def test_a_profile_shows_the_segments_a_person_is_in(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    segment = make(gateway, tracked, BOUGHT)
    make(gateway, tracked, {**BOUGHT, "operator": "did not happen"})
    buy(gateway, tracked, "ann")
    said = done(
        gateway, tracked, "subscriber.get", ListID=tracked.list_id, EmailAddress="ann@example.com"
    )
    assert said["SubscriberSegments"] == [{"SegmentID": segment, "SegmentName": "Buyers"}]


def test_people_are_got_searched_unsubscribed_and_deleted_by_segment(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    segment = make(gateway, tracked, BOUGHT)
    for name in ("ann", "ben"):
        buy(gateway, tracked, name, price=len(name))
    subscribe(gateway, tracked, "cat@example.com")
    for named in (segment, str(segment), "buyers"):
        said = done(gateway, tracked, "subscribers.get", SubscriberSegment=named)
        assert names(said) == ["ann", "ben"]
        assert said["TotalSubscribers"] == 2
    inside = {"type": "segments", "operator": "belongs to", "value": segment}
    given = {"Operator": "and", "RulesJSON": [inside]}
    assert names(done(gateway, tracked, "subscribers.search", **given)) == ["ann", "ben"]
    outside = {**inside, "operator": "does not belong to"}
    given = {"IPAddress": "203.0.113.1", "RulesJSON": [outside]}
    done(gateway, tracked, "subscriber.unsubscribe", ListID=tracked.list_id, **given)
    left = done(gateway, tracked, "subscribers.get", SubscriberSegment="Unsubscribed")
    assert names(left) == ["cat"]
    spent = {**BOUGHT, "operator": "greater than", "event_parameter": "price", "value": 2}
    done(gateway, tracked, "subscribers.delete", RulesJSON=[inside, spent])
    everybody = done(gateway, tracked, "subscribers.get", SubscriberSegment="All")
    assert names(everybody) == ["cat"]


def test_segments_are_copied_to_another_list(gateway: RunningGateway, tracked: Tracked) -> None:
    other = gateway.call("list.create", tracked, SubscriberListName="Other").json()["ListID"]
    segment = make(gateway, tracked, BOUGHT)
    make(gateway, tracked, {"type": "segments", "operator": "belongs to", "value": segment})
    done(gateway, tracked, "segments.copy", SourceListID=tracked.list_id, TargetListID=other)
    said = gateway.call("segments.get", tracked, SubscriberListID=other).json()
    first, second = said["Segments"]
    assert first["SegmentRules"] == [BOUGHT]
    assert second["SegmentRules"][0]["value"] == first["SegmentID"] != segment


def test_deleted_segments_are_gone(gateway: RunningGateway, tracked: Tracked) -> None:
    ids = [make(gateway, tracked, BOUGHT) for _ in range(3)]
    done(gateway, tracked, "segments.delete", Segments=f"{ids[0]},{ids[2]}")
    left = done(gateway, tracked, "segments.get")["Segments"]
    assert [each["SegmentID"] for each in left] == [ids[1]]


@pytest.mark.parametrize(
    ("parameters", "codes"),
    [
        ({"SubscriberListID": 999_999}, [4]),
        ({"SegmentOperator": "xor"}, [5]),
        ({"RulesJson": "["}, [1004]),
        ({"RulesJson": "{}"}, [1004]),
        ({"RulesJson": [{"type": "tags"}]}, [1004]),
        ({"RulesJson": [{"type": "segments", "operator": "belongs to", "value": 9}]}, [1004]),
        ({"SegmentRuleField": ["EmailAddress"]}, [1006]),
        ({"Randomness": True}, [1003]),
        ({"Randomness": "perhaps"}, [1003]),
    ],
)
def test_what_is_no_segment_is_refused(
    gateway: RunningGateway, tracked: Tracked, parameters: dict[str, Any], codes: list[int]
) -> None:
    assert refused(gateway, tracked, "segment.create", **{**GIVEN, **parameters}) == codes


def test_a_refusal_names_the_rule_by_its_path(gateway: RunningGateway, tracked: Tracked) -> None:
    rules = [BOUGHT, [{**BOUGHT, "operator": "likes"}]]
    said = gateway.call(
        "segment.create", tracked, SubscriberListID=tracked.list_id, **GIVEN, RulesJson=rules
    ).json()
    assert said["ErrorText"][0].startswith("Invalid RulesJson[1][0].operator: there is no 'likes'")


def test_a_segment_made_of_itself_is_refused_at_update(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    segment = make(gateway, tracked, BOUGHT)
    inside = make(
        gateway, tracked, {"type": "segments", "operator": "belongs to", "value": segment}
    )
    back = [{"type": "segments", "operator": "belongs to", "value": inside}]
    given = {"SegmentID": segment, "SegmentName": "S", "RulesJson": back}
    assert refused(gateway, tracked, "segment.update", **given) == [1004]


def test_nobody_reaches_another_account_s_segments(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    other = gateway.new_list()
    theirs = make(gateway, other, BOUGHT)
    for command in ("segment.count", "segment.subscribers", "segment.update"):
        given = {"SegmentID": theirs, "SegmentName": "mine"}
        assert refused(gateway, tracked, command, **given) == [4]
    assert refused(gateway, tracked, "segments.delete", Segments=theirs) == [1004]
    copying = {"SourceListID": other.list_id, "TargetListID": tracked.list_id}
    assert refused(gateway, tracked, "segments.copy", **copying) == [4]
    assert refused(gateway, tracked, "subscribers.get", SubscriberSegment=theirs) == [1007]
    assert count(gateway, other, theirs) == 0


def test_an_update_on_another_list_is_refused(gateway: RunningGateway, tracked: Tracked) -> None:
    segment = make(gateway, tracked, BOUGHT)
    given = {"SegmentID": segment, "SegmentName": "S", "SubscriberListID": 999_999}
    assert refused(gateway, tracked, "segment.update", **given) == [6]
    operator = {"SegmentID": segment, "SegmentName": "S", "SegmentOperator": "nor"}
    assert refused(gateway, tracked, "segment.update", **operator) == [5]
