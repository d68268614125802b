"""`segment.*`, `segments.*`: whom of a list is meant, kept, counted and listed."""

import dataclasses
import json
import sqlite3
from typing import Any

from gateway import clock
from gateway.edge.commands import answers, profile, rules
from gateway.edge.commands.arguments import (
    PAGE_ROWS,
    PAGE_ROWS_MAX,
    choice,
    flag,
    id_list,
    invalid,
    number,
    owned_list,
    page,
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
    whole_number,
)
from gateway.edge.commands.parameter import whole
from gateway.edge.parameters import Parameters
from gateway.errors import Problem, Refused
from gateway.records import audience, lists, segments
from gateway.records.segments import Segment

MISSING_LIST = Problem(1, "Missing subscriber list id")
MISSING_NAME = Problem(2, "Missing segment name")
MISSING_OPERATOR = Problem(3, "Missing segment operator")
INVALID_LIST = Problem(4, "List not found or doesn't belong to user")

MISSING_SEGMENT = Problem(1, "Missing segment id")
INVALID_SEGMENT = Problem(4, "Invalid segment id")
INVALID_OPERATOR = Problem(5, "Invalid segment operator")
INVALID_UPDATE_LIST = Problem(6, "Invalid subscriber list id")

INVALID_GET_LIST = Problem(1003, "Invalid SubscriberListID parameter: you have no such list.")

MISSING_SOURCE = Problem(1, "Missing sourcelistid")
MISSING_TARGET = Problem(2, "Missing targetlistid")
INVALID_COPY = Problem(4, "Invalid source subscriber id or Invalid target subscriber id")

MISSING_IDS = Problem(1, "Segment ids are missing")
INVALID_IDS = Problem(1004, "Invalid Segments parameter: you have no such segment.")

SYNTAX = Problem(1004, f"Invalid RulesJson parameter: {rules.SYNTAX}.")
LEGACY_RULES = Problem(1006, "SegmentRuleField is not supported: send RulesJson.")
MISSING_SIZE = Problem(1003, "Missing RandomnessAudienceSize parameter: write how many to draw.")

ORDERS = ("segmentid", "segmentname")


async def create(call: Call) -> Answer:
    given = call.parameters
    document, match_all = _rules(call)
    sample_size = _sample_size(given, None)

    def make(db: sqlite3.Connection) -> Segment:
        found = owned_list(db, call, "SubscriberListID", INVALID_LIST)
        return segments.create(
            db,
            found.id,
            name=text(given, "SegmentName"),
            rules=document,
            match_all=match_all,
            sample_size=sample_size,
            now_ms=clock.now_ms(),
        )

    made = await call.services.writer.write(make)
    return succeeded(SegmentID=made.id)


async def update(call: Call) -> Answer:
    """What is not said stays."""
    given = call.parameters
    document, match_all = _rules(call)

    def change(db: sqlite3.Connection) -> None:
        segment = _owned(db, call)
        if not is_missing(given.get("subscriberlistid")):
            target = owned_list(db, call, "SubscriberListID", INVALID_UPDATE_LIST)
            if target.id != segment.list_id:
                raise Refused(INVALID_UPDATE_LIST)
        segments.change(
            db,
            dataclasses.replace(
                segment,
                name=text(given, "SegmentName"),
                rules=document if "rulesjson" in given else segment.rules,
                match_all=match_all if "segmentoperator" in given else segment.match_all,
                sample_size=_sample_size(given, segment.sample_size),
                updated_at_ms=clock.now_ms(),
            ),
        )

    await call.services.writer.write(change)
    return succeeded()


async def get_many(call: Call) -> Answer:
    given = call.parameters
    asked = page(given, ORDERS, rows=PAGE_ROWS_MAX)
    with_totals = flag(given, "IncludeTotals")

    def read(db: sqlite3.Connection) -> Answer:
        found = owned_list(db, call, "SubscriberListID", INVALID_GET_LIST)
        known = segments.of_list(db, found.id)
        if not is_missing(given.get("segmentid")):
            known = [each for each in known if each.id == whole_number(given["segmentid"])]
        known.sort(
            key=lambda each: each.name.casefold() if asked.order == "segmentname" else each.id,
            reverse=asked.descending,
        )
        shown = known[asked.offset : asked.offset + asked.rows]
        return succeeded(
            TotalSegmentCount=len(known),
            Segments=[_facts(db, each, with_totals) for each in shown],
        )

    return await call.services.reader.read(read)


