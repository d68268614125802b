"""An event that cannot be taken: what of it may be kept, and whom it names. Pure.

Kept is what an event may say and nothing beside it: a lone event shares its object with tracker
tokens, a call with its key. URLs are scrubbed as those of events are, proofs and `pr` left out.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from gateway.errors import InvalidEvent, Problem
from gateway.events import parse
from gateway.events.bounds import INTEGER_MAX
from gateway.events.enrich import unique_id
from gateway.events.event import Properties
from gateway.events.scrub import SCRUBBED, scrub
from gateway.events.vocabulary import Door

_BROWSER_SAYS = (
    "id", "event", "at", "properties", "email", "identifyProperties", "tab", "seq", "isSilent",
    "isTest",
)  # fmt: skip
_SERVER_SAYS = (
    "event", "properties", "eventid", "time", "uuid", "email", "id", "identifyproperties",
    "issilent", "istest",
)  # fmt: skip
_SECRETS = {parse.PROOF_PROPERTY, "pr"}


class Named(NamedTuple):
    """Whom a refused event says it is of, by any of these."""

    email: str | None = None
    external_id: str | None = None
    uuid: bytes | None = None


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """`payload` is JSON. `unique_id` is what the event's own would have been, so that a retry is
    known for one; random where the sender gave none."""

    unique_id: bytes
    payload: str
    problems: tuple[Problem, ...]
    named: Named
    test: bool

    @property
    def reason(self) -> str:
        """The number of the first problem: few enough of them to count by."""
        return str(self.problems[0].code)


def of_browser(raw: Any, error: InvalidEvent) -> Refusal:
    """An event of a beacon, which may be any JSON value."""
    if not isinstance(raw, dict):
        return _refusal(Door.TRACKER, raw, None, error)
    said = _said(raw, _BROWSER_SAYS)
    return _refusal(Door.TRACKER, said, said.get("id"), error)


def of_server(parameters: Mapping[str, Any], error: InvalidEvent) -> Refusal:
    """The event of an `event` call, its parameters' names in lower case."""
    said = _said(parameters, _SERVER_SAYS)
    return _refusal(Door.API, said, said.get("eventid"), error)


def named_by(door: Door, said: Any) -> Named:
    """Whom the payload of a refused event names."""
    if not isinstance(said, dict):
        return Named()
    if door is not Door.API:
        email = said.get("email")
        return Named(external_id=email) if parse.is_hash(email) else Named(_address(email))
    return Named(
        email=_address(said.get("email")),
        external_id=_identifier(said.get("id")),
        uuid=_uuid(said.get("uuid")),
    )


def scrubbed(properties: Properties) -> Properties:
    """Without what may not be kept. Nothing of it is remembered: a refused URL may be as long as
    a whole body."""
    return {
        name: scrub.__wrapped__(value) if name in SCRUBBED and isinstance(value, str) else value
        for name, value in properties.items()
        if name not in _SECRETS
    }


def _refusal(door: Door, said: Any, event_id: Any, error: InvalidEvent) -> Refusal:
    return Refusal(
        unique_id=unique_id(_identifier(event_id)),
        payload=_json(said),
        problems=error.problems,
        named=named_by(door, said),
        test=_is_test(said),
    )


def _said(raw: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    said = {name: raw[name] for name in names if name in raw}
    if isinstance(said.get("properties"), dict):
        said["properties"] = scrubbed(said["properties"])
    return said


def _is_test(said: Any) -> bool:
    if not isinstance(said, dict):
        return False
    properties = said.get("properties")
    inner = properties.get("isTest") if isinstance(properties, dict) else None
    given = (said.get("isTest"), said.get("istest"), inner)
    return any(flag in (True, "true", "1") for flag in given)


def _json(said: Any) -> str:
    try:
        return msgspec.json.encode(said).decode()
    except RecursionError:  # it could just be read, from where the stack was less deep
        return '"nested too deep to be kept"'


def _address(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _identifier(value: Any) -> str | None:
    """As `parse` reads it, but of any length."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= INTEGER_MAX:
        return str(value)
    return value or None if isinstance(value, str) else None


def _uuid(value: Any) -> bytes | None:
    try:
        return uuid.UUID(value).bytes if isinstance(value, str) else None
    except ValueError:
        return None
