"""Requests made up byte by byte, door by door. Of each holds: it is answered, never with a fault of
ours, as the document says; what is stored is what the answer said, and not a row besides; and what
is wrong with one event costs no other of the same beacon."""

import contextlib
import dataclasses
import itertools
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_from_bytes

import httpx
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gateway.edge.commands.table import COMMANDS
from gateway.store.database import connect
from tests import documented
from tests.fuzz import odd
from tests.fuzz.wire import Request, ask, ask_in_a_row
from tests.support import RunningGateway, Tracked

Property = Callable[[RunningGateway, Tracked, settings], None]

FORM = b"application/x-www-form-urlencoded"
TABLES = (
    "events", "visitors", "subscribers", "bindings", "clicks", "conversions", "contexts", "catalog",
    "event_names",
)  # fmt: skip
FIELDS = (
    "id", "event", "at", "properties", "email", "identifyProperties", "isTest", "isSilent", "seq",
    "tab",
)  # fmt: skip
ENVELOPE = (
    "v", "user", "visitor", "seed", "pr", "sent_at", "context", "human", "alone", "events", "list",
    odd.DOUBLED,
)  # fmt: skip
PARAMETERS = [name for name in COMMANDS["event"].parameters if name != "ListID"]

_numbers = itertools.count(1)


def beacon(gateway: RunningGateway, tracked: Tracked, profile: settings) -> None:
    """`POST /e`."""

    @profile
    @given(st.data(), odd.headers)
    def holds(data: st.DataObject, headers: Any) -> None:
        sent = data.draw(_beacons(tracked))
        intact = data.draw(st.booleans())
        body = odd.as_json(sent) if intact else data.draw(odd.damaged(odd.as_json(sent)))
        before = _rows(gateway)
        answer = _ask(gateway, Request(b"POST", b"/e", headers, body))
        results = answer.json()["results"] if answer.status_code == 200 else []
        stored = [each for each in results if each["result"] == "stored"]
        _assert_stored(gateway, before, len(stored))
        if results and intact:
            _assert_neighbours_stored(sent, results, ("stored", "duplicate"))

    holds()


def beacon_image(gateway: RunningGateway, tracked: Tracked, profile: settings) -> None:
    """`GET /e?b=…`. It does not say what it did, so the same is posted after it: what is good in
    it must be there already."""

    @profile
    @given(st.data(), odd.headers, odd.raw_query)
    def holds(data: st.DataObject, headers: Any, noise: bytes) -> None:
        sent = data.draw(_beacons(tracked))
        body = odd.as_json(sent)
        assume(len(body) < 15_000)  # a query string is three times as long
        query = b"b=" + quote_from_bytes(body).encode()
        if data.draw(st.booleans()):
            _ask(gateway, Request(b"GET", b"/e?" + noise + b"&" + query[: len(noise) * 9], headers))
            return
        _ask(gateway, Request(b"GET", b"/e?" + query, headers))
        again = _ask(gateway, Request(b"POST", b"/e", headers, body))
        if again.status_code == 200 and _is_plain(sent):
            _assert_neighbours_stored(sent, again.json()["results"], ("duplicate",))

    holds()


def pixel(gateway: RunningGateway, tracked: Tracked, profile: settings) -> None:
    """`GET /p.gif`: the header tells."""

    @profile
    @given(odd.pairs, odd.headers, odd.raw_query, st.booleans())
    def holds(pairs: Any, headers: Any, noise: bytes, known: bool) -> None:
        query = [f"list={tracked.list_tracker_id}".encode()] if known else []
        target = b"/p.gif?" + b"&".join([noise, _ascii(odd.as_form(pairs)), *query])
        before = _rows(gateway)
        answer = _ask(gateway, Request(b"GET", target, headers))
        result = answer.headers["x-gateway-result"]
        assert result.isprintable()
        _assert_stored(gateway, before, int(result.startswith("stored")))

    holds()


def event(gateway: RunningGateway, tracked: Tracked, profile: settings) -> None:
    """`POST /api/v1/event` and `/api.php?Command=event.track`, in JSON."""

    @profile
    @given(
        st.data(),
        odd.headers,
        st.dictionaries(st.sampled_from(PARAMETERS), odd.values, max_size=4),
        st.sampled_from([b"/api/v1/event", b"/api.php?Command=Event.Track"]),
    )
    def holds(data: st.DataObject, headers: Any, more: Any, target: bytes) -> None:
        call = {"APIKey": tracked.api_key, "ListID": tracked.list_id, "Event": "good", **more}
        intact = data.draw(st.booleans())
        body = odd.as_json(call) if intact else data.draw(odd.damaged(odd.as_json(call)))
        before = _rows(gateway)
        answer = _ask(gateway, Request(b"POST", target, headers, body))
        _assert_told(
            gateway, before, answer, certain=intact and not {"EventID", "isTest"} & {*more}
        )

    holds()


