"""`GET /api/v1/event.stream`: a list's events as they are stored, as server-sent events."""

import contextlib
import dataclasses
import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.server import SHUTDOWN_S
from gateway.settings import Limits
from tests.support import (
    RunningGateway,
    Tracked,
    free_port,
    gateway_process,
    running_gateway,
    wait_until_it_answers,
)

STREAM = "/api/v1/event.stream"


class Stream:
    """An open stream: `next` waits for one message and reads it as an EventSource does."""

    def __init__(self, answer: httpx.Response) -> None:
        self._lines = answer.iter_lines()

    def next(self) -> tuple[int, dict[str, Any]]:
        said: dict[str, str] = {}
        for line in self._lines:
            if line:
                name, _, value = line.partition(": ")
                said[name] = value
            elif "data" in said:
                return int(said["id"]), json.loads(said["data"])
        raise AssertionError("the stream ended")

    def names(self, count: int) -> list[str]:
        return [self.next()[1]["event"] for _ in range(count)]


@contextlib.contextmanager
def listening(gateway: RunningGateway, tracked: Tracked, **headers: str) -> Iterator[Stream]:
    sent = {"authorization": f"Bearer {tracked.api_key}", **headers}
    with gateway.client.stream(
        "GET", STREAM, params={"ListID": tracked.list_id}, headers=sent, timeout=10
    ) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        yield Stream(answer)


def test_it_begins_with_the_latest_events_and_goes_on_with_what_comes(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    gateway.call("event", tracked, Event="before", Properties={"a": 1})
    with listening(gateway, tracked) as stream:
        event_id, event = stream.next()
        [stored] = gateway.events(tracked)
        assert (event_id, event["event"]) == (stored.id, "before")
        assert event["properties"] == stored.properties
        gateway.beacon(tracked, {"event": "from a browser"})
        gateway.call("event", tracked, Event="from a server")
        assert stream.names(2) == ["from a browser", "from a server"]


def test_it_begins_with_at_most_20_of_them(gateway: RunningGateway, tracked: Tracked) -> None:
    gateway.beacon(tracked, *({"event": f"e{number}"} for number in range(25)))
    with listening(gateway, tracked) as stream:
        assert stream.names(20) == [f"e{number}" for number in range(5, 25)]


def test_it_goes_on_behind_the_last_event_that_the_page_has(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    """Everything missed in between comes, and nothing twice."""
    gateway.beacon(tracked, *({"event": f"e{number}"} for number in range(30)))
    third = gateway.events(tracked)[2]
    with listening(gateway, tracked, **{"last-event-id": str(third.id)}) as stream:
        assert stream.names(27) == [f"e{number}" for number in range(3, 30)]
    last = gateway.events(tracked)[-1]
    with listening(gateway, tracked, **{"last-event-id": str(last.id)}) as stream:
        gateway.call("event", tracked, Event="new")
        assert stream.names(1) == ["new"]


def test_it_shows_this_list_only(gateway: RunningGateway, tracked: Tracked) -> None:
    other = gateway.new_list()
    with listening(gateway, tracked) as stream:
        gateway.call("event", other, Event="theirs")
        gateway.call("event", tracked, Event="ours")
        assert stream.names(1) == ["ours"]


def test_an_event_cannot_write_messages_of_its_own(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    forged = "x\n\nid: 1\ndata: {}\n\n"
    with listening(gateway, tracked) as stream:
        gateway.call("event", tracked, Event=forged)
        assert stream.names(1) == [forged]


def test_a_session_opens_it_and_parameter_names_count_in_any_case(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    gateway.call("event", tracked, Event="x")
    parameters = {"LISTID": tracked.list_id, "apikey": tracked.api_key}
    with gateway.client.stream("GET", STREAM, params=parameters, timeout=10) as answer:
        assert Stream(answer).names(1) == ["x"]


def test_without_a_key_it_is_401(gateway: RunningGateway, tracked: Tracked) -> None:
    answer = gateway.client.get(STREAM, params={"ListID": tracked.list_id})
    assert answer.status_code == 401
    assert answer.json()["ErrorCode"] == 99998


@pytest.mark.parametrize("which", ["foreign", "missing", "wrong", "none"])
def test_another_accounts_list_is_as_one_that_does_not_exist(
    gateway: RunningGateway, tracked: Tracked, which: str
) -> None:
    other = gateway.new_list()
    list_id = {"foreign": other.list_id, "missing": 999_999, "wrong": "x", "none": None}[which]
    parameters = {"ListID": list_id} if list_id else {}
    headers = {"authorization": f"Bearer {tracked.api_key}"}
    answer = gateway.client.get(STREAM, params=parameters, headers=headers)
    assert answer.status_code == 422
    assert answer.json() == {"Errors": [{"Code": 3, "Message": "List not found"}]}


def test_it_ends_soon_after_its_key_was_revoked(gateway: RunningGateway, tracked: Tracked) -> None:
    """Nobody looks on with a key that opens nothing any more."""
    gateway.call("event", tracked, Event="x")
    made = gateway.call("user.apikey.create", tracked, Note="wall display").json()
    display = dataclasses.replace(tracked, api_key=made["APIKey"]["APIKey"])
    with listening(gateway, display) as stream:
        assert stream.names(1) == ["x"]
        gateway.call("user.apikey.delete", tracked, APIKeyID=made["APIKeyID"])
        with pytest.raises(AssertionError, match="the stream ended"):
            stream.next()


def test_no_more_streams_are_open_at_once_than_the_limit_says(tmp_path: Path) -> None:
    with running_gateway(tmp_path, limits=Limits(live_streams_max=1)) as own:
        tracked = own.new_list()
        own.call("event", tracked, Event="x")
        parameters = {"ListID": tracked.list_id, "APIKey": tracked.api_key}
        with listening(own, tracked) as stream:
            assert stream.names(1) == ["x"]
            answer = own.client.get(STREAM, params=parameters)
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) >= 1
            assert answer.json()["ErrorCode"] == 503


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.slow
def test_a_server_with_open_streams_stops_within_seconds(tmp_path: Path, workers: str) -> None:
    path, port = tmp_path / "gateway.db", free_port()
    with running_gateway(tmp_path) as maker:
        tracked = maker.new_list()
    arguments = ("serve", "--db", str(path), "--port", str(port), "--workers", workers)
    with gateway_process(*arguments) as process:
        url = f"http://127.0.0.1:{port}"
        wait_until_it_answers(f"{url}/healthz", process)
        with httpx.Client(base_url=url, trust_env=False) as client:
            own = RunningGateway(maker.settings, url)
            own.client.close()
            own.client = client
            own.call("event", tracked, Event="x")
            with listening(own, tracked) as stream:
                assert stream.names(1) == ["x"]
                process.send_signal(signal.SIGTERM)
                told_at = time.monotonic()
                with pytest.raises((AssertionError, httpx.TransportError)):
                    stream.next()
        process.communicate(timeout=SHUTDOWN_S)
        assert time.monotonic() - told_at < SHUTDOWN_S / 2  # not only when patience ends
