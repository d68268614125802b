"""Which site a browser's request comes from, and what its cookie may be."""

from typing import Any

import pytest

from gateway.edge.client import client_of
from gateway.edge.sites import Reach, cors_headers, reach, set_cookie, visitor_cookies

GATEWAY = "track.shop.example.com"


def site(origin: str, host: str = GATEWAY, scheme: str = "https") -> Any:
    scope = {"client": ("203.0.113.9", 1), "scheme": scheme, "headers": []}
    return client_of(scope, {b"host": host.encode()}, origin, ()).site


def cookie(origin: str, **request: str) -> str:
    name, value = set_cookie(site(origin, **request), "TOKEN")
    assert name == b"set-cookie"
    return value.decode()


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        ("https://www.example.com", "track.example.com", True),
        ("https://example.com:8443", "track.example.com", True),
        ("https://WWW.Example.COM", "Track.example.com:8000", True),
        ("https://example.org", "track.example.com", False),
        ("https://notexample.com", "track.example.com", False),
        ("https://a.co.uk", "b.co.uk", False),
        ("https://x.a.co.uk", "y.a.co.uk", True),
        ("https://a.github.io", "b.github.io", False),
        ("http://localhost:8001", "localhost:8000", True),
        ("http://127.0.0.1:8001", "127.0.0.1:8000", True),
        ("http://127.0.0.2", "127.0.0.1", False),
        ("http://[::1]:8001", "[::1]:8000", True),
        ("http://other", "localhost", False),
        ("null", "track.example.com", False),
        ("https://[", "track.example.com", False),
        ("", "track.example.com", True),
    ],
)
def test_sites_are_told_apart_by_their_registrable_domain(
    origin: str, host: str, same: bool
) -> None:
    assert site(origin, host).same_site is same


def test_a_cookie_is_believed_on_its_own_site_and_for_allowed_origins_only() -> None:
    assert site("https://www.example.com").trusts_cookies(())
    assert site("https://other.example").trusts_cookies(["https://other.example"])
    assert not site("https://other.example").trusts_cookies(["https://allowed.example"])
    assert not site("null").trusts_cookies(())


@pytest.mark.parametrize(
    ("origin", "request_", "attributes"),
    [
        ("https://www.example.com", {}, "Domain=example.com; SameSite=Lax; Secure"),
        ("https://www.example.com", {"scheme": "http"}, "Domain=example.com; SameSite=Lax"),
        ("http://localhost:1", {"host": "localhost:2", "scheme": "http"}, "SameSite=Lax"),
        ("http://127.0.0.1:1", {"host": "127.0.0.1:2", "scheme": "http"}, "SameSite=Lax"),
        ("https://other.example", {}, "SameSite=None; Secure; Partitioned"),
        ("https://other.example", {"scheme": "http"}, "SameSite=None; Secure; Partitioned"),
    ],
)
def test_the_visitor_cookie_lives_400_days_on_its_site(
    origin: str, request_: dict[str, str], attributes: str
) -> None:
    assert cookie(origin, **request_) == f"octethUUID=TOKEN; Path=/; Max-Age=34560000; {attributes}"


@pytest.mark.parametrize(
    ("header", "tokens"),
    [
        (b"", []),
        (b"octethUUID=a", ["a"]),
        (b"x=1; octethUUID=a; octethUUID=b", ["a", "b"]),
        (b"notoctethUUID=a; octethuuid=b; octethUUIDs=c", []),
        (b"octethUUID=a=b", ["a=b"]),
        (b"octethUUID", [""]),
        (b"octethUUID=\xff", ["ÿ"]),
    ],
)
def test_every_cookie_of_the_name_is_read(header: bytes, tokens: list[str]) -> None:
    """One of another domain may shadow ours."""
    assert visitor_cookies({b"cookie": header}) == tokens


def test_an_answer_may_be_read_by_the_page_that_asked_and_no_other() -> None:
    headers = dict(cors_headers("https://shop.example"))
    assert headers[b"access-control-allow-origin"] == b"https://shop.example"
    assert headers[b"vary"] == b"origin"
    assert cors_headers("") == []


@pytest.mark.parametrize(
    ("base_url", "origin", "expected"),
    [
        ("https://track.shop.example", "https://shop.example", Reach.SAME_SITE),
        ("https://track.shop.example", "http://shop.example", Reach.PARTITIONED),
        ("https://track.example.com", "https://shop.example", Reach.PARTITIONED),
        ("http://track.shop.example", "http://shop.example", Reach.SAME_SITE),
        ("http://track.example.com", "http://shop.example", Reach.PAGE),
        ("http://track.shop.example", "https://shop.example", Reach.BLOCKED),
        ("http://localhost:8000", "https://shop.example", Reach.NOWHERE),
        ("http://[::1]:8000", "https://shop.example", Reach.NOWHERE),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8001", Reach.SAME_SITE),
        ("http://127.0.0.1:8000", "http://localhost:8001", Reach.PARTITIONED),
    ],
)
def test_how_far_the_cookie_reaches_is_what_browsers_make_of_it(
    base_url: str, origin: str, expected: Reach
) -> None:
    assert reach(base_url, origin) is expected


@pytest.mark.parametrize(
    "host",
    ["x; domain=evil.example; path=", "a.example,b.example", "a b.example", "\xff.example"],
)
def test_what_is_no_host_gets_into_no_attribute_of_the_cookie(host: str) -> None:
    """The Host header is the sender's word."""
    assert "Domain" not in cookie("", host=host)
