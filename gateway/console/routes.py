"""Which path leads to which page of the console."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from gateway.console import (
    account,
    assets,
    catalog,
    conversions,
    deliveries,
    erasing,
    events,
    history,
    journeys,
    lists,
    live,
    overview,
    people,
    profile,
    quarantine,
    segments,
    tracker,
    visitors,
)
from gateway.console.check import InstallationCheck
from gateway.console.entry import Entry
from gateway.console.rendering import Missing, error_page
from gateway.console.sign_in import SignIn
from gateway.console.visit import ROOT
from gateway.edge.entrance import Entrance
from gateway.edge.streams import Streams
from gateway.services import Services

PAGES = (
    *lists.PAGES,
    *account.PAGES,
    *overview.PAGES,
    *live.PAGES,
    *events.PAGES,
    *people.PAGES,
    *profile.PAGES,
    *visitors.PAGES,
    *history.PAGES,
    *erasing.PAGES,
    *conversions.PAGES,
    *segments.PAGES,
    *journeys.PAGES,
    *deliveries.PAGES,
    *catalog.PAGES,
    *quarantine.PAGES,
    *tracker.PAGES,
)


def console_routes(services: Services, entrance: Entrance, streams: Streams) -> list[BaseRoute]:
    """All of them below /console; the root leads there too."""
    sign_in = SignIn(services, entrance)
    pages = (*PAGES, *InstallationCheck(services).pages)
    inner: list[BaseRoute] = [
        Route("/static/console.{version}.{suffix}", assets.serve),
        Route("/sign-in", sign_in.page, methods=["GET", "POST"]),
        Route("/sign-out", sign_in.out, methods=["POST"]),
        *(Route(page.path, Entry(services, streams, page)) for page in pages),
        Route("/{path:path}", _nothing_there),
    ]
    return [Route("/", _to_console, methods=["GET"]), Mount(ROOT, routes=inner)]


async def _to_console(request: Request) -> Response:
    return RedirectResponse(f"{ROOT}/")


async def _nothing_there(request: Request) -> Response:
    return error_page(Missing("There is no such page."))
