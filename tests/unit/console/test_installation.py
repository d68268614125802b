"""What a page says of how the snippet was put into it: each wrong form is told, and what to do."""

import dataclasses
import html
from pathlib import Path
from typing import Any

import pytest

from gateway.console import installation
from gateway.console.installation import Expected, Finding, Page, Tracker
from gateway.edge.scripts import bodies, integrity, version
from gateway.edge.tracker import snippet
from gateway.records.lists import SubscriberList
from gateway.settings import Settings
from gateway.signing import Signing
from gateway.workers import markup
from gateway.workers.frames import Fetched
from tests import hostile

GATEWAY = "https://track.shop.example"
SETTINGS = Settings(db=Path("unused.db"), public_url=GATEWAY)
SIGNING = Signing(("a secret of many letters",))
LIST = SubscriberList(
    id=7, account_id=3, name="Shop", allowed_origins=("https://shop.example",), created_at_ms=0,
    archived_at_ms=None, currency="EUR", identify_mode="create", secret="s", options={},
    privacy="ignore", time_zone="UTC",
)  # fmt: skip
OTHER = dataclasses.replace(LIST, id=8, name="Other shop")
SNIPPET = snippet(SETTINGS, SIGNING.user_tracker_id(3), SIGNING.list_tracker_id(7))
STUB, TAG = SNIPPET.split("\n")
CORE = Tracker(bodies()[version()], known=True)
NOTHING = Tracker()


def findings(
    body: str = SNIPPET,
    *,
    url: str = "https://www.shop.example/",
    policy: str | None = None,
    tracker: Tracker = CORE,
    settings: Settings = SETTINGS,
    **of_list: Any,
) -> list[Finding]:
    """Of a page with this in its head."""
    headers = [("content-type", "text/html; charset=utf-8")]
    headers += [("content-security-policy", policy)] if policy else []
    page = f"<!doctype html><html><head><meta charset=utf-8>{body}</head><body>Hi</body></html>"
    read = markup.read(page)
    fetched = Fetched(url, (), 200, tuple(headers), page.encode(), markup=read)
    expected = Expected(settings, SIGNING, dataclasses.replace(LIST, **of_list), (LIST, OTHER))
    return list(installation.of_page(Page(fetched, read), expected, tracker))


def wrong(*given: Any, **more: Any) -> list[str]:
    """What is not good, said with what to do."""
    found = findings(*given, **more)
    assert all(each.todo for each in found if each.kind == "bad")
    return [f"{each.kind}: {each.said} {each.todo}" for each in found if each.kind != "good"]


def test_the_snippet_as_it_is_copied_is_good() -> None:
    """On a page of the gateway's own site there is nothing to say against it."""
    assert wrong() == []
    assert [each.said for each in findings()] == [
        "The snippet is on the page, once.",
        "Its ids are this list's.",
        "The tracker is this gateway's, and the current one.",
        "The integrity attribute is that of the tracker.",
        "The page and the gateway are of one site: its cookie knows visitors again.",
    ]


@pytest.mark.parametrize(
    "body",
    ["", "<p>Nothing</p>", f"<!-- {SNIPPET} -->", f"<template>{SNIPPET}</template>",
     f"<textarea>{SNIPPET}</textarea>", f"<noscript>{SNIPPET}</noscript>", html.escape(SNIPPET),
     f"<title>{SNIPPET}</title>", STUB],
)  # fmt: skip
def test_one_that_does_not_run_is_none(body: str) -> None:
    """Whether it is not there, or only its text is."""
    [said] = wrong(body)
    assert ("text is on the page" in said) == (SIGNING.list_tracker_id(7) in body)
    assert said.startswith("bad")


@pytest.mark.parametrize(
    "body",
    [
        SNIPPET.replace("script", "SCRIPT").replace("data-list", "DATA-list"),
        STUB + "\n<p>\n" + TAG.replace('"', "'"),
        STUB.replace("<script", "<script data-cfasync=false") + TAG.replace("async", "defer"),
    ],
)
def test_how_its_tags_are_written_does_not_matter(body: str) -> None:
    """HTML is forgiving."""
    assert wrong(body) == []


def test_twice_is_once_too_often() -> None:
    """By a theme and by a plugin."""
    [said] = wrong(SNIPPET * 2)
    assert "2 times" in said


@pytest.mark.parametrize(
    ("user", "own", "word"),
    [
        (SIGNING.user_tracker_id(3), SIGNING.list_tracker_id(8), "yours, Other shop"),
        (SIGNING.user_tracker_id(3), SIGNING.list_tracker_id(9), "none of yours"),
        (SIGNING.user_tracker_id(3), "forged", "none of yours"),
        (SIGNING.user_tracker_id(4), SIGNING.list_tracker_id(7), "User Tracker ID is not yours"),
        ("", SIGNING.list_tracker_id(7), "User Tracker ID is not yours"),
    ],
)  # fmt: skip
def test_wrong_ids_are_told_apart(user: str, own: str, word: str) -> None:
    """Another list of one's own has a name; of others nothing is said."""
    [said] = wrong(snippet(SETTINGS, user, own))
    assert said.startswith("bad")
    assert word in said


