"""What a page's Content-Security-Policy lets it do: scripts by address, inline scripts,
connections. Pure. As browsers judge it (CSP level 3), as far as it concerns a tracker's snippet.
"""

import base64
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

PORTS = {"http": 80, "https": 443}
HASH = re.compile(r"'(sha(?:256|384|512))-([A-Za-z0-9+/_-]+=*)'", re.IGNORECASE)
HOST_SOURCE = re.compile(
    r"(?:(?P<scheme>[a-z][a-z0-9+.-]*)://)?(?P<host>\*|(?:\*\.)?[^/:*]+)"
    r"(?::(?P<port>\d{1,5}|\*))?(?P<path>/.*)?",
    re.IGNORECASE,
)
STRICT = "'strict-dynamic'"


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy: its directives by their names, each a list of sources."""

    directives: dict[str, list[str]]

    @classmethod
    def read(cls, text: str) -> "Policy":
        """Of a directive that is there twice, the first counts."""
        directives: dict[str, list[str]] = {}
        for part in text.split(";"):
            name, *sources = part.split() or [""]
            if name:
                directives.setdefault(name.lower(), sources)
        return cls(directives)

    def allows_script(self, url: str, page: str, *, nonce: str = "", integrity: str = "") -> bool:
        """A script of this address in a page of that one."""
        sources = self._sources("script-src-elem", "script-src", "default-src")
        if sources is None or _has_nonce(sources, nonce) or _vouched(sources, integrity):
            return True
        return STRICT not in _lower(sources) and _allows_url(sources, url, page)

    def allows_inline(self, text: str, *, nonce: str = "") -> bool:
        sources = self._sources("script-src-elem", "script-src", "default-src")
        if sources is None or _has_nonce(sources, nonce) or _has_hash_of(sources, text.encode()):
            return True
        overruled = any(
            HASH.fullmatch(each) or each.lower().startswith("'nonce-") for each in sources
        )
        words = _lower(sources)
        return "'unsafe-inline'" in words and not overruled and STRICT not in words

    def allows_connection(self, url: str, page: str) -> bool:
        sources = self._sources("connect-src", "default-src")
        return sources is None or _allows_url(sources, url, page)

    def allows_any_script(self) -> bool:
        """Whether the page is no sandbox that no script runs in."""
        sandbox = self.directives.get("sandbox")
        return sandbox is None or "allow-scripts" in _lower(sandbox)

    def _sources(self, *names: str) -> list[str] | None:
        """Of the first of these directives that is there; None where none is, which allows all."""
        return next((self.directives[name] for name in names if name in self.directives), None)


def policies(values: Iterable[str]) -> list[Policy]:
    """Those of some headers or of a meta element: each holds for itself, all must allow."""
    return [Policy.read(part) for value in values for part in value.split(",") if part.strip()]


def hash_of(text: bytes, algorithm: str = "sha256") -> str:
    """`sha256-…`, as policies and integrity attributes spell it."""
    return f"{algorithm}-{base64.b64encode(hashlib.new(algorithm, text).digest()).decode()}"


def _lower(sources: list[str]) -> set[str]:
    return {each.lower() for each in sources}


def _has_nonce(sources: list[str], nonce: str) -> bool:
    return bool(nonce) and any(
        each[:7].lower() == "'nonce-" and each[7:-1] == nonce for each in sources
    )


def _has_hash_of(sources: list[str], text: bytes) -> bool:
    return any(
        _same_hash(f"{found[1]}-{found[2]}", hash_of(text, found[1].lower()))
        for found in map(HASH.fullmatch, sources)
        if found
    )


def _vouched(sources: list[str], integrity: str) -> bool:
    """A script whose every integrity hash the policy names needs no address in it."""
    named = [each[1:-1] for each in sources if HASH.fullmatch(each)]
    own = integrity.split()
    return bool(own) and all(any(_same_hash(each, one) for one in named) for each in own)


def _same_hash(one: str, other: str) -> bool:
    """Both spellings of base64 count."""
    first, second = (each.replace("-", "+").replace("_", "/").rstrip("=") for each in (one, other))
    return first[:6].lower() + first[6:] == second[:6].lower() + second[6:]


def _allows_url(sources: list[str], url: str, page: str) -> bool:
    target, own = urlsplit(url), urlsplit(page)
    return any(_matches(source, target, own) for source in sources)


def _matches(source: str, target: SplitResult, own: SplitResult) -> bool:
    word = source.lower()
    if word == "*":
        return target.scheme in PORTS
    if word == "'self'":
        return target.hostname == own.hostname and (
            _same_scheme(own.scheme, target.scheme) and _ports_match(own, target)
        )
    if word.endswith(":"):
        return _same_scheme(word[:-1], target.scheme)
    found = HOST_SOURCE.fullmatch(source)
    if found is None or word.startswith("'"):
        return False
    return (
        _same_scheme((found["scheme"] or own.scheme).lower(), target.scheme)
        and _host_matches(found["host"].lower(), target.hostname or "")
        and _port_matches(found["port"], target)
        and _path_matches(found["path"] or "", target.path)
    )


def _same_scheme(wanted: str, scheme: str) -> bool:
    """https is as good as http wherever http will do."""
    return wanted == scheme or (wanted == "http" and scheme == "https")


def _ports_match(own: SplitResult, target: SplitResult) -> bool:
    ports = own.port or PORTS.get(own.scheme), target.port or PORTS.get(target.scheme)
    return ports[0] == ports[1] or ports == (80, 443)


def _host_matches(wanted: str, host: str) -> bool:
    if wanted == "*":
        return True
    return host.endswith(wanted[1:]) if wanted.startswith("*.") else host == wanted


def _port_matches(wanted: str | None, target: SplitResult) -> bool:
    port = target.port or PORTS.get(target.scheme)
    if wanted == "*":
        return True
    if wanted is None:
        return port == PORTS.get(target.scheme)
    return int(wanted) == port or (wanted, port, target.scheme) == ("80", 443, "https")


def _path_matches(wanted: str, path: str) -> bool:
    if wanted in ("", "/"):
        return True
    return path.startswith(wanted) if wanted.endswith("/") else path == wanted
