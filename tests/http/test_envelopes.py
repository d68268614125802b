"""What a call that cannot be carried out is answered, whatever the call: status, code, envelope."""

import contextlib
import json
import logging
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from gateway.settings import Limits
from gateway.store import database
from tests.support import RunningGateway, Tracked, running_gateway

EVENT = "/api/v1/event"
CATALOG = "/api/v1/website_events.properties"


def assert_envelope(answer: httpx.Response, status: int, code: int) -> None:
    assert answer.status_code == status
    said = answer.json()
    assert said["Success"] is False
    assert said["ErrorCode"] == code
    [problem] = said["Errors"]
    assert problem == {"Code": code, "Message": said["ErrorText"]}
    assert problem["Message"]


def assert_try_again(answer: httpx.Response, status: int) -> None:
    assert_envelope(answer, status, status)
    assert 1 <= int(answer.headers["retry-after"]) <= 3600


# -- the request itself ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", ["{", "nonsense", "[1, 2]", '"text"', "5", b"\xff\xfe", '{"a": NaN}', "[" * 100_000]
)
@pytest.mark.parametrize("path", [EVENT, CATALOG, "/api.php?Command=event.track"])
def test_a_body_that_is_no_json_object_is_100000(
    gateway: RunningGateway, path: str, body: str | bytes
) -> None:
    assert_envelope(gateway.client.post(path, content=body), 400, 100000)


@pytest.mark.parametrize("path", ["/api/v1/no.such.call", "/api/v1/", "/api/v1/event/x"])
def test_a_call_that_does_not_exist_is_100003(gateway: RunningGateway, path: str) -> None:
    assert_envelope(gateway.client.post(path, json={}), 400, 100003)
    assert_envelope(gateway.client.get(path), 400, 100003)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", EVENT, {"POST"}),
        ("PUT", EVENT, {"POST"}),
        ("DELETE", CATALOG, {"POST", "GET"}),
        ("GET", "/api/v1/user.login", {"POST"}),
        ("GET", "/api/v1/user.apikey", {"POST"}),
        ("POST", "/api/v1/user.apikeys", {"GET"}),
        ("POST", "/api/v1/event.stream", {"GET"}),
        ("PUT", "/e", {"GET", "POST", "OPTIONS"}),
        ("POST", "/p.gif", {"GET"}),
        ("POST", "/tracker.js", {"GET", "HEAD"}),
    ],
)
def test_a_wrong_method_is_405_and_says_which_is_right(
    gateway: RunningGateway, method: str, path: str, allowed: set[str]
) -> None:
    answer = gateway.client.request(method, path)
    assert answer.status_code == 405
    assert allowed <= set(answer.headers["allow"].split(", "))


def test_a_compressed_body_is_refused_by_name(gateway: RunningGateway, tracked: Tracked) -> None:
    answer = gateway.client.post(EVENT, content=b"x", headers={"content-encoding": "gzip"})
    assert_envelope(answer, 415, 415)


def padded(body: dict[str, object], size: int) -> bytes:
    """The body at exactly this size: JSON takes blanks."""
    text = json.dumps(body).encode()
    return text + b" " * (size - len(text))


def in_chunks(body: bytes) -> Iterator[bytes]:
    """Sent so, a body does not say its size beforehand."""
    for start in range(0, len(body), 50_000):
        yield body[start : start + 50_000]


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(("past", "status"), [(0, 200), (1, 413)])
def test_a_servers_body_may_have_1_mib_and_no_byte_more(
    gateway: RunningGateway, tracked: Tracked, past: int, status: int, chunked: bool
) -> None:
    call = {"APIKey": tracked.api_key, "ListID": tracked.list_id, "Event": "x"}
    body = padded(call, 1_048_576 + past)
    answer = gateway.client.post(EVENT, content=in_chunks(body) if chunked else body)
    assert answer.status_code == status
    if past:
        assert_envelope(answer, 413, 413)
    assert len(gateway.events(tracked)) == (0 if past else 1)


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(("past", "status"), [(0, 200), (1, 413)])
def test_a_browsers_body_may_have_256_kib_and_no_byte_more(
    gateway: RunningGateway, tracked: Tracked, past: int, status: int, chunked: bool
) -> None:
    beacon = {"list": tracked.list_tracker_id, "event": "x"}
    body = padded(beacon, 262_144 + past)
    answer = gateway.client.post("/e", content=in_chunks(body) if chunked else body)
    assert answer.status_code == status
    if past:
        assert_envelope(answer, 413, 413)
    assert len(gateway.events(tracked)) == (0 if past else 1)


