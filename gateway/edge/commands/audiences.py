"""`subscribers.*` and `subscriber.unsubscribe`: many people of a list at once, found by rules.

What changes many goes in bounded transactions one after another, for the writer is everybody's;
each is repeatable, so a call that was cut short is finished by making it again.
"""

import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice

from gateway.edge.commands import answers, profile, rules
from gateway.edge.commands.arguments import flag, id_list, owned_list, page, text
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
from gateway.edge.commands.subscribers import (
    MISSING_LIST,
    is_address,
    named,
    with_standing,
)
from gateway.errors import Problem, Refused
from gateway.records import attribution, audience, fields, people, removal, segments
from gateway.records.audience import EVERYBODY, FIELDS, Condition
from gateway.records.lists import SubscriberList
from gateway.records.people import Subscriber

MISSING_OPERATOR = Problem(2, "Missing Operator parameter")
SEARCH_LIST = Problem(3, "ListID not found")
ENGINE = Problem(4, "Problem with the segment engine")
RECURSION = Problem(5, "Segment recursion limit exceeded")
SEARCH_SYNTAX = Problem(6, rules.SYNTAX)
LEGACY_RULES = Problem(1006, "Rules is not supported: send RulesJSON.")

MISSING_GET_LIST = Problem(1, "Missing SubscriberListID parameter")
MISSING_SEGMENT = Problem(2, "Missing SubscriberSegment parameter")
INVALID_GET_LIST = Problem(3, "Invalid ListID or list does not belong to user")
INVALID_SEARCH_FIELD = Problem(
    4, "Invalid SearchField (not a default search field or a numeric custom-field ID)"
)
UNKNOWN_SEGMENT = Problem(
    1007,
    "Invalid SubscriberSegment parameter: write All, Active, Unsubscribed, Opt-In Pending, "
    "Opt-Out Pending, Soft bounced, Hard bounced, Suppressed, or the id or name of a segment.",
)

MISSING_DELETE_LIST = Problem(2, "Missing subscriber list id")
INVALID_DELETE_LIST = Problem(5, "Invalid list id")
DELETE_RESPONSE = Problem(6, "Invalid query builder response")
DELETE_SYNTAX = Problem(7, rules.SYNTAX)
INVALID_IDS = Problem(8, "Invalid Subscribers value (contains a non-integer subscriber ID)")
NOBODY_NAMED = Problem(1008, "Missing Subscribers or RulesJSON parameter: say whom.")

MISSING_ADDRESS = Problem(2, "Missing IPAddress parameter")
MISSING_NAME = Problem(3, "Missing EmailAddress/SubscriberID parameter")
INVALID_LIST = Problem(4, "Invalid ListID")
INVALID_USER = Problem(5, "Invalid user information")
INVALID_EMAIL = Problem(6, "Invalid EmailAddress")
NOT_FOUND = Problem(7, "Subscriber not found")
UNSUBSCRIBE_SYNTAX = Problem(7, rules.SYNTAX)
INVALID_CAMPAIGN = Problem(8, "Invalid CampaignID")
ALREADY = Problem(9, "Subscriber already unsubscribed")
INVALID_EMAIL_ID = Problem(10, "Invalid EmailID")
UNSUBSCRIBE_RESPONSE = Problem(11, "Invalid query builder response")

STEP = 50  # people a transaction

_SEGMENTS = {
    "all": "1",
    "active": "status = 'Subscribed' and bounce_type != 'Hard'",
    "subscribed": "status = 'Subscribed'",
    "unsubscribed": "status = 'Unsubscribed'",
    "opt-in pending": "status = 'Opt-In Pending'",
    "opt-out pending": "status = 'Opt-Out Pending'",
    "soft bounced": "bounce_type = 'Soft'",
    "hard bounced": "bounce_type = 'Hard'",
    "suppressed": "0",
}
"""Who was erased is kept as a digest only, so there is nobody to show as suppressed."""


async def get_many(call: Call) -> Answer:
    def read(db: sqlite3.Connection) -> Answer:
        found = owned_list(db, call, "SubscriberListID", INVALID_GET_LIST)
        segment = _segment(db, call, found)
        searched = _searched(db, call, found)
        values = {**segment.values, **searched.values}
        wanted = Condition(f"({segment.sql}) and {searched.sql}", values)
        total, people_found = _page(db, call, found, wanted)
        rows = [profile.whole(db, each) for each in people_found]
        return succeeded(Subscribers=rows, TotalSubscribers=total)

    return await call.services.reader.read(read)


