"""`subscriber.*`: one person on a list: read and changed."""

import dataclasses
import sqlite3
from typing import Any

from gateway import clock
from gateway.edge.commands import answers, field_values, profile
from gateway.edge.commands.arguments import (
    PAGE_ROWS_MAX,
    choice,
    flag,
    instant,
    number,
    object_of,
    owned_list,
    text,
)
from gateway.edge.commands.command import (
    READ,
    WRITE,
    Answer,
    Call,
    Command,
    Envelope,
    failed,
    is_missing,
    numbered,
    succeeded,
    whole_number,
)
from gateway.errors import Problem, Refused
from gateway.events import parse
from gateway.records import attribution, event_log, people, segments
from gateway.records.lists import SubscriberList
from gateway.records.people import BOUNCE_TYPES, STATUSES, Subscriber
from gateway.records.suppressions import Erased

MISSING_LIST = Problem(1, "Missing ListID parameter")
MISSING_EMAIL = Problem(2, "Missing EmailAddress parameter")
INVALID_EMAIL = Problem(3, "Invalid EmailAddress")
INVALID_LIST = Problem(4, "Invalid ListID")
INVALID_BOUNCE_TYPE = Problem(5, "Invalid BounceType value")
INVALID_UNSUBSCRIPTION_DATE = Problem(1006, "Invalid UnsubscriptionDate value")
ERASED = Problem(
    1005,
    "This person was erased from the list and is suppressed: lift the suppression before "
    "subscribing them again.",
)

MISSING_GET_NAME = Problem(1, "Missing EmailAddress/SubscriberID parameter")
MISSING_GET_LIST = Problem(2, "Missing ListID parameter")
NOT_FOUND = Problem(3, "Subscriber not found")
TOO_MANY = Problem(429, "Too many requests (rate limit exceeded)")

MISSING_ID = Problem(1, "Missing SubscriberID parameter")
MISSING_ITS_LIST = Problem(2, "Missing SubscriberListID parameter")
EMPTY_EMAIL = Problem(3, "Missing EmailAddress parameter")
INVALID_NEW_EMAIL = Problem(4, "Invalid EmailAddress")
INVALID_UPDATE_LIST = Problem(5, "Invalid ListID")
UPDATE_NOT_FOUND = Problem(6, "Subscriber not found")
UPDATE_DUPLICATE = Problem(7, "Duplicate EmailAddress")
UPDATE_FIELDS = field_values.Codes(
    invalid=Problem(10, "Invalid custom field value"),
    missing=Problem(8, "Required custom field missing"),
    not_unique=Problem(9, "Custom field value is not unique"),
    failed_method=Problem(10, "Invalid custom field value"),
)
UNKNOWN_FIELDS = Problem(
    11, "Unknown custom field ID(s) - ErrorCustomFieldIDs lists the invalid IDs"
)
INVALID_EXISTS_LIST = Problem(3, "Invalid ListID")

EVENTS_PAGE = 25
NO_JOURNEYS: dict[str, list[Any]] = {"InProgress": [], "Completed": []}


async def get(call: Call) -> Answer:
    given = call.parameters
    rows = number(given, "EventsPerRequest", EVENTS_PAGE, PAGE_ROWS_MAX)
    offset = number(given, "EventsFrom", 0)

    def read(db: sqlite3.Connection) -> Answer:
        found = owned_list(db, call, "ListID", INVALID_LIST)
        person = named(db, call, found)
        if person is None:
            raise Refused(NOT_FOUND)
        answer: Answer = {"SubscriberInformation": profile.whole(db, person), "Suppressed": False}
        if flag(given, "IncludeTags", default=True):
            answer["SubscriberTags"] = []
        if flag(given, "IncludeSegments", default=True):
            answer["SubscriberSegments"] = [
                {"SegmentID": segment.id, "SegmentName": segment.name}
                for segment in segments.of_subscriber(db, found.id, person.id)
            ]
        if flag(given, "IncludeJourneys", default=True):
            answer["SubscriberJourneys"] = profile.journeys(db, person.id)
        if flag(given, "IncludeEvents", default=True):
            events = event_log.newest_of_subscriber(db, person.id, rows=rows, offset=offset)
            answer["SubscriberWebsiteEvents"] = [profile.event(each) for each in events]
        if flag(given, "IncludeActivity", default=True):
            answer["SubscriberActivity"] = profile.activities(db, person.id)
        if flag(given, "IncludeRevenue", default=True):
            lines = attribution.of_subscriber(db, person.id)
            answer["TotalRevenue"] = attribution.total(lines, found.currency)
            answer["Revenue"] = profile.revenue(lines)
        return succeeded(**answer)

    return await call.services.reader.read(read)


