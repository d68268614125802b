"""`subscriber.create`: a person is put on a list by the site's own server."""

import dataclasses
import sqlite3
from typing import Any

from gateway import clock
from gateway.edge.commands import answers, field_values, parameter, profile
from gateway.edge.commands.arguments import flag, instant, object_of, owned_list, text
from gateway.edge.commands.command import (
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
from gateway.edge.commands.subscribers import (
    ERASED,
    INVALID_BOUNCE_TYPE,
    INVALID_EMAIL,
    INVALID_LIST,
    MISSING_EMAIL,
    MISSING_LIST,
    NO_JOURNEYS,
    is_address,
    standing,
)
from gateway.errors import Problem, Refused
from gateway.records import people
from gateway.records.people import Subscriber
from gateway.records.suppressions import Erased

INVALID_STATUS = Problem(6, "Invalid Status value")
INVALID_SUBSCRIPTION_DATE = Problem(7, "Invalid SubscriptionDate value")
INVALID_UNSUBSCRIPTION_DATE = Problem(13, "Invalid UnsubscriptionDate value")
INVALID_OPT_IN_DATE = Problem(16, "Invalid OptInDate value")
DUPLICATE = Problem(20, "Duplicate EmailAddress")
UNSUBSCRIBED_BEFORE = Problem(21, "Previously unsubscribed EmailAddress")
INVALID_CONFIRMATION = Problem(24, "Invalid OptInConfirmationEmailID value")
CREATE_FIELDS = field_values.Codes(
    invalid=Problem(17, "Invalid Custom Field value"),
    missing=Problem(
        26, "Required custom field is empty or was omitted (EnforceRequiredFields only)"
    ),
    not_unique=Problem(27, "Unique custom field value already exists (EnforceRequiredFields only)"),
    failed_method=Problem(
        28, "Custom field value failed its validation method (EnforceRequiredFields only)"
    ),
)
CREATE_OTHERS = (
    Problem(8, "Missing SubscriptionDate parameter"),
    Problem(9, "Missing SubscriptionIP parameter"),
    Problem(10, "Invalid SubscriptionIP value"),
    Problem(11, "Missing UnsubscriptionDate parameter"),
    Problem(12, "Missing UnsubscriptionIP parameter"),
    Problem(14, "Invalid UnsubscriptionIP value"),
    Problem(15, "Missing OptInDate parameter"),
    Problem(18, "Subscriber create limit is exceeded"),
    Problem(19, "Invalid EmailAddress"),
    Problem(22, "Invalid user information"),
    Problem(23, "Invalid list information"),
    Problem(
        25,
        "Invalid OptInConfirmationEmailID (email does not exist or does not belong to user)",
    ),
)


async def create(call: Call) -> Answer:
    given = call.parameters
    email = text(given, "EmailAddress")
    facts = _facts(call, email)
    custom = object_of(given, "CustomFields", CREATE_FIELDS.invalid)

    def make(db: sqlite3.Connection) -> dict[str, Any]:
        found = owned_list(db, call, "ListID", INVALID_LIST)
        known = people.subscriber_by_email(db, found.id, email)
        if known:
            _check_duplicate(call, known)
        values = field_values.read(db, found.id, custom, CREATE_FIELDS)
        if flag(given, "EnforceRequiredFields"):
            known_id = known.id if known else None
            field_values.enforce(db, found.id, known_id, values.known, CREATE_FIELDS)
        person = known or people.subscribe(db, found.id, email, clock.now_ms())
        if facts or known:
            again = {"status": "Subscribed", "unsubscribed_at_ms": None, "unsubscription_ip": None}
            back = again if known and known.status == "Unsubscribed" else {}
            people.change_subscriber(db, dataclasses.replace(person, **{**back, **facts}))
        field_values.write(db, person.id, values.known)
        return profile.whole(db, people.subscriber(db, person.id))

    try:
        shown = await call.services.writer.write(make)
    except Erased:
        return failed(Refused(ERASED), Suppressed=True)
    return succeeded(
        SubscriberInformation=shown,
        Suppressed=False,
        SubscriberTags=[],
        SubscriberSegments=[],
        SubscriberJourneys=NO_JOURNEYS,
        SubscriberWebsiteEvents=[],
    )


def _facts(call: Call, email: str) -> dict[str, Any]:
    """What is said of a new subscriber besides its address. Raises Refused with all problems."""
    given = call.parameters
    problems = [INVALID_EMAIL] * (not is_address(email))
    facts: dict[str, Any] = {}
    try:
        facts = standing(call, "Status", INVALID_STATUS, INVALID_UNSUBSCRIPTION_DATE)
    except Refused as refused:
        problems += refused.problems
    for name, problem in (
        ("SubscriptionDate", INVALID_SUBSCRIPTION_DATE),
        ("OptInDate", INVALID_OPT_IN_DATE),
    ):
        try:
            at_ms = instant(given, name, problem)
        except Refused as refused:
            problems += refused.problems
        else:
            if at_ms is not None and name == "SubscriptionDate":
                facts["created_at_ms"] = at_ms
    if not is_missing(given.get("optinconfirmationemailid")) and not whole_number(
        given["optinconfirmationemailid"]
    ):
        problems.append(INVALID_CONFIRMATION)
    if problems:
        raise Refused(*problems)
    subscription_ip = text(given, "SubscriptionIP")
    if subscription_ip:
        facts["subscription_ip"] = subscription_ip
    if facts.get("status") == "Unsubscribed":
        facts = {"unsubscribed_at_ms": clock.now_ms(), **facts}
    return facts


def _check_duplicate(call: Call, known: Subscriber) -> None:
    """Raises Refused unless the call says to go on with a subscriber who is there."""
    if known.status == "Unsubscribed":
        if not flag(call.parameters, "UpdateIfUnsubscribed"):
            raise Refused(UNSUBSCRIBED_BEFORE)
    elif not flag(call.parameters, "UpdateIfDuplicate"):
        raise Refused(DUPLICATE)


COMMANDS = (
    Command(
        name="subscriber.create",
        summary="Put a person on a list.",
        answers=answers.SubscriberCreated,
        further=numbered(ERASED),
        meanings={
            "CustomFields": parameter.obj("Custom field values by alias, `CustomField<ID>` or id.")
        },
        handler=create,
        methods=WRITE,
        parameters=(
            "ListID", "EmailAddress", "Status", "OptInDate", "SubscriptionDate", "SubscriptionIP",
            "UnsubscriptionDate", "UnsubscriptionIP", "BounceType", "CustomFields",
            "EnforceRequiredFields", "OptInConfirmationEmailID", "UpdateIfDuplicate",
            "UpdateIfUnsubscribed", "ApplyBehaviors", "SendConfirmationEmail", "UpdateStatistics",
            "TriggerWebServices", "TriggerAutoResponders", "Source", "SourceRef",
        ),
        required={"ListID": MISSING_LIST, "EmailAddress": MISSING_EMAIL},
        codes=numbered(
            MISSING_LIST, MISSING_EMAIL, INVALID_EMAIL, INVALID_LIST, INVALID_BOUNCE_TYPE,
            INVALID_STATUS, INVALID_SUBSCRIPTION_DATE, INVALID_UNSUBSCRIPTION_DATE,
            INVALID_OPT_IN_DATE, DUPLICATE, UNSUBSCRIBED_BEFORE, INVALID_CONFIRMATION,
            *CREATE_OTHERS, CREATE_FIELDS.invalid, CREATE_FIELDS.missing,
            CREATE_FIELDS.not_unique, CREATE_FIELDS.failed_method,
        ),
        envelope=Envelope.SUCCESS,
    ),
)  # fmt: skip
