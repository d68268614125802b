"""`list.*`, `lists.*`: the lists of an account, with what a site needs to be tracked on them."""

import dataclasses
import sqlite3
from typing import Any

from gateway import clock
from gateway.edge.commands import answers, list_settings, parameter
from gateway.edge.commands.arguments import (
    choice,
    flag,
    id_list,
    invalid,
    owned_list,
    page,
    stamp,
    text,
)
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
)
from gateway.edge.tracker import snippet
from gateway.errors import Problem, Refused
from gateway.records import attribution, catalog, event_log, lists, people
from gateway.records.lists import SubscriberList

MISSING_NAME = Problem(1, "Missing subscriber list name")
TOO_MANY_LISTS = Problem(
    3, "User has exceeded maximum number of subscriber lists allowed by their user group"
)
ROLLED_BACK = Problem(30, "Confirmation email creation failed; list and email were rolled back")
MISSING_GET_ID = Problem(1, "Missing list ID")
UNKNOWN_LIST = Problem(1001, "Invalid list ID: you have no such list.")
MISSING_UPDATE_ID = Problem(1, "Missing subscriber list ID")
INVALID_UPDATE_ID = Problem(2, "Invalid subscriber list ID")
NOTHING_TO_UPDATE = Problem(11, "Nothing to update")
MISSING_ID = Problem(1, "Missing subscriber list id")
INVALID_ID = Problem(
    2, "Invalid subscriber list id (not found or not owned by the authenticated user)"
)
MISSING_IDS = Problem(1, "List IDs are missing")

_ARCHIVED = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


async def create(call: Call) -> Answer:
    problems = list_settings.create_problems(call.parameters)
    if problems:
        raise Refused(*problems)
    name = text(call.parameters, "SubscriberListName")
    options = list_settings.kept(call.parameters)
    email = list_settings.confirmation_email(call.parameters)
    if email:
        options["ConfirmationEmail"] = email

    def make(db: sqlite3.Connection) -> SubscriberList:
        made = lists.create(db, call.caller.account_id, name, (), clock.now_ms())
        made = list_settings.ours(call.parameters, dataclasses.replace(made, options=options))
        lists.change(db, made)
        return made

    made = await call.services.writer.write(make)
    return succeeded(ListID=made.id)


async def get(call: Call) -> Answer:
    def read(db: sqlite3.Connection) -> dict[str, Any]:
        found = owned_list(db, call, "ListID", UNKNOWN_LIST)
        facts = _tracking(call, found) | {
            "EventTrackerProperties": catalog.for_list(db, found.id),
            "LastEventTrackedAt": stamp(event_log.last_happened_at_ms(db, found.id)),
        }
        if flag(call.parameters, "GetStats"):
            facts |= {"EventCount": event_log.count(db, found.id)} | _revenue(db, found)
        secret = {"IdentifySecret": found.secret if call.caller.may("admin") else None}
        return {**found.options, **_facts(db, found), **facts, **secret}

    return succeeded(List=await call.services.reader.read(read))


async def update(call: Call) -> Answer:
    problems = list_settings.update_problems(call.parameters)
    settable = ("Name", "Options", "SyncMySQLPassword", *list_settings.OURS, *list_settings.KEPT)
    if not any(name.lower() in call.parameters for name in settable):
        problems.append(NOTHING_TO_UPDATE)
    options = {} if problems else list_settings.kept(call.parameters)

    def change(db: sqlite3.Connection) -> SubscriberList:
        found = owned_list(db, call, "SubscriberListID", INVALID_UPDATE_ID)
        if problems:
            raise Refused(*problems)
        name = text(call.parameters, "Name") or found.name
        changed = dataclasses.replace(found, name=name, options=found.options | options)
        changed = list_settings.ours(call.parameters, changed)
        lists.change(db, changed)
        return changed

    changed = await call.services.writer.write(change)
    given_back = ("OptInMode", "SenderName", "SenderEmailAddress")
    facts = {name: changed.options.get(name, "") for name in given_back}
    return succeeded(List={"ListID": changed.id, "Name": changed.name, **facts})


async def archive(call: Call) -> Answer:
    return await _set_archived(call, clock.now_ms())


async def unarchive(call: Call) -> Answer:
    return await _set_archived(call, None)


async def get_many(call: Call) -> Answer:
    wanted = page(call.parameters, lists.ORDERS)
    search = text(call.parameters, "Search")
    archived = _archived(call)

    def read(db: sqlite3.Connection) -> Answer:
        found, total = lists.search(
            db,
            call.caller.account_id,
            text=search,
            archived=archived,
            order=wanted.order,
            descending=wanted.descending,
            rows=wanted.rows,
            offset=wanted.offset,
        )
        rows = [{**_facts(db, each), **_tracking(call, each)} for each in found]
        return succeeded(TotalListCount=total, Lists=rows)

    return await call.services.reader.read(read)


async def delete_many(call: Call) -> Answer:
    """The lists are nobody's when this answers; what they held goes after that, bit by bit."""
    ids = id_list(call.parameters["lists"], invalid("Lists", "list ids, separated by commas"))

    def bury(db: sqlite3.Connection) -> None:
        if not all(lists.owned(db, list_id, call.caller.account_id) for list_id in ids):
            raise Refused(UNKNOWN_LIST)
        for list_id in ids:
            lists.bury(db, list_id, clock.now_ms())

    await call.services.writer.write(bury)
    return succeeded()


