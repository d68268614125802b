"""`attribution.create` and `revenue.get`, ours: links that tell whose they are, and what they
brought."""

import sqlite3
from typing import Any

from gateway import clock
from gateway.edge import links
from gateway.edge.commands import answers, parameter, profile
from gateway.edge.commands.arguments import invalid, owned_list, text
from gateway.edge.commands.command import (
    READ,
    WRITE,
    Answer,
    Call,
    Command,
    Envelope,
    is_missing,
    numbered,
    succeeded,
    whole_number,
)
from gateway.edge.commands.subscribers import named
from gateway.errors import Problem, Refused
from gateway.records import attribution, people
from gateway.records.lists import SubscriberList
from gateway.records.people import Subscriber
from gateway.signing import Attribution

MISSING_LIST = Problem(1, "Missing ListID parameter")
INVALID_LIST = Problem(2, "Invalid ListID")
NOT_FOUND = Problem(3, "Subscriber not found")
MISSING_NAME = Problem(4, "Missing EmailAddress/SubscriberID parameter")
MISSING_CAMPAIGN = Problem(5, "Missing Campaign parameter")
INVALID_URL = Problem(6, "Invalid URL parameter: write a whole address, http or https.")
INVALID_CAMPAIGN = Problem(7, "Invalid Campaign parameter: write 1 to 200 characters.")

CAMPAIGN_CHARS_MAX = 200
RECIPIENTS_MAX = 1_000


async def create(call: Call) -> Answer:
    campaign = text(call.parameters, "Campaign")
    if len(campaign) > CAMPAIGN_CHARS_MAX:
        raise Refused(INVALID_CAMPAIGN)
    url = text(call.parameters, "URL")
    if url:
        _check(url)

    def read(db: sqlite3.Connection) -> tuple[SubscriberList, list[Subscriber]]:
        found = owned_list(db, call, "ListID", INVALID_LIST)
        return found, _recipients(db, call, found)

    found, recipients = await call.services.reader.read(read)
    made = [_link(call, found, each, campaign, url) for each in recipients]
    return succeeded(Links=made, Token=made[0]["Token"], Link=made[0]["Link"])


async def get(call: Call) -> Answer:
    campaign = text(call.parameters, "Campaign")

    def read(db: sqlite3.Connection) -> Answer:
        found = owned_list(db, call, "ListID", INVALID_LIST)
        names = ("emailaddress", "subscriberid")
        if all(is_missing(call.parameters.get(name)) for name in names):
            lines = attribution.of_list(db, found.id)
        else:
            person = named(db, call, found)
            if person is None:
                raise Refused(NOT_FOUND)
            lines = attribution.of_subscriber(db, person.id)
        if campaign:
            lines = [line for line in lines if line.campaign == campaign]
        return succeeded(
            ListID=found.id,
            Currency=found.currency,
            TotalRevenue=attribution.total(lines, found.currency),
            Revenue=profile.revenue(lines),
        )

    return await call.services.reader.read(read)


def _check(url: str) -> None:
    try:
        links.with_token(url, "")
    except Refused:
        raise Refused(INVALID_URL) from None


def _recipients(db: sqlite3.Connection, call: Call, found: SubscriberList) -> list[Subscriber]:
    """Whom `SubscriberID`, else `EmailAddress`, names: one, or a list of them. All or nobody."""
    by_id = not is_missing(call.parameters.get("subscriberid"))
    name = "SubscriberID" if by_id else "EmailAddress"
    given = call.parameters[name.lower()]
    values = given if isinstance(given, list) else [given]
    if len(values) > RECIPIENTS_MAX:
        raise Refused(invalid(name, f"at most {RECIPIENTS_MAX} of them"))
    people_found = [_recipient(db, found, value, by_id) for value in values]
    if not all(people_found):
        raise Refused(NOT_FOUND)
    return [each for each in people_found if each]


def _recipient(
    db: sqlite3.Connection, found: SubscriberList, value: Any, by_id: bool
) -> Subscriber | None:
    if by_id:
        subscriber_id = whole_number(value)
        return people.on_list(db, found.id, subscriber_id) if subscriber_id else None
    return people.subscriber_by_email(db, found.id, str(value).strip())


def _link(
    call: Call, found: SubscriberList, person: Subscriber, campaign: str, url: str
) -> dict[str, Any]:
    token = call.services.signing.attribution_token(
        Attribution(
            account_id=found.account_id,
            list_id=found.id,
            subscriber_id=person.id,
            campaign=campaign,
            minted_at_s=clock.now_ms() // 1000,
        )
    )
    return {
        "SubscriberID": person.id,
        "EmailAddress": person.email,
        "Token": token,
        "Link": links.with_token(url, token) if url else None,
    }


_RECIPIENTS = {
    "EmailAddress": parameter.several(parameter.email("Recipients, by address."), RECIPIENTS_MAX),
    "SubscriberID": parameter.several(parameter.whole("Recipients, by id."), RECIPIENTS_MAX),
}

COMMANDS = (
    Command(
        name="attribution.create",
        summary="Links that tell whose they are, for the mails of a campaign.",
        answers=answers.Links,
        meanings=_RECIPIENTS,
        handler=create,
        methods=WRITE,
        parameters=("ListID", "EmailAddress", "SubscriberID", "Campaign", "URL"),
        required={
            "ListID": MISSING_LIST,
            "EmailAddress/SubscriberID": MISSING_NAME,
            "Campaign": MISSING_CAMPAIGN,
        },
        codes=numbered(
            MISSING_LIST, INVALID_LIST, NOT_FOUND, MISSING_NAME, MISSING_CAMPAIGN, INVALID_URL,
            INVALID_CAMPAIGN,
        ),
        envelope=Envelope.SUCCESS,
    ),
    Command(
        name="revenue.get",
        summary="What a list or a subscriber earned, by campaign.",
        answers=answers.RevenueGot,
        handler=get,
        methods=READ,
        parameters=("ListID", "EmailAddress", "SubscriberID", "Campaign"),
        required={"ListID": MISSING_LIST},
        codes=numbered(MISSING_LIST, INVALID_LIST, NOT_FOUND),
        envelope=Envelope.SUCCESS,
    ),
)  # fmt: skip
