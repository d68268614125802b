"""Who gets into the console, from where, and what goes out with every page of it."""

import re
from collections.abc import Iterator

import httpx
import pytest

from gateway.console.routes import PAGES
from gateway.console.visit import FIELDS_MAX
from gateway.settings import Limits
from tests.support import PASSWORD, RunningGateway, Tracked, running_gateway

UUID = "5b0ba7a5-3a4c-4c5d-9d3e-0a1b2c3d4e5f"
SHOWN = [page.path for page in PAGES if page.show]
DONE = [page.path for page in PAGES if page.act]


def path_of(page: str, list_id: int) -> str:
    """The page's path, of this list and otherwise of things numbered 1."""
    page = page.replace("{list_id:int}", str(list_id))
    page = re.sub(r"\{uuid[^}]*\}", UUID, page)
    return "/console" + re.sub(r"\{[^}]+\}", "1", page)


@pytest.fixture
def client(gateway: RunningGateway) -> Iterator[httpx.Client]:
    """Somebody's browser, who follows no redirects."""
    with httpx.Client(base_url=gateway.url, trust_env=False) as made:
        yield made


def sign_in(client: httpx.Client, tracked: Tracked, **more: str) -> httpx.Response:
    form = {"email": tracked.account, "password": PASSWORD, **more}
    origin = str(client.base_url).rstrip("/")
    return client.post("/console/sign-in", data=form, headers={"origin": origin})


@pytest.mark.parametrize("page", SHOWN)
def test_without_a_session_there_is_the_way_to_sign_in(
    client: httpx.Client, tracked: Tracked, page: str
):
    answer = client.get(path_of(page, tracked.list_id))
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/console/sign-in")


@pytest.mark.parametrize("page", DONE)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "OURS", "sec-fetch-site": "cross-site"},
        {"origin": "OURS", "sec-fetch-site": "same-site"},
    ],
)
def test_a_write_that_is_not_from_our_own_page_is_refused(
    gateway: RunningGateway, client: httpx.Client, tracked: Tracked, page: str, headers: dict
):
    """Though the session's cookie came along."""
    sign_in(client, tracked)
    sent = {name: gateway.url if value == "OURS" else value for name, value in headers.items()}
    answer = client.post(path_of(page, tracked.list_id), data={"name": "x"}, headers=sent)
    assert answer.status_code == 403


def test_a_write_without_a_session_writes_nothing(
    gateway: RunningGateway, client: httpx.Client, tracked: Tracked
):
    for page in DONE:
        answer = client.post(path_of(page, tracked.list_id), headers={"origin": gateway.url})
        assert answer.status_code == 303, page
        assert answer.headers["location"].startswith("/console/sign-in")


def test_another_accounts_list_is_as_if_it_did_not_exist(
    gateway: RunningGateway, client: httpx.Client, tracked: Tracked
):
    """For looking and for writing, on every page of a list."""
    theirs = gateway.new_list()
    sign_in(client, tracked)
    for page in SHOWN:
        if "list_id" in page:
            answer = client.get(path_of(page, theirs.list_id))
            nobodys = client.get(path_of(page, 10**9))
            assert answer.status_code == nobodys.status_code == 404, page
            assert "There is no such list" in answer.text
    for page in DONE:
        if "list_id" in page:
            path = path_of(page, theirs.list_id)
            assert client.post(path, headers={"origin": gateway.url}).status_code == 404, page


def test_every_page_of_a_new_list_answers_and_runs_only_what_it_brings(
    client: httpx.Client, tracked: Tracked
):
    """Those of things that are not there are 404, as pages too."""
    sign_in(client, tracked)
    for page in SHOWN:
        if page.endswith("/stream"):
            continue
        answer = client.get(path_of(page, tracked.list_id))
        assert answer.status_code in (200, 404), (page, answer.status_code)
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        policy = answer.headers["content-security-policy"]
        nonce = re.search(r"script-src 'nonce-([\w-]{20,})'", policy)
        assert nonce
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        scripts = re.findall(
            r"<script[^>]*>|<style[^>]*>|<link rel=.stylesheet.[^>]*>", answer.text
        )
        assert scripts
        assert all(f'nonce="{nonce[1]}"' in each for each in scripts), page
        assert not re.search(r"\son[a-z]+=|\sstyle=|javascript:", answer.text), page
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-frame-options"] == "DENY"


def test_the_cookie_is_out_of_reach_and_says_nothing(client: httpx.Client, tracked: Tracked):
    answer = sign_in(client, tracked)
    cookie = answer.headers["set-cookie"]
    for part in ("gateway_console=", "HttpOnly", "Path=/console", "SameSite=lax"):
        assert part in cookie
    token = client.cookies["gateway_console"]
    client.cookies.set("gateway_console", token[:-1] + ("A" if token[-1] != "A" else "B"))
    assert client.get("/console/account").status_code == 303


@pytest.mark.parametrize(
    ("wanted", "led_to"),
    [
        ("/console/account", "/console/account"),
        ("https://evil.example/", "/console/"),
        ("//evil.example/console/", "/console/"),
        ("/console/\\evil", "/console/"),
        ("/console//evil.example", "/console/"),
        ("/api/v1/event", "/console/"),
    ],
)
def test_signing_in_leads_to_pages_of_the_console_only(
    client: httpx.Client, tracked: Tracked, wanted: str, led_to: str
):
    assert sign_in(client, tracked, next=wanted).headers["location"] == led_to


def test_passwords_cannot_be_tried_out(tmp_path):
    """Attempts here and at the API are counted together, by address."""
    limits = Limits(login_calls_per_minute=3)
    with running_gateway(tmp_path, limits=limits) as gateway:
        tracked = gateway.new_list()
        wrong = {"email": tracked.account, "password": "wrong"}
        headers = {"origin": gateway.url}
        for _ in range(2):
            answer = httpx.post(f"{gateway.url}/console/sign-in", data=wrong, headers=headers)
            assert answer.status_code == 422
        said = {"Username": tracked.account, "Password": "wrong"}
        assert gateway.client.post("/api/v1/user.login", json=said).status_code == 200
        answer = httpx.post(f"{gateway.url}/console/sign-in", data=wrong, headers=headers)
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 0
        assert "Too many requests" in answer.text


def test_a_form_that_is_too_much_or_of_another_kind_is_refused_as_a_page(
    gateway: RunningGateway, client: httpx.Client, tracked: Tracked
):
    sign_in(client, tracked)
    headers = {"origin": gateway.url}
    many = "&".join(f"a{number}=1" for number in range(FIELDS_MAX + 1))
    form = {**headers, "content-type": "application/x-www-form-urlencoded"}
    assert client.post("/console/lists", content=many, headers=form).status_code == 400
    answer = client.post("/console/lists", json={"name": "x"}, headers=headers)
    assert answer.status_code == 415
    assert answer.headers["content-type"].startswith("text/html")
    large = client.post("/console/lists", content="a=" + "x" * 2_000_000, headers=form)
    assert large.status_code == 413
    assert client.put("/console/account").status_code == 405
