"""What the tests of the tracker say about pages and events, in one place."""

import json
from typing import Any

import httpx
from playwright.sync_api import Page
from starlette.requests import Request
from starlette.responses import Response

from tests.browser.sites import Site
from tests.support import RunningGateway, until

ANSWERED = "window.oct && oct.uuid && oct.uuid()"


def names(gateway: RunningGateway, site: Site) -> list[str]:
    return [event.event for event in gateway.events(site.tracked)]


def open_and_wait(page: Page, url: str) -> None:
    """Until the gateway has answered for the page view."""
    page.goto(url)
    page.wait_for_function(ANSWERED)


def wait_for_names(gateway: RunningGateway, site: Site, *expected: str) -> None:
    until(lambda: len(names(gateway, site)) >= len(expected))
    assert names(gateway, site) == list(expected)


class Relay:
    """Stands between a site and the gateway: notes what is posted, and answers as it is told.

    `plan` has an answer for each post to come: a status and headers, or LOST for one of which the
    page hears nothing. When it is used up, the gateway answers.
    """

    def __init__(self, gateway_url: str) -> None:
        self.plan: list[tuple[int, dict[str, str]]] = []
        self.bodies: list[dict[str, Any]] = []
        self.url = ""
        self._gateway = gateway_url + "/e"

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for body in self.bodies for event in body["events"]]

    async def take(self, request: Request) -> Response:
        body = await request.body()
        self.bodies.append(json.loads(body))
        if not self.plan:
            kept = {"cookie", "origin", "user-agent", "content-type", "sec-gpc", "dnt"}
            headers = {name: text for name, text in request.headers.items() if name in kept}
            async with httpx.AsyncClient(trust_env=False) as client:
                answer = await client.post(self._gateway, content=body, headers=headers)
            passed = Response(answer.content, answer.status_code)
            for name, text in answer.headers.multi_items():
                if name.startswith("access-control") or name in ("set-cookie", "content-type"):
                    passed.headers.append(name, text)
            return passed
        status, more = self.plan.pop(0)
        if status == 0:
            return Response("")  # without CORS headers a page cannot tell it from a lost connection
        cors = {
            "access-control-allow-origin": request.headers.get("origin", "*"),
            "access-control-allow-credentials": "true",
            "access-control-expose-headers": "retry-after",
        }
        return Response("{}", status, {**cors, **more})


LOST: tuple[int, dict[str, str]] = (0, {})
