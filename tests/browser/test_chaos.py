"""Chaos: a browser that wanders, tabs that close, a network and a gateway that come and go.

At the end every event that the tracker made is stored, once, and the share that made it is
printed. `CHAOS_STEPS=2000 python -m pytest -s tests/browser/test_chaos.py` goes on for longer,
`CHAOS_SEED` repeats a run.
"""

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from gateway import clock
from gateway.edge.tracker import snippet
from gateway.records import accounts, event_log, ledger, lists
from gateway.settings import Settings, secrets_of
from gateway.signing import Signing
from gateway.store.database import connect, open_database, transaction
from tests.support import free_socket, serving, until

STEPS = int(os.environ.get("CHAOS_STEPS", "60"))
SEED = int(os.environ.get("CHAOS_SEED", "0")) or random.randrange(1, 10**6)


class Gateway:
    """A gateway in a process of its own, which can be killed."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        settings = self.settings
        environment = os.environ | {
            "GATEWAY_DB": str(settings.db),
            "GATEWAY_PORT": str(settings.port),
            "GATEWAY_RATE_LIMITS": "off",
            "GATEWAY_LOG_LEVEL": "error",
        }
        command = [sys.executable, "-m", "gateway", "serve"]
        self._process = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until(self._answers, seconds=30)

    def kill(self) -> None:
        """Without a warning."""
        if self._process:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{self.settings.base_url}/healthz", trust_env=False).is_success
        return False


class Front:
    """A proxy before the gateway, as sites have: it answers 5xx when the gateway is not there, and
    when it feels like it."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.moody = False

    async def pass_on(self, request: Request) -> Response:
        cors = {
            "access-control-allow-origin": request.headers.get("origin", "*"),
            "access-control-allow-credentials": "true",
        }
        if self.moody and request.method == "POST":
            return Response("", 502, cors)
        body = await request.body()
        kept = {"cookie", "origin", "user-agent", "content-type"}
        headers = {name: text for name, text in request.headers.items() if name in kept}
        try:
            async with httpx.AsyncClient(trust_env=False) as client:
                answer = await client.request(
                    request.method,
                    f"{self.upstream}{request.url.path}",
                    content=body,
                    headers=headers,
                    params=request.query_params,
                )
        except httpx.TransportError:
            return Response("", 503, cors)
        passed = Response(answer.content, answer.status_code)
        for name, text in answer.headers.multi_items():
            if name.startswith("access-control") or name in ("set-cookie", "content-type"):
                passed.headers.append(name, text)
        return passed


@pytest.fixture
def world(tmp_path: Path) -> Iterator[tuple[Gateway, Front, str, int]]:
    """A gateway, what stands before it, the address of a site and the id of its list."""
    with contextlib.ExitStack() as stack:
        behind, before, shop = free_socket(), free_socket(), free_socket()
        ports = [sock.getsockname()[1] for sock in (behind, before, shop)]
        behind.close()
        public = f"http://127.0.0.1:{ports[1]}"
        site = f"http://127.0.0.1:{ports[2]}"
        settings = Settings(db=tmp_path / "chaos.db", port=ports[0])
        signing = Signing(secrets_of(settings))
        with contextlib.closing(open_database(settings.db)) as db, transaction(db):
            account = accounts.create(db, "chaos@example.com", "password", clock.now_ms())
            made = lists.create(db, account.id, "Chaos", [site], clock.now_ms())
        seen_outside = Settings(db=settings.db, port=ports[0], public_url=public)
        html = snippet(
            seen_outside, signing.user_tracker_id(account.id), signing.list_tracker_id(made.id)
        )
        # The script itself comes from the shop: what is tested is what happens once it runs.
        front = Front(settings.base_url)
        gateway = Gateway(settings)
        gateway.start()
        stack.callback(gateway.kill)
        source = html.split('src="')[1].split('"')[0].replace(public, settings.base_url)
        script = httpx.get(source, trust_env=False)

        async def page(request: Request) -> Response:
            if request.url.path.startswith("/tracker"):
                return Response(script.content, media_type="text/javascript")
            tag = html.replace(f'src="{public}', f'data-beacon="{public}/e" src="{site}')
            return HTMLResponse(f"<!doctype html><html><head>{tag}</head><body>Hi</body></html>")

        methods = ["GET", "POST", "OPTIONS"]
        proxy = Starlette(routes=[Route("/{path:path}", front.pass_on, methods=methods)])
        stack.enter_context(serving(proxy, before))
        stack.enter_context(serving(Starlette(routes=[Route("/{path:path}", page)]), shop))
        yield gateway, front, site, made.id