def event_form(gateway: RunningGateway, tracked: Tracked, profile: settings) -> None:
    """`/api.php` and `/api/v1/event` with form fields and query strings."""

    @profile
    @given(odd.pairs, odd.pairs, odd.raw_query, st.booleans(), odd.headers)
    def holds(fields: Any, query: Any, noise: bytes, known: bool, headers: Any) -> None:
        own = [("APIKey", tracked.api_key), ("ListID", str(tracked.list_id)), ("Event", "good")]
        body = odd.as_form(fields + own * known)
        target = b"/api.php?" + b"&".join(
            [_ascii(odd.as_form(query)), noise, b"Command=event.track"]
        )
        before = _rows(gateway)
        headers = [*headers, (b"content-type", FORM)]
        answer = _ask(gateway, Request(b"POST", target, headers, body))
        _assert_told(gateway, before, answer, certain=False)

    holds()


def management(gateway: RunningGateway, tracked: Tracked, profile: settings) -> None:
    """Every other call, with a few of its parameters odd and the others as they should be."""
    names = [
        name for name in COMMANDS if name not in ("event", "lists.delete", "user.apikey.delete")
    ]
    usual = {
        "APIKey": tracked.api_key, "ListID": tracked.list_id, "SubscriberListID": tracked.list_id,
        "EmailAddress": "ann@example.com", "SubscriberSegment": "All", "Operator": "and",
        "IPAddress": "203.0.113.1", "Campaign": "c", "Note": "n", "SubscriberListName": "L",
        "FieldName": "F", "FieldType": "Text", "CustomFieldID": 1, "SubscriberID": 1,
        "Username": "nobody@example.com", "Password": "x",
    }  # fmt: skip

    @profile
    @given(st.data(), odd.headers, st.sampled_from(names), st.booleans())
    def holds(data: st.DataObject, headers: Any, name: str, by_command: bool) -> None:
        own = st.sampled_from([*COMMANDS[name].parameters, "APIKey"])
        more = data.draw(st.dictionaries(own, odd.values, max_size=3))
        call = {key: usual[key] for key in usual if key not in more} | more
        target = f"/api.php?Command={name}" if by_command else f"/api/v1/{name}"
        body = odd.as_json(call)
        if data.draw(st.sampled_from([False, False, True])):
            body = data.draw(odd.damaged(body))
        _ask(gateway, Request(b"POST", target.encode(), headers, body))
        _ask(gateway, Request(b"POST", b"/api/v1/lists.get", (), odd.as_json(usual)))

    holds()


def anything(gateway: RunningGateway, tracked: Tracked, profile: settings) -> None:
    """Bytes of any kind to any path by any method."""
    paths = [
        "/e",
        "/p.gif",
        "/tracker.js",
        "/tracker.x.js",
        "/api.php",
        "/api/v1/event",
        "/healthz",
    ]

    @profile
    @given(
        st.sampled_from([b"POST", b"GET", b"PUT", b"OPTIONS", b"DELETE", b"PATCH"]),
        st.sampled_from([path.encode() for path in paths]) | odd.raw_query.map(lambda q: b"/" + q),
        odd.raw_query,
        odd.headers,
        st.binary(max_size=200),
    )
    def holds(method: bytes, path: bytes, query: bytes, headers: Any, body: bytes) -> None:
        before = _rows(gateway)
        request = Request(method, path + b"?" + query, headers, b"" if method == b"GET" else body)
        answer = ask(gateway.settings.port, request)
        if answer is not None:
            assert answer.status_code < 500
        _assert_stored(gateway, before, 0)

    holds()


