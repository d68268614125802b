"""The envelope of a browser's request."""

from typing import Any

import pytest

from gateway.errors import InvalidEvent
from gateway.events import parse
from gateway.settings import Limits

LIMITS = Limits()


def refusal(**beacon: Any) -> list[int]:
    with pytest.raises(InvalidEvent) as refused:
        parse.beacon({"list": "L", **beacon}, LIMITS)
    return [problem.code for problem in refused.value.problems]


def test_a_beacon_carries_events_and_what_is_the_same_for_all_of_them() -> None:
    beacon = parse.beacon(
        {
            "v": 1,
            "user": "U",
            "list": "L",
            "visitor": "V",
            "pr": "P",
            "sent_at": 1_770_000_000_000,
            "context": {"$lib": "tracker"},
            "events": [{"event": "a"}, {"event": "b"}],
        },
        LIMITS,
    )
    assert (beacon.user_tracker_id, beacon.list_tracker_id) == ("U", "L")
    assert (beacon.visitor_token, beacon.attribution_token) == ("V", "P")
    assert (beacon.sent_at_ms, beacon.context) == (1_770_000_000_000, {"$lib": "tracker"})
    assert [event["event"] for event in beacon.events] == ["a", "b"]


def test_one_event_may_stand_at_the_top_level() -> None:
    raw = {"list": "L", "event": "page_view", "properties": {"a": 1}}
    [event] = parse.beacon(raw, LIMITS).events
    assert parse.browser_event(event, LIMITS).properties == {"a": 1}


def test_one_event_that_cannot_be_read_does_not_cost_the_others() -> None:
    """Events are read one by one; the envelope does not look into them."""
    assert parse.beacon({"list": "L", "events": [7, {"event": "x"}]}, LIMITS).events[0] == 7


@pytest.mark.parametrize("version", [0, 2, "1", None, [], {}])
def test_another_version_of_the_protocol_is_refused(version: Any) -> None:
    assert refusal(v=version) == [1014]


@pytest.mark.parametrize("events", [None, [], {}, "x", 7, True])
def test_events_are_an_array_that_is_not_empty(events: Any) -> None:
    assert refusal(events=events) == [1014]


def test_a_batch_holds_so_many_events_and_no_more() -> None:
    most = [{"event": "x"}] * LIMITS.batch_events_max
    assert len(parse.beacon({"list": "L", "events": most}, LIMITS).events) == 500
    assert refusal(events=[*most, {"event": "x"}]) == [1014]


@pytest.mark.parametrize("token", [None, "", 7, True, [], {}, "é", "\ud800", "x" * 10_000])
def test_a_beacon_needs_a_list(token: Any) -> None:
    assert refusal(list=token) == [1015]


@pytest.mark.parametrize("token", ["", 7, True, [], {}, "é", "\ud800", "x" * 10_000])
@pytest.mark.parametrize("name", ["user", "visitor", "seed", "pr"])
def test_a_token_that_cannot_be_one_counts_as_absent(name: str, token: Any) -> None:
    with_it = parse.beacon({"list": "L", "events": [{}], name: token}, LIMITS)
    assert with_it == parse.beacon({"list": "L", "events": [{}]}, LIMITS)


@pytest.mark.parametrize("sent_at", [True, "now", -1, 1e300, float("nan"), [], {}])
def test_an_instant_of_sending_that_is_none_counts_as_absent(sent_at: Any) -> None:
    assert parse.beacon({"list": "L", "sent_at": sent_at}, LIMITS).sent_at_ms is None


@pytest.mark.parametrize("context", [7, True, "x", ["x"]])
def test_the_context_is_an_object(context: Any) -> None:
    assert refusal(context=context) == [1003]


def test_the_context_is_bounded_like_an_event_s_properties() -> None:
    assert refusal(context={"a": "x" * 9_000}) == [1006]
    assert refusal(context={str(n): n for n in range(101)}) == [1004]


def test_all_problems_of_an_envelope_are_told_at_once() -> None:
    assert refusal(list="", context=7) == [1003, 1015]