class Visitor:
    """A browser with some tabs, who remembers every event there was."""

    def __init__(self, context: BrowserContext, site: str, dice: random.Random) -> None:
        self._context = context
        self._site = site
        self._dice = dice
        self._tabs: list[Page] = []
        self._count = 0
        self.made: set[str] = set()

    def open(self) -> None:
        tab = self._context.new_page()
        self._tabs.append(tab)
        self.visit(tab)

    def visit(self, tab: Page | None = None) -> None:
        tab = tab or self._dice.choice(self._tabs)
        self._count += 1
        name = f"view{self._count}"
        tab.goto(f"{self._site}/{name}")
        tab.wait_for_function("window.oct && !!oct.uuid")
        self.made.add(f"/{name}")

    def say(self) -> None:
        tab = self._dice.choice(self._tabs)
        for _ in range(self._dice.randint(1, 4)):
            self._count += 1
            name = f"event{self._count}"
            tab.evaluate(f"oct.eventT('{name}')")
            self.made.add(name)

    def close(self) -> None:
        if len(self._tabs) > 1:
            self._tabs.pop(self._dice.randrange(len(self._tabs))).close()

    def go_on_until(self, condition: Callable[[], bool]) -> None:
        """Come back now and then, as a visitor does, until nothing waits any more."""
        for tab in self._tabs:
            tab.close()
        self._tabs = []
        deadline = time.monotonic() + 30
        while not condition() and time.monotonic() < deadline:
            self.open()
            self._tabs[-1].wait_for_timeout(500)


def test_every_event_is_stored_once_whatever_happens_on_the_way(
    world: tuple[Gateway, Front, str, int], browser: Browser, capsys: pytest.CaptureFixture[str]
):
    gateway, front, site, list_id = world
    dice = random.Random(SEED)
    context = browser.new_context()
    visitor = Visitor(context, site, dice)
    visitor.open()
    offline = down = False
    for _ in range(STEPS):
        step = dice.choices(
            ["visit", "say", "open", "close", "moody", "offline", "kill"], [6, 8, 2, 2, 2, 2, 1]
        )[0]
        if step == "moody":
            front.moody = not front.moody
        elif step == "offline":
            offline = not offline
            front.upstream = "http://127.0.0.1:9" if offline else gateway.settings.base_url
        elif step == "kill":
            gateway.kill() if not down else gateway.start()
            down = not down
        else:
            getattr(visitor, step)()
    front.moody = False
    front.upstream = gateway.settings.base_url
    if down:
        gateway.start()

    def arrived() -> list[str]:
        with contextlib.closing(connect(gateway.settings.db, read_only=True)) as db:
            events = list(event_log.each(db, list_id))
        return [
            event.properties["$pathname"] if event.event == "pageView" else event.event
            for event in events
        ]

    visitor.go_on_until(lambda: visitor.made <= set(arrived()))
    found = arrived()
    share = len(visitor.made & set(found)) / len(visitor.made)
    with capsys.disabled():
        print(f"\nchaos seed {SEED}: {share:.2%} of {len(visitor.made)} events made it")  # noqa: T201
    assert share == 1, visitor.made - set(found)
    assert len(found) == len(set(found))
    with contextlib.closing(sqlite3.connect(gateway.settings.db)) as db:
        db.row_factory = sqlite3.Row
        assert (
            sum(row.missing for row in ledger.loss(db, list_id=list_id, since_ms=0, now_ms=0)) == 0
        )
    context.close()
