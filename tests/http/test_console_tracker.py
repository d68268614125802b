"""The Event Tracker's page over HTTP: its settings, its stream, and the check of a real site."""

import contextlib
import html
import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gateway import clock
from gateway.console import check
from gateway.console.entry import COOKIE
from gateway.edge.tracker import snippet
from gateway.records import accounts, lists, sessions
from gateway.records.lists import SubscriberList
from gateway.settings import secrets_of
from gateway.signing import Signing
from gateway.store.database import connect, open_database, transaction
from tests.support import RunningGateway, Tracked, free_socket, running_gateway, serving

SETTINGS = {
    "name": "Shop", "origins": "https://shop.example\r\nhttps://www.shop.example",
    "privacy": "off", "identify_mode": "verified", "currency": "eur",
    "time_zone": "Europe/Berlin",
}  # fmt: skip


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """A gateway that may go to one host of this machine, where the site is."""
    folder = tmp_path_factory.mktemp("own")
    with running_gateway(folder, webhook_hosts_allowed=("127.0.0.2",)) as gateway:
        yield gateway


@contextlib.contextmanager
def signed_in(gateway: RunningGateway, tracked: Tracked) -> Iterator[httpx.Client]:
    """A session of the owner's, without the form that counts."""
    lasts_ms = 3_600_000
    with contextlib.closing(open_database(gateway.settings.db)) as db, transaction(db):
        account = accounts.get(db, tracked.account_id)
        assert account
        secret = sessions.open_session(
            db, account.id, account.password_fingerprint, agent="", address="127.0.0.1",
            now_ms=clock.now_ms(), lasts_ms=lasts_ms,
        )  # fmt: skip
    token = Signing(secrets_of(gateway.settings)).console_token(secret)
    headers = {"origin": gateway.url}
    with httpx.Client(base_url=gateway.url, headers=headers, trust_env=False) as client:
        client.cookies.set(COOKIE, token)
        yield client


@contextlib.contextmanager
def site(body: str) -> Iterator[str]:
    """The address of a real website with this page at /, and some others."""

    async def show(request: Request) -> Response:
        if request.url.path == "/old":
            return RedirectResponse("/")
        if request.url.path == "/inside":
            return RedirectResponse("http://127.0.0.1:8080/secret")
        return Response(f"<!doctype html><html><head>{body}</head>", media_type="text/html")

    sock = free_socket("127.0.0.2")
    with serving(Starlette(routes=[Route("/{path:path}", show)]), sock):
        yield f"http://127.0.0.2:{sock.getsockname()[1]}"


def page_of(tracked: Tracked, *steps: str) -> str:
    return "/".join([f"/console/lists/{tracked.list_id}/tracker", *steps])


def list_of(gateway: RunningGateway, tracked: Tracked) -> SubscriberList:
    with contextlib.closing(connect(gateway.settings.db, read_only=True)) as db:
        found = lists.get(db, tracked.list_id)
    assert found
    return found


def said(answer: httpx.Response) -> list[tuple[str, str]]:
    """The findings on a page: the word of each badge, and what is said."""
    found = re.findall(
        r'<li><span class="badge \w+">(\w+)</span><div><p>(.*?)</p>', answer.text, re.DOTALL
    )
    return [(word, html.unescape(text)) for word, text in found]


def test_a_real_site_is_looked_at(own: RunningGateway) -> None:
    """With the snippet as it is shown, and without."""
    tracked = own.new_list()
    tag = snippet(own.settings, tracked.user_tracker_id, tracked.list_tracker_id)
    with signed_in(own, tracked) as client:
        with site(tag) as url:
            answer = client.post(page_of(tracked, "check"), data={"address": f"{url}/old"})
            assert answer.status_code == 200
            words = said(answer)
            assert ("note", f"{url}/old leads on to {url}/: that was checked.") in words
            assert ("good", "The tracker is this gateway's, and the current one.") in words
            assert ("good", "The integrity attribute is that of the tracker.") in words
            assert "mend" not in dict(words)
        with site("<p>Hello") as url:
            answer = client.post(page_of(tracked, "check"), data={"address": url})
            assert said(answer) == [("mend", "The snippet is not on the page.")]


def test_a_tracker_that_is_loaded_from_elsewhere_is_looked_at_too(own: RunningGateway) -> None:
    """Through the same guard."""
    tracked = own.new_list()
    tag = snippet(own.settings, tracked.user_tracker_id, tracked.list_tracker_id)
    with signed_in(own, tracked) as client:
        inside = tag.replace(own.url, "http://127.0.0.1:8080")
        with site(inside) as url:
            answer = client.post(page_of(tracked, "check"), data={"address": url})
            [wrong, *_] = [text for word, text in said(answer) if word == "mend"]
            assert "not from this gateway" in wrong
            assert "this one is private" in wrong


def test_a_site_cannot_send_the_gateway_inside(own: RunningGateway) -> None:
    """A redirect is an address like any other."""
    tracked = own.new_list()
    with signed_in(own, tracked) as client, site("") as url:
        answer = client.post(page_of(tracked, "check"), data={"address": f"{url}/inside"})
        assert "this one is private" in dict(said(answer))["mend"]