async def copy_all(call: Call) -> Answer:
    def copy(db: sqlite3.Connection) -> None:
        source = owned_list(db, call, "SourceListID", INVALID_COPY)
        target = owned_list(db, call, "TargetListID", INVALID_COPY)
        segments.copy(db, source.id, target.id, clock.now_ms())

    await call.services.writer.write(copy)
    return succeeded()


async def delete_many(call: Call) -> Answer:
    ids = id_list(
        call.parameters["segments"], invalid("Segments", "segment ids, separated by commas")
    )

    def remove(db: sqlite3.Connection) -> None:
        found = [_of_account(db, call, segment_id) for segment_id in ids]
        segments.delete(db, [each for each in found if each])
        if None in found:
            raise Refused(INVALID_IDS)

    await call.services.writer.write(remove)
    return succeeded()


async def count(call: Call) -> Answer:
    def read(db: sqlite3.Connection) -> Answer:
        segment = _owned(db, call)
        wanted = segments.condition(db, segment)
        return succeeded(SubscriberCount=audience.count(db, segment.list_id, wanted))

    return await call.services.reader.read(read)


async def subscribers(call: Call) -> Answer:
    """A page is asked for by the last id of the one before, so that who joins meanwhile moves
    nobody from one page to another."""
    rows = number(call.parameters, "RecordsPerRequest", PAGE_ROWS, PAGE_ROWS_MAX) or PAGE_ROWS_MAX
    after = number(call.parameters, "After", 0)

    def read(db: sqlite3.Connection) -> Answer:
        segment = _owned(db, call)
        wanted = segments.condition(db, segment)
        found = audience.after(db, segment.list_id, wanted, after_id=after, rows=rows + 1)
        shown = [profile.whole(db, each) for each in found[:rows]]
        more = found[rows - 1].id if len(found) > rows else None
        return succeeded(Subscribers=shown, After=more)

    return await call.services.reader.read(read)


def _rules(call: Call) -> tuple[list[Any], bool]:
    given = call.parameters
    for name in ("segmentrulefield", "segmentruleoperator", "segmentrulefilter"):
        if not is_missing(given.get(name)):
            raise Refused(LEGACY_RULES)
    choice(given, "SegmentOperator", ("and", "or"), INVALID_OPERATOR)
    return rules.read(call, "SegmentOperator", name="RulesJson", syntax=SYNTAX)


def _sample_size(given: Parameters, kept: int | None) -> int | None:
    """How many to draw; None for all."""
    if "randomness" not in given and "randomnessaudiencesize" not in given:
        return kept
    if not flag(given, "Randomness", default="randomness" not in given):
        return None
    size = number(given, "RandomnessAudienceSize", kept or 0)
    if size == 0:
        raise Refused(MISSING_SIZE)
    return size


def _owned(db: sqlite3.Connection, call: Call) -> Segment:
    segment_id = whole_number(call.parameters.get("segmentid"))
    segment = _of_account(db, call, segment_id) if segment_id else None
    if segment is None:
        raise Refused(INVALID_SEGMENT)
    return segment


def _of_account(db: sqlite3.Connection, call: Call, segment_id: int) -> Segment | None:
    segment = segments.get(db, segment_id)
    if segment is None or not lists.owned(db, segment.list_id, call.caller.account_id):
        return None
    return segment


def _facts(db: sqlite3.Connection, segment: Segment, with_total: bool) -> dict[str, Any]:
    """`SubscriberCount` is null unless it was asked for: it is counted anew."""
    total = None
    if with_total:
        total = audience.count(db, segment.list_id, segments.condition(db, segment))
    return {
        "SegmentID": segment.id,
        "SegmentName": segment.name,
        "SegmentOperator": "and" if segment.match_all else "or",
        "SubscriberCount": total,
        "SegmentRules": segment.rules,
        "SegmentRulesJson": json.dumps(segment.rules),
        "Randomness": segment.sample_size is not None,
        "RandomnessAudienceSize": segment.sample_size or 0,
    }


