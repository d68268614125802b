"""From bytes and raw values to an `Event`, or InvalidEvent with every problem numbered.

The reference's numbers and messages (5 to 10) to the letter; ours from 1001 up, each saying
what to change. Wire spellings (`identifyProperties`, `EventID`) are read here and nowhere else.
Nothing here raises anything but NotJson (bytes that are no JSON) and InvalidEvent.
"""

import datetime
import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, Literal

import msgspec
from email_validator import EmailNotValidError, validate_email

from gateway.errors import InvalidEvent, NotJson, Problem
from gateway.events import bounds
from gateway.events.context import TEXT_BYTES_MAX, TEXTS_MAX, remembered
from gateway.events.event import Beacon, Context, Event, Properties
from gateway.events.ids import is_nobodys
from gateway.events.vocabulary import SHARED_PROPERTIES, Kind, kind_of
from gateway.settings import Limits

MISSING_EVENT = Problem(5, "Missing event parameter.")
MISSING_EMAIL = Problem(6, "Missing email parameter.")
INVALID_EMAIL = Problem(7, "Invalid email parameter.")
MISSING_CONVERSION_ID = Problem(8, "Missing conversion-id event property.")
MISSING_CONVERSION_NAME = Problem(9, "Missing conversion-name event property.")
MISSING_CONVERSION_VALUE = Problem(10, "Missing conversion-value event property.")
INVALID_UUID = Problem(1001, "Invalid UUID parameter: write 8-4-4-4-12 hexadecimal digits.")
INVALID_TIME = Problem(
    1009, "Invalid Time parameter: write ISO 8601 (2026-01-31T12:00:00Z) or epoch seconds."
)
INVALID_EVENT_ID = Problem(1010, "Invalid EventID parameter: write 1 to 200 characters.")
INVALID_ID = Problem(1011, "Invalid ID parameter: write 1 to 200 characters.")
NOBODYS_ID = Problem(
    1018, "Invalid ID parameter: it is a placeholder that nobody owns. Leave it out instead."
)
NOBODYS_UUID = Problem(
    1019, "Invalid UUID parameter: it is a placeholder that nobody owns. Leave it out instead."
)
IDENTIFY_PROPERTIES_NO_OBJECT = Problem(1012, "IdentifyProperties must be an object.")

EMAIL_CHARS_MAX = 320  # white space around it included; what is longer is not even looked at
PROOF_PROPERTY = "$email_hmac"
"""In an identify's properties: the site's own server vouches for the address. Never stored."""

ID_CHARS_MAX = 200
INSTANT_MS_END = 253_402_300_800_000  # the year 10000
COUNT_END = 2**53  # to which every JSON reader keeps a whole number as it is
_NUMBER = (int, float)
TOKEN_CHARS_MAX = 2_000

_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_NOT_JSON = "The body is not valid JSON in UTF-8."
_COMMENT_LINE = re.compile(rb"^[ \t]*//[^\n]*$", re.MULTILINE)
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_HASH = re.compile(r"[0-9a-fA-F]{64}")


def decode(body: bytes) -> Any:
    """The JSON value in `body`; lines that hold only a `//` comment are skipped. Raises NotJson."""
    try:
        return msgspec.json.decode(body)
    except _UNREADABLE as error:
        if b"//" not in body:
            raise NotJson(_NOT_JSON) from error
    try:
        return msgspec.json.decode(_COMMENT_LINE.sub(b"", body))
    except _UNREADABLE as error:
        raise NotJson(_NOT_JSON) from error


Instant = Annotated[int, msgspec.Meta(ge=0, lt=INSTANT_MS_END)]
Count = Annotated[int, msgspec.Meta(gt=0, lt=COUNT_END)]
Identifier = Annotated[str, msgspec.Meta(min_length=1, max_length=ID_CHARS_MAX)]


class _UsualEvent(msgspec.Struct, forbid_unknown_fields=True):
    """An event that says nothing of who sends it."""

    event: str
    id: Identifier | None = None
    at: Instant | None = None
    properties: msgspec.Raw = msgspec.Raw(b"{}")
    tab: Count | None = None
    seq: Count | None = None


