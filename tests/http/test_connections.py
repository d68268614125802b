"""Who may hold a connection, for how long, and how much a request may bring before it is one."""

import contextlib
import math
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.edge import connections
from gateway.settings import Limits
from tests.support import RunningGateway, running_gateway, until

HEALTH = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
POST = b"POST /e HTTP/1.1\r\nhost: x\r\norigin: https://shop.example\r\ncontent-length: 100\r\n\r\n"

Serve = Callable[..., RunningGateway]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """A gateway with these limits."""
    with contextlib.ExitStack() as stack:
        yield lambda **limits: stack.enter_context(
            running_gateway(tmp_path, limits=Limits(**limits))
        )


class Client:
    """A client that does as it likes, on one connection."""

    def __init__(self, gateway: RunningGateway, *, reads_little: bool = False) -> None:
        self.socket = socket.socket()
        if reads_little:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        self.socket.settimeout(10)
        self.socket.connect(("127.0.0.1", gateway.settings.port))

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def says(self, data: bytes) -> "Client":
        """Whatever comes of it: the gateway may have closed."""
        with contextlib.suppress(ConnectionError):
            self.socket.sendall(data)
        return self

    def hears(self) -> bytes:
        """What comes next; nothing when the gateway has closed."""
        with contextlib.suppress(ConnectionError):
            return self.socket.recv(65_536)
        return b""

    def hears_to_the_end(self) -> bytes:
        """All that comes until the gateway closes."""
        return b"".join(iter(self.hears, b""))

    def is_answered(self) -> bool:
        return self.says(HEALTH).hears().startswith(b"HTTP/1.1 200")


