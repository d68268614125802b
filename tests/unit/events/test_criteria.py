"""The language of segments and triggers: what each rule means of one event, and what is refused."""

import time
from typing import Any

import pytest

from gateway.errors import Refused
from gateway.events import criteria
from gateway.events.criteria import FieldRule, SegmentRule
from gateway.events.vocabulary import kind_of

PROPERTIES: dict[str, Any] = {
    "plan": "Größe XL",
    "price": 290.5,
    "count": 50.0,
    "id": 9_007_199_254_740_993,
    "text": "1e3",
    "zip": "0123",
    "paid": True,
    "none": None,
    "empty": "",
    "list": ["red", 1],
    "object": {"a": "red"},
}


def rule(operator: str, parameter: str = "", value: Any = None, event: str = "buy") -> dict:
    return {
        "type": "website-events", "event": event, "operator": operator,
        "event_parameter": parameter, "value": value,
    }  # fmt: skip


def judged(document: Any, name: str = "buy", properties: Any = None, **more: Any) -> bool:
    return criteria.matches(
        criteria.parse(document, **more),
        PROPERTIES if properties is None else properties,
        name,
        kind_of(name),
    )


@pytest.mark.parametrize(
    ("operator", "parameter", "value", "expected"),
    [
        # equals: text without regard to case, numbers by value, and neither is the other
        ("equals", "plan", "GRÖSSE xl", True),
        ("equals", "plan", "Größe", False),
        ("equals", "price", 290.5, True),
        ("equals", "price", "290.50", True),
        ("equals", "count", 50, True),
        ("equals", "count", "5e1", True),
        ("equals", "id", 9_007_199_254_740_993, True),
        ("equals", "id", "9007199254740992", False),
        ("equals", "zip", "123", False),
        ("equals", "zip", "0123", True),
        ("equals", "text", 1000, False),
        ("equals", "paid", "TRUE", True),
        ("equals", "paid", True, True),
        ("equals", "paid", 1, False),
        ("equals", "price", "much", False),
        # contains: text, and a number as it is written
        ("contains", "plan", "ssE x", True),
        ("contains", "price", "90.", True),
        ("contains", "count", "50.0", True),
        ("contains", "plan", "small", False),
        # matches regex: with regard to case, anywhere
        ("matches regex", "plan", "^Gr.*L$", True),
        ("matches regex", "plan", "xl", False),
        ("matches regex", "plan", "(?i)xl", True),
        ("matches regex", "price", r"^\d+\.5$", True),
        # greater and less: numbers, and texts that are one
        ("greater than", "price", 290, True),
        ("greater than", "price", 290.5, False),
        ("less than", "price", "291", True),
        ("greater than", "id", 9_007_199_254_740_992, True),
        ("greater than", "text", 999, True),
        ("greater than", "zip", 1, False),
        ("greater than", "plan", 0, False),
        ("less than", "paid", 5, False),
    ],
)
def test_a_comparison_means_this_of_a_value_and_its_negation_the_opposite(
    operator: str, parameter: str, value: Any, expected: bool
) -> None:
    assert judged([rule(operator, parameter, value)]) is expected
    negation = {
        "equals": "does not equal",
        "contains": "does not contain",
        "matches regex": "does not match regex",
    }.get(operator)
    if negation:
        assert judged([rule(negation, parameter, value)]) is not expected


@pytest.mark.parametrize("parameter", ["none", "missing"])
@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        ("equals", False), ("contains", False), ("matches regex", False), ("greater than", False),
        ("less than", False), ("is set", False), ("does not equal", True),
        ("does not contain", True), ("does not match regex", True), ("is not set", True),
    ],
)  # fmt: skip
def test_nothing_is_like_anything_in_a_property_that_is_missing_or_null(
    parameter: str, operator: str, expected: bool
) -> None:
    value = "0" if "than" in operator else "null"
    assert judged([rule(operator, parameter, value)]) is expected


@pytest.mark.parametrize(
    ("parameter", "is_set"),
    [("plan", True), ("paid", True), ("list", True), ("object", True), ("empty", False)],
)
def test_what_is_set_is_there_and_not_empty(parameter: str, is_set: bool) -> None:
    assert judged([rule("is set", parameter)]) is is_set
    assert judged([rule("is not set", parameter)]) is not is_set


@pytest.mark.parametrize("parameter", ["list", "object"])
def test_lists_and_objects_are_only_ever_set(parameter: str) -> None:
    for operator in ("equals", "contains", "matches regex"):
        assert not judged([rule(operator, parameter, "red")])
    assert judged([rule("does not contain", parameter, "red")])


@pytest.mark.parametrize(
    ("event", "name", "expected"),
    [
        ("pageView", "page_view", True),
        ("$pageview", "pageView", True),
        ("identify", "identify", True),
        ("conversion", "conversion", True),
        ("buy", "buy", True),
        ("Buy", "buy", False),
        ("buy", "pageView", False),
    ],
)
def test_the_three_known_kinds_are_found_by_kind_and_all_else_by_name(
    event: str, name: str, expected: bool
) -> None:
    assert judged([rule("happened", event=event)], name) is expected
    assert judged([rule("did not happen", event=event)], name) is not expected
    assert judged([rule("happened in the last X days", value=3, event=event)], name) is expected