class _Usual(msgspec.Struct, forbid_unknown_fields=True):
    """A beacon as the tracker writes it. What is not in here, or of another type, is unusual."""

    events: list[_UsualEvent]
    context: msgspec.Raw
    tracker_id: str = msgspec.field(name="list")
    v: Literal[1] = 1
    user: str | None = None
    visitor: str | None = None
    seed: str | None = None
    pr: str | None = None
    sent_at: Instant | None = None
    human: bool = False
    alone: bool = False


_decode_usual = msgspec.json.Decoder(_Usual).decode
_decode_object = msgspec.json.Decoder(dict[str, Any]).decode
_UNUSUAL_PROPERTIES = {PROOF_PROPERTY, "isSilent", "isTest"}


class BeaconReader:
    """Reads the bodies of beacons. `usual` is a shorter way to what `beacon` and `browser_event`
    make of them, for nearly all: what pages say again and again is looked into once."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._context = remembered(self._checked)
        self._is_usual_name = lru_cache(TEXTS_MAX)(self._is_usual)
        self._shared: dict[bytes, Context] = {}

    def read(self, body: bytes) -> Beacon:
        """Raises NotJson or InvalidEvent."""
        return self.usual(body) or beacon(decode(body), self._limits)

    def usual(self, body: bytes) -> Beacon | None:
        """None where anything is unusual or wrong: what, is not found out here."""
        try:
            said = _decode_usual(body)
        except _UNREADABLE:
            return None
        context = self._context(bytes(said.context))
        list_tracker_id = _token(said.tracker_id)
        if (
            context is None
            or list_tracker_id is None
            or not 0 < len(said.events) <= self._limits.batch_events_max
        ):
            return None
        events: list[Any] = []
        for each in said.events:
            event = self._event(each)
            if event is None:
                return None
            events.append(event)
        return Beacon(
            list_tracker_id=list_tracker_id,
            user_tracker_id=_token(said.user),
            visitor_token=_token(said.visitor),
            seed=_token(said.seed),
            attribution_token=_token(said.pr),
            sent_at_ms=said.sent_at,
            human=said.human,
            context=context,
            alone=said.alone,
            events=events,
        )

    def _event(self, said: _UsualEvent) -> Event | None:
        properties = self._properties(bytes(said.properties))
        if (
            properties is None
            or not self._is_usual_name(said.event)
            or not (said.id is None or bounds.is_storable(said.id))
        ):
            return None
        return Event(
            name=said.event,
            properties=properties,
            event_id=said.id,
            at_ms=said.at,
            tab=said.tab,
            seq=said.seq,
        )

    def _properties(self, text: bytes) -> Properties | None:
        """What a page or a browser says of itself it says again: it is remembered by its text."""
        known = self._shared.get(text)
        if known is not None:
            return known
        problems: list[Problem] = []
        try:
            properties = _decode_object(text)
        except _UNREADABLE:
            return None
        bounds.properties(properties, self._limits, problems)
        if problems or not properties.keys().isdisjoint(_UNUSUAL_PROPERTIES):
            return None
        if len(text) <= TEXT_BYTES_MAX and properties.keys() <= SHARED_PROPERTIES:
            if len(self._shared) >= TEXTS_MAX:
                self._shared.clear()
            properties = self._shared[text] = Context(text)
        return properties

    def _checked(self, text: bytes) -> Context | None:
        problems: list[Problem] = []
        try:
            context = Context(text)
        except _UNREADABLE:
            return None
        bounds.properties(context, self._limits, problems)
        return None if problems else context

    def _is_usual(self, name: str) -> bool:
        problems: list[Problem] = []
        _name(name, self._limits, problems)
        return not problems and kind_of(name) not in (Kind.IDENTIFY, Kind.CONVERSION)


def beacon(raw: Any, limits: Limits) -> Beacon:
    """The envelope of a browser's request. Its events stay raw; see `browser_event`."""
    if not isinstance(raw, dict):
        raise InvalidEvent(Problem(1014, "A beacon must be a JSON object."))
    if raw.get("v", 1) != 1:
        raise InvalidEvent(Problem(1014, "This gateway reads beacons of version 1 (`v`)."))
    events = raw.get("events", [raw])
    human = raw.get("human") is True
    if not isinstance(events, list) or not (events or human):
        raise InvalidEvent(Problem(1014, "`events` must be an array of at least one event."))
    if len(events) > limits.batch_events_max:
        raise InvalidEvent(
            Problem(1014, f"More than {limits.batch_events_max} events: send smaller batches.")
        )
    problems: list[Problem] = []
    context = bounds.properties(raw.get("context"), limits, problems)
    list_tracker_id = _token(raw.get("list"))
    if list_tracker_id is None:
        problems.append(Problem(1015, "Missing list: write the List Tracker ID."))
    if problems:
        raise InvalidEvent(*problems)
    return Beacon(
        list_tracker_id=list_tracker_id or "",
        user_tracker_id=_token(raw.get("user")),
        visitor_token=_token(raw.get("visitor")),
        seed=_token(raw.get("seed")),
        attribution_token=_token(raw.get("pr")),
        sent_at_ms=_milliseconds(raw.get("sent_at")),
        human=human,
        context=context,
        alone=bool(raw.get("alone")),
        events=events,
    )


