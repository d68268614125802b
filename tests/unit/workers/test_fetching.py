"""Pages are fetched from where they may be, and nothing is from anywhere else: not by a redirect,
not by a name that leads inside, however the address is written."""

import asyncio
import contextlib
import gzip
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gateway.workers import fetching
from gateway.workers.fetching import BYTES_MAX, REDIRECTS_MAX, fetch
from gateway.workers.frames import Fetched, Wanted
from gateway.workers.guard import PRIVATE, Guard
from gateway.workers.markup import Markup
from tests.unit.workers.test_posting import Names

HTML = ("text/html",)
Write = Callable[[asyncio.StreamWriter, str], Awaitable[None]]

INSIDE = (
    "http://127.0.0.1:8080/", "http://10.0.0.1/", "http://192.168.1.1/", "http://0.0.0.0/",
    "http://169.254.169.254/latest/meta-data/", "http://[::1]/", "http://[::]/",
    "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/", "http://[fc00::1]/", "http://[fe80::1]/",
)  # fmt: skip
INSIDE_BY_NAME = (
    "http://localhost/", "http://localhost:8080/", "http://0x7f.1/", "http://LOCALHOST/",
)  # fmt: skip
INSIDE_ODDLY = ("http://2130706433/", "http://127.1/", "http://0/", "http://0177.0.0.1/")
NO_PAGES = (
    "file:///etc/passwd", "ftp://shop.example/", "gopher://shop.example/", "javascript:alert(1)",
    "http://user:secret@shop.example/", "http://user@127.0.0.2/", "http://shop.example:22/",
    "http://shop.example:6379/", "https://shop.example:99999/",
)  # fmt: skip


def head(*lines: str, status: str = "200 OK") -> bytes:
    said = (f"HTTP/1.1 {status}", "connection: close", *lines)
    return "\r\n".join((*said, "", "")).encode()


HTML_HEAD = head("content-type: text/html; charset=utf-8")


async def fetched(
    write: Write, *, url: str | None = None, allowed: tuple[str, ...] = ("127.0.0.2",), **more: Any
) -> Fetched:
    """What `fetch` makes of a site on this machine whose host is allowed: of its page /start, or of
    another address. `write` answers for the path it is given."""

    answering: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        answering.add(task)
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
            await write(writer, path)
            await writer.drain()
        writer.transport.abort() if task.cancelling() else writer.close()

    timeout_s = more.pop("timeout_s", 10)
    server = await asyncio.start_server(serve, "127.0.0.2", 0)
    guard = Guard(allowed, timeout_s=timeout_s, **more)
    port = server.sockets[0].getsockname()[1]
    try:
        own = f"http://127.0.0.2:{port}/start"
        wanted = Wanted(own if url is None else url, HTML)
        return await fetch(guard, wanted, timeout_s=timeout_s)
    finally:
        await guard.close()
        server.close()
        for task in answering:
            task.cancel()
        await asyncio.gather(*answering, return_exceptions=True)
        await asyncio.sleep(0.01)


def answering(*pieces: bytes) -> Write:
    async def write(writer: asyncio.StreamWriter, path: str) -> None:
        writer.writelines(pieces)

    return write


def leading_to(target: str) -> Write:
    """Redirects /start, and answers for all else."""

    async def write(writer: asyncio.StreamWriter, path: str) -> None:
        moved = head(f"location: {target}", status="302 Found")
        writer.write(moved if path == "/start" else HTML_HEAD + path.encode())

    return write


def test_a_page_is_read_with_its_headers() -> None:
    """Of a header that is there twice, both."""
    policies = "content-security-policy: a\r\ncontent-security-policy: b"
    site = answering(head("content-type: text/html", policies), "grüß dich".encode())
    found = asyncio.run(fetched(site))
    assert (found.status, found.fault, found.body.decode()) == (200, "", "grüß dich")
    assert found.markup == Markup()
    assert found.all("content-security-policy") == ["a", "b"]


def test_a_packed_page_is_unpacked() -> None:
    """gzip is what is asked for."""
    packed = head("content-type: text/html", "content-encoding: gzip")
    assert asyncio.run(fetched(answering(packed, gzip.compress(b"hello")))).body == b"hello"


@pytest.mark.parametrize("packing", ["br", "deflate", "gzip, gzip"])
def test_one_that_is_packed_otherwise_is_not_read(packing: str) -> None:
    """Nor does it end the process."""
    packed = head("content-type: text/html", f"content-encoding: {packing}")
    assert "can be read" in asyncio.run(fetched(answering(packed, b"x"))).fault