async def update(call: Call) -> Answer:
    given = call.parameters
    facts = standing(call, "SubscriptionStatus") | _new_address(call)
    custom = object_of(given, "Fields", UPDATE_FIELDS.invalid)

    def change(db: sqlite3.Connection) -> list[str]:
        found = owned_list(db, call, "SubscriberListID", INVALID_UPDATE_LIST)
        person = _by_id(db, call, found)
        if person is None:
            raise Refused(UPDATE_NOT_FOUND)
        _check_free(db, person, facts.get("email"))
        values = field_values.read(db, found.id, custom, UPDATE_FIELDS)
        if values.unknown:
            return values.unknown
        if flag(given, "EnforceRequiredFields"):
            field_values.enforce(db, found.id, person.id, values.known, UPDATE_FIELDS)
        people.change_subscriber(db, with_standing(person, facts))
        field_values.write(db, person.id, values.known)
        return []

    try:
        unknown = await call.services.writer.write(change)
    except Erased:
        return failed(Refused(ERASED), Suppressed=True)
    if unknown:
        return failed(Refused(UNKNOWN_FIELDS), ErrorCustomFieldIDs=unknown)
    return succeeded()


async def exists(call: Call) -> Answer:
    def read(db: sqlite3.Connection) -> Subscriber | None:
        found = owned_list(db, call, "ListID", INVALID_EXISTS_LIST)
        return people.subscriber_by_email(db, found.id, text(call.parameters, "EmailAddress"))

    person = await call.services.reader.read(read)
    return succeeded(Exists=person is not None, SubscriberID=person.id if person else None)


async def get_activity(call: Call) -> Answer:
    def read(db: sqlite3.Connection) -> list[dict[str, Any]]:
        found = owned_list(db, call, "SubscriberListID", NOT_FOUND)
        person = _by_id(db, call, found)
        if person is None:
            raise Refused(NOT_FOUND)
        return profile.activities(db, person.id)

    return succeeded(Activity=await call.services.reader.read(read))


def is_address(email: str) -> bool:
    return len(email) <= parse.EMAIL_CHARS_MAX and parse.is_email(email)


def named(db: sqlite3.Connection, call: Call, found: SubscriberList) -> Subscriber | None:
    """The subscriber that `SubscriberID`, else `EmailAddress`, names on this list."""
    if not is_missing(call.parameters.get("subscriberid")):
        return _by_id(db, call, found)
    return people.subscriber_by_email(db, found.id, text(call.parameters, "EmailAddress"))


def with_standing(person: Subscriber, facts: dict[str, Any]) -> Subscriber:
    """The person with what is said of it; when it left is noted, and forgotten when it is back."""
    status = facts.get("status", person.status)
    if status == "Unsubscribed" and person.status != "Unsubscribed":
        facts = {"unsubscribed_at_ms": clock.now_ms(), **facts}
    elif status == "Subscribed" and person.status != "Subscribed":
        facts = {"unsubscribed_at_ms": None, "unsubscription_ip": None, **facts}
    return dataclasses.replace(person, **facts)


def _new_address(call: Call) -> dict[str, Any]:
    """The address a subscriber is to have from now on, if one is given. Raises Refused."""
    if "emailaddress" not in call.parameters:
        return {}
    email = text(call.parameters, "EmailAddress")
    if not email:
        raise Refused(EMPTY_EMAIL)
    if not is_address(email):
        raise Refused(INVALID_NEW_EMAIL)
    return {"email": email}


def _check_free(db: sqlite3.Connection, person: Subscriber, email: str | None) -> None:
    """Raises Refused for an address that somebody else on the list has."""
    other = people.subscriber_by_email(db, person.list_id, email) if email else None
    if other and other.id != person.id:
        raise Refused(UPDATE_DUPLICATE)


