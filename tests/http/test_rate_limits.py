"""How much a key and an address may call, what they are told of it, and what does not get round it.

The allowances of browsers are in `test_browser_limits`.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.records import keys
from gateway.settings import Limits
from tests.support import PASSWORD, RunningGateway, Tracked, running_gateway

CATALOG = "website_events.properties"
STREAM = "/api/v1/event.stream"
WRONG = 3


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """Behind a proxy it trusts, so that a test may come from any address; small allowances."""
    limits = Limits(
        event_calls_per_minute=4,
        read_calls_per_minute=3,
        login_calls_per_minute=2,
        wrong_keys_per_minute=WRONG,
    )
    folder = tmp_path_factory.mktemp("strict")
    with running_gateway(folder, trusted_proxies=("127.0.0.0/8",), limits=limits) as running:
        yield running


Guess = Callable[[str], httpx.Response]


@pytest.fixture
def guess(strict: RunningGateway) -> Guess:
    """A call with another key from this address, unless one is given."""
    made = iter(range(1_000))

    def guess(address: str, key: str = "", **parameters: Any) -> httpx.Response:
        headers = {
            "x-forwarded-for": address,
            "authorization": f"Bearer {key or f'gw_guess{next(made)}'}",
        }
        body = {"ListID": 1, **parameters}
        return strict.client.post(f"/api/v1/{CATALOG}", json=body, headers=headers)

    return guess


def told(answer: httpx.Response) -> tuple[int, int, int]:
    """Limit, what remains of it, and the seconds until all of it is there again."""
    limit, remaining, reset = (
        int(answer.headers[f"ratelimit-{name}"]) for name in ("limit", "remaining", "reset")
    )
    return limit, remaining, reset


# -- what a caller is told ------------------------------------------------------------------


def test_every_answer_to_a_key_says_what_is_left_of_its_allowance(strict: RunningGateway) -> None:
    """Successes, refusals and 429 alike; the numbers go down with each call."""
    tracked = strict.new_list()
    answers = [
        strict.call("event", tracked, Event="x"),
        strict.call("event", tracked, Event=""),
        strict.call("event", tracked, Event="x", ListID=999_999),
        strict.call("event", tracked, Event="x"),
        strict.call("event", tracked, Event="x"),
    ]
    assert [answer.status_code for answer in answers] == [200, 422, 422, 200, 429]
    assert [told(answer)[:2] for answer in answers] == [(4, 3), (4, 2), (4, 1), (4, 0), (4, 0)]
    assert all(1 <= told(answer)[2] <= 60 for answer in answers)


def test_a_management_call_says_it_too_carried_out_or_not(strict: RunningGateway) -> None:
    tracked = strict.new_list()
    done = strict.call("lists.get", tracked)
    refused = strict.call("subscriber.get", tracked, SubscriberListID=tracked.list_id)
    assert done.json()["Success"] is True
    assert refused.json()["Success"] is False
    assert [told(done)[:2], told(refused)[:2]] == [(3, 2), (3, 1)]


def test_retry_after_says_when_the_next_call_is_let_in_and_reset_when_all_are(
    strict: RunningGateway,
) -> None:
    tracked = strict.new_list()
    for _ in range(3):
        strict.call(CATALOG, tracked)
    answer = strict.call(CATALOG, tracked)
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 20
    assert 41 <= told(answer)[2] <= 60


def test_a_fault_of_ours_was_counted_all_the_same(tmp_path: Path) -> None:
    with running_gateway(tmp_path) as own:
        tracked = own.new_list()
        with contextlib.closing(sqlite3.connect(own.settings.db)) as db:
            db.execute("drop table catalog")
        answer = own.call(CATALOG, tracked)
        assert answer.status_code == 500
        assert told(answer)[:2] == (100, 99)


def test_a_live_stream_is_a_read_call(strict: RunningGateway) -> None:
    """Or opening and closing them would be a way round the limit."""
    tracked = strict.new_list()
    parameters = {"ListID": str(tracked.list_id), "APIKey": tracked.api_key}
    with strict.client.stream("GET", STREAM, params=parameters) as stream:
        assert stream.status_code == 200
        assert told(stream)[:2] == (3, 2)
    refused = strict.client.get(STREAM, params={**parameters, "ListID": "999999"})
    assert (refused.status_code, told(refused)[1]) == (422, 1)
    strict.call(CATALOG, tracked)
    assert strict.client.get(STREAM, params=parameters).status_code == 429


def test_without_rate_limits_nothing_is_said_of_them(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    answer = gateway.call("event", tracked, Event="x")
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.startswith("ratelimit")]


def test_a_beacon_s_answer_does_not_carry_them_but_its_429_does(tmp_path: Path) -> None:
    """Bytes on every beacon are a cost; a page that is refused may read all of it."""
    with running_gateway(tmp_path, limits=Limits(beacon_events_per_minute=1)) as own:
        tracked = own.new_list()
        headers = {"origin": "https://shop.example"}
        taken = own.beacon(tracked, {"event": "x"}, headers=headers)
        assert taken.status_code == 200
        assert not [name for name in taken.headers if name.startswith("ratelimit")]
        assert "access-control-expose-headers" not in taken.headers
        refused = own.beacon(tracked, {"event": "x"}, headers=headers)
        assert (refused.status_code, told(refused)[:2]) == (429, (1, 0))
        exposed = refused.headers["access-control-expose-headers"].split(", ")
        names = ["retry-after", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"]
        assert exposed == names


# -- wrong keys -----------------------------------------------------------------------------


def test_keys_cannot_be_guessed_as_fast_as_one_likes(strict: RunningGateway, guess: Guess) -> None:
    """Once an address has used up its wrong ones, not even a right one it never had opens."""
    tracked = strict.new_list()
    answers = [guess("198.51.100.1") for _ in range(WRONG)]
    assert [answer.status_code for answer in answers] == [401] * WRONG
    assert [told(answer)[:2] for answer in answers] == [(WRONG, n) for n in range(WRONG)[::-1]]
    lucky = guess("198.51.100.1", key=tracked.api_key)
    assert lucky.status_code == 429
    assert 1 <= int(lucky.headers["retry-after"]) <= 60
    assert lucky.json()["ErrorCode"] == 429
    assert guess("198.51.100.2", key=tracked.api_key, ListID=tracked.list_id).status_code == 200


def test_a_flood_of_wrong_keys_does_not_reach_the_database(
    strict: RunningGateway, guess: Guess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused before anything is looked up."""
    looked_up = []
    find = keys.find
    monkeypatch.setattr(keys, "find", lambda db, text: looked_up.append(text) or find(db, text))
    answers = [guess("198.51.100.9").status_code for _ in range(20)]
    assert answers == [401] * WRONG + [429] * (20 - WRONG)
    assert len(looked_up) == WRONG