def browser_event(raw: Any, limits: Limits) -> Event:
    """One event of a beacon: `id, event, at, properties, email, identifyProperties`."""
    if not isinstance(raw, dict):
        raise InvalidEvent(Problem(1014, "An event must be a JSON object."))
    email = raw.get("email")
    hashed = email is not None and is_hash(email)
    properties = raw.get("properties")
    proof = None
    if isinstance(properties, dict) and PROOF_PROPERTY in properties:
        properties = dict(properties)
        proof = _token(properties.pop(PROOF_PROPERTY))
    return _event(
        limits,
        name=raw.get("event"),
        properties=properties,
        proof=proof,
        event_id=raw.get("id"),
        at=_milliseconds(raw.get("at")),
        # The tracker's `eventI` takes an address or its hash in the same place.
        email=None if hashed else email,
        external_id=email if hashed else None,
        identify_properties=raw.get("identifyProperties"),
        flags=raw,
        tab=_count(raw.get("tab")),
        seq=_count(raw.get("seq")),
    )


def server_event(parameters: Mapping[str, Any], limits: Limits) -> Event:
    """The event in the parameters of an `event` call, their names in lower case."""
    return _event(
        limits,
        name=parameters.get("event"),
        properties=parameters.get("properties"),
        event_id=parameters.get("eventid"),
        time=parameters.get("time"),
        uuid=parameters.get("uuid"),
        email=parameters.get("email"),
        external_id=parameters.get("id"),
        identify_properties=parameters.get("identifyproperties"),
        flags={"isSilent": parameters.get("issilent"), "isTest": parameters.get("istest")},
    )


def is_hash(value: Any) -> bool:
    """Whether `value` is written like a sha256: 64 hex digits."""
    return isinstance(value, str) and _HASH.fullmatch(value) is not None


def _event(
    limits: Limits,
    *,
    name: Any,
    properties: Any,
    event_id: Any,
    email: Any,
    external_id: Any,
    identify_properties: Any,
    flags: Mapping[str, Any],
    proof: str | None = None,
    at: int | None = None,
    time: Any = None,
    uuid: Any = None,
    tab: int | None = None,
    seq: int | None = None,
) -> Event:
    problems: list[Problem] = []
    name = _name(name, limits, problems)
    kept = bounds.properties(properties, limits, problems)
    external_id = _identifier(external_id, INVALID_ID, problems)
    if external_id is not None and is_nobodys(external_id):
        problems.append(NOBODYS_ID)
    email = _email(email, problems)
    kind = kind_of(name)
    if kind is Kind.IDENTIFY and email is None and not is_hash(external_id):
        if INVALID_EMAIL not in problems:
            problems.append(MISSING_EMAIL)
    elif kind is Kind.CONVERSION:
        problems += _conversion_problems(kept)
    if time not in (None, ""):
        at = _instant(time, problems)
    event_id = _identifier(event_id, INVALID_EVENT_ID, problems)
    uuid = _uuid(uuid, problems)
    custom_fields = _custom_fields(identify_properties, limits, problems)
    if problems:
        raise InvalidEvent(*problems)
    return Event(
        name=name,
        properties=kept,
        event_id=event_id,
        at_ms=at,
        uuid=uuid,
        email=email,
        proof=proof,
        external_id=external_id,
        identify_properties=custom_fields,
        silent=_flag("isSilent", flags, kept),
        test=_flag("isTest", flags, kept),
        tab=tab,
        seq=seq,
    )


