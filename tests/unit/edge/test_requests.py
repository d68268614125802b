"""A request's headers, its body and where it came from."""

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from gateway.edge.requests import client_address, headers_of, is_https, read_body
from gateway.errors import BodyTooLarge, BodyTooSlow, BodyUnreadable, GatewayError, NotJson

PROXIES = ("10.0.0.0/8", "fd00::/8")


def scope(
    *headers: tuple[str, str], peer: str | None = "10.0.0.1", scheme: str = "http"
) -> dict[str, Any]:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    return {"headers": raw, "client": (peer, 5_000) if peer else None, "scheme": scheme}


def address(peer: str | None, *hops: str, trusted: Iterable[str] = PROXIES) -> str:
    request = scope(*(("x-forwarded-for", hop) for hop in hops), peer=peer)
    return client_address(request, headers_of(request), tuple(trusted))


def body_of(*parts: bytes, bytes_max: int = 10, headers: dict[bytes, bytes] | None = None) -> bytes:
    """What is read of a body that arrives in these parts."""
    messages = [
        {"type": "http.request", "body": part, "more_body": number < len(parts)}
        for number, part in enumerate(parts, 1)
    ]

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    return asyncio.run(read_body(headers or {}, receive, bytes_max=bytes_max, timeout_s=5))


class TestBody:
    @pytest.mark.parametrize("parts", [(b"",), (b"hello",), (b"hel", b"", b"lo"), (b"x" * 10,)])
    def test_it_is_read_whole_up_to_the_limit(self, parts: tuple[bytes, ...]) -> None:
        assert body_of(*parts) == b"".join(parts)

    @pytest.mark.parametrize("parts", [(b"x" * 11,), (b"x" * 6, b"x" * 5), (b"x",) * 11])
    def test_one_byte_past_the_limit_is_refused(self, parts: tuple[bytes, ...]) -> None:
        with pytest.raises(BodyTooLarge, match="larger than 10 bytes"):
            body_of(*parts)

    def test_one_that_says_it_is_too_large_is_refused_before_it_is_read(self) -> None:
        with pytest.raises(BodyTooLarge):
            body_of(headers={b"content-length": b"11"})

    def test_an_endless_one_is_not_read_to_its_end(self) -> None:
        """Whatever its Content-Length says."""
        read = 0

        async def receive() -> dict[str, Any]:
            nonlocal read
            read += 1
            return {"type": "http.request", "body": b"x", "more_body": True}

        with pytest.raises(BodyTooLarge):
            asyncio.run(read_body({b"content-length": b"1"}, receive, bytes_max=10, timeout_s=5))
        assert read == 11

    def test_one_that_does_not_arrive_is_not_waited_for(self) -> None:
        async def receive() -> dict[str, Any]:
            return await asyncio.Future()

        with pytest.raises(BodyTooSlow):
            asyncio.run(read_body({}, receive, bytes_max=10, timeout_s=0.01))

    def test_one_that_breaks_off_is_not_taken_for_the_whole(self) -> None:
        """Half a form would be read as a whole one with shorter values."""
        messages = [
            {"type": "http.request", "body": b"event=x", "more_body": True},
            {"type": "http.disconnect"},
        ]

        async def receive() -> dict[str, Any]:
            return messages.pop(0)

        with pytest.raises(NotJson):
            asyncio.run(read_body({}, receive, bytes_max=10, timeout_s=5))

    @pytest.mark.parametrize("encoding", [b"gzip", b"br", b"deflate, gzip"])
    def test_a_compressed_one_is_refused(self, encoding: bytes) -> None:
        with pytest.raises(BodyUnreadable, match="without Content-Encoding"):
            body_of(b"x", headers={b"content-encoding": encoding})
        assert body_of(b"x", headers={b"content-encoding": b"Identity"}) == b"x"

    def test_every_refusal_is_a_4xx(self) -> None:
        refusals: list[type[GatewayError]] = [BodyTooLarge, BodyTooSlow, BodyUnreadable, NotJson]
        assert all(400 <= refusal.status < 500 for refusal in refusals)


class TestClientAddress:
    @pytest.mark.parametrize(
        ("peer", "hops", "expected"),
        [
            ("203.0.113.9", [], "203.0.113.9"),
            ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
            ("10.0.0.1", [], "10.0.0.1"),
            ("10.0.0.1", [""], "10.0.0.1"),
            ("10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", ["203.0.113.9, 10.0.0.2"], "203.0.113.9"),
            ("10.0.0.1", ["1.1.1.1, 203.0.113.9 , 10.0.0.2"], "203.0.113.9"),
            ("10.0.0.1", ["1.1.1.1", "203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("fd00::1", ["2001:db8::7"], "2001:db8::7"),
            (None, ["203.0.113.9"], ""),
        ],
    )
    def test_it_is_the_right_most_hop_no_trusted_proxy_vouches_for(
        self, peer: str | None, hops: list[str], expected: str
    ) -> None:
        """What stands to the left of it anybody could have written."""
        assert address(peer, *hops) == expected

    def test_without_trusted_proxies_the_header_says_nothing(self) -> None:
        assert address("10.0.0.1", "203.0.113.9", trusted=()) == "10.0.0.1"


class TestHttps:
    @pytest.mark.parametrize(
        ("peer", "scheme", "forwarded", "expected"),
        [
            ("203.0.113.9", "https", None, True),
            ("203.0.113.9", "http", None, False),
            ("203.0.113.9", "http", "https", False),
            ("10.0.0.1", "http", "https", True),
            ("10.0.0.1", "https", "http", False),
            ("10.0.0.1", "http", "http, https", True),
            ("10.0.0.1", "http", None, False),
        ],
    )
    def test_a_trusted_proxy_tells_what_the_browser_came_over(
        self, peer: str, scheme: str, forwarded: str | None, expected: bool
    ) -> None:
        given = [("x-forwarded-proto", forwarded)] if forwarded else []
        request = scope(*given, peer=peer, scheme=scheme)
        assert is_https(request, headers_of(request), PROXIES) is expected


def test_repeated_headers_are_joined_where_all_of_them_count() -> None:
    request = scope(("cookie", "a=1"), ("cookie", "b=2"), ("user-agent", "x"), ("user-agent", "y"))
    assert headers_of(request) == {b"cookie": b"a=1; b=2", b"user-agent": b"y"}