def test_a_body_that_does_not_arrive_in_time_is_408(tmp_path: Path) -> None:
    with running_gateway(tmp_path, limits=Limits(body_timeout_s=1)) as own:
        address = ("127.0.0.1", own.settings.port)
        with contextlib.ExitStack() as stack:
            slow = []
            for path in ("/e", EVENT):
                connection = stack.enter_context(socket.create_connection(address, timeout=20))
                head = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 50\r\n\r\n{{"
                connection.sendall(head.encode())
                slow.append(connection)
            for connection in slow:
                answer = connection.recv(65_536)
                assert answer.startswith(b"HTTP/1.1 408 ")
                assert b'"ErrorCode":408' in answer
        assert own.client.get("/healthz").status_code == 200


# -- too much -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """A gateway that allows next to nothing a minute."""
    limits = Limits(event_calls_per_minute=2, read_calls_per_minute=1, login_calls_per_minute=1)
    with running_gateway(tmp_path_factory.mktemp("strict"), limits=limits) as running:
        yield running


def test_over_the_rate_limit_of_a_key_is_429_with_retry_after(strict: RunningGateway) -> None:
    tracked, other = strict.new_list(), strict.new_list()
    assert [strict.call("event", tracked, Event="x").status_code for _ in range(2)] == [200, 200]
    assert_try_again(strict.call("event", tracked, Event="x"), 429)
    assert len(strict.events(tracked)) == 2
    assert strict.call("event", other, Event="x").status_code == 200


def test_reads_have_a_limit_of_their_own(strict: RunningGateway) -> None:
    tracked = strict.new_list()
    call = "website_events.properties"
    assert strict.call(call, tracked).status_code == 200
    assert_try_again(strict.call(call, tracked), 429)
    assert strict.call("event", tracked, Event="x").status_code == 200


def test_passwords_cannot_be_tried_as_fast_as_one_likes(strict: RunningGateway) -> None:
    tries = [
        strict.client.post("/api/v1/user.login", json={"Username": f"u{n}", "Password": "x"})
        for n in range(2)
    ]
    assert tries[0].json()["ErrorCode"] == [3]
    assert_try_again(tries[1], 429)


def test_by_default_a_key_may_track_5000_events_and_read_100_times_a_minute() -> None:
    limits = Limits()
    assert (limits.event_calls_per_minute, limits.read_calls_per_minute) == (5_000, 100)


# -- faults of ours -------------------------------------------------------------------------


def test_a_fault_of_ours_is_100005_and_says_nothing_of_itself(tmp_path: Path) -> None:
    """Somebody drops our tables while we run."""
    with running_gateway(tmp_path) as own:
        tracked = own.new_list()
        with contextlib.closing(sqlite3.connect(own.settings.db)) as db:
            db.execute("drop table catalog")
            db.execute("drop table events")
        answers = [
            own.call("website_events.properties", tracked),
            own.call("event", tracked, Event="x"),
            own.beacon(tracked, {"event": "x"}),
        ]
        for answer in answers:
            assert_envelope(answer, 500, 100005)
            said = answer.text.lower()
            for word in ("catalog", "table", "sqlite", "traceback", ".py", str(tmp_path), "/"):
                assert word not in said
        assert own.client.get("/healthz").status_code == 200


HOLD_THE_LOCK = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("begin immediate")
print("locked", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def locked_by_another_process(path: Path) -> Iterator[None]:
    command = [sys.executable, "-c", HOLD_THE_LOCK, str(path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout
        assert other.stdout.readline() == "locked\n"
        yield
        other.communicate()


def test_while_another_process_holds_the_database_calls_get_503_and_nothing_is_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reads go on; and once the lock is gone, so do writes, the retried event being one."""
    monkeypatch.setattr(database, "LOCK_WAIT_S", 0.1)
    event = {"Event": "x", "Email": "ann@example.com", "EventID": "order-1"}
    sent = {"id": "b-1", "event": "y", "email": "bob@example.com"}
    with running_gateway(tmp_path) as own:
        tracked = own.new_list()
        with locked_by_another_process(own.settings.db):
            assert_try_again(own.call("event", tracked, **event), 503)
            assert_try_again(own.beacon(tracked, sent), 503)
            pixel = own.client.get("/p.gif", params={"list": tracked.list_tracker_id})
            assert pixel.headers["x-gateway-result"].startswith("retry")
            assert own.client.get("/readyz").status_code == 503
            assert own.client.get("/healthz").status_code == 200
            catalog = own.call("website_events.properties", tracked)
            assert catalog.json()["Properties"] == {}
        assert own.events(tracked) == []
        assert own.client.get("/readyz").status_code == 200
        assert own.call("event", tracked, **event).json()["identify_event_sent"] is True
        assert own.beacon(tracked, sent).json()["results"][0]["result"] == "stored"
        names = [stored.event for stored in own.events(tracked)]
        assert names == ["x", "identify", "y", "identify"]


# -- the log --------------------------------------------------------------------------------


def test_nobody_can_write_lines_into_our_log(
    gateway: RunningGateway, tracked: Tracked, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    forged = "x\n2026-01-31 ERROR gateway all is lost\x1b[2J"
    gateway.client.post("/api.php", json={"Command": forged})
    gateway.client.post(f"/api/v1/{quote(forged)}")
    deep = {forged: [[[[[[[["deep"]]]]]]]]}
    gateway.call("event", tracked, Event="x", Properties=deep)
    gateway.beacon(tracked, {"event": "x"}, context=deep)
    gateway.client.get("/p.gif", params={"list": tracked.list_tracker_id, forged: "x" * 9_000})
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("gateway")]
    assert any("all is lost" in line for line in ours)
    assert all(line.isprintable() for line in ours)