@pytest.mark.parametrize(
    "address",
    ["", "http://127.0.0.1:8010/", "https://10.0.0.1/", "file:///etc/passwd", "http://[::1]/",
     "https://user:secret@shop.example/", "https://shop.example:22/", "x" * 3000],
)  # fmt: skip
def test_an_address_that_may_not_be_asked_is_refused_above_the_form(
    own: RunningGateway, address: str
) -> None:
    """As it was typed, to be mended."""
    tracked = own.new_list()
    with signed_in(own, tracked) as client:
        answer = client.post(page_of(tracked, "check"), data={"address": address})
        assert answer.status_code == 422
        assert 'role="alert"' in answer.text
        assert not address or f'value="{html.escape(address)}"' in answer.text


def test_checks_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By account: each is a process, and a question to somebody else's site."""
    monkeypatch.setattr(check, "CHECKS_A_MINUTE", 1)
    with running_gateway(tmp_path, webhook_hosts_allowed=("127.0.0.2",)) as own:
        tracked, other = own.new_list(), own.new_list()
        with signed_in(own, tracked) as client, signed_in(own, other) as another:
            form = {"address": "http://127.0.0.2:9/"}
            answer = client.post(page_of(tracked, "check"), data=form)
            assert "no connection" in dict(said(answer))["mend"]
            answer = client.post(page_of(tracked, "check"), data=form)
            assert answer.status_code == 429
            assert "Too many requests" in answer.text
            assert int(answer.headers["retry-after"]) >= 1
            assert another.post(page_of(other, "check"), data=form).status_code == 200


def test_the_settings_are_saved(gateway: RunningGateway, tracked: Tracked) -> None:
    """All of them; who changed the privacy policy is told to paste the snippet again."""
    with signed_in(gateway, tracked) as client:
        answer = client.post(page_of(tracked), data=SETTINGS, follow_redirects=True)
    assert "paste it again" in answer.text
    found = list_of(gateway, tracked)
    assert (found.name, found.privacy, found.identify_mode) == ("Shop", "off", "verified")
    assert (found.currency, found.time_zone) == ("EUR", "Europe/Berlin")
    assert found.allowed_origins == ("https://shop.example", "https://www.shop.example")


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("name", " ", "Give the list a name"),
        ("name", "x" * 201, "Give the list a name"),
        ("origins", "https://shop.example/path", "is no origin"),
        ("origins", " ".join(f"https://s{n}.example" for n in range(101)), "at most 100"),
        ("privacy", "all", "privacy policy is one of"),
        ("identify_mode", "", "How identify is trusted"),
        ("currency", "euro", "three letters"),
        ("currency", "1e3", "three letters"),
        ("currency", "äöü", "three letters"),
        ("time_zone", "../../etc/passwd", "time zones"),
        ("time_zone", "Mars/Olympus", "time zones"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_and_nothing_is_changed(
    gateway: RunningGateway, tracked: Tracked, name: str, value: str, word: str
) -> None:
    """What was typed is still there."""
    before = list_of(gateway, tracked)
    with signed_in(gateway, tracked) as client:
        answer = client.post(page_of(tracked), data=SETTINGS | {name: value})
    assert answer.status_code == 422
    assert word in html.unescape(answer.text)
    assert "https://www.shop.example" in answer.text or name == "origins"
    assert list_of(gateway, tracked) == before


def test_the_secret_is_shown_when_it_is_asked_for(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    """By a POST; the page itself does not have it."""
    secret = list_of(gateway, tracked).secret
    with signed_in(gateway, tracked) as client:
        assert secret not in client.get(page_of(tracked)).text
        assert client.get(page_of(tracked, "secret")).status_code == 405
        assert secret in client.post(page_of(tracked, "secret")).text


@pytest.mark.parametrize("step", ["", "secret", "check", "stream"])
def test_anothers_list_is_as_one_that_does_not_exist(
    gateway: RunningGateway, tracked: Tracked, step: str
) -> None:
    """Every way in."""
    other = gateway.new_list()
    path = page_of(other, step).rstrip("/")
    with signed_in(gateway, tracked) as client:
        answer = client.get(path) if step == "stream" else client.post(path, data=SETTINGS)
        missing = client.post(page_of(other).replace(f"/{other.list_id}/", "/999999/"))
    assert answer.status_code == missing.status_code == 404
    assert list_of(gateway, other).name == "A list"


def test_the_stream_tells_the_last_event_and_ends_with_the_session(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    """Within seconds of the session's end."""
    gateway.call("event", tracked, Event="before")
    with signed_in(gateway, tracked) as client:
        shown = client.get(page_of(tracked)).text
        path = re.search(r'data-stream="([^"]+)"', shown)
        assert path
        with client.stream("GET", html.unescape(path[1]), timeout=20) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            lines = answer.iter_lines()
            gateway.call("event", tracked, Event="after")
            data = next(line for line in lines if line.startswith("data: "))
            assert json.loads(data[6:])["event"] == "after"
            with contextlib.closing(open_database(gateway.settings.db)) as db, transaction(db):
                [session] = sessions.of_account(db, tracked.account_id, clock.now_ms())
                sessions.end(db, tracked.account_id, session.id)
            assert not [line for line in lines if line.startswith("data: ")]