class TestTime:
    def test_headers_that_do_not_come_to_an_end_are_answered_with_408(self, serve: Serve) -> None:
        with Client(serve(headers_timeout_s=0)) as slow:
            said = slow.says(b"GET /healthz HTTP/1.1\r\nhost:").hears_to_the_end()
        assert said.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
        assert b"did not arrive within 0 seconds" in said

    def test_a_connection_that_says_nothing_is_closed(self, serve: Serve) -> None:
        with Client(serve(headers_timeout_s=0)) as silent:
            assert silent.hears_to_the_end() == b""

    def test_one_that_is_not_used_again_is_closed(self, serve: Serve) -> None:
        with Client(serve(idle_timeout_s=0)) as idle:
            said = idle.says(HEALTH).hears_to_the_end()
        assert said.startswith(b"HTTP/1.1 200")

    def test_a_body_has_the_time_of_its_door_however_short_that_of_headers(
        self, serve: Serve
    ) -> None:
        """The sweep that ends slow headers goes over it twice, and the door then answers."""
        gateway = serve(headers_timeout_s=0, idle_timeout_s=0, body_timeout_s=2)
        with Client(gateway) as slow:
            said = slow.says(POST + b"x").hears()
        assert said.startswith(b"HTTP/1.1 408")
        assert b"The body did not arrive" in said

    def test_a_client_that_does_not_read_its_answers_is_closed(
        self, serve: Serve, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(connections, "PIPELINED_MAX", math.inf)
        gateway = serve(idle_timeout_s=0)
        request = b"GET /tracker.js HTTP/1.1\r\nhost: x\r\n\r\n"
        with Client(gateway, reads_little=True) as greedy:
            greedy.socket.setblocking(False)

            def is_closed() -> bool:
                try:
                    greedy.socket.send(request)
                except BlockingIOError:
                    return False
                except ConnectionError:
                    return True
                return False

            until(is_closed)

    def test_the_rest_of_a_body_that_was_refused_does_not_hold_a_connection(
        self, serve: Serve
    ) -> None:
        gateway = serve(headers_timeout_s=0, body_browser_bytes_max=10)
        with Client(gateway) as late:
            said = late.says(POST + b"x").hears()
            assert said.startswith(b"HTTP/1.1 413")
            late.says(b"x")
            assert late.hears_to_the_end() == b""


class TestSize:
    def test_as_many_headers_as_may_be_and_one_more(self, serve: Serve) -> None:
        gateway = serve(headers_max=3)
        for more, status in ((2, b"200"), (3, b"431")):
            lines = b"".join(b"x%d: y\r\n" % number for number in range(more))
            with Client(gateway) as client:
                client.says(HEALTH.replace(b"\r\n\r\n", b"\r\n" + lines + b"\r\n"))
                assert client.hears().startswith(b"HTTP/1.1 " + status)

    def test_headers_without_an_end_are_answered_with_431(self, serve: Serve) -> None:
        with Client(serve(headers_bytes_max=1_000)) as client:
            said = client.says(b"GET /" + b"x" * 5_000).hears_to_the_end()
        assert said.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
        assert b"send at most 100 headers and 1000 bytes" in said

    def test_what_comes_after_a_body_has_an_end_too(self, serve: Serve) -> None:
        """Trailers without one: nobody reads them, and memory would be theirs."""
        gateway = serve(headers_bytes_max=1_000, body_server_bytes_max=1_000)
        with Client(gateway) as client:
            client.says(b"POST /e HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
            client.says(b"0\r\nx: " + b"y" * 1_000_000)
            assert client.hears_to_the_end() == b""

    def test_requests_under_way_share_their_memory_and_the_oldest_goes_first(
        self, serve: Serve
    ) -> None:
        gateway = serve(unfinished_bytes_max=1_000)
        with Client(gateway) as first, Client(gateway) as second:
            head = POST.replace(b"100", b"900")
            first.says(head + b"x" * 500)
            second.says(head)
            for _ in range(4):
                second.says(b"x" * 200)
            assert first.hears_to_the_end() == b""
            assert second.says(b"x" * 100).hears().startswith(b"HTTP/1.1 400")

    def test_so_many_requests_may_follow_each_other_without_waiting_and_no_more(
        self, serve: Serve
    ) -> None:
        gateway = serve()
        for count, answers in ((20, 20), (1_000, 0)):
            with Client(gateway) as hasty:
                hasty.says(HEALTH * count + b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n")
                said = hasty.hears_to_the_end()
            assert said.count(b"HTTP/1.1 200") == answers


class TestNumber:
    def test_a_new_connection_takes_the_place_of_the_one_that_waits_longest(
        self, serve: Serve
    ) -> None:
        gateway = serve(connections_max=2)
        with Client(gateway) as first, Client(gateway) as second:
            assert second.is_answered()
            assert first.is_answered()  # and so waits for less long
            with Client(gateway) as third:
                assert third.is_answered()
                assert second.hears_to_the_end() == b""
                assert first.is_answered()

    def test_one_that_sends_half_a_request_is_no_better_than_one_that_sends_none(
        self, serve: Serve
    ) -> None:
        gateway = serve(connections_max=2)
        with Client(gateway) as slow, Client(gateway) as slower:
            slow.says(POST + b"x")
            slower.says(POST[:10])
            for _ in range(2):
                with Client(gateway) as good:
                    assert good.is_answered()
            assert slow.hears_to_the_end() == b""

    def test_where_all_are_in_work_a_new_connection_is_told_so(self, serve: Serve) -> None:
        gateway = serve(connections_max=1)
        with in_work(gateway), Client(gateway) as late:
            said = late.hears_to_the_end()
        assert said.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        assert b"retry-after: 1" in said


class TestRequestsInWork:
    def test_one_too_many_is_answered_with_503_before_its_body_is_there(self, serve: Serve) -> None:
        """With what a page needs to read it, and to know when to come again; then all is well."""
        gateway = serve(requests_max=1)
        with Client(gateway) as late:
            with in_work(gateway):
                said = late.says(POST).hears()
            assert said.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
            assert b"retry-after: 1\r\n" in said
            assert b"access-control-allow-origin: https://shop.example\r\n" in said
            assert b'"ErrorCode":503' in said
            late.says(b"x" * 100)
            until(lambda: late.says(POST + b"x" * 100).hears().startswith(b"HTTP/1.1 400"))

    def test_whether_it_is_alive_and_ready_is_answered_however_busy_it_is(
        self, serve: Serve
    ) -> None:
        gateway = serve(requests_max=1)
        with in_work(gateway), Client(gateway) as asking:
            assert asking.is_answered()
            said = asking.says(HEALTH.replace(b"healthz", b"readyz")).hears()
            assert said.startswith(b"HTTP/1.1 200")

    def test_those_that_wait_for_the_rest_of_their_bodies_are_not_in_work(
        self, serve: Serve
    ) -> None:
        gateway = serve(requests_max=1)
        with Client(gateway) as slow, Client(gateway) as good:
            slow.says(POST + b"x")
            for _ in range(3):
                assert good.says(POST + b"x" * 100).hears().startswith(b"HTTP/1.1 400")


@contextlib.contextmanager
def in_work(gateway: RunningGateway) -> Iterator[None]:
    """A request that is answered, but never to its end, until the block ends."""
    tracked = gateway.new_list()
    path = f"/api/v1/event.stream?ListID={tracked.list_id}&APIKey={tracked.api_key}"
    with Client(gateway) as stream:
        said = stream.says(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode()).hears()
        assert said.startswith(b"HTTP/1.1 200")
        yield
