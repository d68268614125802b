"""A request's headers, its body and where it came from."""

import asyncio
from collections.abc import Iterable
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

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
        """A gateway that stands in the open believes nobody."""
        assert address("10.0.0.1", "203.0.113.9", trusted=()) == "10.0.0.1"

    @pytest.mark.parametrize(
        ("hop", "expected"),
        [
            ("203.0.113.9:51234", "203.0.113.9"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("[2001:db8::7]:443", "2001:db8::7"),
            ('"[2001:DB8:0::7]:443"', "2001:db8::7"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
            ("fe80::7%eth0", "fe80::7"),
        ],
    )
    def test_a_hop_is_read_as_proxies_spell_it(self, hop: str, expected: str) -> None:
        """With ports, in brackets, in quotes, as IPv4 within IPv6: one spelling comes out, so that
        one sender is one sender."""
        assert address("10.0.0.1", hop) == expected
        assert address("10.0.0.1", f"192.0.2.66, {hop}, 10.0.0.2:80") == expected

    @pytest.mark.parametrize(
        "hop",
        ["unknown", "_hidden", "", " ", "203.0.113.999", "203.0.113.9.example", "[2001:db8::7",
         "for=203.0.113.9", "\xff", "1" * 5_000, "2001:db8::7::1", "[]", '"'],
    )  # fmt: skip
    def test_what_is_no_address_ends_at_the_proxy_that_wrote_it(self, hop: str) -> None:
        """Whoever stands to the left of it is not looked at."""
        found = address("10.0.0.1", f"192.0.2.66, {hop}, 10.0.0.2")
        assert found == ("2001:db8::7" if hop == "[2001:db8::7" else "10.0.0.2")

    def test_a_dual_stack_socket_s_ipv4_is_ipv4(self) -> None:
        """Limits and networks are the same however the server listens."""
        assert address("::ffff:203.0.113.9") == "203.0.113.9"
        assert address("::ffff:10.0.0.1", "203.0.113.9") == "203.0.113.9"

    def test_hops_without_end_are_not_followed(self) -> None:
        """A header of trusted addresses is not a way to keep the gateway busy."""
        hops = ", ".join(["203.0.113.9"] + ["10.0.0.2"] * 5_000)
        assert address("10.0.0.1", hops) == "10.0.0.2"

    def test_other_headers_that_name_an_address_say_nothing(self) -> None:
        """No matter whose: a proxy that sets one does not keep out what clients wrote into it."""
        named = [(name, "203.0.113.9") for name in ("forwarded", "x-real-ip", "true-client-ip")]
        request = scope(*named, ("forwarded", "for=203.0.113.9"), peer="10.0.0.1")
        assert client_address(request, headers_of(request), PROXIES) == "10.0.0.1"


HOPS = st.one_of(
    st.ip_addresses().map(str),
    st.ip_addresses(v=4).map(lambda ip: f"{ip}:443"),
    st.ip_addresses(v=6).map(lambda ip: f"[{ip}]:443"),
    st.sampled_from(["10.0.0.2", "fd00::2", "10.1.2.3:80", "unknown", "", "127.0.0.1", "::1"]),
    st.text(st.characters(max_codepoint=255), max_size=30),
)
HEADERS = st.lists(st.lists(HOPS, max_size=25).map(", ".join), max_size=3)
STRANGERS = st.ip_addresses().map(str).filter(lambda ip: not trusted(ip))


def trusted(text: str) -> bool:
    """Said once more in other words than the gateway's, to hold it against."""
    found = ip_address(text)
    mapped = getattr(found, "ipv4_mapped", None)
    found = mapped or found
    return found in (ip_network("10.0.0.0/8") if found.version == 4 else ip_network("fd00::/8"))


class TestClientAddressForAnyHeaders:
    @given(peer=STRANGERS, hops=HEADERS)
    @example(peer="203.0.113.9", hops=["10.0.0.1, 10.0.0.1"])
    def test_of_a_peer_nobody_trusts_it_is_the_peer(self, peer: str, hops: list[str]) -> None:
        """A spoofed X-Forwarded-For from elsewhere changes nothing."""
        assert address(peer, *hops) == address(peer)

    @given(hops=HEADERS, sender=STRANGERS, own=st.lists(st.sampled_from(["10.0.0.2", "fd00::2"])))
    def test_of_a_trusted_proxy_it_is_the_right_most_hop_it_does_not_trust(
        self, hops: list[str], sender: str, own: list[str]
    ) -> None:
        """Whatever stands to the left: what the sender wrote before the first proxy had it."""
        chain = ", ".join([*hops, sender, *own[:15]])
        assert ip_address(address("10.0.0.1", chain)) == ip_address(address(sender))

    @given(hops=HEADERS)
    def test_it_is_an_address_whatever_was_sent(self, hops: list[str]) -> None:
        """So that nothing but addresses reaches limits, keys and the database."""
        ip_address(address("10.0.0.1", *hops))


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
            ("10.0.0.1", "http", "HTTPS", True),
            ("::ffff:10.0.0.1", "http", "https", True),
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