_WRITTEN = (
    "SubscriberListID", "SegmentName", "SegmentOperator", "SegmentRuleField",
    "SegmentRuleOperator", "SegmentRuleFilter", "RulesJson", "Randomness",
    "RandomnessAudienceSize",
)  # fmt: skip

COMMANDS = (
    Command(
        name="segment.create",
        summary="Keep a segment: rules on what people are and did.",
        answers=answers.SegmentCreated,
        further=numbered(INVALID_OPERATOR, SYNTAX, LEGACY_RULES, MISSING_SIZE),
        handler=create,
        methods=WRITE,
        parameters=_WRITTEN,
        required={
            "SubscriberListID": MISSING_LIST, "SegmentName": MISSING_NAME,
            "SegmentOperator": MISSING_OPERATOR,
        },
        codes=numbered(MISSING_LIST, MISSING_NAME, MISSING_OPERATOR, INVALID_LIST),
        envelope=Envelope.SUCCESS,
    ),
    Command(
        name="segment.update",
        summary="Change a segment; what is not said stays.",
        further=numbered(SYNTAX, LEGACY_RULES, MISSING_SIZE),
        handler=update,
        methods=WRITE,
        parameters=("SegmentID", *_WRITTEN),
        required={"SegmentID": MISSING_SEGMENT, "SegmentName": MISSING_NAME},
        codes=numbered(
            MISSING_SEGMENT, MISSING_NAME, INVALID_SEGMENT, INVALID_OPERATOR, INVALID_UPDATE_LIST
        ),
        envelope=Envelope.SUCCESS,
    ),
    Command(
        name="segments.get",
        summary="The segments of a list.",
        answers=answers.Segments,
        further=numbered(INVALID_GET_LIST),
        handler=get_many,
        methods=READ,
        parameters=(
            "SubscriberListID", "SegmentID", "IncludeTotals", "OrderField", "OrderType",
            "RecordsPerRequest", "RecordsFrom",
        ),
        required={"SubscriberListID": MISSING_LIST},
        codes=numbered(MISSING_LIST),
        envelope=Envelope.SUCCESS,
    ),
    Command(
        name="segments.copy",
        summary="Copy all segments of a list to another.",
        handler=copy_all,
        methods=WRITE,
        parameters=("SourceListID", "TargetListID"),
        required={"SourceListID": MISSING_SOURCE, "TargetListID": MISSING_TARGET},
        codes=numbered(MISSING_SOURCE, MISSING_TARGET, INVALID_COPY),
        envelope=Envelope.SUCCESS,
    ),
    Command(
        name="segments.delete",
        summary="Delete segments.",
        further=numbered(INVALID_IDS),
        handler=delete_many,
        methods=WRITE,
        parameters=("Segments",),
        required={"Segments": MISSING_IDS},
        codes=numbered(MISSING_IDS),
        envelope=Envelope.SUCCESS,
    ),
    Command(
        name="segment.count",
        summary="How many subscribers a segment means now.",
        answers=answers.SegmentCount,
        handler=count,
        methods=READ,
        parameters=("SegmentID",),
        required={"SegmentID": MISSING_SEGMENT},
        codes=numbered(MISSING_SEGMENT, INVALID_SEGMENT),
        envelope=Envelope.SUCCESS,
    ),
    Command(
        name="segment.subscribers",
        summary="The subscribers a segment means now, page by page.",
        answers=answers.SegmentSubscribers,
        meanings={"After": whole("The `After` of the page before.")},
        handler=subscribers,
        methods=READ,
        parameters=("SegmentID", "RecordsPerRequest", "After"),
        required={"SegmentID": MISSING_SEGMENT},
        codes=numbered(MISSING_SEGMENT, INVALID_SEGMENT),
        envelope=Envelope.SUCCESS,
    ),
)  # fmt: skip
