"""Each bound of what a sender may write: kept at the limit, refused one past it."""

from dataclasses import fields
from typing import Any

import pytest

from gateway.errors import InvalidEvent
from gateway.events import parse
from gateway.settings import Limits

LIMITS = Limits()


def nested(levels: int, kind: str) -> Any:
    """So many arrays or objects in each other."""
    value: Any = 1
    for _ in range(levels):
        value = [value] if kind == "arrays" else {"a": value}
    return value


def with_property(name: str, value: Any) -> dict[str, Any]:
    return {"event": "x", "properties": {name: value}}


def numbered(count: int) -> dict[str, int]:
    return {str(number): number for number in range(count)}


# What is bounded → its limit, a server event that is so large, the code of the refusal past it.
BOUNDED = {
    "event name": (200, lambda n: {"event": "é" * n}, 1002),
    "properties": (100, lambda n: {"event": "x", "properties": numbered(n)}, 1004),
    "custom fields": (100, lambda n: {"event": "x", "identifyproperties": numbered(n)}, 1004),
    "property name": (200, lambda n: with_property("é" * n, 1), 1005),
    "text value": (8_192, lambda n: with_property("a", "x" * n), 1006),
    "text in an object": (8_192, lambda n: with_property("a", {"b": "x" * n}), 1006),
    "nested arrays": (5, lambda n: with_property("a", nested(n, "arrays")), 1006),
    "nested objects": (5, lambda n: with_property("a", nested(n, "objects")), 1006),
    "whole number": (2**63 - 1, lambda n: with_property("a", n), 1006),
    "$current_url": (4_096, lambda n: with_property("$current_url", "u" * n), 1008),
    "$referrer": (4_096, lambda n: with_property("$referrer", "u" * n), 1008),
    "url": (4_096, lambda n: with_property("url", "u" * n), 1008),
    "event id": (200, lambda n: {"event": "x", "eventid": "i" * n}, 1010),
    "external id": (200, lambda n: {"event": "x", "id": "i" * n}, 1011),
}


@pytest.mark.parametrize("bound", BOUNDED)
def test_a_bound_holds_at_its_limit_and_not_one_past_it(bound: str) -> None:
    most, event_of, code = BOUNDED[bound]
    parse.server_event(event_of(most), LIMITS)
    with pytest.raises(InvalidEvent) as refused:
        parse.server_event(event_of(most + 1), LIMITS)
    assert [problem.code for problem in refused.value.problems] == [code]


def test_text_is_measured_in_bytes_of_utf_8() -> None:
    parse.server_event(with_property("a", "é" * 4_096), LIMITS)
    with pytest.raises(InvalidEvent):
        parse.server_event(with_property("a", "é" * 4_096 + "x"), LIMITS)


def test_a_refusal_names_the_limit_and_the_property() -> None:
    with pytest.raises(InvalidEvent, match=r"Property note is longer than 8192 bytes: shorten it"):
        parse.server_event(with_property("note", "x" * 9_000), LIMITS)
    with pytest.raises(InvalidEvent, match=r"More than 100 properties: send fewer"):
        parse.server_event({"event": "x", "properties": numbered(101)}, LIMITS)


def test_limits_are_settings() -> None:
    """Nothing is bounded by a number written into the parser."""
    wide = Limits(**{field.name: field.default * 2 for field in fields(Limits)})
    for bound in (
        "event name",
        "properties",
        "property name",
        "text value",
        "nested arrays",
        "url",
    ):
        most, event_of, _ = BOUNDED[bound]
        parse.server_event(event_of(2 * most), wide)
        with pytest.raises(InvalidEvent):
            parse.server_event(event_of(2 * most + 1), wide)


@pytest.mark.parametrize("name", ["", "a\0b", "\ud800"])
def test_a_property_name_is_text_that_is_not_empty(name: str) -> None:
    with pytest.raises(InvalidEvent) as refused:
        parse.server_event(with_property(name, 1), LIMITS)
    assert [problem.code for problem in refused.value.problems] == [1005]


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
def test_an_event_name_is_text_that_can_be_stored(name: str) -> None:
    with pytest.raises(InvalidEvent) as refused:
        parse.server_event({"event": name}, LIMITS)
    assert [problem.code for problem in refused.value.problems] == [1002]


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        10**400,
        -(10**400),
        "\ud800",
        {"\ud800": 1},
        ["\udfff"],
        b"bytes",
        {1: 2},
        {1, 2},
        (1,),
        object(),
    ],
    ids=lambda value: repr(value)[:16],
)
def test_a_property_s_value_is_what_json_can_say(value: Any) -> None:
    with pytest.raises(InvalidEvent) as refused:
        parse.server_event(with_property("a", value), LIMITS)
    assert [problem.code for problem in refused.value.problems] == [1006]


def test_a_conversion_with_too_many_properties_is_told_just_that() -> None:
    """Its conversion properties are there: to call them missing would mislead."""
    properties = {f"p{n}": n for n in range(100)} | {
        "conversion-id": "o-1", "conversion-name": "p", "conversion-value": 1,
    }  # fmt: skip
    with pytest.raises(InvalidEvent) as refused:
        parse.server_event({"event": "conversion", "properties": properties}, LIMITS)
    assert [problem.code for problem in refused.value.problems] == [1004]
