"""What a page of a site says of how the snippet was put into it: facts in, findings out. Pure; the
page was fetched before, and so was its tracker (`check`).

One finding a line, in the order in which a browser would stumble: is the page there, is the snippet
on it, whose is it, does it come from here, is it let, do its events arrive, is the visitor known.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from gateway.console import csp
from gateway.console.csp import Policy
from gateway.edge.scripts import stem_of, version
from gateway.edge.sites import Reach, is_this_machine, reach
from gateway.records.lists import SubscriberList
from gateway.settings import Settings
from gateway.signing import Signing
from gateway.workers.frames import Fetched
from gateway.workers.markup import Markup, Script

SHOWN_CHARS = 200
SCRIPT_TYPES = ("text/javascript", "application/javascript", "application/x-javascript")
STUB_MARK = "eventP eventI eventT eventC"
STRENGTHS = ("sha256", "sha384", "sha512")


@dataclass(frozen=True, slots=True)
class Finding:
    """`kind` is good, warn or bad; `todo` is what to do about it."""

    kind: str
    said: str
    todo: str = ""


def good(said: str) -> Finding:
    return Finding("good", said)


def warn(said: str, todo: str = "") -> Finding:
    return Finding("warn", said, todo)


def bad(said: str, todo: str) -> Finding:
    return Finding("bad", said, todo)


@dataclass(frozen=True, slots=True)
class Expected:
    """What should be on the page: this list's snippet, from this gateway. `lists` are all of the
    account."""

    settings: Settings
    signing: Signing
    list: SubscriberList
    lists: Sequence[SubscriberList]

    @property
    def beacon(self) -> str:
        return self.settings.base_url + self.settings.beacon_path

    def is_own(self, url: str) -> bool:
        """Whether an address is the gateway's, by http or https."""
        own, there = urlsplit(self.settings.base_url), urlsplit(url)
        return (own.hostname, own.port) == (there.hostname, there.port)

    def version_of(self, url: str) -> str | None:
        """The version part of a tracker's path at the gateway, empty for the one that is always
        the current; None for another path."""
        path = urlsplit(url).path
        if path == self.settings.tracker_path:
            return ""
        stem = re.escape(stem_of(self.settings.tracker_path))
        found = re.fullmatch(rf"{stem}\.([0-9a-z.]+)\.js", path)
        return found[1] if found else None


@dataclass(frozen=True, slots=True)
class Tracker:
    """What stands at the address that the page loads its tracker from: its bytes, whether they are
    a tracker of this gateway's, and why there are none."""

    body: bytes = b""
    known: bool = False
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A page that was fetched and read. Its bytes are looked at as UTF-8: what matters is ASCII."""

    fetched: Fetched
    markup: Markup

    @property
    def url(self) -> str:
        return self.fetched.url

    @property
    def origin(self) -> str:
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}".lower()

    def absolute(self, url: str) -> str:
        """Where an address of the page leads; empty for one that is none."""
        return _joined(_joined(self.url, self.markup.base) or self.url, url)

    def trackers(self, expected: Expected) -> list[Script]:
        """The script elements that look like a tracker's: by their ids, or by their address."""
        return [script for script in self.markup.scripts if self._is_tracker(script, expected)]

    def stub(self) -> Script | None:
        return next((each for each in self.markup.scripts if STUB_MARK in each.text), None)

    def policies(self, before: int | None = None) -> list[Policy]:
        """Those of the headers, and of the meta elements: all, or the first so many."""
        said = self.fetched.all("content-security-policy")
        return csp.policies([*said, *self.markup.policies[:before]])

    def _is_tracker(self, script: Script, expected: Expected) -> bool:
        if not script.src:
            return False
        url = self.absolute(script.src)
        ours = expected.is_own(url) and expected.version_of(url) is not None
        return ours or {"data-list", "data-user"} <= script.attributes.keys()


def of_fetch(fetched: Fetched) -> Iterator[Finding]:
    """How the page was come by. A bad one: there is nothing to look at."""
    if fetched.passed:
        yield warn(
            f"{_short(fetched.passed[0])} leads on to {_short(fetched.url)}: that was checked."
        )
    if fetched.fault:
        yield bad(
            f"{_short(fetched.url)} cannot be looked at: {fetched.fault}.",
            "Check the address: it must be one that everybody can open.",
        )
    elif not 200 <= fetched.status < 300:
        yield bad(
            f"The page is answered with {fetched.status}.",
            "Check the address. Where a password or a guard against robots is in front of the "
            "site, open the page yourself and see whether an event arrives.",
        )
    elif fetched.markup is None:
        yield bad(
            f"There is no HTML page, but {_short(fetched.type) or 'something without a type'}.",
            "Give the address of a page that visitors see.",
        )