async def search(call: Call) -> Answer:
    if not is_missing(call.parameters.get("rules")):
        raise Refused(LEGACY_RULES)
    given, match_all = rules.read(call, "Operator", syntax=SEARCH_SYNTAX, too_deep=RECURSION)

    def read(db: sqlite3.Connection) -> Answer:
        found = owned_list(db, call, "ListID", SEARCH_LIST)
        wanted = rules.condition(db, found.id, given, match_all, ENGINE)
        if flag(call.parameters, "OnlyTotal"):
            return succeeded(TotalSubscribers=audience.count(db, found.id, wanted))
        total, people_found = _page(db, call, found, wanted)
        earned = attribution.of_subscribers(db, [p.id for p in people_found], found.currency)
        rows = [
            {
                **profile.whole(db, each),
                "SubscriberTags": [],
                "Suppressed": False,
                "TotalRevenue": earned.get(each.id, 0),
            }
            for each in people_found
        ]
        return succeeded(TotalSubscribers=total, Subscribers=rows)

    return await call.services.reader.read(read)


async def delete_many(call: Call) -> Answer:
    """Their browsers are nobody's after that; what these did stays. To forget a person with all
    they did, and for good, is `person erase`."""
    given, match_all = rules.read(call, "RulesOperator", syntax=DELETE_SYNTAX)
    ids = id_list(call.parameters.get("subscribers") or [], INVALID_IDS)
    if not given and not ids:
        raise Refused(NOBODY_NAMED)

    def whom(db: sqlite3.Connection) -> list[int]:
        found = owned_list(db, call, "SubscriberListID", INVALID_DELETE_LIST)
        if not given:
            return [each for each in ids if people.on_list(db, found.id, each)]
        wanted = rules.condition(db, found.id, given, match_all, DELETE_RESPONSE)
        matching = audience.ids(db, found.id, wanted)
        return [each for each in matching if not ids or each in ids]

    await _in_steps(call, await call.services.reader.read(whom), removal.remove_subscriber)
    return succeeded()


async def unsubscribe(call: Call) -> Answer:
    if is_missing(call.parameters.get("rulesjson")):
        await _unsubscribe_one(call)
        return succeeded(RedirectURL="")
    given, match_all = rules.read(call, "RulesOperator", syntax=UNSUBSCRIBE_SYNTAX)

    def whom(db: sqlite3.Connection) -> list[int]:
        found = owned_list(db, call, "ListID", INVALID_LIST)
        wanted = rules.condition(db, found.id, given, match_all, UNSUBSCRIBE_RESPONSE)
        return audience.ids(db, found.id, wanted)

    ids = await call.services.reader.read(whom)
    if not flag(call.parameters, "Preview"):
        await _in_steps(call, ids, lambda db, each: _leave(db, call, people.subscriber(db, each)))
    return succeeded(RedirectURL="", TotalSubscribers=len(ids))


async def _unsubscribe_one(call: Call) -> None:
    email = text(call.parameters, "EmailAddress")
    if email and not is_address(email):
        raise Refused(INVALID_EMAIL)

    def leave(db: sqlite3.Connection) -> None:
        found = owned_list(db, call, "ListID", INVALID_LIST)
        person = named(db, call, found)
        if person is None:
            raise Refused(NOT_FOUND)
        if person.status == "Unsubscribed":
            raise Refused(ALREADY)
        if not flag(call.parameters, "Preview"):
            _leave(db, call, person)

    await call.services.writer.write(leave)


def _leave(db: sqlite3.Connection, call: Call, person: Subscriber) -> None:
    """Nothing where the person has left already: when and from where stays the first time's."""
    if person.status != "Unsubscribed":
        address = text(call.parameters, "IPAddress")
        facts = {"status": "Unsubscribed", "unsubscription_ip": address}
        people.change_subscriber(db, with_standing(person, facts))


async def _in_steps(
    call: Call, ids: Sequence[int], act: Callable[[sqlite3.Connection, int], None]
) -> None:
    """`act` on each who is still there, a few a transaction."""
    remaining = iter(ids)
    while step := list(islice(remaining, STEP)):
        await call.services.writer.write(partial(_act, ids=step, act=act))


def _act(
    db: sqlite3.Connection, ids: Sequence[int], act: Callable[[sqlite3.Connection, int], None]
) -> None:
    for subscriber_id in ids:
        if people.is_there(db, subscriber_id):
            act(db, subscriber_id)


def _page(
    db: sqlite3.Connection, call: Call, found: SubscriberList, wanted: Condition
) -> tuple[int, list[Subscriber]]:
    """How many there are, and those of the page that is asked for."""
    by_field = {
        f"customfield{field.id}": audience.custom_field(field.id)
        for field in fields.of_list(db, found.id)
    }
    orders = FIELDS | by_field
    asked = page(call.parameters, orders)
    rows = audience.page(
        db,
        found.id,
        wanted,
        order=orders[asked.order],
        descending=asked.descending,
        rows=asked.rows,
        offset=asked.offset,
    )
    return audience.count(db, found.id, wanted), rows


