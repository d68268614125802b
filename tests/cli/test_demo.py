"""`gateway demo` as a process of its own: the gateway and a shop that uses it, in two seconds."""

import contextlib
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support import free_port, gateway_process

pytestmark = pytest.mark.slow

READY_S_MAX = 2.0
SLACK = 3  # a machine that runs other tests at the same time


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the demo keeps what goes when it ends."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


@contextlib.contextmanager
def demo() -> Iterator[tuple[subprocess.Popen[str], str, str, str]]:
    """The process once it is ready, the two addresses, and what it has shown."""
    port, site_port = free_port(), free_port()
    arguments = ("demo", "--port", str(port), "--site-port", str(site_port))
    with gateway_process(*arguments) as process:
        assert process.stdout
        shown = ""
        while "Ctrl-C" not in shown:
            line = process.stdout.readline()
            assert line, f"the demo ended: {shown}"
            shown += line
        yield process, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{site_port}", shown


def test_the_demo_is_ready_at_once_and_its_shop_shows_what_the_gateway_stores() -> None:
    began = time.monotonic()
    with demo() as (_, gateway, shop, shown), httpx.Client(trust_env=False) as client:
        ready_s = time.monotonic() - began
        sys.stdout.write(f"gateway demo was ready in {ready_s:.2f} s\n")
        assert ready_s < READY_S_MAX * SLACK
        assert gateway in shown
        assert shop in shown
        key = re.search(r"gw_[\w-]{43}", shown)
        assert key
        page = client.get(f"{shop}/")
        assert page.status_code == 200
        assert f'src="{gateway}/tracker.' in page.text
        assert key[0] not in page.text
        assert client.get(f"{gateway}/tracker.js").status_code == 200
        call = {"ListID": 1, "Event": "hello"}
        headers = {"authorization": f"Bearer {key[0]}"}
        said = client.post(f"{gateway}/api/v1/event", json=call, headers=headers)
        assert said.json()["status"] == "success"
        with client.stream("GET", f"{shop}/live", timeout=10) as live:
            assert any("hello" in line for line in live.iter_lines())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_stops_both_at_once_and_takes_the_data_along(
    folder: Path, number: signal.Signals
) -> None:
    """Though a page watches the live stream; and it is no failure."""
    with demo() as (process, _, shop, _), httpx.Client(trust_env=False) as client:
        with client.stream("GET", f"{shop}/live", timeout=10) as live:
            assert next(live.iter_lines()).startswith("retry")
            process.send_signal(number)
            output, _ = process.communicate(timeout=5)
        with pytest.raises(httpx.ConnectError):
            client.get(f"{shop}/")
    assert process.returncode == 0
    assert output == ""
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("whose", ["--port", "--site-port"])
def test_a_port_that_is_taken_is_said_and_is_a_failure(whose: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = {"--port": str(free_port()), "--site-port": str(free_port())}
        ports[whose] = str(taken.getsockname()[1])
        with gateway_process("demo", *(part for pair in ports.items() for part in pair)) as own:
            output, _ = own.communicate(timeout=10)
    assert own.returncode == 1
    assert "in use" in output
    assert ports[whose] in output
    assert whose in output
    assert "Traceback" not in output
