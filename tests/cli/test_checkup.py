"""What `gateway doctor` makes of the facts: when all is well, when it warns, what is a problem."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import checkup
from gateway.cli.checkup import MIB, Finding, Status
from gateway.edge.seen import NOBODYS_ADDRESS, Seen
from gateway.records.lists import SubscriberList
from gateway.settings import Limits, Settings, shown
from gateway.store.migrations import Standing

OK, WARNING, PROBLEM = Status.OK, Status.WARNING, Status.PROBLEM
NOW_MS = 1_760_000_000_000
LIST = SubscriberList(1, 1, "Shop", (), 0, None, "USD", "create", "", {}, "ignore", "UTC")


def seen(**facts: Any) -> Seen:
    """A visitor's request through a trusted proxy over https, as it should be."""
    usual = {
        "address": "203.0.113.9", "peer": "10.0.0.1", "trusted": True, "forwarded": True,
        "https": True, "host": "track.example.com", "open_files_max": 65_536,
        "settings": {"trusted_proxies": "10.0.0.0/8"},
    }  # fmt: skip
    return Seen(**(usual | facts))


def assert_is(finding: Finding, status: Status, *words: str) -> None:
    """What is not ok says what to do."""
    assert finding.status is status, finding
    assert bool(finding.todo) is (status is not OK)
    for word in words:
        assert word in f"{finding.said} {finding.todo}"


@pytest.mark.parametrize(
    ("standing", "status"),
    [
        (Standing(["0001_a", "0002_b"], [], []), OK),
        (Standing(["0001_a"], ["0002_b"], []), WARNING),
        (Standing([], ["0001_a"], []), WARNING),
        (Standing(["0001_a", "9999_z"], [], ["9999_z"]), PROBLEM),
    ],
)
def test_the_schema_is_this_code_s_or_will_be_or_is_a_newer_gateway_s(
    standing: Standing, status: Status
) -> None:
    assert_is(checkup.schema(standing), status)


def test_a_damaged_file_is_a_problem() -> None:
    assert_is(checkup.integrity(["ok"]), OK)
    assert_is(checkup.integrity(["row 3 missing from index"]), PROBLEM, "row 3", "backup")


@pytest.mark.parametrize(
    ("wal_bytes", "mode", "status"),
    [(4 * MIB, "wal", OK), (65 * MIB, "wal", WARNING), (0, "delete", WARNING)],
)
def test_a_log_that_is_never_emptied_is_told(wal_bytes: int, mode: str, status: Status) -> None:
    assert_is(checkup.files(10 * MIB, wal_bytes, mode), status, "10.0 MiB")


@pytest.mark.parametrize(("mib", "status"), [(100_000, OK), (1_000, WARNING), (100, PROBLEM)])
def test_the_disk_is_told_before_it_is_full(mib: int, status: Status) -> None:
    assert_is(checkup.disk(mib * MIB), status)


@pytest.mark.parametrize(
    ("secrets", "mode", "status"),
    [
        (["x" * 43], 0o100600, OK),
        (["x" * 43, "y" * 43], 0o100400, OK),
        (["x" * 20], 0o100600, WARNING),
        (["x" * 43, "y" * 20], 0o100600, WARNING),
        (["x" * 15], 0o100600, PROBLEM),
        (["x" * 43], 0o100640, PROBLEM),
        (["x" * 43], 0o100604, PROBLEM),
    ],
)
def test_a_secret_is_long_and_read_by_its_owner_only(
    secrets: list[str], mode: int, status: Status
) -> None:
    finding = checkup.secret_in_file(secrets, Path("gateway.db.secret"), mode)
    assert_is(finding, status, "gateway.db.secret" if status is OK else "")
    assert not any(secret in f"{finding.said} {finding.todo}" for secret in secrets)


def test_how_many_secrets_there_are_is_said_and_where_they_come_from() -> None:
    assert_is(checkup.secret_setting(["x" * 43, "y" * 43]), OK, "2 secrets", "GATEWAY_SECRET")
    assert_is(checkup.secret_missing(Path("gateway.db.secret")), WARNING, "gateway serve")


def test_rate_limits_that_are_off_are_told() -> None:
    assert_is(checkup.rate_limits(Settings()), OK, "on")
    assert_is(checkup.rate_limits(Settings(rate_limits=False)), WARNING, "GATEWAY_RATE_LIMITS")
    off = Settings(limits=Limits(wrong_keys_per_minute=0))
    assert_is(checkup.rate_limits(off), WARNING, "GATEWAY_WRONG_KEYS_PER_MINUTE")
    assert_is(checkup.rate_limits(Settings(workers=4)), OK, "4 workers")


@pytest.mark.parametrize(("most", "status"), [(65_536, OK), (-1, OK), (None, OK), (1_024, WARNING)])
def test_few_open_files_are_few_connections(most: int | None, status: Status) -> None:
    assert_is(checkup.open_files(most, "this shell"), status)


def test_an_sqlite_too_old_for_the_schema_is_a_problem() -> None:
    assert_is(checkup.sqlite("3.37.0"), OK)
    assert_is(checkup.sqlite("3.9.1"), PROBLEM)


