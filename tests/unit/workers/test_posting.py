"""Posts reach the address that was judged, under the name that was meant, and no other."""

import asyncio
import socket
import ssl
from typing import Any

import pytest
import trustme
from aiohttp.abc import AbstractResolver

from gateway.workers.frames import Answer
from gateway.workers.guard import PRIVATE
from gateway.workers.posting import Post


class Names(AbstractResolver):
    """Every name leads to this machine; who asks, and how often, is kept."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> Any:
        self.asked.append(host)
        return [
            {
                "hostname": host, "host": "127.0.0.1", "port": port, "family": socket.AF_INET,
                "proto": 0, "flags": 0,
            }
        ]  # fmt: skip

    async def close(self) -> None:
        pass


class Server:
    """Speaks TLS under one name; what it was asked for is kept."""

    def __init__(self, name: str) -> None:
        authority = trustme.CA()
        self.client, self._own = ssl.create_default_context(), None
        authority.configure_trust(self.client)
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(self._tls)
        self._tls.sni_callback = lambda _, asked, __: self.named.append(asked)
        self.named: list[str] = []
        self.hosts: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        self.hosts += [line[6:] for line in head.split("\r\n") if line.startswith("host: ")]
        writer.write(b"HTTP/1.1 204 X\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()


async def posted(name: str, allowed: tuple[str, ...], certified: str) -> tuple[Any, Any, Any, int]:
    own, names = Server(certified), Names()
    server = await asyncio.start_server(own.serve, "127.0.0.1", 0, ssl=own._tls)
    port = server.sockets[0].getsockname()[1]
    post = Post(allowed, timeout_s=5, resolver=names, tls=own.client)
    try:
        answer = await post.post(f"https://{name}:{port}/in", {}, b"{}")
    finally:
        await post.close()
        server.close()
        await asyncio.sleep(0)
    return answer, own, names, port


def test_the_address_a_name_leads_to_is_judged_when_it_is_connected_to() -> None:
    """A name that leads to this machine reaches nothing, whatever it led to before: it is asked
    once, and what it said is what is judged."""
    answer, own, names, _ = asyncio.run(posted("hooks.example", (), "hooks.example"))
    assert answer == Answer(None, fault=PRIVATE)
    assert names.asked == ["hooks.example"]
    assert own.named == own.hosts == []


def test_the_name_that_was_meant_is_in_the_certificate_and_in_the_request() -> None:
    allowed = ("hooks.example",)
    answer, own, names, port = asyncio.run(posted("hooks.example", allowed, "hooks.example"))
    assert answer.status == 204
    assert (own.named, own.hosts) == (["hooks.example"], [f"hooks.example:{port}"])
    assert names.asked == ["hooks.example"]


def test_a_certificate_of_another_name_is_none() -> None:
    allowed = ("hooks.example",)
    answer, own, _, _ = asyncio.run(posted("hooks.example", allowed, "other.example"))
    assert "certificate" in answer.fault
    assert own.hosts == []


@pytest.mark.parametrize("host", ["127.0.0.1", "0x7f.1", "[::1]"])
def test_neither_is_an_address_however_it_is_written(host: str) -> None:
    async def answer() -> Answer:
        post = Post((), timeout_s=5)
        try:
            return await post.post(f"https://{host}:1/", {}, b"")
        finally:
            await post.close()

    assert "private" in asyncio.run(answer()).fault