def test_another_gateways_tracker_is_told_by_its_address() -> None:
    """Such as the one before the move; one that cannot be fetched says why."""
    body = SNIPPET.replace(GATEWAY, "https://old.shop.example")
    other = Tracker(b"something else", known=False)
    assert "not from this gateway" in wrong(body, tracker=other)[0]
    said = wrong(body, tracker=Tracker(fault="no connection"))[0]
    assert "no connection" in said
    assert GATEWAY in said


def test_a_tracker_that_comes_by_way_of_the_site_works() -> None:
    """A first-party path, which hands on what the gateway has; the events need one as well."""
    body = SNIPPET.replace(GATEWAY, "https://shop.example/stats")
    said = wrong(body)
    assert all(each.startswith("warn") for each in said)
    assert "hands on this gateway's" in said[0]
    assert "https://shop.example/stats/e" in said[1]


def test_an_older_tracker_works_and_a_newer_one_is_named() -> None:
    """Its integrity attribute is its own."""
    older = b"an older one"
    body = SNIPPET.replace(version(), "00112233aabbccdd").replace(
        integrity(), installation.csp.hash_of(older)
    )
    [said] = wrong(body, tracker=Tracker(older, known=True))
    assert said.startswith("warn: The tracker is an older one")


@pytest.mark.parametrize("path", ["/nothing.js", "/tracker.ffffffffffffffff.js", "/tracker.min.js"])
def test_a_renamed_one_is_not_there(path: str) -> None:
    """Nothing at that path of the gateway; ids on the tag tell what it is."""
    body = SNIPPET.replace(f"/tracker.{version()}.js", path)
    assert "has no tracker at" in wrong(body, tracker=NOTHING)[0]


def test_the_path_without_a_version_is_current() -> None:
    """And stays so."""
    body = SNIPPET.replace(f"/tracker.{version()}.js", "/tracker.js")
    assert wrong(body) == []


def test_an_integrity_attribute_must_be_that_of_what_is_served() -> None:
    """The strongest kind of hash counts, as in browsers; and across origins it needs CORS."""
    good, bad = integrity(), "sha256-" + "A" * 43 + "="
    assert "another script" in wrong(SNIPPET.replace(good, bad))[0]
    assert "another script" in wrong(SNIPPET.replace(good, f"{good} sha512-{'A' * 86}=="))[0]
    assert wrong(SNIPPET.replace(good, f"{bad} {good}")) == []
    assert wrong(SNIPPET.replace(good, "md5-x")) == []
    without = SNIPPET.replace(' crossorigin="anonymous"', "")
    assert "needs crossorigin" in wrong(without)[0]


def test_half_a_snippet_loses_what_comes_early() -> None:
    """The tracker alone works from when it is there."""
    [said] = wrong(TAG)
    assert said.startswith("warn: The snippet's first line")


@pytest.mark.parametrize(
    ("attribute", "word"),
    [('type="text/plain"', "switched off"), ('type="module"', "does not work"),
     ("nomodule", "switched off")],
)  # fmt: skip
def test_a_script_that_browsers_do_not_run_is_told(attribute: str, word: str) -> None:
    """Consent managers switch scripts off by their type."""
    [said] = wrong(SNIPPET.replace("<script async", f"<script {attribute} async"))
    assert word in said


def test_a_policy_that_lets_it_is_good() -> None:
    """By addresses and a hash, or by a nonce."""
    stub_hash = installation.csp.hash_of(STUB[8:-9].encode())
    policy = f"script-src {GATEWAY} '{stub_hash}'; connect-src {GATEWAY}"
    assert wrong(policy=policy) == []
    assert "lets the tracker work" in str(findings(policy=policy))
    own = snippet(SETTINGS, SIGNING.user_tracker_id(3), SIGNING.list_tracker_id(7), nonce="n1")
    policy = "script-src 'nonce-n1' 'strict-dynamic'; connect-src *"
    assert wrong(own, policy=policy) == []
    said = wrong(own, policy=policy.replace("n1", "n2"))
    assert len(said) == 2
    assert all("nonce" in each for each in said)


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("default-src 'self'", [f"Add {GATEWAY} to its script-src", "Add 'sha256-", "connect-src"]),
        ("script-src 'self' 'unsafe-inline'", [f"Add {GATEWAY} to its script-src"]),
        (f"script-src {GATEWAY}", ["Add 'sha256-"]),
        ("connect-src 'self'", [f"Add {GATEWAY} to its connect-src"]),
        ("sandbox", ["sandbox without scripts"]),
    ],
)
def test_a_policy_that_blocks_a_part_names_what_to_add(policy: str, words: list[str]) -> None:
    """The script, the inline script and the events each have a line."""
    said = wrong(policy=policy)
    assert len(said) == len(words)
    for each, word in zip(said, words, strict=True):
        assert each.startswith("bad")
        assert word in each


