"""What holds of the parser whatever is sent (property tests)."""

import contextlib
import datetime
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from gateway.errors import InvalidEvent, NotJson
from gateway.events import parse
from gateway.events.event import Event
from gateway.events.ids import is_nobodys
from gateway.settings import Limits

LIMITS = Limits()

# Any text, with NULs and halves of surrogate pairs, which `st.text` leaves out.
texts = st.text(st.characters(codec=None, categories=None)) | st.sampled_from(
    ["", "identify", "conversion", "a@example.com", "a" * 64, "true", "\ud800", "\0"]
)
no_json = st.one_of(
    st.binary(), st.complex_numbers(), st.builds(object), st.frozensets(st.integers()), st.none()
)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), texts, st.just(10**400), no_json
)
anything = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.dictionaries(texts | st.integers(), inner, max_size=5),
        st.tuples(inner),
    ),
    max_leaves=10,
)
PROPERTIES = [
    "conversion-id", "conversion-name", "conversion-value", "isSilent", "isTest", "url",
    "$current_url",
]  # fmt: skip
BROWSER = ["event", "id", "at", "properties", "email", "identifyProperties", "isSilent", "isTest"]
SERVER = [
    "event", "eventid", "time", "uuid", "email", "id", "properties", "identifyproperties",
    "issilent", "istest",
]  # fmt: skip
BEACON = ["v", "user", "list", "visitor", "seed", "pr", "sent_at", "context", "events", "event"]


def objects_of(names: list[str]) -> st.SearchStrategy[Any]:
    """Objects whose names are the right ones and whose values are anything."""
    properties = st.dictionaries(st.sampled_from(PROPERTIES) | texts, anything, max_size=5)
    return st.dictionaries(st.sampled_from(names), anything | properties, max_size=len(names))


@given(st.binary() | anything.map(lambda value: repr(value).encode(errors="surrogatepass")))
def test_decoding_raises_nothing_but_not_json(body: bytes) -> None:
    with contextlib.suppress(NotJson):
        parse.decode(body)


@given(anything | objects_of(BROWSER))
def test_reading_a_browser_s_event_raises_nothing_but_invalid_event(raw: Any) -> None:
    with contextlib.suppress(InvalidEvent):
        parse.browser_event(raw, LIMITS)


@given(objects_of(SERVER))
def test_reading_a_server_s_event_raises_nothing_but_invalid_event(parameters: Any) -> None:
    with contextlib.suppress(InvalidEvent):
        parse.server_event(parameters, LIMITS)


@given(anything | objects_of(BEACON))
def test_reading_a_beacon_raises_nothing_but_invalid_event(raw: Any) -> None:
    with contextlib.suppress(InvalidEvent):
        parse.beacon(raw, LIMITS)


plain = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
names = plain.filter(bool)
values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63) + 1, 2**63 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        plain,
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=4,
)
good_properties = st.dictionaries(names, values, max_size=5)
conversion = st.fixed_dictionaries(
    {
        "conversion-id": names.filter(str.strip),
        "conversion-name": names.filter(str.strip),
        "conversion-value": st.floats(allow_nan=False, allow_infinity=False),
    }
)
owned = names.filter(lambda text: not is_nobodys(text))
instants_ms = st.integers(0, 253_402_300_799_999)
iso_8601 = instants_ms.map(
    lambda ms: datetime.datetime.fromtimestamp(ms / 1000, datetime.UTC).isoformat()
)
emails = st.sampled_from(["a@example.com", " B@Example.com ", "ü@exämple.com"])
common = {
    "event": names.filter(str.strip) | st.sampled_from(["conversion", "identify", "pageView"]),
    "properties": conversion | good_properties,
    "email": emails,
}
good_browser = st.fixed_dictionaries(
    common,
    optional={
        "id": names | st.integers(-(2**63) + 1, 2**63 - 1),
        "at": instants_ms,
        "identifyProperties": good_properties,
        "isSilent": st.booleans(),
        "isTest": st.sampled_from([True, "1", "no"]),
    },
)
good_server = st.fixed_dictionaries(
    common,
    optional={
        "eventid": names | st.integers(-(2**63) + 1, 2**63 - 1),
        "id": owned,
        "time": instants_ms.map(lambda ms: ms / 1000) | iso_8601,
        "uuid": st.uuids().map(str) | st.uuids().map(lambda value: str(value).upper()),
        "identifyproperties": good_properties,
        "issilent": st.booleans(),
        "istest": st.sampled_from([True, "1", "no"]),
    },
)  # fmt: skip


def as_browser_writes(event: Event) -> dict[str, Any]:
    return {
        "event": event.name,
        "properties": event.properties,
        "id": event.event_id,
        "at": event.at_ms,
        "email": event.email or event.external_id,
        "identifyProperties": event.identify_properties,
        "isSilent": event.silent,
        "isTest": event.test,
    }


def as_server_writes(event: Event) -> dict[str, Any]:
    return {
        "event": event.name,
        "properties": event.properties,
        "eventid": event.event_id,
        "time": None if event.at_ms is None else event.at_ms / 1000,
        "uuid": event.uuid,
        "email": event.email,
        "id": event.external_id,
        "identifyproperties": event.identify_properties,
        "issilent": event.silent,
        "istest": event.test,
    }


def _complete(raw: dict[str, Any]) -> dict[str, Any]:
    """A conversion has what it needs."""
    if raw["event"] != "conversion":
        return raw
    needed = {"conversion-id": "o-1", "conversion-name": "p", "conversion-value": 1}
    return {**raw, "properties": needed | raw["properties"]}


@given(good_browser.map(_complete))
@example({"event": "identify", "email": "A" * 64})
def test_a_browser_s_event_written_back_is_read_as_the_same(raw: Any) -> None:
    event = parse.browser_event(raw, LIMITS)
    assert parse.browser_event(as_browser_writes(event), LIMITS) == event


@given(good_server.map(_complete))
@example({"event": "x", "time": 1.001})
def test_a_server_s_event_written_back_is_read_as_the_same(raw: Any) -> None:
    event = parse.server_event(raw, LIMITS)
    assert parse.server_event(as_server_writes(event), LIMITS) == event
