"""`gateway demo`: the gateway on one port, the sample shop on another, in one process.

The shop is a site like any other: its pages carry the snippet, its beacons are cross-origin.
Its server adds three things: it puts the snippet in where a page says `<!-- gateway:snippet -->`,
it passes the gateway's live stream on to the page, so that no API key reaches a browser, and it
receives what the demo's one journey posts when an order was placed.
"""

import asyncio
import dataclasses
import socket
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import aiohttp
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from gateway import clock, sample_history
from gateway.app import create_app
from gateway.edge.scripts import static_folder
from gateway.edge.tracker import snippet
from gateway.events.vocabulary import Kind
from gateway.receiver import Arrived, Receiver
from gateway.records import accounts, journeys, keys, lists, webhooks
from gateway.records.journeys import Journey
from gateway.records.webhooks import SIGNATURE_HEADER, Webhook
from gateway.server import Server, uvicorn_config
from gateway.settings import Settings, secrets_of
from gateway.signing import Signing
from gateway.store.database import open_database, transaction

ACCOUNT = "demo@shop.example"
PASSWORD = "demo-password"  # of an account on this machine that holds sample data only
LIST = "Sample shop"
PAST = "Thirty days of a shop"
NOTE = "demo"
JOURNEY = "Thank for the order"
THANKS = "Thank %Subscriber:EmailAddress% for %Event:conversion-name% (%Event:conversion-value%)."
HOOK_PATH = "/hooks/orders"
MARKER = "<!-- gateway:snippet -->"


@dataclass(frozen=True, slots=True)
class Demo:
    """What a demo is made of. `api_key` is new at every start."""

    gateway_url: str
    shop_url: str
    account: str
    password: str
    api_key: str
    list_id: int
    user_tracker_id: str
    list_tracker_id: str
    snippet: str
    webhook_secret: str = dataclasses.field(repr=False)


def seed(settings: Settings, site_port: int) -> Demo:
    """The account, list and key of the demo, made or found again."""
    shop_url = f"http://{settings.host}:{site_port}"
    signing = Signing(secrets_of(settings))
    db = open_database(settings.db)
    try:
        with transaction(db):
            account_id, list_id, key = _seed_rows(db, shop_url)
            secret = _seed_journey(db, account_id, list_id, shop_url)
            _seed_past(db, account_id)
    finally:
        db.close()
    user_tracker_id = signing.user_tracker_id(account_id)
    list_tracker_id = signing.list_tracker_id(list_id)
    return Demo(
        gateway_url=settings.base_url,
        shop_url=shop_url,
        account=ACCOUNT,
        password=PASSWORD,
        api_key=key,
        list_id=list_id,
        user_tracker_id=user_tracker_id,
        list_tracker_id=list_tracker_id,
        snippet=snippet(settings, user_tracker_id, list_tracker_id),
        webhook_secret=secret,
    )


def run(
    settings: Settings,
    demo: Demo,
    site_port: int,
    ready: Callable[[], None],
    arrived: Callable[[Arrived], None],
) -> None:
    """Serve both until told to stop; `ready` is called once both answer, `arrived` with each
    webhook."""
    allowed = (*settings.webhook_hosts_allowed, settings.host)
    settings = dataclasses.replace(settings, webhook_hosts_allowed=allowed)
    gateway = _Announcing(uvicorn_config(create_app(settings), settings.host, settings.port))
    shop = _Quiet(uvicorn_config(create_shop(demo, arrived), settings.host, site_port))
    asyncio.run(_serve_both(gateway, shop, ready))


