"""What a page of another site gets out of the gateway: nothing it did not know.

A browser keeps an answer from a page unless the answer's CORS headers name it, sends no call with
a key in its headers or with JSON without asking first, and says in `Origin` who is asking. Here
is held what the gateway says to that; `browser/test_foreign_page` has a real browser try.
"""

import uuid
from typing import Any

import httpx
import pytest

from gateway.edge.commands.table import COMMANDS
from gateway.signing import Signing
from tests.support import PASSWORD, RunningGateway, Tracked

FOREIGN = "https://evil.example"
ORIGINS = [FOREIGN, "null", "https://shop.example.evil.example", "http://localhost:1234"]
STREAM = "/api/v1/event.stream"
PATHS = ["/api/v1/event", "/api/v1/user.login", "/api.php", STREAM, "/healthz", "/readyz", "/no"]
SHOP = "https://shop.example"


def cors_of(answer: httpx.Response) -> dict[str, str]:
    return {
        name: text
        for name, text in answer.headers.items()
        if name.startswith(("access-control", "timing-allow"))
    }


# -- the API ----------------------------------------------------------------------------------


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("path", PATHS)
def test_a_preflight_for_the_api_is_never_granted(
    gateway: RunningGateway, path: str, origin: str
) -> None:
    """So no page sends it JSON as JSON, or a key in a header."""
    asked = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization, content-type",
        "access-control-request-private-network": "true",
    }
    answer = gateway.client.options(path, headers=asked)
    assert not answer.is_success
    assert cors_of(answer) == {}


@pytest.mark.parametrize("origin", [*ORIGINS, SHOP])
def test_no_answer_of_the_api_may_be_read_by_a_page_even_if_it_has_the_key(
    gateway: RunningGateway, origin: str
) -> None:
    """Not by a site of the list either: browsers have beacons, servers have keys."""
    tracked = gateway.new_list([SHOP])
    headers = {"origin": origin}
    key = {"APIKey": tracked.api_key, "ListID": str(tracked.list_id)}
    client = gateway.client
    answers = [
        client.post("/api/v1/event", json={**key, "Event": "x"}, headers=headers),
        client.post("/api/v1/event", json=key, headers=headers),
        client.post("/api/v1/event", json={}, headers=headers),
        client.post("/api/v1/event", content="{", headers=headers),
        client.get("/api/v1/website_events.properties", params=key, headers=headers),
        client.post("/api.php?Command=lists.get", data=key, headers=headers),
        client.post(
            "/api/v1/user.login",
            json={"Username": tracked.account, "Password": PASSWORD},
            headers=headers,
        ),
        client.get(STREAM, headers=headers),
    ]
    with client.stream("GET", STREAM, params=key, headers=headers) as stream:
        answers.append(stream)
    assert [answer.status_code for answer in answers] == [200, 422, 401, 400, *[200] * 3, 401, 200]
    for answer in answers:
        assert cors_of(answer) == {}
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["cache-control"] == "no-store"
        assert "set-cookie" not in answer.headers


