"""Personal data and secrets in URLs: out, before anything is stored; campaign parameters: read.

The tracker does the same before a URL leaves the page; this is for every other sender, and for
trackers of long ago. Pure. The expressions are the tracker's.
"""

import re
from functools import lru_cache
from urllib.parse import parse_qsl, urlsplit

from gateway.events.event import Properties
from gateway.events.vocabulary import URL_PROPERTIES, UTM_PROPERTIES

REDACTED = "redacted"

# Every alternative begins at a delimiter and ends before the next, so that no URL takes more than
# one pass over it. The name of a parameter, the look of an email address or of a signed token.
_USER = re.compile(r"^([a-z][a-z0-9+.-]*://)[^/?#]*@", re.IGNORECASE)
_BY_NAME = re.compile(
    r"([?&#;](?!utm_)[^?&#;=]*(?:token|key|code|password|secret)=)[^&#]*", re.IGNORECASE
)
_BY_LOOK = re.compile(r"([/?&#=])(?=[^/?&#=]+(?:@|%40)|eyJ[\w-]+\.)[^/?&#=]+")
SCRUBBED = URL_PROPERTIES | {"$pathname", "link_url"}
"""The properties that are URLs, or parts of one."""


@lru_cache(2_000)
def scrub(url: str) -> str:
    """The URL without values of parameters named like a secret, people's addresses and tokens."""
    url = _BY_NAME.sub(rf"\1{REDACTED}", _USER.sub(r"\1", url))
    return _BY_LOOK.sub(rf"\1{REDACTED}", url)


def utm_of(url: object) -> Properties:
    """`utm_source` and its kin, from the query of the page's URL."""
    if not isinstance(url, str) or "utm_" not in url:
        return {}
    return dict(_utm_of(url))


@lru_cache(2_000)
def _utm_of(url: str) -> tuple[tuple[str, str], ...]:
    try:
        pairs = parse_qsl(urlsplit(url).query, max_num_fields=200)
    except ValueError:  # no URL, or one with more parameters than anybody means
        return ()
    return tuple((name, value) for name, value in pairs if name in UTM_PROPERTIES)