def of_page(page: Page, expected: Expected, tracker: Tracker) -> Iterator[Finding]:
    """Everything else. `tracker` is what the first of the page's trackers is loaded from."""
    found = page.trackers(expected)
    if not found:
        yield _missing(page, expected)
        return
    script = found[0]
    yield from _count(found)
    yield from _whose(script, expected)
    yield from _running(script)
    yield from _source(page.absolute(script.src), expected, tracker)
    yield from _integrity(page, script, tracker)
    yield from _stub(page)
    yield from _policy(page, script)
    yield from _beacon(page, script, expected, tracker)
    yield from _cookies(page, script, expected)
    yield from _wishes(script, expected)


def _missing(page: Page, expected: Expected) -> Finding:
    ids = (
        expected.signing.list_tracker_id(expected.list.id),
        expected.signing.user_tracker_id(expected.list.account_id),
    )
    if any(each.encode() in page.fetched.body for each in ids):
        return bad(
            "The snippet's text is on the page, but not as a script that runs.",
            "Take it out of the comment, template or text that it stands in.",
        )
    return bad(
        "The snippet is not on the page.",
        "Paste it before </head>, on every page. Where a tag manager puts it in, it cannot be seen "
        "here: open the page in a browser and watch for the event above.",
    )


def _count(found: list[Script]) -> Iterator[Finding]:
    if len(found) == 1:
        yield good("The snippet is on the page, once.")
    else:
        yield warn(
            f"The snippet is on the page {len(found)} times. Only the first one works.",
            "Take the others out: a theme and a plugin may both have put it in.",
        )


def _whose(script: Script, expected: Expected) -> Iterator[Finding]:
    said = script.attributes
    list_id = expected.signing.read_list_tracker_id(said.get("data-list", ""))
    account_id = expected.signing.read_user_tracker_id(said.get("data-user", ""))
    again = "Copy the snippet from this page again."
    other = next((each.name for each in expected.lists if each.id == list_id), "")
    if list_id == expected.list.id and account_id == expected.list.account_id:
        yield good("Its ids are this list's.")
    elif list_id == expected.list.id:
        yield bad("Its User Tracker ID is not yours: events are refused.", again)
    elif other:
        yield bad(f"Its List Tracker ID is that of another list of yours, {other}.", again)
    else:
        yield bad(
            "Its List Tracker ID is none of yours: events go elsewhere or are refused.", again
        )


def _running(script: Script) -> Iterator[Finding]:
    if script.type == "module":
        yield bad(
            'The script has type="module", in which the tracker does not work.',
            "Take the type attribute away.",
        )
    elif not script.runs:
        yield warn(
            f'The script is switched off (type="{_short(script.type)}"), as consent managers do: '
            "nothing is tracked until something switches it on.",
            'With data-consent="required" on the tag the tracker itself waits for the consent.',
        )


def _source(url: str, expected: Expected, tracker: Tracker) -> Iterator[Finding]:
    base_url, paste = expected.settings.base_url, "Copy the snippet from this page again."
    named = expected.version_of(url)
    if not expected.is_own(url):
        if tracker.known:
            yield warn(
                f"The tracker comes by way of {_short(url)}, which hands on this gateway's.",
                "It works for as long as that address does.",
            )
        else:
            why = f" There is {tracker.fault}." if tracker.fault else ""
            yield bad(
                f"The tracker is loaded from {_short(url)}, not from this gateway.{why}",
                f"This gateway is at {base_url}. {paste}",
            )
    elif named is None or not tracker.body:
        yield bad(f"The gateway has no tracker at {_short(urlsplit(url).path)}.", paste)
    elif named in ("", version()):
        yield good("The tracker is this gateway's, and the current one.")
    else:
        yield warn(
            "The tracker is an older one of this gateway's. It works, and there is a newer.", paste
        )


def _integrity(page: Page, script: Script, tracker: Tracker) -> Iterator[Finding]:
    said = script.attributes.get("integrity", "").split()
    if not said:
        return
    url = page.absolute(script.src)
    if _origin(url) != page.origin and "crossorigin" not in script.attributes:
        yield bad(
            "Browsers do not run the tracker: with an integrity attribute it needs crossorigin.",
            'Write crossorigin="anonymous" into the tag.',
        )
    if not tracker.body:
        return
    hashes = [(each.partition("-")[0].lower(), each.partition("?")[0]) for each in said]
    strongest = max((STRENGTHS.index(name) for name, _ in hashes if name in STRENGTHS), default=-1)
    of_use = [each for name, each in hashes if strongest >= 0 and name == STRENGTHS[strongest]]
    if not of_use:
        return
    if csp.hash_of(tracker.body, STRENGTHS[strongest]) in of_use:
        yield good("The integrity attribute is that of the tracker.")
    else:
        yield bad(
            "Browsers do not run the tracker: its integrity attribute is that of another script.",
            "Copy the snippet again, address and integrity together.",
        )


def _stub(page: Page) -> Iterator[Finding]:
    stub = page.stub()
    if stub is None:
        yield warn(
            "The snippet's first line, its inline script, is not on the page: what the page says "
            "before the tracker has arrived is lost.",
            "Paste the whole snippet, both lines.",
        )