def test_what_is_json_is_not_to_be_taken_for_anything_else(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    answers = [
        gateway.call("event", tracked, Event="x"),
        gateway.call("event", tracked),
        gateway.client.get("/api/v1/none"),
        gateway.client.get("/healthz"),
        gateway.beacon(tracked, {"event": "x"}),
        gateway.beacon(tracked),
    ]
    for answer in answers:
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_session_is_a_parameter_and_never_a_cookie(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    """A browser that is signed in sends nothing by itself that another page could ride on."""
    signed_in = gateway.client.post(
        "/api/v1/user.login", json={"Username": tracked.account, "Password": PASSWORD}
    )
    assert "set-cookie" not in signed_in.headers
    session = signed_in.json()["SessionID"]
    for name in ("SessionID", "sessionid", "APIKey", "session"):
        for value in (session, tracked.api_key):
            answer = gateway.client.post(
                "/api/v1/event",
                json={"ListID": tracked.list_id, "Event": "x"},
                headers={"cookie": f"{name}={value}"},
            )
            assert answer.status_code == 401
    assert gateway.events(tracked) == []


@pytest.mark.parametrize("name", sorted(COMMANDS))
@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain"])
def test_a_form_posted_from_another_site_does_nothing(
    gateway: RunningGateway, tracked: Tracked, name: str, kind: str
) -> None:
    """The only calls a page can send unasked: they carry no key unless the page has one."""
    answer = gateway.client.post(
        f"/api.php?Command={name}&ListID={tracked.list_id}",
        content=b"a=b" if kind.startswith("application") else b'{"a=": "b"}',
        headers={"origin": FOREIGN, "content-type": kind, "cookie": "SessionID=x"},
    )
    if name == "user.login":
        assert answer.json()["Success"] is False
    else:
        assert answer.status_code == 401


# -- beacons ----------------------------------------------------------------------------------


def token_of_another(gateway: RunningGateway) -> tuple[str, str]:
    """A visitor of the list, and the cookie that proves it."""
    visitor = uuid.uuid4()
    return str(visitor), Signing((secret_of(gateway),)).visitor_token(visitor)


def secret_of(gateway: RunningGateway) -> str:
    return gateway.settings.db.with_name("gateway.db.secret").read_text().strip()


def shape(answer: httpx.Response) -> tuple[Any, ...]:
    """All there is to an answer but what is new each time: the random visitor, and the date."""
    said = answer.json()
    headers = {name: text for name, text in answer.headers.items() if name != "date"}
    return answer.status_code, sorted(said), said["results"], headers


@pytest.mark.parametrize("origin", ORIGINS)
def test_a_foreign_page_s_answer_is_the_same_with_the_visitor_s_cookie_and_without(
    gateway: RunningGateway, origin: str
) -> None:
    """Nor is a cookie set for it: the answer comes from what the page itself sent."""
    tracked = gateway.new_list([SHOP])
    visitor, token = token_of_another(gateway)
    gateway.beacon(tracked, {"event": "x"}, visitor=token)
    event = {"event": "peek", "id": "p-1"}
    with_cookie = gateway.beacon(
        tracked, event, headers={"origin": origin, "cookie": f"octethUUID={token}"}
    )
    other = gateway.new_list([SHOP])
    without = gateway.beacon(other, event, headers={"origin": origin})
    assert shape(with_cookie) == shape(without)
    assert "set-cookie" not in with_cookie.headers
    assert visitor not in with_cookie.text
    assert token not in with_cookie.text
    assert {event.uuid for event in gateway.events(tracked) if event.event == "peek"} != {visitor}


def test_the_lists_own_site_is_answered_by_the_cookie(gateway: RunningGateway) -> None:
    """The test above can fail."""
    tracked = gateway.new_list([SHOP])
    visitor, token = token_of_another(gateway)
    headers = {"origin": SHOP, "cookie": f"octethUUID={token}"}
    answer = gateway.beacon(tracked, {"event": "x"}, headers=headers)
    assert answer.json()["uuid"] == visitor


@pytest.mark.parametrize("origin", [*ORIGINS, SHOP])
def test_every_answer_that_names_an_origin_varies_by_it(
    gateway: RunningGateway, tracked: Tracked, origin: str
) -> None:
    headers = {"origin": origin}
    answers = [
        gateway.beacon(tracked, {"event": "x"}, headers=headers),
        gateway.beacon(tracked, headers=headers),
        gateway.client.options("/e", headers=headers),
    ]
    for answer in answers:
        assert answer.headers["access-control-allow-origin"] == origin
        assert answer.headers["vary"] == "origin"
    assert cors_of(gateway.beacon(tracked, {"event": "x"})) == {}


def test_a_preflight_for_a_beacon_grants_what_a_beacon_needs_and_no_more(
    gateway: RunningGateway,
) -> None:
    asked = {"origin": FOREIGN, "access-control-request-headers": "authorization, x-api-key"}
    answer = gateway.client.options("/e", headers=asked)
    assert answer.headers["access-control-allow-methods"] == "POST"
    assert answer.headers["access-control-allow-headers"] == "content-type"


@pytest.mark.parametrize("path", ["/p.gif", "/e"])
def test_an_image_is_told_to_every_page_and_read_by_none(
    gateway: RunningGateway, tracked: Tracked, path: str
) -> None:
    """Pages that embed nothing of other sites without their leave get it, too."""
    answer = gateway.client.get(
        path, params={"list": tracked.list_tracker_id, "event": "x"}, headers={"origin": FOREIGN}
    )
    assert answer.headers["content-type"] == "image/gif"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert cors_of(answer) == {}