def test_a_key_that_has_opened_before_is_not_locked_out_by_who_shares_its_address(
    strict: RunningGateway, guess: Guess
) -> None:
    """Another's mistake behind the same router, or a flood through an untrusted proxy."""
    tracked = strict.new_list()
    known = {"key": tracked.api_key, "ListID": tracked.list_id}
    assert guess("198.51.100.3", **known).status_code == 200
    assert [guess("198.51.100.3").status_code for _ in range(WRONG + 1)][-1] == 429
    assert guess("198.51.100.3", **known).status_code == 200


def test_a_key_that_was_revoked_is_a_wrong_one_from_then_on(
    strict: RunningGateway, guess: Guess
) -> None:
    tracked = strict.new_list()
    known = {"key": tracked.api_key, "ListID": tracked.list_id}
    assert guess("198.51.100.4", **known).status_code == 200
    with contextlib.closing(sqlite3.connect(strict.settings.db)) as db, db:
        db.execute(
            "update api_keys set revoked_at_ms = 1 where account_id = ?", (tracked.account_id,)
        )
    answers = [guess("198.51.100.4", **known).status_code for _ in range(WRONG + 2)]
    assert answers == [401] * WRONG + [429, 429]


@pytest.mark.parametrize("how", ["none", "session", "php", "a stream"])
def test_whatever_a_call_brings_instead_of_a_key_is_counted_as_a_wrong_one(
    strict: RunningGateway, how: str
) -> None:
    headers = {"x-forwarded-for": f"2001:db8:1:{len(how)}::1"}
    client = strict.client

    def call(number: int) -> httpx.Response:
        wrong = {"SessionID": f"no{number}"}
        if how == "a stream":
            return client.get(STREAM, params=wrong, headers=headers)
        if how == "php":
            return client.post(f"/api.php?Command={CATALOG}", data=wrong, headers=headers)
        body = wrong if how == "session" else {}
        return client.post(f"/api/v1/{CATALOG}", json=body, headers=headers)

    answers = [call(number).status_code for number in range(WRONG + 1)]
    assert answers == [401] * WRONG + [429]