def _policy(page: Page, script: Script) -> Iterator[Finding]:
    """What the page's own policy forbids, and what to write into it."""
    before = page.policies(script.policies)
    if not page.policies():
        return
    faults = [*_sandbox(before), *_script_policy(page, script, before), *_stub_policy(page)]
    yield from faults
    beacon = _beacon_of(page, script)
    if not all(each.allows_connection(beacon, page.url) for each in page.policies()):
        yield bad(
            "The page's Content-Security-Policy forbids sending events.",
            f"Add {_origin(beacon)} to its connect-src.",
        )
    elif not faults:
        yield good("The page's Content-Security-Policy lets the tracker work.")


def _sandbox(policies: list[Policy]) -> list[Finding]:
    if all(each.allows_any_script() for each in policies):
        return []
    return [
        bad(
            "The page's Content-Security-Policy is a sandbox without scripts.",
            "Add allow-scripts to its sandbox.",
        )
    ]


def _script_policy(page: Page, script: Script, policies: list[Policy]) -> list[Finding]:
    url, nonce = page.absolute(script.src), script.attributes.get("nonce", "")
    integrity = script.attributes.get("integrity", "")
    if all(
        each.allows_script(url, page.url, nonce=nonce, integrity=integrity) for each in policies
    ):
        return []
    return [
        bad(
            "The page's Content-Security-Policy blocks the tracker.",
            f"Add {_origin(url)} to its script-src, or give the tag the nonce of the answer's "
            "policy, which is another one each time.",
        )
    ]


def _stub_policy(page: Page) -> list[Finding]:
    stub = page.stub()
    if stub is None or all(
        each.allows_inline(stub.text, nonce=stub.attributes.get("nonce", ""))
        for each in page.policies(stub.policies)
    ):
        return []
    return [
        bad(
            "The page's Content-Security-Policy blocks the snippet's inline script.",
            f"Add '{csp.hash_of(stub.text.encode())}' to its script-src, or give both tags the "
            "nonce of the answer's policy.",
        )
    ]


def _beacon(page: Page, script: Script, expected: Expected, tracker: Tracker) -> Iterator[Finding]:
    beacon = _beacon_of(page, script)
    if expected.is_own(beacon) and urlsplit(beacon).path == expected.settings.beacon_path:
        return
    if tracker.known or expected.is_own(page.absolute(script.src)):
        yield warn(
            f"Events are sent to {_short(beacon)}, not straight to the gateway.",
            f"See that what is sent there is handed on to {expected.beacon}.",
        )


def _cookies(page: Page, script: Script, expected: Expected) -> Iterator[Finding]:
    base_url, url = expected.settings.base_url, page.absolute(script.src)
    how = reach(base_url, page.origin)
    if how is Reach.NOWHERE:
        yield bad(
            f"The gateway calls itself {base_url}, which the site's visitors cannot reach.",
            "Set GATEWAY_PUBLIC_URL to its public address, and copy the snippet again.",
        )
    elif how is Reach.BLOCKED or _is_mixed(page.url, url):
        yield bad(
            "The page is https and the tracker http: browsers block it as mixed content.",
            "Let the gateway be reached by https, and copy the snippet again.",
        )
    elif how is Reach.SAME_SITE:
        yield good("The page and the gateway are of one site: its cookie knows visitors again.")
    elif how is Reach.PAGE:
        yield warn(
            "The gateway is on another site, by http: visitors are known by the page's own cookie "
            "only.",
            "Let the gateway be reached by https, best under a name of the page's own site.",
        )
    elif page.origin in expected.list.allowed_origins:
        yield warn(
            "The gateway is on another site: visitors are known again on this site only, and where "
            "browsers refuse such cookies, by the page's own.",
            "Best is a name of the page's own site for the gateway.",
        )
    else:
        yield warn(
            f"{page.origin} is not among the allowed origins: its events are taken, but visitors "
            "are known by the page's own cookie only.",
            f"Add {page.origin} to the allowed origins below.",
        )


def _wishes(script: Script, expected: Expected) -> Iterator[Finding]:
    said, wanted = script.attributes.get("data-privacy") or "ignore", expected.list.privacy
    if said != wanted:
        yield warn(
            f"The snippet's privacy policy is {_short(said)}, the list's is {wanted}.",
            "Copy the snippet from this page again.",
        )
    if script.attributes.get("data-consent") == "required":
        yield warn(
            "The tracker waits for the visitor's consent: nothing is sent before oct.consent(true)."
        )


def _beacon_of(page: Page, script: Script) -> str:
    return _joined(page.absolute(script.src), script.attributes.get("data-beacon") or "e")


def _is_mixed(page: str, url: str) -> bool:
    parts = urlsplit(url)
    secure = parts.scheme == "https" or is_this_machine(parts.hostname or "")
    return urlsplit(page).scheme == "https" and not secure


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _joined(base: str, url: str) -> str:
    """Empty for what is no address."""
    try:
        joined = urljoin(base, url)
        urlsplit(joined).port  # noqa: B018 - which is where a wrong one is found
    except ValueError:
        return ""
    return joined


def _short(text: str) -> str:
    return text if len(text) <= SHOWN_CHARS else text[:SHOWN_CHARS] + "…"
