"""The tracker as browsers get it, and the snippet a site owner pastes."""

import gzip
import re
from pathlib import Path

import brotli
import httpx
import pytest

from gateway.edge.tracker import snippet
from gateway.settings import Settings, from_environment
from tests.support import RunningGateway, Tracked, running_gateway

DECODERS = {"br": brotli.decompress, "gzip": gzip.decompress, "": bytes}


def fetch(gateway: RunningGateway, encodings: str, **headers: str) -> tuple[httpx.Response, bytes]:
    """The answer, and its bytes as they came."""
    sent = {"accept-encoding": encodings, **headers}
    with gateway.client.stream("GET", "/tracker.js", headers=sent) as answer:
        return answer, b"".join(answer.iter_raw())


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("br", "br"),
        ("identity", ""),
        ("", ""),
        ("br;q=0, gzip", "gzip"),
        ("BR", "br"),
    ],
)
def test_the_tracker_comes_in_the_best_encoding_the_browser_reads(
    gateway: RunningGateway, accepted: str, chosen: str
) -> None:
    _, plain = fetch(gateway, "identity")
    answer, raw = fetch(gateway, accepted)
    assert answer.status_code == 200
    assert answer.headers.get("content-encoding", "") == chosen
    assert int(answer.headers["content-length"]) == len(raw)
    assert DECODERS[chosen](raw) == plain
    assert "accept-encoding" in answer.headers["vary"].lower()


def test_the_tracker_is_a_small_script_any_page_may_load(gateway: RunningGateway) -> None:
    answer, raw = fetch(gateway, "br")
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert len(raw) < 4_096
    script = brotli.decompress(raw).decode()
    for call in ("eventP", "eventI", "eventT", "eventC"):
        assert call in script


@pytest.mark.parametrize("weak", ["", "W/", "list"])
def test_a_browser_that_has_it_is_told_so(gateway: RunningGateway, weak: str) -> None:
    """Also when a proxy has weakened the tag, or the browser holds several."""
    first, _ = fetch(gateway, "br")
    tag = first.headers["etag"]
    held = f'"old", {tag}' if weak == "list" else weak + tag
    answer, raw = fetch(gateway, "br", **{"if-none-match": held})
    assert (answer.status_code, raw) == (304, b"")
    assert answer.headers["etag"] == tag
    assert answer.headers["cache-control"] == first.headers["cache-control"]
    assert fetch(gateway, "br", **{"if-none-match": '"old"'})[0].status_code == 200


def test_head_answers_without_the_script(gateway: RunningGateway) -> None:
    answer = gateway.client.head("/tracker.js")
    assert answer.status_code == 200
    assert answer.content == b""


def source_of(snippet: str) -> str:
    found = re.search(r'async src="([^"]+)"', snippet)
    assert found
    return found[1]


def test_the_snippet_carries_the_two_ids_and_no_key(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    text = snippet(gateway.settings, tracked.user_tracker_id, tracked.list_tracker_id)
    assert f'data-user="{tracked.user_tracker_id}"' in text
    assert f'data-list="{tracked.list_tracker_id}"' in text
    assert source_of(text).startswith(f"{gateway.url}/tracker.")
    assert "async" in text
    assert tracked.api_key not in text
    for call in ("eventP", "eventI", "eventT", "eventC"):
        assert call in text  # the queue for calls made before the script arrives


def test_the_snippet_points_to_the_public_url() -> None:
    settings = from_environment({"GATEWAY_PUBLIC_URL": "https://track.shop.example/"})
    source = source_of(snippet(settings, "u", "l"))
    assert re.fullmatch(r"https://track\.shop\.example/tracker\.[\w-]+\.js", source)
    assert "data-beacon" not in snippet(settings, "u", "l")


def test_the_snippet_says_where_to_post_when_the_paths_are_changed() -> None:
    settings = from_environment(
        {
            "GATEWAY_PUBLIC_URL": "https://shop.example",
            "GATEWAY_BEACON_PATH": "/in/a?b",
            "GATEWAY_TRACKER_PATH": "/js/t.js",
        }
    )
    text = snippet(settings, "u", "l")
    assert re.fullmatch(r"https://shop\.example/js/t\.[\w-]+\.js", source_of(text))
    assert 'data-beacon="https://shop.example/in/a?b"' in text


def test_without_a_public_url_the_snippet_points_to_host_and_port() -> None:
    assert source_of(snippet(Settings(), "u", "l")).startswith("http://127.0.0.1:8000/tracker.")


def test_the_doors_are_where_the_settings_put_them(tmp_path: Path) -> None:
    paths = {"beacon_path": "/in", "tracker_path": "/js/t.js", "pixel_path": "/x.gif"}
    with running_gateway(tmp_path, **paths, public_url="https://track.shop.example") as own:
        tracked = own.new_list()
        text = snippet(own.settings, tracked.user_tracker_id, tracked.list_tracker_id)
        src = re.search(r'src="https://track\.shop\.example([^"]+)"', text)
        post = re.search(r'data-beacon="https://track\.shop\.example([^"]+)"', text)
        assert src
        assert post
        assert own.client.get(src[1]).status_code == 200
        body = {"list": tracked.list_tracker_id, "event": "x"}
        assert own.client.post(post[1], json=body).status_code == 200
        assert own.client.get("/x.gif").headers["content-type"] == "image/gif"
        assert own.events(tracked)[0].properties["$dsn"] == "https://track.shop.example/in"
        assert own.events(tracked)[0].properties["$server"] == "track.shop.example"
        for usual in ("/e", "/tracker.js", "/p.gif"):
            assert own.client.get(usual).status_code == 404
