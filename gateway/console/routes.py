"""Which path leads to which page of the console."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from gateway.console import account, assets, lists, overview
from gateway.console.entry import Entry
from gateway.console.rendering import Missing, error_page
from gateway.console.sign_in import SignIn
from gateway.console.visit import ROOT
from gateway.edge.entrance import Entrance
from gateway.services import Services

PAGES = (*lists.PAGES, *account.PAGES, *overview.PAGES)


def console_routes(services: Services, entrance: Entrance) -> list[BaseRoute]:
    """All of them below /console; the root leads there too."""
    sign_in = SignIn(services, entrance)
    inner: list[BaseRoute] = [
        Route("/static/console.{version}.{suffix}", assets.serve),
        Route("/sign-in", sign_in.page, methods=["GET", "POST"]),
        Route("/sign-out", sign_in.out, methods=["POST"]),
        *(Route(page.path, Entry(services, page)) for page in PAGES),
        Route("/{path:path}", _nothing_there),
    ]
    return [Route("/", _to_console, methods=["GET"]), Mount(ROOT, routes=inner)]


async def _to_console(request: Request) -> Response:
    return RedirectResponse(f"{ROOT}/")


async def _nothing_there(request: Request) -> Response:
    return error_page(Missing("There is no such page."))