def test_what_claims_to_be_packed_and_is_not_is_a_fault_of_the_page() -> None:
    """Not of ours."""
    packed = head("content-type: text/html", "content-encoding: gzip")
    assert "can be read" in asyncio.run(fetched(answering(packed, b"plain"))).fault


def test_what_is_no_page_is_not_read() -> None:
    """Its type is told."""
    found = asyncio.run(fetched(answering(head("content-type: video/mp4"), b"x" * 1000)))
    assert (found.status, found.type, found.body) == (200, "video/mp4", b"")


def test_a_redirect_is_followed_and_told() -> None:
    """Relative ones too."""
    found = asyncio.run(fetched(leading_to("/shop?a=1")))
    assert found.body == b"/shop?a=1"
    assert found.url.endswith("/shop?a=1")
    assert [url.rpartition("/")[2] for url in found.passed] == ["start"]


def test_redirects_without_end_have_one() -> None:
    """Here, to itself."""
    found = asyncio.run(fetched(leading_to("/start")))
    assert "redirects over" in found.fault
    assert len(found.passed) == REDIRECTS_MAX


@pytest.mark.parametrize("target", [*INSIDE, *INSIDE_BY_NAME, *INSIDE_ODDLY, *NO_PAGES])
def test_a_redirect_leads_to_no_place_that_could_not_be_asked_for(target: str) -> None:
    """From a host that is allowed to one that is not."""
    found = asyncio.run(fetched(leading_to(target)))
    assert found.fault
    assert (found.status, found.body) == (0, b"")


@pytest.mark.parametrize("url", [*INSIDE, *INSIDE_BY_NAME])
def test_nothing_on_the_inside_is_fetched(url: str) -> None:
    """Whatever listens there: no connection is opened."""
    found = asyncio.run(fetched(answering(HTML_HEAD), url=url))
    assert "private" in found.fault
    assert found.status == 0


@pytest.mark.parametrize("url", INSIDE_ODDLY)
def test_nor_is_what_could_be_taken_for_a_place_there(url: str) -> None:
    """Some systems read these as addresses."""
    assert asyncio.run(fetched(answering(HTML_HEAD), url=url)).fault


@pytest.mark.parametrize("url", [*NO_PAGES, "http:///x", "", "x"])
def test_what_is_no_address_of_a_page_is_not_asked(url: str) -> None:
    """Nor is a name looked up for it."""
    names = Names()
    found = asyncio.run(fetched(answering(HTML_HEAD), url=url, resolver=names))
    assert "have to be" in found.fault
    assert names.asked == []


def test_a_name_is_judged_by_what_it_leads_to_and_asked_once() -> None:
    """One that changes its mind between two questions gains nothing: there is one question."""
    names = Names()
    url = "http://shop.example/"
    found = asyncio.run(fetched(answering(HTML_HEAD), url=url, resolver=names))
    assert found.fault == PRIVATE
    assert names.asked == ["shop.example"]


@pytest.mark.parametrize("slow", ["nothing", "headers", "body"])
def test_a_slow_page_is_given_up(slow: str) -> None:
    """It may say nothing, or a little again and again: all of it has one time."""

    async def write(writer: asyncio.StreamWriter, path: str) -> None:
        writer.write({"nothing": b"", "headers": HTML_HEAD[:-2], "body": HTML_HEAD}[slow])
        while slow != "nothing":
            writer.write(b"x: y\r\n")
            await writer.drain()
            await asyncio.sleep(0.02)
        await asyncio.sleep(3)

    assert asyncio.run(fetched(write, timeout_s=0.3)).fault == "no answer in time"


@pytest.mark.parametrize("packed", [False, True])
def test_a_huge_page_is_cut(packed: bool) -> None:
    """One that only becomes huge when it is unpacked, too."""
    body = b"x" * (BYTES_MAX + 50_000)
    said = ["content-type: text/html"] + ["content-encoding: gzip"] * packed
    found = asyncio.run(fetched(answering(head(*said), gzip.compress(body) if packed else body)))
    assert len(found.body) == BYTES_MAX


def test_a_header_that_is_no_text_can_still_be_handed_on() -> None:
    """Between the processes everything is UTF-8."""
    site = answering(head("content-type: text/html")[:-2] + b"x-odd: \xff\xfe\r\n\r\n", b"ok")
    found = asyncio.run(fetched(site))
    assert found.body == b"ok"
    assert fetching.frame(found)
