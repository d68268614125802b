"""What tests stand on: a real gateway on a real socket, with a real file, and lists to use."""

import contextlib
import dataclasses
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette

from gateway import clock
from gateway.app import create_app
from gateway.records import accounts, attribution, event_log, keys, lists, quarantine
from gateway.records.attribution import Revenue
from gateway.records.event_log import StoredEvent
from gateway.records.quarantine import Quarantined
from gateway.server import uvicorn_config
from gateway.settings import Limits, Settings, secrets_of
from gateway.signing import Signing
from gateway.store.database import connect, open_database, transaction
from tests import documented

PASSWORD = "correct horse battery"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/120.0.0.0 Safari/537.36"
)


@dataclass(frozen=True)
class Tracked:
    """A list of an account of its own, with what a site and a server need to use it."""

    list_id: int
    account_id: int
    account: str
    api_key: str
    user_tracker_id: str
    list_tracker_id: str


class RunningGateway:
    """A gateway that answers on `url`; `client` speaks to it."""

    def __init__(self, settings: Settings, url: str) -> None:
        self.settings = settings
        self.url = url
        hooks = {"response": [lambda answer: documented.hold(answer, settings)]}
        self.client = httpx.Client(base_url=url, trust_env=False, event_hooks=hooks)
        self._signing = Signing(secrets_of(settings))
        self._made = 0

    def new_list(self, origins: Sequence[str] = ()) -> Tracked:
        """A fresh account with one list and one key."""
        self._made += 1
        email = f"owner{self._made}@example.com"
        with contextlib.closing(open_database(self.settings.db)) as db, transaction(db):
            account = accounts.create(db, email, PASSWORD, clock.now_ms())
            made = lists.create(db, account.id, "A list", origins, clock.now_ms())
            _, key = keys.create(db, account.id, "test", clock.now_ms())
        return Tracked(
            list_id=made.id,
            account_id=account.id,
            account=email,
            api_key=key,
            user_tracker_id=self._signing.user_tracker_id(account.id),
            list_tracker_id=self._signing.list_tracker_id(made.id),
        )

    def set_privacy(self, tracked: Tracked, policy: str) -> None:
        with contextlib.closing(open_database(self.settings.db)) as db, transaction(db):
            found = lists.get(db, tracked.list_id)
            assert found
            lists.change(db, dataclasses.replace(found, privacy=policy))

    def events(self, tracked: Tracked) -> list[StoredEvent]:
        """All events of the list, as they are stored, oldest first."""
        with contextlib.closing(connect(self.settings.db, read_only=True)) as db:
            return list(event_log.each(db, tracked.list_id))

    def quarantined(self, tracked: Tracked) -> list[Quarantined]:
        """What of the list's events was refused and is kept, oldest first."""
        with contextlib.closing(connect(self.settings.db, read_only=True)) as db:
            return list(quarantine.each(db, tracked.list_id))

    def revenue(self, tracked: Tracked) -> list[Revenue]:
        """What the list earned, by campaign."""
        with contextlib.closing(connect(self.settings.db, read_only=True)) as db:
            return attribution.of_list(db, tracked.list_id)

    def call(self, command: str, tracked: Tracked, **parameters: Any) -> httpx.Response:
        """An API call with the list's key and id; `parameters` go over them."""
        body = {"APIKey": tracked.api_key, "ListID": tracked.list_id, **parameters}
        return self.client.post(f"/api/v1/{command}", json=body)

    def beacon(
        self,
        tracked: Tracked,
        *events: dict[str, Any],
        headers: dict[str, str] | None = None,
        client: httpx.Client | None = None,
        **more: Any,
    ) -> httpx.Response:
        """A beacon as the tracker sends it; without `client`, from a browser without cookies."""
        body = {
            "v": 1,
            "user": tracked.user_tracker_id,
            "list": tracked.list_tracker_id,
            "events": list(events),
            **more,
        }
        sent = {"content-type": "text/plain", "user-agent": CHROME, **(headers or {})}
        if client is None:
            self.client.cookies.clear()
        return (client or self.client).post(self.url + "/e", content=json.dumps(body), headers=sent)


Metrics = dict[tuple[str, ...], float]


def metrics(url: str, **headers: str) -> Metrics:
    """What `/metrics` shows: by its name and the values of its labels, such as
    `("gateway_events_total", "tracker", "stored", "")`."""
    answer = httpx.get(f"{url}/metrics", headers=headers, trust_env=False)
    assert answer.status_code == 200, answer.text
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def total(numbers: Metrics, *series: str) -> float:
    """The sum of all numbers whose name and first labels are these."""
    return sum(value for key, value in numbers.items() if key[: len(series)] == series)


@contextlib.contextmanager
def serving(app: Starlette, sock: socket.socket, limits: Limits | None = None) -> Iterator[None]:
    """The application on this socket, in a thread of its own, until the block ends."""
    port = sock.getsockname()[1]
    server = uvicorn.Server(uvicorn_config(app, "127.0.0.1", port, limits=limits))
    started = threading.Event()
    startup = server.startup

    async def announce(sockets: list[socket.socket] | None = None) -> None:
        await startup(sockets)
        started.set()

    server.startup = announce  # type: ignore[method-assign]
    thread = threading.Thread(target=lambda: server.run(sockets=[sock]))
    thread.start()
    try:
        if not started.wait(20):
            raise RuntimeError("the server did not start")
        yield
    finally:
        server.should_exit = True
        thread.join()


def until(condition: Callable[[], Any], *, seconds: float = 30) -> Any:
    """What `condition` answers as soon as it is true; fails when that takes too long."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"still not so after {seconds} s"
        time.sleep(0.01)
    return answer


def free_socket(host: str = "127.0.0.1") -> socket.socket:
    """Bound and listening on a port nobody else has."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((host, 0))
    return sock


@contextlib.contextmanager
def running_gateway(folder: Path, **settings: Any) -> Iterator[RunningGateway]:
    """A gateway with a database in `folder`."""
    sock = free_socket()
    port = sock.getsockname()[1]
    chosen = Settings(db=folder / "gateway.db", port=port, **settings)
    with serving(create_app(chosen), sock, chosen.limits):
        gateway = RunningGateway(chosen, f"http://127.0.0.1:{port}")
        with gateway.client:
            yield gateway


def gateway_environment(**variables: str) -> dict[str, str]:
    """This process's environment for a gateway of its own: no `GATEWAY_*` but these."""
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("GATEWAY_")}
    return inherited | {f"GATEWAY_{name}": text for name, text in variables.items()}


@contextlib.contextmanager
def gateway_process(*arguments: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """`python -m gateway …` as a process of its own, its output as text; killed if it stays."""
    with subprocess.Popen(
        [sys.executable, "-m", "gateway", *arguments],
        env=gateway_environment(**variables),
        cwd=Path(__file__).parent.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_until_it_answers(url: str, process: subprocess.Popen[str]) -> None:
    """Return as soon as `url` answers; fail when the process ends before it does."""

    def answers() -> bool:
        with contextlib.suppress(httpx.TransportError):
            return bool(httpx.get(url, trust_env=False).status_code)
        assert process.poll() is None, f"{url} does not answer: the process has ended"
        return False

    until(answers, seconds=20)


def free_port() -> int:
    """A port nobody has just now."""
    with free_socket() as sock:
        return int(sock.getsockname()[1])