def test_a_wrong_key_costs_the_address_not_the_account(
    strict: RunningGateway, guess: Guess
) -> None:
    """Nobody can use up another's allowance without their key."""
    tracked = strict.new_list()
    for _ in range(WRONG + 2):
        guess("198.51.100.5", ListID=tracked.list_id)
    known = guess("198.51.100.6", key=tracked.api_key, ListID=tracked.list_id)
    assert told(known)[:2] == (3, 2)


# -- addresses ------------------------------------------------------------------------------


def test_a_host_does_not_get_more_by_changing_its_address_within_its_own_64(
    strict: RunningGateway, guess: Guess
) -> None:
    """An IPv6 host has 2**64 of them to itself."""
    answers = [guess(f"2001:db8:0:1::{n:x}").status_code for n in range(1, WRONG + 2)]
    assert answers == [401] * WRONG + [429]
    assert guess("[2001:db8:0:1:ffff::1]:443").status_code == 429
    assert guess("2001:db8:0:2::1").status_code == 401


def test_ipv4_written_as_ipv6_is_the_same_address(strict: RunningGateway, guess: Guess) -> None:
    for _ in range(WRONG):
        guess("198.51.100.77")
    assert guess("::ffff:198.51.100.77").status_code == 429
    assert guess("::ffff:198.51.100.78").status_code == 401


def test_sign_in_attempts_are_counted_by_address_and_say_so(strict: RunningGateway) -> None:
    tracked = strict.new_list()

    def sign_in(address: str) -> httpx.Response:
        return strict.client.post(
            "/api/v1/user.login",
            json={"Username": tracked.account, "Password": PASSWORD},
            headers={"x-forwarded-for": address},
        )

    answers = [sign_in(f"2001:db8:0:9::{n}") for n in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [told(answer)[1] for answer in answers] == [1, 0, 0]
    assert sign_in("2001:db8:0:a::1").status_code == 200


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "True-Client-IP", "CF-Connecting-IP"]
)
def test_from_elsewhere_a_spoofed_address_changes_nothing(tmp_path: Path, header: str) -> None:
    """Neither gets one round a limit nor uses up another's, nor stands in a key's last use."""
    limits = Limits(wrong_keys_per_minute=2, beacon_events_per_minute=1)
    with running_gateway(tmp_path, trusted_proxies=("10.0.0.0/8",), limits=limits) as own:
        tracked = own.new_list()

        def call(number: int, key: str) -> int:
            spoofed = f"203.0.113.{number}"
            headers = {header: f"for={spoofed}" if header == "Forwarded" else spoofed}
            body = {"APIKey": key, "ListID": tracked.list_id}
            return own.client.post(f"/api/v1/{CATALOG}", json=body, headers=headers).status_code

        assert call(0, tracked.api_key) == 200
        assert [call(number, f"gw_{number}") for number in range(1, 4)] == [401, 401, 429]
        beacons = [
            own.beacon(tracked, {"event": "x"}, headers={header: f"203.0.113.{n}"})
            for n in range(2)
        ]
        assert [answer.status_code for answer in beacons] == [200, 429]
        listed = own.client.get("/api/v1/user.apikeys", params={"APIKey": tracked.api_key})
        assert [key["LastUsedIP"] for key in listed.json()["APIKeys"]] == ["127.0.0.1"]


def test_a_beacon_for_a_list_nobody_has_counts_too(tmp_path: Path) -> None:
    """So does one that brings no event: each may write or make the gateway check a signature."""
    with running_gateway(tmp_path, limits=Limits(beacon_events_per_minute=3)) as own:
        tracked = own.new_list()
        answers = [
            own.beacon(tracked, {"event": "x"}, list="forged"),
            own.beacon(tracked, human=True),
            own.beacon(tracked, {"event": "x"}),
            own.beacon(tracked, human=True),
            own.beacon(tracked, {"event": "x"}, list="forged"),
        ]
        assert [answer.status_code for answer in answers] == [422, 200, 200, 429, 429]
