"""A page of another site, in a real browser, tries what a page can: it reads nothing, sends no
call that asks for leave first, and gets neither at the visitor's cookie nor at a sign-in.

It stands on `localhost` and the gateway on `127.0.0.1`: to a browser these are two sites.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from tests.browser.sites import Site
from tests.support import PASSWORD, RunningGateway, Tracked, free_socket, serving

FETCH = """async ([url, options]) => {
    try {
        const answer = await fetch(url, options);
        return [answer.type, answer.status, await answer.text()];
    } catch (error) {
        return ['refused', 0, error.name];
    }
}"""
EVENTS = """url => new Promise((tell) => {
    const source = new EventSource(url);
    source.onmessage = (message) => { source.close(); tell(message.data); };
    source.onerror = () => { source.close(); tell('nothing'); };
})"""
SCRIPT = """url => new Promise((tell) => {
    const script = document.createElement('script');
    script.onload = () => tell('ran');
    script.onerror = () => tell('refused');
    script.src = url;
    document.head.append(script);
})"""


@pytest.fixture(scope="module")
def evil() -> Iterator[str]:
    """The address of a site that is nobody's list's."""

    async def show(request: Request) -> HTMLResponse:
        return HTMLResponse("<!doctype html><title>Evil</title><body>Evil</body>")

    sock = free_socket()
    with serving(Starlette(routes=[Route("/", show)]), sock):
        yield f"http://localhost:{sock.getsockname()[1]}/"


@pytest.fixture
def foreign(page: Page, evil: str) -> Page:
    page.goto(evil)
    return page


Fetch = Callable[..., list[Any]]


@pytest.fixture
def fetch(foreign: Page, gateway: RunningGateway) -> Fetch:
    """What the page's script gets: how it was answered, the status and the text."""

    def fetch(path: str, **options: Any) -> list[Any]:
        answer: list[Any] = foreign.evaluate(FETCH, [gateway.url + path, options])
        return answer

    return fetch


REFUSED = ["refused", 0, "TypeError"]


@pytest.mark.parametrize("mode", ["cors", "no-cors"])
@pytest.mark.parametrize("credentials", ["omit", "include"])
def test_it_reads_no_answer_of_the_api_even_with_the_key(
    gateway: RunningGateway, site: Site, fetch: Fetch, mode: str, credentials: str
) -> None:
    tracked = site.tracked
    query = f"?APIKey={tracked.api_key}&ListID={tracked.list_id}"
    for path in ("/api/v1/website_events.properties", "/api/v1/lists.get", "/api/v1/event.stream"):
        assert fetch(path + query, mode=mode, credentials=credentials) == REFUSED
    body = json.dumps({"APIKey": tracked.api_key, "ListID": tracked.list_id, "Event": "x"})
    answer = fetch("/api/v1/event", method="POST", body=body, mode=mode, credentials=credentials)
    assert answer == REFUSED


def test_the_same_answers_can_be_read_where_the_browser_does_not_stand_in_between(
    gateway: RunningGateway, site: Site, page: Page
) -> None:
    """The test above can fail: from a page of the gateway's own origin they are read."""
    page.goto(gateway.url + "/healthz")
    query = f"?APIKey={site.tracked.api_key}&ListID={site.tracked.list_id}"
    url = gateway.url + "/api/v1/website_events.properties" + query
    kind, status, text = page.evaluate(FETCH, [url, {}])
    assert (kind, status) == ("basic", 200)
    assert json.loads(text)["ListID"] == str(site.tracked.list_id)


@pytest.mark.parametrize(
    "headers",
    [{"authorization": "Bearer gw_x"}, {"content-type": "application/json"}, {"x-anything": "1"}],
)
def test_it_sends_no_call_that_asks_for_leave_first(
    gateway: RunningGateway, site: Site, fetch: Fetch, headers: dict[str, str]
) -> None:
    """The call itself never leaves the browser: with a key in its body it would be carried out."""
    body = json.dumps(
        {"APIKey": site.tracked.api_key, "ListID": site.tracked.list_id, "Event": "x"}
    )
    assert fetch("/api/v1/event", method="POST", body=body, headers=headers) == REFUSED
    assert gateway.events(site.tracked) == []


def test_it_hears_nothing_of_a_live_stream_even_with_the_key(
    gateway: RunningGateway, site: Site, foreign: Page
) -> None:
    gateway.call("event", site.tracked, Event="secret")
    query = f"?APIKey={site.tracked.api_key}&ListID={site.tracked.list_id}"
    url = gateway.url + "/api/v1/event.stream" + query
    assert foreign.evaluate(EVENTS, url) == "nothing"
    foreign.goto(gateway.url + "/healthz")
    assert "secret" in foreign.evaluate(EVENTS, url)