def one_connection(gateway: RunningGateway, tracked: Tracked, profile: settings) -> None:
    """Several requests on one connection, without waiting, cut anywhere, in chunks or not: each is
    answered in its turn, and none by what belongs to another."""
    ids = {"list": tracked.list_tracker_id, "user": tracked.user_tracker_id}
    page = odd.as_json({**ids, "event": "page_view", "email": "İ" * 40})
    call = odd.as_json({"APIKey": tracked.api_key, "ListID": tracked.list_id, "Event": "é" * 50})
    kinds = {  # what is sent, how it is answered, and how many events it brings
        "beacon": (Request(b"POST", b"/e", body=odd.as_json({**ids, "event": "x"})), 200, 1),
        "rejected": (Request(b"POST", b"/e", body=page), 200, 0),
        "no JSON": (Request(b"POST", b"/e", body=page[:-1]), 400, 0),
        "event": (Request(b"POST", b"/api/v1/event", body=call), 200, 1),
        "no key": (Request(b"POST", b"/api/v1/event", body=b"{}"), 401, 0),
        "pixel": (Request(b"GET", b"/p.gif?list=" + ids["list"].encode()), 200, 1),
        "preflight": (Request(b"OPTIONS", b"/e"), 204, 0),
        "health": (Request(b"GET", b"/healthz"), 200, 0),
        "nowhere": (Request(b"GET", b"/nowhere"), 404, 0),
    }
    row = st.lists(st.sampled_from([*kinds]), min_size=1, max_size=5)
    cuts = st.lists(st.integers(0, 1_500), max_size=4)

    @profile
    @given(row, cuts, st.integers(0, 3))
    def holds(names: list[str], cuts: list[int], chunks: int) -> None:
        chosen = [kinds[name] for name in names]
        sent = [
            dataclasses.replace(request, chunks=chunks if request.body else 0)
            for request, _, _ in chosen
        ]
        before = _rows(gateway)
        answers = ask_in_a_row(gateway.settings.port, sent, cuts)
        assert [each.status_code for each in answers] == [status for _, status, _ in chosen]
        for answer in answers:
            documented.hold(answer, gateway.settings)
        _assert_stored(gateway, before, sum(events for _, _, events in chosen))

    holds()


PROPERTIES: tuple[Property, ...] = (
    beacon, beacon_image, pixel, event, event_form, management, anything,
    one_connection,
)  # fmt: skip


@st.composite
def _beacons(draw: st.DrawFn, tracked: Tracked) -> dict[str, Any]:
    """A beacon with some of its envelope odd, and some of its events, between good ones."""
    # Always as long: what is drawn after it must not depend on the number.
    good = st.builds(lambda: {"id": f"good-{next(_numbers):09}", "event": "good"})
    bad = st.dictionaries(st.sampled_from(FIELDS), odd.values, max_size=4) | odd.values
    events = draw(st.lists(good | bad, min_size=1, max_size=5))
    envelope = {"v": 1, "user": tracked.user_tracker_id, "list": tracked.list_tracker_id}
    more = draw(st.dictionaries(st.sampled_from(ENVELOPE), odd.values, max_size=2))
    return {**envelope, "events": events, **more}


def _is_plain(sent: dict[str, Any]) -> bool:
    """Whether the image is taken as the post is: an address is left out of one, not the other."""
    return not any(isinstance(each, dict) and "email" in each for each in sent["events"])


def _ask(gateway: RunningGateway, request: Request) -> httpx.Response:
    answer = ask(gateway.settings.port, request)
    assume(answer is not None)
    assert answer is not None
    assert answer.status_code not in (500, 503), answer.text
    documented.hold(answer, gateway.settings)
    return answer


def _rows(gateway: RunningGateway) -> dict[str, int]:
    """How many rows each table has; of events, those that were sent."""
    with contextlib.closing(connect(gateway.settings.db, read_only=True)) as db:
        rows = {
            table: db.execute(f"select count(*) from {table}").fetchone()[0] for table in TABLES
        }
        sent = db.execute("select count(*) from events where caused_by is null").fetchone()[0]
    return {**rows, "sent": sent}


def _assert_stored(gateway: RunningGateway, before: dict[str, int], events: int) -> None:
    """So many events more; and where there are none, not a row of anything."""
    after = _rows(gateway)
    assert after["sent"] - before["sent"] == events
    if not events:
        assert after == before


def _assert_told(
    gateway: RunningGateway, before: dict[str, int], answer: httpx.Response, *, certain: bool
) -> None:
    """`certain`: neither a test nor sent before, so that a success is one event more."""
    new = _rows(gateway)["sent"] - before["sent"]
    if answer.status_code == 200 and answer.json().get("status") == "success":
        assert new == 1 or (new == 0 and not certain)
    else:
        _assert_stored(gateway, before, 0)


def _assert_neighbours_stored(
    sent: dict[str, Any], results: list[dict[str, Any]], words: tuple[str, ...]
) -> None:
    for event, result in zip(sent["events"], results, strict=True):
        if isinstance(event, dict) and str(event.get("id")).startswith("good-"):
            assert result["result"] in words or result.get("reason") == "bot", result


def _ascii(query: bytes) -> bytes:
    """As browsers write an address."""
    return quote_from_bytes(query, safe="%&=[]+$").encode()