def test_a_policy_in_the_page_holds_for_what_stands_behind_it() -> None:
    """And for events, wherever it stands."""
    meta = "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'\">"
    assert len(wrong(meta + SNIPPET)) == 3
    [said] = wrong(SNIPPET + meta)
    assert "forbids sending events" in said
    assert wrong(f"<noscript>{meta}</noscript>{SNIPPET}") == []


@pytest.mark.parametrize(
    ("public_url", "page", "word"),
    [
        ("http://track.shop.example", "https://shop.example/", "mixed content"),
        ("http://127.0.0.1:8010", "https://shop.example/", "visitors cannot reach"),
        ("http://track.example", "http://shop.example/", "by http"),
        ("https://track.example", "https://shop.example/", "known again on this site"),
        ("https://track.example", "https://www.shop.example/", "not among the allowed origins"),
    ],
)  # fmt: skip
def test_where_the_gateway_is_decides_how_visitors_are_known(
    public_url: str, page: str, word: str
) -> None:
    """Seen from the page."""
    settings = dataclasses.replace(SETTINGS, public_url=public_url)
    body = snippet(settings, SIGNING.user_tracker_id(3), SIGNING.list_tracker_id(7))
    [said] = wrong(body, url=page, settings=settings)
    assert word in said


def test_an_http_tracker_on_an_https_page_is_mixed_content() -> None:
    """Even where the gateway has https."""
    [said] = wrong(SNIPPET.replace("https://track", "http://track"))
    assert "mixed content" in said


def test_the_lists_privacy_policy_must_be_in_the_snippet() -> None:
    """It holds in the page too."""
    [said] = wrong(privacy="off")
    assert "privacy policy is ignore, the list's is off" in said
    own = snippet(SETTINGS, SIGNING.user_tracker_id(3), SIGNING.list_tracker_id(7), privacy="off")
    assert wrong(own, privacy="off") == []


def test_a_tracker_that_waits_for_consent_is_told() -> None:
    """Who wonders where the events are has the answer here."""
    own = snippet(SETTINGS, SIGNING.user_tracker_id(3), SIGNING.list_tracker_id(7), consent=True)
    [said] = wrong(own)
    assert "oct.consent(true)" in said


def test_events_that_are_sent_elsewhere_are_told() -> None:
    """A relay of one's own."""
    body = SNIPPET.replace("<script async", '<script data-beacon="https://relay.example/e" async')
    [said] = wrong(body)
    assert "https://relay.example/e" in said


@pytest.mark.parametrize(
    ("fetched", "word"),
    [
        (Fetched("https://a.example/", fault="no connection"), "no connection"),
        (Fetched("https://a.example/", (), 403, (("content-type", "text/html"),)), "403"),
        (Fetched("https://a.example/", (), 200, (("content-type", "image/png"),)), "image/png"),
        (Fetched("https://a.example/", (), 200, ()), "without a type"),
    ],
)
def test_a_page_that_is_none_is_told(fetched: Fetched, word: str) -> None:
    """With what to do."""
    [found] = installation.of_fetch(fetched)
    assert found.kind == "bad"
    assert word in found.said
    assert found.todo


def test_a_redirect_is_told() -> None:
    """What counts is where it leads."""
    passed, head = ("http://a.example/",), (("content-type", "text/html"),)
    page = Fetched("https://www.a.example/", passed, 200, head, markup=markup.read(""))
    [found] = installation.of_fetch(page)
    assert found.kind == "warn"
    assert "http://a.example/ leads on to https://www.a.example/" in found.said


@pytest.mark.parametrize("text", hostile.ALL)
def test_no_page_is_too_odd_to_be_looked_at(text: str) -> None:
    """Whatever stands in it, in whatever place."""
    for body in (
        text,
        f"<base href='{text}'><script src='{text}' data-list='{text}' data-user='{text}'"
        f" integrity='{text}' type='{text}'></script>",
        f"{SNIPPET}<script data-list data-user src='http://[{text}'></script>",
        TAG.replace("<script async", f"<script data-beacon='{text}' async"),
        "<template>" * 50 + text,
    ):
        assert findings(body, policy=f"script-src {text}".encode("ascii", "replace").decode())