def test_a_conversion_has_other_names_for_what_it_says() -> None:
    said = {"conversion-id": "o-1", "conversion-name": "Order", "conversion-value": 50}
    for parameter, value in (("conversionId", "O-1"), ("conversionName", "order")):
        document = [rule("equals", parameter, value, "conversion")]
        assert judged(document, "conversion", said)
    worth = [rule("greater than", "conversionValue", 49.99, "conversion")]
    assert judged(worth, "conversion", said)


def test_lists_alternate_between_all_and_one_and_the_operator_flips_them() -> None:
    yes, no = rule("happened"), rule("happened", event="other")
    assert judged([])
    assert judged([yes, yes])
    assert not judged([yes, no])
    assert judged([yes, [no, yes]])
    assert not judged([[no, [yes, no]]])
    assert judged([no, [yes, yes]], match_all=False)
    assert not judged([no, [yes, no]], match_all=False)


def test_a_trigger_s_rules_need_not_name_its_event() -> None:
    bare = [{"operator": "equals", "event_parameter": "price", "value": 290.5}]
    assert judged(bare, trigger_event="buy")
    assert not judged(bare, trigger_event="other")
    with pytest.raises(Refused, match=r"Trigger_Criteria\[0\]\.type: a trigger's"):
        criteria.parse([{"type": "fields"}], root="Trigger_Criteria", trigger_event="buy")


def test_rules_on_fields_and_segments_are_read() -> None:
    field = {"type": "fields", "field_id": "CustomField7", "operator": "Is", "value": "ÄB"}
    segment = {"type": "segments", "operator": "does not belong to", "value": "12"}
    email = {"type": "fields", "field_id": "email", "operator": "is set"}
    read = criteria.rules(criteria.parse([field, [segment, email]]))
    assert read == [
        FieldRule("RulesJson[0]", 7, "is", "äb", None),
        SegmentRule("RulesJson[1][0]", 12, True),
        FieldRule("RulesJson[1][1]", "emailaddress", "is set", "", None),
    ]


def nested(depth: int) -> Any:
    return rule("happened") if depth == 0 else [nested(depth - 1)]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({}, "RulesJson: write a list of rules"),
        (["x"], r"RulesJson\[0\]: write a rule as an object"),
        ([[]], r"RulesJson\[0\]: write at least one rule"),
        (nested(11), r"RulesJson(\[0\]){10}: nest at most 10 lists"),
        ([rule("happened")] * 201, r"RulesJson\[200\]: write at most 200 rules"),
        ([{"type": "tags"}], r"\[0\]\.type: write website-events, fields or segments, not 'tags'"),
        ([{}], r"\[0\]\.type: "),
        (
            [rule("happened"), [rule("likes")]],
            r"RulesJson\[1\]\[0\]\.operator: there is no 'likes'",
        ),
        ([rule("happened", event="")], r"\[0\]\.event: write the name of an event"),
        ([rule("happened", event=["x"])], r"\[0\]\.event"),
        ([rule("happened", event="\ud800")], r"\[0\]\.event"),
        ([rule("equals", "", "x")], r"\[0\]\.event_parameter: write the name of a property"),
        ([rule("equals", "p", "")], r"\[0\]\.value: write what to compare with"),
        ([rule("equals", "p", ["x"])], r"\[0\]\.value: write text or a number"),
        ([rule("equals", "p", "x" * 8_193)], r"\[0\]\.value: write text of at most"),
        ([rule("equals", "p", "\ud800")], r"\[0\]\.value: write text"),
        ([rule("greater than", "p", "many")], r"\[0\]\.value: write a number"),
        ([rule("less than", "p", "1e400")], r"\[0\]\.value: write a number"),
        ([rule("happened in the last X days")], r"\[0\]\.value: write a whole number of days"),
        ([rule("happened in the last X days", value=0)], r"\[0\]\.value"),
        ([rule("happened in the last 0 days")], r"\[0\]\.value"),
        ([rule("matches regex", "p", "(")], r"\[0\]\.value: it is no regular expression"),
        ([rule("matches regex", "p", "a" * 501)], r"\[0\]\.value: write a pattern of at most 500"),
        ([rule("matches regex", "p", "[a-zäöü]{0,500}x")], r"\[0\]\.value: the pattern is too"),
        (
            [{"type": "fields", "field_id": "a", "operator": "equals"}],
            r"\[0\]\.operator: .* fields",
        ),
        (
            [{"type": "segments", "operator": "is", "value": 1}],
            r"\[0\]\.operator: write belongs to",
        ),
        (
            [{"type": "segments", "operator": "belongs to", "value": "S1"}],
            r"\[0\]\.value: write the",
        ),
    ],
)
def test_what_says_nothing_is_refused_by_its_path(document: Any, said: str) -> None:
    with pytest.raises(Refused, match=said) as refused:
        criteria.parse(document)
    assert [problem.code for problem in refused.value.problems] == [1004]


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*b", "(.*)*(.*)*(.*)*x", "(?:a?){99}a{99}z"])
def test_a_hostile_pattern_takes_no_time(pattern: str) -> None:
    """A backtracking engine would never come to an end, so a wide bound tells the two apart."""
    begun = time.perf_counter()
    judged([rule("matches regex", "p", pattern)], properties={"p": "a" * 8_000 + "!"})
    assert time.perf_counter() - begun < 5