def _segment(db: sqlite3.Connection, call: Call, found: SubscriberList) -> Condition:
    """Those of a standing, or of a segment of the list. Raises Refused."""
    name = text(call.parameters, "SubscriberSegment").casefold()
    if name in _SEGMENTS:
        return Condition(_SEGMENTS[name], {})
    for segment in segments.of_list(db, found.id):
        if name in (str(segment.id), segment.name.casefold()):
            return segments.condition(db, segment)
    raise Refused(UNKNOWN_SEGMENT)


def _searched(db: sqlite3.Connection, call: Call, found: SubscriberList) -> Condition:
    keyword = text(call.parameters, "SearchKeyword")
    field = text(call.parameters, "SearchField").lower() or "emailaddress"
    number = whole_number(field.removeprefix("customfield"))
    if field in FIELDS:
        expression = FIELDS[field]
    elif number and any(each.id == number for each in fields.of_list(db, found.id)):
        expression = audience.custom_field(number)
    else:
        raise Refused(INVALID_SEARCH_FIELD)
    return audience.contains(expression, keyword) if keyword else EVERYBODY


_PAGE = ("RecordsPerRequest", "RecordsFrom", "OrderField", "OrderType")

COMMANDS = (
    Command(
        name="subscribers.get",
        summary="The subscribers of a list, page by page.",
        answers=answers.Subscribers,
        further=numbered(UNKNOWN_SEGMENT),
        handler=get_many,
        methods=READ,
        parameters=(
            "SubscriberListID", "SubscriberSegment", *_PAGE, "SearchField", "SearchKeyword",
        ),
        required={"SubscriberListID": MISSING_GET_LIST, "SubscriberSegment": MISSING_SEGMENT},
        codes=numbered(MISSING_GET_LIST, MISSING_SEGMENT, INVALID_GET_LIST, INVALID_SEARCH_FIELD),
        envelope=Envelope.SUCCESS,
    ),
    Command(
        name="subscribers.search",
        summary="Subscribers found by rules.",
        answers=answers.SubscribersFound,
        further=numbered(rules.INVALID, LEGACY_RULES),
        handler=search,
        methods=READ,
        parameters=(
            "ListID", "Operator", "Rules", "RulesJSON", *_PAGE, "OnlyTotal", "AddMustHaveFilters",
            "DebugQueryBuilder",
        ),
        required={"ListID": MISSING_LIST, "Operator": MISSING_OPERATOR},
        codes=numbered(
            MISSING_LIST, MISSING_OPERATOR, SEARCH_LIST, ENGINE, RECURSION, SEARCH_SYNTAX
        ),
        envelope=Envelope.SUCCESS,
    ),
    Command(
        name="subscribers.delete",
        summary="Take subscribers off a list; what their browsers did stays.",
        further=numbered(rules.INVALID, NOBODY_NAMED),
        handler=delete_many,
        methods=WRITE,
        parameters=(
            "SubscriberListID", "Subscribers", "RulesJSON", "RulesOperator", "Suppressed",
        ),
        required={"SubscriberListID": MISSING_DELETE_LIST},
        codes=numbered(
            MISSING_DELETE_LIST, INVALID_DELETE_LIST, DELETE_RESPONSE, DELETE_SYNTAX, INVALID_IDS
        ),
        envelope=Envelope.SUCCESS,
    ),
    Command(
        name="subscriber.unsubscribe",
        summary="Unsubscribe somebody, or all whom rules find.",
        answers=answers.Unsubscribed,
        further=numbered(rules.INVALID),
        handler=unsubscribe,
        methods=WRITE,
        parameters=(
            "ListID", "IPAddress", "EmailAddress", "SubscriberID", "RulesJSON", "RulesOperator",
            "CampaignID", "EmailID", "AutoResponderID", "Channel", "AddToGlobalSuppression",
            "BypassListSuppressionSettings", "Preview",
        ),
        required={
            "ListID": MISSING_LIST, "IPAddress": MISSING_ADDRESS,
            "EmailAddress/SubscriberID/RulesJSON": MISSING_NAME,
        },
        codes=numbered(
            MISSING_LIST, MISSING_ADDRESS, MISSING_NAME, INVALID_LIST, INVALID_USER, INVALID_EMAIL,
            NOT_FOUND, UNSUBSCRIBE_SYNTAX, INVALID_CAMPAIGN, ALREADY, INVALID_EMAIL_ID,
            UNSUBSCRIBE_RESPONSE,
        ),
        envelope=Envelope.SUCCESS,
    ),
)  # fmt: skip
