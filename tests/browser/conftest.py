"""A real Chromium, and real sites for it to visit.

Under CI a missing browser is a failure; elsewhere these tests are skipped and say so.
"""

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from gateway.edge.tracker import snippet
from tests.browser.pages import Relay
from tests.browser.sites import Site
from tests.support import RunningGateway, free_socket, serving

# The suggestions of an address bar nobody sees come with each window and cost more than most of the
# pages. Said together with what Playwright turns off, whose word this replaces.
FEATURES_OFF = (
    "WebUIOmniboxPopup,WebUIOmniboxAimPopup,"
    "AvoidUnnecessaryBeforeUnloadCheckSync,DestroyProfileOnBrowserClose,HttpsUpgrades,"
    "HttpsFirstBalancedModeAutoEnable,LensOverlay,MediaRouter,PaintHolding,"
    "ThirdPartyStoragePartitioning,AvoidCorsURLLoaderRestartOnRedirect,OptimizationHints,"
    "NetworkTimeServiceQuerying,AimEnabled,PreconnectToSearch"
)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    f"--disable-features={FEATURES_OFF}",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser" in str(item.path):
            item.add_marker(pytest.mark.browser)


# For this package only: playwright's loop would be in the way of tests with one of their own.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        message = "Chromium is not installed: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh browser: no cookies, no storage. A script error on any page fails the test."""
    fresh = browser.new_context()
    errors: list[str] = []
    fresh.on("weberror", lambda error: errors.append(str(error.error)))
    yield fresh
    fresh.close()
    assert errors == []


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture(scope="package")
def new_site(gateway: RunningGateway) -> Iterator[Callable[..., Site]]:
    """Makes the site of a fresh list: its pages are cross-origin to the gateway, as in life."""
    sites: dict[str, Site] = {}

    async def show(request: Request) -> HTMLResponse:
        name, path = request.path_params["site"], request.path_params["page"]
        site = sites.get(name)
        if site is None:  # such as favicon.ico
            return HTMLResponse("", status_code=404)
        if path in site.pages:
            html, headers = site.pages[path]
            return HTMLResponse(html, headers=headers)
        times = 2 if path == "twice" else 1
        head = f"<title>Page of {name}</title>{site.snippet * times}"
        return HTMLResponse(f"<!doctype html><html><head>{head}</head><body>Hello</body></html>")

    sock = free_socket()
    origin = f"http://127.0.0.1:{sock.getsockname()[1]}"

    def make(beacon: str = "") -> Site:
        tracked = gateway.new_list([origin])
        name = f"site{tracked.list_id}"
        html = snippet(gateway.settings, tracked.user_tracker_id, tracked.list_tracker_id)
        if beacon:
            html = html.replace("<script async", f'<script async data-beacon="{beacon}"')
        sites[name] = Site(f"{origin}/{name}/", tracked, html)
        return sites[name]

    with serving(Starlette(routes=[Route("/{site}/{page:path}", show)]), sock):
        yield make


@pytest.fixture
def site(new_site: Callable[..., Site]) -> Site:
    return new_site()


@pytest.fixture
def relay(gateway: RunningGateway) -> Iterator[Relay]:
    """Between `relayed` and the gateway."""
    made = Relay(gateway.url)
    sock = free_socket()
    made.url = f"http://127.0.0.1:{sock.getsockname()[1]}/e"
    route = Route("/e", made.take, methods=["POST"])
    with serving(Starlette(routes=[route]), sock):
        yield made


@pytest.fixture
def relayed(new_site: Callable[..., Site], relay: Relay) -> Site:
    """A site whose beacons go through the relay."""
    return new_site(relay.url)