def test_it_cannot_run_an_answer_as_a_script(
    gateway: RunningGateway, site: Site, foreign: Page
) -> None:
    query = f"?APIKey={site.tracked.api_key}&ListID={site.tracked.list_id}"
    url = gateway.url + "/api/v1/website_events.properties" + query
    assert foreign.evaluate(SCRIPT, url) == "refused"
    assert foreign.evaluate(SCRIPT, gateway.url + "/tracker.js") == "ran"


def test_a_form_it_posts_does_nothing_though_somebody_is_signed_in(
    gateway: RunningGateway, site: Site, foreign: Page, evil: str
) -> None:
    """Signing in leaves nothing in the browser that would go along."""
    account, list_id = site.tracked.account, site.tracked.list_id
    foreign.goto(gateway.url + "/healthz")
    body = json.dumps({"Username": account, "Password": PASSWORD})
    url = gateway.url + "/api/v1/user.login"
    signed_in = foreign.evaluate(FETCH, [url, {"method": "POST", "body": body}])
    assert json.loads(signed_in[2])["Success"] is True
    assert foreign.context.cookies() == []
    foreign.goto(evil)
    foreign.set_content(
        f"""<form method=post action="{gateway.url}/api.php">
        <input name=Command value=list.create><input name=SubscriberListName value=Mine>
        <input name=ListID value={list_id}></form>"""
    )
    with foreign.expect_navigation() as left:
        foreign.evaluate("document.forms[0].submit()")
    assert left.value
    assert left.value.status == 401
    names = [each["Name"] for each in gateway.call("lists.get", site.tracked).json()["Lists"]]
    assert names == ["A list"]


def beacon_of(tracked: Tracked, event: str) -> str:
    return json.dumps(
        {
            "v": 1,
            "user": tracked.user_tracker_id,
            "list": tracked.list_tracker_id,
            "events": [{"event": event}],
        }
    )


def test_a_beacon_it_sends_is_not_the_visitor_s_and_its_answer_does_not_tell_who_that_is(
    gateway: RunningGateway, site: Site, evil: str, context: BrowserContext, fetch: Fetch
) -> None:
    """The visitor's cookie goes along; of a list that does not name this site it is not believed.

    The cookie is in the browser from a list that does name it, for only there may it be set."""
    allowed = gateway.new_list([evil.rstrip("/")])
    send = {"method": "POST", "credentials": "include"}
    known = json.loads(fetch("/e", body=beacon_of(allowed, "own"), **send)[2])
    again = json.loads(fetch("/e", body=beacon_of(allowed, "own"), **send)[2])
    assert again["uuid"] == known["uuid"]
    with context.expect_event("request") as sent:
        kind, status, text = fetch("/e", body=beacon_of(site.tracked, "peek"), **send)
    assert known["visitor"] in sent.value.all_headers()["cookie"]
    said = json.loads(text)
    assert (kind, status, said["results"][0]["result"]) == ("cors", 200, "stored")
    assert known["uuid"] not in text
    assert [event.uuid for event in gateway.events(site.tracked)] == [said["uuid"]]
    [cookie] = context.cookies(gateway.url)
    assert cookie["value"] == known["visitor"]


def test_a_page_without_an_origin_is_as_foreign_as_any(
    gateway: RunningGateway, site: Site, foreign: Page
) -> None:
    """A sandboxed frame says `Origin: null`."""
    key = f"?APIKey={site.tracked.api_key}&ListID={site.tracked.list_id}"
    calls = [
        (gateway.url + "/api/v1/lists.get" + key, "GET", None),
        (gateway.url + "/e", "POST", beacon_of(site.tracked, "from nowhere")),
    ]
    script = f"""
        (async () => {{
            const said = [];
            for (const [url, method, body] of {json.dumps(calls)}) {{
                const options = {{ method, body: body || undefined, credentials: 'include' }};
                said.push(await ({FETCH})([url, options]));
            }}
            parent.postMessage([origin, said], '*');
        }})()"""
    frame = f"<script>{script}</script>"
    said = foreign.evaluate(
        """html => new Promise((tell) => {
            addEventListener('message', (message) => tell(message.data));
            const frame = document.createElement('iframe');
            frame.sandbox = 'allow-scripts';
            frame.srcdoc = html;
            document.body.append(frame);
        })""",
        frame,
    )
    origin, [api, beacon] = said
    assert origin == "null"
    assert api == REFUSED
    assert beacon[:2] == ["cors", 200]
    assert foreign.context.cookies(gateway.url) == []
