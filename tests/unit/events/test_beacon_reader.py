"""Reading a beacon the short way gives what the tolerant way gives, whatever was sent."""

import json
from typing import Any

import msgspec
from hypothesis import event, example, given
from hypothesis import strategies as st

from gateway.errors import InvalidEvent, NotJson
from gateway.events import parse
from gateway.events.event import Beacon, Event
from gateway.settings import Limits

LIMITS = Limits(
    batch_events_max=3,
    properties_max=4,
    value_bytes_max=40,
    url_chars_max=30,
    event_name_chars_max=10,
)

odd = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50)


def properties(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    values = st.text(max_size=8) | st.integers(0, 5_000) | st.lists(st.booleans(), max_size=2)
    return st.dictionaries(st.sampled_from(names), values, max_size=3)


def said(usual: dict[str, st.SearchStrategy[Any]], *always: str) -> st.SearchStrategy[Any]:
    """An object as the tracker writes it; now and then one of its members is odd."""

    @st.composite
    def drawn(draw: st.DrawFn) -> Any:
        given = [name for name in usual if name in always or draw(st.booleans())]
        members = {name: draw(usual[name]) for name in given}
        if draw(st.sampled_from([False] * 15 + [True])):
            members[draw(st.sampled_from([*usual, "strange"]))] = draw(odd)
        return members

    return drawn()


events = said(
    {
        "event": st.sampled_from(["pageView", "x", "add to basket"]),
        "id": st.text("abc-", min_size=1, max_size=36) | st.uuids().map(str),
        "at": st.integers(0, 2**42),
        "tab": st.integers(1, 100),
        "seq": st.integers(1, 2**53 - 1),
        "properties": properties("url", "plan", "$lib") | properties("url"),
        "email": st.sampled_from(["ada@example.com", "no address", "a" * 64]),
        "identifyProperties": properties("name"),
        "isSilent": st.booleans(),
    },
    "event",
)
plain_events = said(
    {
        "event": st.sampled_from(["pageView", "x"]),
        "id": st.uuids().map(str),
        "at": st.integers(0, 2**42),
        "properties": properties("url", "plan", "$lib"),
        "seq": st.integers(1, 100),
    },
    "event",
)
beacons = said(
    {
        "v": st.just(1),
        "list": st.text("abc", min_size=1, max_size=5),
        "user": st.text("abc", max_size=5),
        "visitor": st.text("abc!", max_size=5),
        "seed": st.text("0123", max_size=5),
        "pr": st.text("abc", max_size=5),
        "sent_at": st.integers(0, 2**42),
        "human": st.booleans(),
        "alone": st.booleans(),
        "context": properties("$current_url", "$lib", "plan"),
        "events": st.lists(plain_events, min_size=1, max_size=3) | st.lists(events, max_size=4),
    },
    "list",
    "context",
    "events",
)


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """In any spelling that JSON allows."""
    indent, ascii_only = draw(st.sampled_from([None, 1])), draw(st.booleans())
    text = json.dumps(draw(beacons), indent=indent, ensure_ascii=ascii_only)
    return text.encode(errors="surrogatepass")


def tolerant(body: bytes) -> Beacon:
    return parse.beacon(parse.decode(body), LIMITS)


def outcome(read: Any, body: bytes) -> object:
    try:
        beacon: Beacon = read(body)
    except InvalidEvent as error:
        return error.problems
    except NotJson as error:
        return str(error)
    rest = msgspec.structs.asdict(beacon) | {"events": [event_in(each) for each in beacon.events]}
    return repr(rest)  # to which 1 and true are two


def event_in(each: Any) -> object:
    if isinstance(each, Event):
        return each
    try:
        return parse.browser_event(each, LIMITS)
    except InvalidEvent as error:
        return error.problems


@given(bodies())
@example(b'{"list":"a","events":[{"event":"x"}],"context":{"$lib":"\xff"}}')
@example(b'{"list":"a","events":[{"event":"x"}],"context":{"$lib":"1"},"strange":1}')
@example(b'{"list":"a","events":[{"event":"x"}],"context":{"$lib":"1"}} ')
@example(b'// a comment\n{"list":"a","events":[{"event":"x"}],"context":{"$lib":"1"}}')
@example(b'{"list":"a","events":[{"event":"identify"}],"context":{}}')
@example(b'{"list":"a","events":[{"event":"x","id":""}],"context":{}}')
@example(b'{"list":"a","events":[{"event":"x","at":1.5,"seq":true}],"context":{}}')
@example(b'{"list":"a","events":[{"event":"x","id":"\\u0000","at":-1}],"context":{}}')
@example(b'{"list":"a","events":[{"event":"x","seq":0,"tab":9007199254740992}],"context":{}}')
@example(b'{"list":"a","events":[{"event":"x","properties":[]}],"context":{}}')
@example(b'{"list":"a","events":[{"event":"x","properties":{"isTest":1}}],"context":{}}')
@example(b'{"list":"a","events":[{"event":"x","properties":{"$email_hmac":"a"}}],"context":{}}')
@example(b'{"list":"a","events":[{"event":"x","properties":{"url":"a","url":"b"}}],"context":{}}')
@example(b'{"list":"a","events":[{"event":"a name too long"}],"context":{}}')
def test_the_short_way_reads_what_the_tolerant_way_reads(body: bytes) -> None:
    """Twice, for the second time it is remembered."""
    reader = parse.BeaconReader(LIMITS)
    event(f"the short way: {reader.usual(body) is not None}")
    assert outcome(reader.read, body) == outcome(reader.read, body) == outcome(tolerant, body)


def test_what_the_tracker_sends_goes_the_short_way() -> None:
    """Else the test above would hold nothing."""
    said = {
        "v": 1,
        "list": "a",
        "context": {"$lib_version": "1"},
        "events": [{"id": "1", "seq": 1, "event": "x", "at": 5, "properties": {"url": "u"}}],
    }
    assert parse.BeaconReader(LIMITS).usual(json.dumps(said).encode()) is not None
