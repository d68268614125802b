"""One request of somebody who is signed in: what a page's handler is given.

`list` is the one in the path, already known to be the account's; pages of no list have none.
"""

import zoneinfo
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import parse_qs, urlencode

from starlette.requests import Request

from gateway.edge.streams import Streams
from gateway.errors import NotJson
from gateway.records.accounts import Account
from gateway.records.event_log import StoredEvent
from gateway.records.lists import SubscriberList
from gateway.records.sessions import SignedIn
from gateway.services import Services

ROOT = "/console"
FIELDS_MAX = 2_000


class Fields:
    """What a form or a query string said: texts by name, stripped; of a repeated one, all."""

    def __init__(self, values: Mapping[str, Sequence[str]]) -> None:
        self._values = values

    @classmethod
    def read(cls, encoded: str) -> "Fields":
        """Raises NotJson for more fields than anybody needs, or none in UTF-8."""
        try:
            values = parse_qs(
                encoded, keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="strict"
            )
        except ValueError as error:
            message = f"Send at most {FIELDS_MAX} form fields, in UTF-8."
            raise NotJson(message) from error
        return cls(values)

    def text(self, name: str, default: str = "") -> str:
        """The last text of this name, without spaces around it; `default` where there is none."""
        values = self._values.get(name)
        return values[-1].strip() if values else default

    def raw(self, name: str) -> str:
        """The last text of this name as it was typed, such as a password."""
        values = self._values.get(name)
        return values[-1] if values else ""

    def whole(self, name: str, default: int = 0) -> int:
        """A whole number from 0 up; `default` for anything else."""
        text = self.text(name)
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else default

    def all(self, name: str) -> list[str]:
        return [value.strip() for value in self._values.get(name, ())]

    def has(self, name: str) -> bool:
        """Whether it was sent at all: a ticked box is, one that is not ticked is not."""
        return name in self._values

    def names(self) -> list[str]:
        return list(self._values)


@dataclass(frozen=True, slots=True)
class Visit:
    """`query` is what stands behind the `?`, `form` the body of a POST. `nonce` is what the page's
    own script and style carry. `notice` is what the last action had to say. `signed_in` tells
    whether the session still holds, for what lasts longer than a page."""

    services: Services
    streams: Streams
    request: Request
    signed_in: Callable[[], bool]
    account: Account
    session: SignedIn
    nonce: str
    query: Fields
    form: Fields = field(default_factory=lambda: Fields({}))
    list: SubscriberList | None = None
    lists: Sequence[SubscriberList] = ()
    notice: str = ""

    @property
    def of_list(self) -> SubscriberList:
        """The list of a page that has one in its path."""
        assert self.list is not None  # the entry has looked it up
        return self.list

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        """Whose days and hours the page tells."""
        return zone_named(self.list.time_zone if self.list else "UTC")

    @property
    def path(self) -> str:
        return self.request.url.path

    def number(self, name: str) -> int:
        """A whole number in the path, none that is larger than any id: `entry` lets none in."""
        return int(self.request.path_params[name])

    def path_text(self, name: str) -> str:
        return str(self.request.path_params[name])

    def events(
        self, *, after_id: int | None = None, recent: int = 0
    ) -> AsyncIterator[Sequence[StoredEvent]]:
        """The list's events as they come (`Streams.events`), until the session ends."""
        return self.streams.events(
            self.of_list.id, after_id=after_id, recent=recent, may_go_on=self.signed_in
        )

    def to(self, *steps: object, **query: object) -> str:
        """The path of a page of this list: `visit.to("people", 7)`; with `query` behind it, those
        that are None or empty left out."""
        return link(f"lists/{self.of_list.id}", *steps, **query)


def link(*steps: object, **query: object) -> str:
    """The path of a page of the console: `link("account")`."""
    path = "/".join([ROOT, *(str(step) for step in steps)])
    said = {name: value for name, value in query.items() if value not in (None, "")}
    return f"{path}?{urlencode(said)}" if said else path


@lru_cache(100)
def zone_named(name: str) -> zoneinfo.ZoneInfo:
    """Raises ZoneInfoNotFoundError."""
    return zoneinfo.ZoneInfo(name)
