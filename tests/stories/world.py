"""What a story happens in: a gateway in processes of its own, which may be killed, and at its end
the reckoning of what was acknowledged against what is stored."""

import contextlib
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from gateway import clock
from gateway.records import accounts, event_log, keys, lists
from gateway.settings import Settings, secrets_of
from gateway.signing import Signing
from gateway.store.database import connect, open_database, transaction
from tests.stories.client import Load
from tests.support import Tracked, free_port, gateway_environment, running_gateway, until

ROOT = Path(__file__).parent.parent.parent


class Gateway:
    """`gateway serve` on a port and a file of its own; it says what it has to say in `log`."""

    def __init__(self, folder: Path, **variables: object) -> None:
        self.db = folder / "gateway.db"
        self.port = free_port()
        self.log = folder / "log"
        self._variables = {name.upper(): str(value) for name, value in variables.items()}
        self.process: subprocess.Popen[bytes] | None = None
        self.tracked = self._a_list()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns once it answers."""
        self.launch()
        until(self.answers, seconds=60)

    def launch(self) -> subprocess.Popen[bytes]:
        environment = gateway_environment(
            DB=str(self.db), PORT=str(self.port), RATE_LIMITS="off", **self._variables
        )
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gateway", "serve"],
                env=environment,
                cwd=ROOT,
                stdout=log,
                stderr=log,
                start_new_session=True,  # so that all of it can be killed at once
            )
        return self.process

    def answers(self, path: str = "/healthz") -> bool:
        assert self.process, "not started"
        assert self.process.poll() is None, self.log.read_text()
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(self.url + path, trust_env=False, timeout=10).is_success
        return False

    def kill(self) -> None:
        """Without a warning, the whole of it."""
        if self.process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def workers(self) -> list[int]:
        """The processes that serve, where there are several; the one that does, where not."""
        assert self.process
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        children = [int(pid) for task in tasks for pid in task.read_text().split()]
        serving = [pid for pid in children if b"spawn_main" in _command(pid)]
        return serving or [self.process.pid]

    def memory_mib(self) -> float:
        """Of all that serves, what is resident."""
        kib = 0
        for pid in self.workers():
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
            kib += int(next(line for line in lines if line.startswith("VmRSS")).split()[1])
        return kib / 1024

    def _a_list(self) -> Tracked:
        """An account, a list and a key, as `gateway init` makes them."""
        signing = Signing(secrets_of(Settings(db=self.db)))
        now_ms = clock.now_ms()
        with contextlib.closing(open_database(self.db)) as db, transaction(db):
            account = accounts.create(db, "story@example.com", "a password", now_ms)
            made = lists.create(db, account.id, "Story", [], now_ms)
            _, key = keys.create(db, account.id, "story", now_ms)
        return Tracked(
            list_id=made.id,
            account_id=account.id,
            account=account.email,
            api_key=key,
            user_tracker_id=signing.user_tracker_id(account.id),
            list_tracker_id=signing.list_tracker_id(made.id),
        )


@contextlib.contextmanager
def gateway_in(folder: Path, **variables: object) -> Iterator[Gateway]:
    """A gateway that answers, and is gone when the block ends."""
    gateway = Gateway(folder, **variables)
    try:
        gateway.start()
        yield gateway
    finally:
        gateway.kill()


@dataclass(frozen=True)
class GatewayWithin:
    """One in this process, whose clock and threads can be got at."""

    db: Path
    port: int
    tracked: Tracked


@contextlib.contextmanager
def gateway_within(folder: Path) -> Iterator[GatewayWithin]:
    with running_gateway(folder, rate_limits=False) as running:
        yield GatewayWithin(running.settings.db, running.settings.port, running.new_list())


@dataclass(frozen=True)
class Reckoning:
    """What a story comes to. A stored event that nobody was told of is no loss and no fault: its
    answer did not arrive, or its sender was not done with it."""

    acknowledged: int
    stored: int
    lost: int
    twice: int
    integrity: str
    received: int
    ended: int

    @property
    def is_clean(self) -> bool:
        kept = self.lost == 0 and self.twice == 0 and self.integrity == "ok"
        return kept and 0 < self.received == self.ended

    def __str__(self) -> str:
        return (
            f"{self.acknowledged:,} events acknowledged, {self.stored:,} stored, "
            f"{self.lost} lost, {self.twice} twice, integrity_check: {self.integrity}; "
            f"ledger since the last start: {self.received:,} received, {self.ended:,} ended"
        )


def reckon(gateway: Gateway | GatewayWithin, load: Load) -> Reckoning:
    """At the end of every story, with the gateway still there and nothing under way."""
    with contextlib.closing(connect(gateway.db, read_only=True)) as db:
        rows = event_log.each(db, gateway.tracked.list_id)
        stored = Counter(str(event.properties["n"]) for event in rows)
        [integrity] = db.execute("pragma integrity_check").fetchone()
    # What another worker has counted is seen up to a second later.
    received, ended = until(lambda: any(ledger := _ledger(gateway)) and ledger)
    return Reckoning(
        acknowledged=len(load.acknowledged),
        stored=stored.total(),
        lost=len(load.acknowledged - stored.keys()),
        twice=sum(count - 1 for count in stored.values()),
        integrity=integrity,
        received=received,
        ended=ended,
    )


def _ledger(gateway: Gateway | GatewayWithin) -> tuple[int, int]:
    """Of all processes: how many events their doors took, and how many ended, however they did."""
    shown = httpx.get(f"http://127.0.0.1:{gateway.port}/metrics", trust_env=False, timeout=30)
    totals: Counter[str] = Counter()
    for family in text_string_to_metric_families(shown.raise_for_status().text):
        totals[family.name] = int(sum(sample.value for sample in family.samples))
    return totals["gateway_events_received"], totals["gateway_events"]


def _command(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""
