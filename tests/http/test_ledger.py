"""Nothing vanishes: received is stored, duplicate, dropped and quarantined, and those are what the
tables hold and the senders were told."""

import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.records import suppressions
from gateway.settings import Limits
from gateway.store.database import open_database, transaction
from tests.http.test_envelopes import locked_by_another_process
from tests.support import Metrics, RunningGateway, Tracked, metrics, running_gateway, total

GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
GONE = "gone@example.com"
EVENTS: dict[str, dict[str, Any]] = {
    "good": {"event": "x"},
    "bad": {"event": "x", "email": "nobody"},
    "unnamed": {"event": " "},
    "test": {"event": "x", "isTest": True},
    "bad test": {"event": "", "isTest": True},
    "erased": {"event": "x", "email": GONE},
    "bad and erased": {"event": "conversion", "email": GONE},
}
HEADERS = {"visitor": {}, "bot": {"user-agent": GOOGLEBOT}, "opted out": {"dnt": "1"}}

# An event with one of few ids, so that many are sent twice, good ones under the ids of bad ones.
events = st.lists(
    st.tuples(st.sampled_from(sorted(EVENTS)), st.integers(0, 4)), min_size=1, max_size=5
)
requests = st.tuples(
    st.sampled_from(["tracker", "pixel", "api"]), st.sampled_from(sorted(HEADERS)), events
)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    folder = tmp_path_factory.mktemp("ledger")
    with running_gateway(folder, rate_limits=False) as running:
        yield running


def new_list(gateway: RunningGateway) -> Tracked:
    """One that holds to its visitors' wishes, and from which somebody was erased."""
    tracked = gateway.new_list()
    gateway.set_privacy(tracked, "off")
    digest = suppressions.email_digest(GONE)
    with contextlib.closing(open_database(gateway.settings.db)) as db, transaction(db):
        suppressions.add(db, tracked.list_id, digest, 1)
    return tracked


def send(
    gateway: RunningGateway, tracked: Tracked, door: str, sender: str, batch: list[tuple[str, int]]
) -> list[str]:
    """What each event of the batch was answered with."""
    said = [EVENTS[kind] | {"id": f"{number}"} for kind, number in batch]
    if door == "tracker":
        answer = gateway.beacon(tracked, *said, headers=HEADERS[sender])
        return [each["result"] for each in answer.json()["results"]]
    if door == "api":
        calls = [_call(gateway, tracked, each) for each in said]
        return ["rejected" if call.status_code == 422 else "taken" for call in calls]
    parameters = [{"list": tracked.list_tracker_id, **each} for each in said]
    answers = [gateway.client.get("/p.gif", params=p, headers=HEADERS[sender]) for p in parameters]
    return [answer.headers["x-gateway-result"].partition(";")[0] for answer in answers]


def _call(gateway: RunningGateway, tracked: Tracked, said: dict[str, Any]) -> Any:
    renamed = {"EventID" if name == "id" else name: value for name, value in said.items()}
    return gateway.call("event", tracked, **renamed)


def since(before: Metrics, after: Metrics) -> Metrics:
    return {key: value - before.get(key, 0) for key, value in after.items()}


@settings(max_examples=25, deadline=None, derandomize=True, database=None)
@given(traffic=st.lists(requests, min_size=1, max_size=5))
def test_received_is_stored_duplicate_dropped_and_quarantined(
    own: RunningGateway, traffic: list[tuple[str, str, list[tuple[str, int]]]]
) -> None:
    """Whatever is sent to whichever door, in whatever order and however often."""
    tracked, before = new_list(own), metrics(own.url)
    heard: dict[str, list[str]] = {"tracker": [], "pixel": [], "api": []}
    for door, sender, batch in traffic:
        heard[door] += send(own, tracked, door, sender, batch)
    seen = since(before, metrics(own.url))

    for door, words in heard.items():
        received = total(seen, "gateway_events_received_total", door)
        assert received == len(words)
        assert received == total(seen, "gateway_events_total", door)
        if door != "api":
            assert total(seen, "gateway_events_total", door, "stored") == words.count("stored")
            dropped = total(seen, "gateway_events_total", door, "dropped")
            tests = total(seen, "gateway_events_total", door, "dropped", "test")
            # A test that is refused is told so, and counts as the test it is.
            assert dropped - tests <= words.count("dropped") <= dropped
    ended = {word: _of_all_doors(seen, word) for word in ("stored", "quarantined")}
    assert ended["stored"] == len(own.events(tracked))
    assert ended["quarantined"] == len(own.quarantined(tracked))
    assert seen[("gateway_quarantine_events",)] == ended["quarantined"]
    assert total(seen, "gateway_events_deferred_total") == 0
    assert total(seen, "gateway_quarantine_evicted_total") == 0


