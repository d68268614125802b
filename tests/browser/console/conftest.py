"""The console in a real Chromium, with a shop's past in it, and what every page is held to.

For pictures of each page, light and dark, wide and narrow, say where they go:
`PICTURES=build/pictures python -m pytest tests/browser/console`.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page

from gateway import clock
from gateway.sample_history import fill
from gateway.store.database import open_database, transaction
from tests.support import PASSWORD, RunningGateway, Tracked

WIDTHS = {1440: 900, 390: 844}
LOOKED_INTO = ((1440, "light"), (390, "dark"))  # axe takes half a second each time
SERIOUS = ("serious", "critical")


@pytest.fixture(scope="package")
def shop(gateway: RunningGateway) -> Tracked:
    """A list with thirty days of a small shop, for tests that only look."""
    tracked = gateway.new_list(["https://shop.example"])
    with contextlib.closing(open_database(gateway.settings.db)) as db, transaction(db):
        fill(db, tracked.list_id, clock.now_ms())
    return tracked


@pytest.fixture
def sign_in(gateway: RunningGateway, browser: Browser) -> Iterator[Callable[[Tracked], Page]]:
    """Signs the owner of a list in, in a fresh browser with an empty page. An error of a script,
    and whatever the page's own policy blocked, fails the test."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def enter(tracked: Tracked) -> Page:
        context = browser.new_context(base_url=gateway.url)
        contexts.append(context)
        context.on("weberror", lambda error: wrong.append(str(error.error)))
        context.on(
            "console", lambda said: wrong.append(said.text) if _is_a_fault(said.text) else None
        )
        form = {"email": tracked.account, "password": PASSWORD}
        headers = {"origin": gateway.url, "user-agent": "A test"}
        answer = context.request.post("/console/sign-in", form=form, headers=headers)
        assert answer.ok
        return context.new_page()

    yield enter
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture
def owner(sign_in: Callable[[Tracked], Page], shop: Tracked) -> Page:
    """A page of the shop's owner, who is signed in."""
    return sign_in(shop)


def look(page: Page, path: str, name: str) -> None:
    """Holds a page to what all are held to: it does not scroll sideways, light and dark, wide and
    narrow, and axe finds nothing serious, in one of each. Takes a picture of all four."""
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.goto(path)
    for width, height in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": height})
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{name} is {wide} pixels wide on a screen of {width}"
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            picture(page, f"{name}-{width}-{scheme}")
            if (width, scheme) in LOOKED_INTO:
                assert serious(page) == [], f"{name}, {width}, {scheme}"
    page.set_viewport_size({"width": 1440, "height": 900})


def picture(page: Page, name: str) -> None:
    """For people to look at, where they ask for it: a second each, and no test looks."""
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=Path(folder, f"{name}.png"), full_page=True)


def serious(page: Page) -> list[str]:
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{each['id']}: {node['html'][:200]}: {node['failureSummary'][:300]}"
        for each in found
        if each["impact"] in SERIOUS
        for node in each["nodes"]
    ]


def _is_a_fault(said: str) -> bool:
    return "Content Security Policy" in said or "Refused to" in said or "Uncaught" in said
