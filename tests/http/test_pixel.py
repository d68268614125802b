"""`GET /p.gif`: one event from a page without script, always answered by the same image."""

from typing import Any

import httpx
import pytest

from tests.support import CHROME, RunningGateway, Tracked

SHOP = "https://shop.example"


def pixel(
    gateway: RunningGateway, headers: dict[str, str] | None = None, **parameters: Any
) -> httpx.Response:
    gateway.client.cookies.clear()
    answer = gateway.client.get(
        "/p.gif", params=parameters, headers={"user-agent": CHROME, **(headers or {})}
    )
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/gif"
    assert answer.headers["cache-control"] == "no-store"
    assert len(answer.content) == 43
    assert answer.content.startswith(b"GIF89a\x01\x00\x01\x00")
    assert answer.content.endswith(b";")
    return answer


def test_an_event_is_stored_and_its_result_stands_in_a_header(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    answer = pixel(gateway, list=tracked.list_tracker_id, event="opened", product="Größe 3")
    assert answer.headers["x-gateway-result"] == "stored"
    [stored] = gateway.events(tracked)
    assert (stored.event, stored.source) == ("opened", "pixel")
    assert stored.properties["product"] == "Größe 3"
    assert stored.properties["$browser"] == "Chrome"


def test_without_a_name_it_is_a_page_view_of_the_page_that_shows_it(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    url = f"{SHOP}/mug?colour=blue"
    pixel(gateway, {"referer": url}, list=tracked.list_tracker_id, user=tracked.user_tracker_id)
    [stored] = gateway.events(tracked)
    assert stored.kind == "page view"
    assert stored.properties["$current_url"] == url
    assert (stored.properties["$host"], stored.properties["$pathname"]) == ("shop.example", "/mug")


def test_an_id_makes_it_once(gateway: RunningGateway, tracked: Tracked) -> None:
    sent = {"list": tracked.list_tracker_id, "event": "opened", "id": "o-1"}
    said = [pixel(gateway, **sent).headers["x-gateway-result"] for _ in range(2)]
    assert said == ["stored", "duplicate"]
    assert len(gateway.events(tracked)) == 1


def test_the_cookie_it_sets_makes_the_next_one_the_same_visitor(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    first = pixel(gateway, list=tracked.list_tracker_id)
    token = first.headers["set-cookie"].partition(";")[0]
    pixel(gateway, {"cookie": token}, list=tracked.list_tracker_id)
    assert len({event.uuid for event in gateway.events(tracked)}) == 1


@pytest.mark.parametrize(
    ("referer", "set_here"),
    [(f"{SHOP}/a", True), ("https://evil.example/a", False), ("http://[broken", False)],
)
def test_it_sets_a_cookie_only_for_sites_the_list_allows(
    gateway: RunningGateway, referer: str, set_here: bool
) -> None:
    tracked = gateway.new_list([SHOP])
    answer = pixel(gateway, {"referer": referer}, list=tracked.list_tracker_id)
    assert answer.headers["x-gateway-result"] == "stored"
    assert ("set-cookie" in answer.headers) is set_here


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"list": "forged"},
        {"user": "forged"},
        {"event": " "},
        {"event": "x" * 201},
        {"event": "conversion"},
        {"event": "identify"},
        {"id": "x" * 201},
        {"a": "x" * 9_000},
        {f"p{number}": "x" for number in range(101)},
        {f"p{number}": "x" for number in range(500)},
    ],
)
def test_what_cannot_be_taken_is_the_same_image_with_the_reason_in_the_header(
    gateway: RunningGateway, tracked: Tracked, parameters: dict[str, str]
) -> None:
    given = {"list": tracked.list_tracker_id, **parameters} if parameters else {}
    result = pixel(gateway, **given).headers["x-gateway-result"]
    assert result.startswith("rejected; ")
    assert len(result) > len("rejected; ")
    assert gateway.events(tracked) == []


def test_a_crawlers_visit_is_dropped(gateway: RunningGateway, tracked: Tracked) -> None:
    headers = {"user-agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"}
    answer = pixel(gateway, headers, list=tracked.list_tracker_id)
    assert answer.headers["x-gateway-result"] == "dropped; bot"


def test_an_address_in_a_link_identifies_nobody(gateway: RunningGateway, tracked: Tracked) -> None:
    """URLs end up in logs: what must not stand there is not read from there."""
    pixel(gateway, list=tracked.list_tracker_id, event="x", email="ann@example.com")
    [stored] = gateway.events(tracked)
    assert stored.email is None


@pytest.mark.parametrize("evil", ["\r\nset-cookie: a=b", "\nx: y", "\x00", "\x1b[2J", "\x7f", "ü"])
def test_nothing_a_link_says_can_write_a_header(
    gateway: RunningGateway, tracked: Tracked, evil: str
) -> None:
    """The reason quotes the name of the property that is too long."""
    answer = pixel(gateway, list=tracked.list_tracker_id, **{f"name{evil}": "x" * 9_000})
    result = answer.headers["x-gateway-result"]
    assert result.startswith("rejected; ")
    assert result.isascii()
    assert result.isprintable()
    assert "x" not in answer.headers
    assert "a=b" not in answer.headers.get("set-cookie", "")


def test_head_is_the_same_without_the_image(gateway: RunningGateway, tracked: Tracked) -> None:
    answer = gateway.client.head("/p.gif")
    assert (answer.status_code, answer.headers["content-length"]) == (200, "43")
