"""A head that was read before is not parsed again: nothing may be answered otherwise for that."""

import contextlib
import json
from pathlib import Path

import pytest

from gateway import clock
from gateway.records import keys
from gateway.settings import Limits
from gateway.store.database import open_database, transaction
from tests.http.test_connections import Client
from tests.support import RunningGateway, Tracked, running_gateway, until

BODY_MAX = 3_000


@pytest.fixture
def small(tmp_path: Path):
    """A gateway that takes small beacons only."""
    with running_gateway(tmp_path, limits=Limits(body_browser_bytes_max=BODY_MAX)) as gateway:
        yield gateway


def request(tracked: Tracked, name: str, *lines: str, pad: int = 0) -> bytes:
    """A beacon with an event of this name; more header lines make it another head."""
    said = {"list": tracked.list_tracker_id, "seed": "s", "events": [{"event": name}]}
    body = json.dumps(said).encode() + b" " * pad
    head = ["POST /e HTTP/1.1", "Host: x", "Origin: https://shop.example", *lines]
    head.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*head, "X-Last: 1", "", ""]).encode() + body


def names(gateway: RunningGateway, tracked: Tracked) -> list[str]:
    return [event.event for event in gateway.events(tracked)]


def test_bodies_of_any_length_come_through_one_head(gateway: RunningGateway, tracked: Tracked):
    """Each with its own length, on one connection and on another."""
    for _ in range(2):
        with Client(gateway) as client:
            for name in ("a", "bb", "a" * 150, "c"):
                said = client.says(request(tracked, name)).hears()
                assert said.startswith(b"HTTP/1.1 200 OK\r\n")
                assert b"access-control-allow-origin: https://shop.example\r\n" in said
    assert names(gateway, tracked) == ["a", "bb", "a" * 150, "c"] * 2


def test_a_known_head_in_pieces_with_another_request_behind_it_or_half_a_body(
    gateway: RunningGateway, tracked: Tracked
):
    """What does not arrive as one whole request is read as ever."""
    with Client(gateway) as client:
        assert client.says(request(tracked, "known")).hears().startswith(b"HTTP/1.1 200")
        whole = request(tracked, "in pieces")
        for cut in (10, len(whole) - 5):
            client.says(whole[:cut]).says(whole[cut:])
            assert client.hears().startswith(b"HTTP/1.1 200")
        client.says(request(tracked, "first") + request(tracked, "second"))
        heard = b""
        while heard.count(b"HTTP/1.1 200") < 2:
            heard += client.hears()
        assert client.says(request(tracked, "after")).hears().startswith(b"HTTP/1.1 200")
    assert names(gateway, tracked)[-3:] == ["first", "second", "after"]


def test_a_body_that_is_too_large_is_refused_after_a_known_head(small: RunningGateway):
    tracked = small.new_list()
    with Client(small) as client:
        assert client.says(request(tracked, "small")).hears().startswith(b"HTTP/1.1 200")
        large = request(tracked, "large", pad=BODY_MAX)
        assert client.says(large).hears_to_the_end().startswith(b"HTTP/1.1 413")
    assert names(small, tracked) == ["small"]


@pytest.mark.parametrize(
    ("line", "status"), [("Connection: close", 200), ("Content-Encoding: gzip", 415)]
)
def test_a_head_that_ends_its_connection_does_so_every_time(
    gateway: RunningGateway, tracked: Tracked, line: str, status: int
):
    for _ in range(3):
        with Client(gateway) as client:
            said = client.says(request(tracked, "x", line)).hears_to_the_end()
        assert said.startswith(b"HTTP/1.1 %d" % status)
        assert b"connection: close\r\n" in said


def test_one_header_more_is_another_head(gateway: RunningGateway, tracked: Tracked):
    """Such as a wish not to be tracked, which a list may follow."""
    gateway.set_privacy(tracked, "off")
    with Client(gateway) as client:
        assert b'"stored"' in client.says(request(tracked, "x")).hears()
        assert b'"opted out"' in client.says(request(tracked, "x", "Sec-GPC: 1")).hears()
        assert b'"stored"' in client.says(request(tracked, "x")).hears()


def test_a_key_that_is_revoked_opens_nothing_by_a_known_head(
    gateway: RunningGateway, tracked: Tracked
):
    """Only what the bytes say is remembered, nothing of what they were worth."""
    body = json.dumps({"ListID": tracked.list_id, "Event": "x", "UUID": "not one"}).encode()
    head = f"POST /api/v1/event HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {tracked.api_key}\r\n"
    call = head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body
    with Client(gateway) as client:
        for _ in range(2):
            assert b" 422 " in client.says(call).hears()[:20]
        with contextlib.closing(open_database(gateway.settings.db)) as db, transaction(db):
            [key] = keys.of_account(db, tracked.account_id)
            keys.revoke(db, tracked.account_id, key.id, clock.now_ms())
        until(lambda: b" 401 " in client.says(call).hears()[:20], seconds=5)