def _of_all_doors(numbers: Metrics, outcome: str) -> float:
    doors = ("tracker", "pixel", "api")
    return sum(total(numbers, "gateway_events_total", door, outcome) for door in doors)


def test_it_adds_up_at_every_instant(own: RunningGateway) -> None:
    """Also while beacons are under way of which some events are stored and others refused."""
    tracked, done = new_list(own), threading.Event()

    def browse() -> None:
        with httpx.Client(trust_env=False) as client:
            for _ in range(60):
                own.beacon(tracked, {"event": "x"}, {"event": " "}, client=client)
        done.set()

    with ThreadPoolExecutor() as pool:
        browsers = [pool.submit(browse) for _ in range(2)]
        looks = 0
        while not done.is_set():
            seen = metrics(own.url)
            received = total(seen, "gateway_events_received_total")
            assert received == total(seen, "gateway_events_total")
            looks += 1
        for browser in browsers:
            browser.result()
    assert looks > 1


def test_each_ending_has_its_reason(own: RunningGateway) -> None:
    tracked, before = new_list(own), metrics(own.url)
    kinds = ["good", "good", "bad", "bad", "test", "bad test", "erased", "bad and erased"]
    ids = [0, 0, 1, 1, 2, 3, 4, 5]
    send(own, tracked, "tracker", "visitor", list(zip(kinds, ids, strict=True)))
    send(own, tracked, "tracker", "bot", [("good", 6), ("bad", 7)])
    send(own, tracked, "pixel", "opted out", [("good", 8), ("unnamed", 9)])
    seen = since(before, metrics(own.url))
    ended = {key[1:]: count for key, count in seen.items() if key[0] == "gateway_events_total"}
    assert {key: count for key, count in ended.items() if count} == {
        ("tracker", "stored", ""): 1,
        ("tracker", "duplicate", ""): 1,
        ("tracker", "quarantined", "7"): 1,
        ("tracker", "duplicate", "quarantined before"): 1,
        ("tracker", "dropped", "test"): 2,
        ("tracker", "dropped", "erased"): 2,
        ("tracker", "dropped", "bot"): 2,
        ("pixel", "dropped", "opted out"): 2,
    }


def test_what_is_to_be_sent_again_was_not_received(tmp_path: Path) -> None:
    """Over the limit of an address or a key."""
    limits = Limits(
        beacon_events_per_minute=8, identify_events_per_hour=1, event_calls_per_minute=1
    )
    with running_gateway(tmp_path, limits=limits) as strict:
        tracked = strict.new_list()
        people = [{"event": "identify", "email": f"{n}@example.com"} for n in range(3)]
        strict.beacon(tracked, *people, {"event": " "})
        for _ in range(2):
            strict.beacon(tracked, *[{"event": "x"}] * 4)
            strict.call("event", tracked, Event="x")
        strict.call("website_events.properties", tracked)
        seen = metrics(strict.url)
    deferred = {key[1:]: count for key, count in seen.items() if "deferred_total" in key[0]}
    assert deferred == {
        ("tracker", "identify limit"): 2,
        ("tracker", "rate limited"): 4,
        ("api", "rate limited"): 1,
    }
    assert total(seen, "gateway_events_received_total", "tracker") == 6
    assert total(seen, "gateway_events_received_total", "api") == 1
    assert total(seen, "gateway_events_total") == 7


def test_what_the_disk_did_not_take_was_not_received(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.database.LOCK_WAIT_S", 0.1)
    with running_gateway(tmp_path) as locked:
        tracked = locked.new_list()
        with locked_by_another_process(locked.settings.db):
            locked.beacon(tracked, {"event": "x"}, {"event": " "})
            locked.beacon(tracked, {"event": " "})
            locked.call("event", tracked, Event="x")
            locked.call("event", tracked, Event=" ")
            seen = metrics(locked.url)
    assert total(seen, "gateway_events_deferred_total", "tracker", "overloaded") == 3
    assert total(seen, "gateway_events_deferred_total", "api", "overloaded") == 2
    assert total(seen, "gateway_events_received_total") == total(seen, "gateway_events_total") == 0
    assert total(seen, "gateway_commits_failed_total") >= 4