def _count(value: Any) -> int | None:
    """A whole number from 1 that every JSON reader keeps as it is; None for anything else."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 0 < value < COUNT_END else None


def _name(value: Any, limits: Limits, problems: list[Problem]) -> str:
    if not isinstance(value, str) or not value.strip():
        problems.append(MISSING_EVENT)
        return ""
    longest = limits.event_name_chars_max
    if len(value) > longest or not bounds.is_storable(value):
        problems.append(
            Problem(1002, f"Invalid event name: write at most {longest} characters of text.")
        )
    return value


def _email(value: Any, problems: list[Problem]) -> str | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, str) and len(value) <= EMAIL_CHARS_MAX and is_email(value.strip()):
        return value.strip()
    problems.append(INVALID_EMAIL)
    return None


@lru_cache(10_000)
def is_email(address: str) -> bool:
    """Whether `address` is written as an email address. No look-up is made."""
    try:
        validate_email(address, check_deliverability=False, test_environment=True)
    except (EmailNotValidError, UnicodeError):
        return False
    return True


def _conversion_problems(properties: Properties) -> list[Problem]:
    problems = []
    for name, missing in (
        ("conversion-id", MISSING_CONVERSION_ID),
        ("conversion-name", MISSING_CONVERSION_NAME),
    ):
        value = properties.get(name)
        written = isinstance(value, str) and value.strip()
        if not written and (not isinstance(value, _NUMBER) or isinstance(value, bool)):
            problems.append(missing)
    if finite_number(properties.get("conversion-value")) is None:
        problems.append(MISSING_CONVERSION_VALUE)
    return problems


def finite_number(value: Any) -> float | None:
    """`value` as a finite number, numeric text included (form fields are text); None for others."""
    if isinstance(value, bool) or not isinstance(value, (*_NUMBER, str)):
        return None
    if isinstance(value, str) and ("_" in value or not value.isascii()):
        return None  # `1_000` is a number to Python only
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _custom_fields(value: Any, limits: Limits, problems: list[Problem]) -> Properties:
    if value is not None and not isinstance(value, dict) and value not in ([], ""):
        problems.append(IDENTIFY_PROPERTIES_NO_OBJECT)
        return {}
    return bounds.properties(value, limits, problems)


def _identifier(value: Any, invalid: Problem, problems: list[Problem]) -> str | None:
    """A caller's own id: text, or a whole number as its digits; None where absent or empty."""
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= bounds.INTEGER_MAX:
        return str(value)
    if isinstance(value, str) and len(value) <= ID_CHARS_MAX and bounds.is_storable(value):
        return value
    problems.append(invalid)
    return None


def _uuid(value: Any, problems: list[Problem]) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not _UUID.fullmatch(value):
        problems.append(INVALID_UUID)
    elif is_nobodys(value):
        problems.append(NOBODYS_UUID)
    else:
        return value.lower()
    return None


def _instant(value: Any, problems: list[Problem]) -> int | None:
    """Milliseconds from ISO 8601 (UTC where no zone is written) or epoch seconds."""
    seconds = finite_number(value)
    if seconds is None and isinstance(value, str):
        try:
            moment = datetime.datetime.fromisoformat(value)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
            seconds = moment.timestamp()
        except (ValueError, OverflowError):
            seconds = None
    at_ms = None if seconds is None else _milliseconds(round(seconds * 1000, 0))
    if at_ms is None:
        problems.append(INVALID_TIME)
    return at_ms


def _milliseconds(value: Any) -> int | None:
    """An instant of this calendar (years 1970 to 9999) in milliseconds; None for anything else."""
    if type(value) is not int and type(value) is not float:
        return None
    return int(value) if 0 <= value < INSTANT_MS_END else None


_TRUE = (True, "true", "1")


def _flag(name: str, flags: Mapping[str, Any], properties: Properties) -> bool:
    return (name in flags and flags[name] in _TRUE) or (
        name in properties and properties[name] in _TRUE
    )


def _token(value: Any) -> str | None:
    """A signed token or seed as sent; what is no such text counts as absent."""
    if isinstance(value, str) and 0 < len(value) <= TOKEN_CHARS_MAX and value.isascii():
        return value
    return None