def create_shop(demo: Demo, arrived: Callable[[Arrived], None]) -> Starlette:
    """The shop's web server."""
    folder = static_folder("sample_site")

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        endless = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(timeout=endless) as client:
            app.state.client = client
            yield

    async def page(request: Request) -> Response:
        name = request.path_params.get("page", "index")
        path = folder / f"{name}.html"
        if not name.replace("-", "").isalnum() or not path.is_file():
            raise HTTPException(404)
        html = path.read_text().replace(MARKER, demo.snippet)
        return HTMLResponse(html, headers={"cache-control": "no-store"})

    async def live(request: Request) -> Response:
        return await _pass_on(request, demo)

    routes = [
        Route("/", page),
        Route("/live", live),
        Route(HOOK_PATH, Receiver((demo.webhook_secret,), SIGNATURE_HEADER, arrived)),
        Route("/{page}.html", page),
        Mount("/", StaticFiles(directory=folder)),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


async def _pass_on(request: Request, demo: Demo) -> Response:
    """The gateway's live stream, asked for with the key that only this server knows."""
    client: aiohttp.ClientSession = request.app.state.client
    headers = {"authorization": f"Bearer {demo.api_key}"}
    if "last-event-id" in request.headers:
        headers["last-event-id"] = request.headers["last-event-id"]
    url = f"{demo.gateway_url}/api/v1/event.stream"
    try:
        answer = await client.get(url, params={"ListID": str(demo.list_id)}, headers=headers)
    except aiohttp.ClientError as error:
        raise HTTPException(502, "The gateway is not there.") from error

    async def body() -> AsyncIterator[bytes]:
        try:
            async for chunk in answer.content.iter_any():
                yield chunk
        except aiohttp.ClientError:
            return  # the gateway stopped; the page will ask again
        finally:
            answer.close()

    return StreamingResponse(
        body(),
        status_code=answer.status,
        media_type="text/event-stream",
        headers={"cache-control": "no-store"},
    )


def _seed_rows(db: sqlite3.Connection, shop_url: str) -> tuple[int, int, str]:
    now_ms = clock.now_ms()
    account = accounts.find(db, ACCOUNT) or accounts.create(db, ACCOUNT, PASSWORD, now_ms)
    owned = [found for found in lists.of_account(db, account.id) if found.name == LIST]
    subscriber_list = owned[0] if owned else lists.create(db, account.id, LIST, [shop_url], now_ms)
    for old in keys.of_account(db, account.id):
        if old.note == NOTE:
            keys.revoke(db, account.id, old.id, now_ms)
    _, text = keys.create(db, account.id, NOTE, now_ms)
    return account.id, subscriber_list.id, text


def _seed_past(db: sqlite3.Connection, account_id: int) -> None:
    """A list that has been used for a while, for the console to show; made once."""
    if not any(each.name == PAST for each in lists.of_account(db, account_id)):
        now_ms = clock.now_ms()
        made = lists.create(db, account_id, PAST, ["https://shop.example"], now_ms)
        sample_history.fill(db, made.id, now_ms)


def _seed_journey(db: sqlite3.Connection, account_id: int, list_id: int, shop_url: str) -> str:
    """A journey that posts to the shop when an order was placed, made or found again. The secret
    it signs with."""
    now_ms = clock.now_ms()
    wanted = Journey(
        id=0,
        account_id=account_id,
        list_id=list_id,
        name=JOURNEY,
        enabled=True,
        kind=Kind.CONVERSION,
    )
    named = [each for each in journeys.of_list(db, list_id) if each.name == JOURNEY]
    journey = named[0] if named else journeys.create(db, wanted, now_ms)
    known = webhooks.of_journey(db, journey.id)
    hook = Webhook(
        id=known[0].id if known else 0,
        journey_id=journey.id,
        url=shop_url + HOOK_PATH,
        payload={"text": THANKS},
    )
    return webhooks.replace(db, journey.id, [hook], now_ms)[0].secret


async def _serve_both(
    gateway: "_Announcing", shop: "_Announcing", ready: Callable[[], None]
) -> None:
    """The gateway gets the signals; when it stops, so does the shop."""
    shop_task = asyncio.create_task(shop.serve())
    gateway_task = asyncio.create_task(gateway.serve())
    both_answer = asyncio.create_task(_both_answer(gateway, shop))
    first = asyncio.FIRST_COMPLETED
    done, _ = await asyncio.wait({both_answer, gateway_task, shop_task}, return_when=first)
    if both_answer in done:
        ready()
    else:  # one could not start, such as for a port that is taken: it has said so
        both_answer.cancel()
        gateway.should_exit = True
    await gateway_task
    shop.should_exit = True
    await shop_task


async def _both_answer(gateway: "_Announcing", shop: "_Announcing") -> None:
    await gateway.announced.wait()
    await shop.announced.wait()


class _Announcing(Server):
    """Says when it answers."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.announced = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self.announced.set()


class _Quiet(_Announcing):
    """Leaves the signals to the other server."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