def _by_id(db: sqlite3.Connection, call: Call, found: SubscriberList) -> Subscriber | None:
    subscriber_id = whole_number(call.parameters.get("subscriberid"))
    return people.on_list(db, found.id, subscriber_id) if subscriber_id else None


def standing(
    call: Call,
    status_name: str,
    status_problem: Problem | None = None,
    date_problem: Problem = INVALID_UNSUBSCRIPTION_DATE,
) -> dict[str, Any]:
    """Status, bounces and when it left, as far as they are given. Raises Refused."""
    given = call.parameters
    facts: dict[str, Any] = {}
    problems: list[Problem] = []
    for key, name, words, problem in (
        ("status", status_name, STATUSES, status_problem),
        (
            "bounce_type",
            "BounceType",
            BOUNCE_TYPES,
            INVALID_BOUNCE_TYPE if status_problem else None,
        ),
    ):
        try:
            word = choice(given, name, words, problem)
        except Refused as refused:
            problems += refused.problems
        else:
            facts |= {key: word} if word else {}
    try:
        at_ms = instant(given, "UnsubscriptionDate", date_problem)
    except Refused as refused:
        problems += refused.problems
    else:
        facts |= {"unsubscribed_at_ms": at_ms} if at_ms is not None else {}
    if problems:
        raise Refused(*problems)
    address = text(given, "UnsubscriptionIP")
    return facts | ({"unsubscription_ip": address} if address else {})


COMMANDS = (
    Command(
        name="subscriber.get",
        summary="A subscriber, with events, activity and revenue.",
        answers=answers.SubscriberGot,
        handler=get,
        methods=READ,
        parameters=(
            "ListID", "EmailAddress", "SubscriberID", "IncludeJourneys", "IncludeEvents",
            "IncludeActivity", "IncludeRevenue", "IncludeTags", "IncludeSegments",
            "EventsPerRequest", "EventsFrom",
        ),
        required={"EmailAddress/SubscriberID": MISSING_GET_NAME, "ListID": MISSING_GET_LIST},
        codes=numbered(MISSING_GET_NAME, MISSING_GET_LIST, NOT_FOUND, INVALID_LIST, TOO_MANY),
        envelope=Envelope.SUCCESS,
    ),
    Command(
        name="subscriber.update",
        summary="Change a subscriber.",
        further=numbered(ERASED, INVALID_UNSUBSCRIPTION_DATE),
        handler=update,
        methods=WRITE,
        parameters=(
            "SubscriberID", "SubscriberListID", "EmailAddress", "SubscriptionStatus",
            "UnsubscriptionIP", "UnsubscriptionDate", "BounceType", "Fields",
            "EnforceRequiredFields", "IgnoreAllOtherCustomFieldsExceptGivenOnes", "TriggerEvents",
        ),
        required={"SubscriberID": MISSING_ID, "SubscriberListID": MISSING_ITS_LIST},
        codes=numbered(
            MISSING_ID, MISSING_ITS_LIST, EMPTY_EMAIL, INVALID_NEW_EMAIL, INVALID_UPDATE_LIST,
            UPDATE_NOT_FOUND, UPDATE_DUPLICATE, UPDATE_FIELDS.missing, UPDATE_FIELDS.not_unique,
            UPDATE_FIELDS.invalid, UNKNOWN_FIELDS,
        ),
        envelope=Envelope.SUCCESS,
    ),
    Command(
        name="subscriber.exists",
        summary="Whether an address is on a list.",
        answers=answers.SubscriberExists,
        handler=exists,
        methods=READ,
        parameters=("ListID", "EmailAddress"),
        required={"ListID": MISSING_LIST, "EmailAddress": MISSING_EMAIL},
        codes=numbered(MISSING_LIST, MISSING_EMAIL, INVALID_EXISTS_LIST),
        envelope=Envelope.SUCCESS,
    ),
    Command(
        name="subscriber.get.activity",
        summary="What a subscriber did with mails and links.",
        answers=answers.Activities,
        handler=get_activity,
        methods=READ,
        parameters=("SubscriberID", "SubscriberListID"),
        required={"SubscriberID": MISSING_ID, "SubscriberListID": MISSING_ITS_LIST},
        codes=numbered(MISSING_ID, MISSING_ITS_LIST, NOT_FOUND),
        envelope=Envelope.SUCCESS,
    ),
)  # fmt: skip