def test_an_event_received_in_the_future_says_the_clock_went_back() -> None:
    assert_is(checkup.clock_now(NOW_MS, None), OK, "2025-10-09T08:53:20Z")
    assert_is(checkup.clock_now(NOW_MS, NOW_MS + 1_000), OK)
    assert_is(checkup.clock_now(NOW_MS, NOW_MS + 7_200_000), PROBLEM, "2 hours")


# -- the way to the gateway -------------------------------------------------------------------


CLAIMED = seen(address=NOBODYS_ADDRESS)


@pytest.mark.parametrize(
    ("plain", "claiming", "status", "word"),
    [
        (seen(), seen(), OK, "claims change nothing"),
        (seen(), CLAIMED, PROBLEM, "X-Forwarded-For"),
        (seen(trusted=False), seen(), PROBLEM, "GATEWAY_TRUSTED_PROXIES=10.0.0.1"),
        (seen(address="10.0.0.1"), CLAIMED, WARNING, "itself a trusted proxy"),
        (seen(forwarded=False), CLAIMED, WARNING, "GATEWAY_PUBLIC_URL"),
        (seen(forwarded=False, settings={}), seen(), OK, "no proxy"),
    ],
)
def test_where_visitors_come_from_is_a_trusted_proxy_s_word_and_nobody_else_s(
    plain: Seen, claiming: Seen, status: Status, word: str
) -> None:
    assert_is(checkup.addresses(plain, claiming), status, word)


@pytest.mark.parametrize(
    ("base_url", "facts", "status", "word"),
    [
        ("https://track.example.com", {}, OK, "https"),
        ("https://track.example.com:8443", {"host": "Track.example.com:8443"}, OK, ""),
        ("https://track.example.com", {"https": False}, PROBLEM, "X-Forwarded-Proto"),
        ("https://track.example.com", {"host": "127.0.0.1:8000"}, PROBLEM, "Host $host"),
        ("https://track.example.com", {"host": ""}, PROBLEM, "nobody"),
        ("http://track.example.com", {"https": False}, WARNING, "certificate"),
        ("http://127.0.0.1:8000", {"https": False, "host": "127.0.0.1:8000"}, OK, "http"),
    ],
)
def test_https_and_the_host_arrive_as_visitors_used_them(
    base_url: str, facts: dict[str, Any], status: Status, word: str
) -> None:
    """Or the cookie is not Secure, or is set for another site."""
    assert_is(checkup.scheme(base_url, seen(**facts)), status, word)


def test_a_gateway_that_runs_with_other_settings_is_told_and_which() -> None:
    ours = Settings(trusted_proxies=("10.0.0.0/8",), port=8_000)
    same = shown(dataclasses.replace(ours, port=9_000, workers=4))
    assert_is(checkup.running(ours, seen(settings=same)), OK)
    other = shown(dataclasses.replace(ours, trusted_proxies=(), db=Path("other.db")))
    finding = checkup.running(ours, seen(settings=other))
    assert_is(finding, WARNING, "GATEWAY_DB, GATEWAY_TRUSTED_PROXIES")


@pytest.mark.parametrize(("status", "word"), [(401, "secret"), (301, "redirects"), (502, "502")])
def test_whatever_else_answers_is_a_problem(status: int, word: str) -> None:
    assert_is(checkup.answered_wrongly("https://track.example.com", status), PROBLEM, word)


# -- lists ------------------------------------------------------------------------------------


def test_when_the_last_event_came_is_said_of_each_list() -> None:
    assert_is(checkup.list_events(LIST, NOW_MS - 185_000, NOW_MS), OK, "Shop", "3 minutes ago")
    assert_is(checkup.list_events(LIST, NOW_MS + 5, NOW_MS), OK, "a moment ago")
    assert_is(checkup.list_events(LIST, None, NOW_MS), WARNING, "gateway list show 1")


@pytest.mark.parametrize(
    ("base_url", "origin", "status"),
    [
        ("https://track.shop.example", "https://www.shop.example", OK),
        ("https://track.example.com", "https://shop.example", OK),
        ("https://track.shop.example", "http://www.shop.example", OK),
        ("http://track.shop.example", "http://shop.example", OK),
        ("http://track.example.com", "http://shop.example", WARNING),
        ("http://127.0.0.1:8000", "https://shop.example", WARNING),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8001", OK),
        ("http://track.shop.example", "https://shop.example", PROBLEM),
    ],
)
def test_how_far_the_cookie_reaches_is_said_of_each_allowed_origin(
    base_url: str, origin: str, status: Status
) -> None:
    found = dataclasses.replace(LIST, allowed_origins=(origin, origin))
    findings = list(checkup.list_cookies(found, base_url))
    assert len(findings) == 2
    assert_is(findings[0], status, origin)


def test_a_list_without_origins_is_told_what_that_costs() -> None:
    [finding] = checkup.list_cookies(LIST, "https://track.example.com")
    assert_is(finding, WARNING, "gateway list set 1 --origin")


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1_023, "1023 B"), (1_024, "1.0 KiB"), (5 * MIB, "5.0 MiB"),
     (3 * 1024 * MIB, "3.0 GiB"), (2**52, "4096.0 TiB")],
)  # fmt: skip
def test_sizes_are_short(count: int, text: str) -> None:
    assert checkup.size(count) == text
