"""Reading a beacon the short way gives what the tolerant way gives, whatever was sent."""

import json
from typing import Any

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.errors import InvalidEvent, NotJson
from gateway.events import parse
from gateway.events.event import Beacon
from gateway.settings import Limits

LIMITS = Limits(batch_events_max=3, properties_max=4, value_bytes_max=40, url_chars_max=30)

odd = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50)
contexts = st.dictionaries(
    st.sampled_from(["$current_url", "$lib", "$screen_width", "plan", "", "a\0b"]),
    odd | st.lists(odd, max_size=2),
    max_size=5,
)
USUAL: dict[str, st.SearchStrategy[Any]] = {
    "v": st.just(1),
    "list": st.text("abc", min_size=1, max_size=5),
    "user": st.text("abc", max_size=5),
    "visitor": st.text("abc!", max_size=5),
    "seed": st.text("0123", max_size=5),
    "pr": st.text("abc", max_size=5),
    "sent_at": st.integers(0, 2**50),
    "human": st.booleans(),
    "alone": st.booleans(),
    "context": contexts,
    "events": st.lists(st.just({"event": "x"}), max_size=4),
    "event": st.just("lone"),
}


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """A beacon with some of its fields missing or odd, in any spelling JSON allows."""
    body = {
        name: draw(odd if draw(st.integers(0, 9)) == 0 else usual)
        for name, usual in USUAL.items()
        if draw(st.integers(0, 9)) or name in ("list", "context")
    }
    spaced = draw(st.sampled_from([None, 1]))
    return json.dumps(body, indent=spaced, ensure_ascii=draw(st.booleans())).encode(
        errors="surrogatepass"
    )


def tolerant(body: bytes) -> Beacon:
    return parse.beacon(parse.decode(body), LIMITS)


def outcome(read: Any, body: bytes) -> object:
    try:
        return msgspec.to_builtins(read(body))
    except InvalidEvent as error:
        return error.problems
    except NotJson as error:
        return str(error)


@given(bodies())
@example(b'{"list":"a","events":[{}],"context":{"$lib":"\xff"}}')
@example(b'{"list":"a","events":[{}],"context":{"$lib":"1"},"strange":1}')
@example(b'{"list":"a","events":[{}],"context":{"$lib":"1"}} ')
@example(b'// a comment\n{"list":"a","events":[{}],"context":{"$lib":"1"}}')
def test_the_short_way_reads_what_the_tolerant_way_reads(body: bytes) -> None:
    """Twice, for the second time the context is remembered."""
    reader = parse.BeaconReader(LIMITS)
    assert outcome(reader.read, body) == outcome(reader.read, body) == outcome(tolerant, body)


def test_what_the_tracker_sends_goes_the_short_way() -> None:
    """Else the test above would hold nothing."""
    said = {"v": 1, "list": "a", "context": {"$lib_version": "1"}, "events": [{"event": "x"}]}
    assert parse.BeaconReader(LIMITS).usual(json.dumps(said).encode()) is not None
