"""The scripts as they are served: how small, under which names, and how long they are kept."""

import base64
import gzip
import hashlib
import re
import time

import brotli
import httpx

from gateway.edge import scripts
from gateway.edge.tracker import snippet
from gateway.settings import Settings
from tests.support import RunningGateway, running_gateway

CORE_BYTES_MAX = 3_072
MORE_BYTES_MAX = 2_048
STUB_BYTES_MAX = 300


def attribute(html: str, name: str) -> str:
    return re.search(rf' {name}="([^"]*)"', html).group(1)


def raw(gateway: RunningGateway, path: str, encoding: str) -> tuple[httpx.Response, bytes]:
    """The answer and its bytes as they came over the wire."""
    with gateway.client.stream("GET", path, headers={"accept-encoding": encoding}) as answer:
        return answer, b"".join(answer.iter_raw())


def test_the_core_as_served_is_within_its_budget(gateway: RunningGateway):
    _, body = raw(gateway, "/tracker.js", "gzip")
    assert len(body) <= CORE_BYTES_MAX


def test_the_second_file_as_served_is_within_its_budget(gateway: RunningGateway):
    _, body = raw(gateway, "/tracker.more.js", "gzip")
    assert len(body) <= MORE_BYTES_MAX


def test_the_stub_is_within_its_budget():
    assert len(gzip.compress(scripts.minified("stub.js"), 9)) <= STUB_BYTES_MAX


def test_minifying_takes_no_time_worth_noticing():
    scripts.minified.cache_clear()
    began = time.perf_counter()
    for name in ("tracker.js", "tracker-more.js", "stub.js"):
        scripts.minified(name)
    assert time.perf_counter() - began < 0.3


def test_minifying_shortens_the_names_of_locals_and_keeps_those_of_properties():
    core = scripts.minified("tracker.js").decode()
    assert "currentSeed" not in core
    for name in ("eventP", "identifyProperties", "octethUUID", "$viewport_width"):
        assert name in core


def test_the_same_script_comes_as_brotli_gzip_or_plain(gateway: RunningGateway):
    plain = scripts.minified("tracker.js")
    for encoding, unpack in (("br", brotli.decompress), ("gzip", gzip.decompress)):
        answer, body = raw(gateway, "/tracker.js", encoding)
        assert answer.headers["content-encoding"] == encoding
        assert unpack(body) == plain
    assert raw(gateway, "/tracker.js", "identity")[1] == plain


def test_the_path_without_a_version_is_short_lived(gateway: RunningGateway):
    answer = gateway.client.get("/tracker.js")
    assert answer.headers["cache-control"] == "public, max-age=3600"
    again = gateway.client.get("/tracker.js", headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304


def test_the_snippets_path_is_immutable_and_its_hashes_are_those_of_the_two_files(
    gateway: RunningGateway,
):
    html = snippet(gateway.settings, "user", "list")
    source = attribute(html, "src")
    bodies = []
    for url in (source, source.removesuffix(".js") + ".more.js"):
        answer = gateway.client.get(url)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["access-control-allow-origin"] == "*"
        bodies.append(answer.content)
    hashes = [base64.b64encode(hashlib.sha256(body).digest()).decode() for body in bodies]
    assert attribute(html, "integrity") == " ".join(f"sha256-{text}" for text in hashes)


def test_a_version_that_was_served_once_is_served_for_ever(tmp_path, monkeypatch):
    """A page pasted years ago names a script that this gateway no longer has."""
    with monkeypatch.context() as patch:
        patch.setattr(scripts, "minified", lambda name: b"old " + name.encode())
        scripts.bodies.cache_clear()
        with running_gateway(tmp_path) as gateway:
            old = attribute(snippet(gateway.settings, "user", "list"), "src")
            old = httpx.URL(old).path
            assert gateway.client.get(old).content == b"old tracker.js"
    scripts.bodies.cache_clear()
    with running_gateway(tmp_path) as gateway:
        assert gateway.client.get("/tracker.js").content != b"old tracker.js"
        answer = gateway.client.get(old)
        assert answer.content == b"old tracker.js"
        assert "immutable" in answer.headers["cache-control"]


def test_a_version_that_never_was_is_not_found(gateway: RunningGateway):
    assert gateway.client.get("/tracker.0123456789abcdef.js").status_code == 404


def test_paths_can_be_renamed(tmp_path):
    with running_gateway(tmp_path, tracker_path="/js/app.js", beacon_path="/in") as gateway:
        html = snippet(gateway.settings, "user", "list")
        assert gateway.client.get("/tracker.js").status_code == 404
        assert gateway.client.get(attribute(html, "src")).status_code == 200
        assert attribute(html, "data-beacon") == gateway.settings.base_url + "/in"
        assert gateway.client.post("/in", content="{}").status_code == 422


def test_the_snippet_shows_a_nonce_on_both_tags():
    html = snippet(Settings(), "user", "list", nonce="r4nd0m")
    assert html.count(' nonce="r4nd0m"') == 2


def test_the_snippet_carries_the_lists_privacy_policy():
    assert attribute(snippet(Settings(), "u", "l", privacy="off"), "data-privacy") == "off"
    assert "data-privacy" not in snippet(Settings(), "u", "l")