async def _set_archived(call: Call, archived_at_ms: int | None) -> Answer:
    def change(db: sqlite3.Connection) -> None:
        found = owned_list(db, call, "SubscriberListID", INVALID_ID)
        lists.change(db, dataclasses.replace(found, archived_at_ms=archived_at_ms))

    await call.services.writer.write(change)
    return succeeded()


def _archived(call: Call) -> bool | None:
    """Those that are not archived, unless asked for those that are, or for `all`."""
    if is_missing(call.parameters.get("archived")):
        return False
    word = str(call.parameters["archived"]).strip().lower()
    if word == "all":
        return None
    choice({"archived": word}, "Archived", (*_ARCHIVED, "all"))
    return _ARCHIVED[word]


def _facts(db: sqlite3.Connection, found: SubscriberList) -> dict[str, Any]:
    return {
        "ListID": found.id,
        "Name": found.name,
        "Description": found.options.get("Description", ""),
        "ArchivedAt": stamp(found.archived_at_ms),
        "RelOwnerUserID": found.account_id,
        "OptInMode": found.options.get("OptInMode", "Single"),
        "CreatedOn": stamp(found.created_at_ms),
        "SubscriberCount": people.count_subscribers(db, found.id),
        "Options": found.options,
        "AllowedOrigins": list(found.allowed_origins),
        "IdentifyMode": found.identify_mode,
        "Privacy": found.privacy,
        "Currency": found.currency,
    }


def _tracking(call: Call, found: SubscriberList) -> dict[str, Any]:
    """What goes into the site's pages."""
    settings, signing = call.services.settings, call.services.signing
    user, own = signing.user_tracker_id(found.account_id), signing.list_tracker_id(found.id)
    return {
        "EncryptedSaltedListID": own,
        "EventListTrackerID": own,
        "EventUserTrackerID": user,
        "EventTrackerVariables": {
            "user": user,
            "list": own,
            "src": settings.base_url + settings.tracker_path,
            "beacon": settings.base_url + settings.beacon_path,
        },
        "EventTrackerJS": snippet(settings, user, own, privacy=found.privacy),
    }


def _revenue(db: sqlite3.Connection, found: SubscriberList) -> dict[str, Any]:
    return {"TotalRevenue": attribution.total(attribution.of_list(db, found.id), found.currency)}


_SWITCHES = {
    name: parameter.choice(("Enabled", "Disabled"), "Kept and given back.")
    for name in list_settings.SWITCHES
}
_NO_ORIGIN = {1002: "… is no origin: write it as https://shop.example."}

COMMANDS = (
    Command(
        name="list.create",
        needs="admin",
        summary="Make a list of subscribers.",
        answers=answers.ListCreated,
        further=_NO_ORIGIN,
        handler=create,
        methods=WRITE,
        parameters=(
            "SubscriberListName", *list_settings.OURS, *list_settings.KEPT, "ConfirmationEmail",
        ),
        required={"SubscriberListName": MISSING_NAME},
        codes=numbered(MISSING_NAME, TOO_MANY_LISTS, *list_settings.CREATE_PROBLEMS, ROLLED_BACK),
        envelope=Envelope.SUCCESS,
    ),
    Command(
        name="list.get",
        summary="A list, with the snippet for its site.",
        answers=answers.ListGot,
        further=numbered(UNKNOWN_LIST),
        handler=get,
        methods=READ,
        parameters=("ListID", "GetStats"),
        required={"ListID": MISSING_GET_ID},
        codes=numbered(MISSING_GET_ID),
        envelope=Envelope.SUCCESS,
    ),
    Command(
        name="list.update",
        needs="admin",
        summary="Change the settings of a list.",
        answers=answers.ListUpdated,
        meanings=_SWITCHES,
        further=_NO_ORIGIN,
        handler=update,
        methods=WRITE,
        parameters=(
            "SubscriberListID", "Name", *list_settings.OURS, *list_settings.KEPT,
            "SyncMySQLPassword", "Options",
        ),
        required={"SubscriberListID": MISSING_UPDATE_ID},
        codes=numbered(
            MISSING_UPDATE_ID, INVALID_UPDATE_ID, *list_settings.UPDATE_PROBLEMS, NOTHING_TO_UPDATE
        ),
        envelope=Envelope.SUCCESS,
    ),
    *(
        Command(
            name=name,
            needs="admin",
            summary=summary,
            handler=handler,
            methods=WRITE,
            parameters=("SubscriberListID",),
            required={"SubscriberListID": MISSING_ID},
            codes=numbered(MISSING_ID, INVALID_ID),
            envelope=Envelope.SUCCESS,
        )
        for name, handler, summary in (
            ("list.archive", archive, "Put a list away: `lists.get` leaves it out."),
            ("list.unarchive", unarchive, "Take a list out of the archive."),
        )
    ),
    Command(
        name="lists.get",
        summary="The lists of the account.",
        answers=answers.Lists,
        meanings={"OrderField": parameter.choice(lists.ORDERS, "What to order by.")},
        handler=get_many,
        methods=READ,
        parameters=(
            "RecordsPerRequest", "RecordsFrom", "OrderField", "OrderType", "Search", "Archived",
        ),
        envelope=Envelope.SUCCESS,
    ),
    Command(
        name="lists.delete",
        needs="admin",
        summary="Delete lists and everything they hold.",
        further=numbered(UNKNOWN_LIST),
        handler=delete_many,
        methods=WRITE,
        parameters=("Lists",),
        required={"Lists": MISSING_IDS},
        codes=numbered(MISSING_IDS),
        envelope=Envelope.SUCCESS,
    ),
)  # fmt: skip
