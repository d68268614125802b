"""`journey.*`: what is done when a subscriber's browser brings an event."""

import dataclasses
import sqlite3
from typing import Any

from gateway import clock
from gateway.edge.commands import answers
from gateway.edge.commands.arguments import (
    choice,
    flag,
    instant,
    invalid,
    number,
    object_of,
    owned_list,
    stamp,
    structure,
    text,
)
from gateway.edge.commands.command import (
    READ,
    Answer,
    Call,
    Command,
    Envelope,
    Rate,
    is_missing,
    numbered,
    succeeded,
    whole_number,
)
from gateway.edge.commands.parameter import choice as choice_of
from gateway.edge.commands.parameter import text as text_of
from gateway.edge.parameters import Parameters
from gateway.errors import Problem, Refused
from gateway.events.vocabulary import TRIGGERS, Kind
from gateway.records import enrolments, journeys, segments, webhooks
from gateway.records.journeys import Journey
from gateway.records.webhooks import Webhook

MISSING_NAME = Problem(1, "Missing Name parameter")
INVALID_TRIGGER = Problem(3, "Invalid trigger")
MISSING_LIST = Problem(4, "Missing Trigger_ListID parameter")
INVALID_LIST = Problem(5, "Invalid Trigger_ListID parameter")
UNKNOWN_LIST = Problem(6, "Trigger_ListID matching record not found")
INVALID_VALUE = Problem(10, "Invalid Trigger_Value parameter")
INVALID_HOURLY = Problem(18, "Invalid rate_limit_per_hour parameter")
INVALID_DAILY = Problem(19, "Invalid rate_limit_per_day parameter")

MISSING_JOURNEY = Problem(1, "Missing JourneyID parameter")
INVALID_JOURNEY = Problem(2, "Invalid JourneyID parameter")
UNKNOWN_JOURNEY = Problem(3, "Journey not found")
UNKNOWN_UPDATED = Problem(10, "Journey not found")

INVALID_START = Problem(4, "Invalid StartDate format")
INVALID_END = Problem(5, "Invalid EndDate format")
START_AFTER_END = Problem(6, "StartDate must be before EndDate")
INVALID_STATS_START = Problem(4, "Invalid StatsStartDate format")
INVALID_STATS_END = Problem(5, "Invalid StatsEndDate format")
STATS_START_AFTER_END = Problem(6, "StatsStartDate must be before StatsEndDate")

ENABLED_ALREADY = Problem(4, "Journey is already enabled")
DISABLED_ALREADY = Problem(4, "Journey is already disabled")
NO_TRIGGER = Problem(
    1005, "The journey waits for nothing: give it a Trigger with journey.update first."
)

MISSING_NEW_NAME = Problem(1, "Missing NewJourneyName parameter")
MISSING_CLONED = Problem(2, "Missing JourneyID parameter")

# Of triggers of this family that have nothing to do with websites. They are not among ours.
_OTHER_TRIGGERS = {
    7: "Missing Trigger_EmailID parameter",
    8: "Invalid Trigger_EmailID parameter",
    9: "Trigger_EmailID matching record not found",
    11: "Trigger_Value matching record not found",
    12: "Invalid Trigger_Value parameter (CustomFieldValueChanged)",
    13: "Trigger_Value matching record not found (CustomFieldValueChanged)",
    14: "Invalid Trigger_Value parameter (RevenueHit)",
    15: "Missing Trigger_Value parameter (RevenueHit)",
    16: "Invalid Trigger_Value parameter (JourneyCompleted)",
    17: "Trigger_Value matching record not found (JourneyCompleted)",
    20: "Missing or invalid Trigger_ListID parameter for ScheduledPull trigger",
    21: "Trigger_ListID matching record not found (ScheduledPull)",
}
_RULES = {1004: "Invalid Trigger_Criteria or Run_Criteria: which rule, and what to write."}

_SPELLED = {kind: word for word, kind in TRIGGERS.items()}
NAME_CHARS_MAX = 200


async def create(call: Call) -> Answer:
    given = call.parameters
    name = _name(given, "Name")

    def make(db: sqlite3.Connection) -> Answer:
        bare = Journey(id=0, account_id=call.caller.account_id, list_id=None, name=name)
        wanted = _said(db, call, bare, INVALID_VALUE)
        made = journeys.create(db, wanted, clock.now_ms())
        return succeeded(JourneyID=made.id, Journey=facts(made))

    return await call.services.writer.write(make)


async def update(call: Call) -> Answer:
    """What is not said stays."""
    given = call.parameters

    def change(db: sqlite3.Connection) -> Answer:
        journey = owned(db, call, INVALID_JOURNEY, UNKNOWN_UPDATED)
        name = journey.name if is_missing(given.get("name")) else _name(given, "Name")
        wanted = _said(
            db,
            call,
            dataclasses.replace(journey, name=name),
            invalid("Trigger_Value", "the name of an event, or what a URL has in it"),
        )
        return succeeded(Journey=facts(journeys.change(db, wanted, clock.now_ms())))

    return await call.services.writer.write(change)


async def get(call: Call) -> Answer:
    since_ms, until_ms = _period(
        call.parameters, ("StartDate", "EndDate"), (INVALID_START, INVALID_END, START_AFTER_END)
    )

    def read(db: sqlite3.Connection) -> Answer:
        journey = owned(db, call, INVALID_JOURNEY, UNKNOWN_JOURNEY)
        return succeeded(
            **facts(journey),
            Actions=actions(webhooks.of_journey(db, journey.id)),
            JourneyStats=_stats(db, journey, since_ms, until_ms),
        )

    return await call.services.reader.read(read)


async def list_all(call: Call) -> Answer:
    given = call.parameters
    problems = (INVALID_STATS_START, INVALID_STATS_END, STATS_START_AFTER_END)
    since_ms, until_ms = _period(given, ("StatsStartDate", "StatsEndDate"), problems)
    with_stats = not flag(given, "SkipStats")

    def read(db: sqlite3.Connection) -> Answer:
        found = journeys.of_account(db, call.caller.account_id)
        return succeeded(
            Journeys=[
                facts(each)
                | ({"JourneyStats": _stats(db, each, since_ms, until_ms)} if with_stats else {})
                for each in found
            ]
        )

    return await call.services.reader.read(read)


async def enable(call: Call) -> Answer:
    return await _switch(call, True, ENABLED_ALREADY)


async def disable(call: Call) -> Answer:
    return await _switch(call, False, DISABLED_ALREADY)


async def clone(call: Call) -> Answer:
    """With what it runs, each under a secret of its own; it starts disabled."""
    name = _name(call.parameters, "NewJourneyName")

    def copy(db: sqlite3.Connection) -> Answer:
        original = owned(db, call, UNKNOWN_JOURNEY, UNKNOWN_JOURNEY)
        now_ms = clock.now_ms()
        wanted = dataclasses.replace(original, name=name, enabled=False)
        made = journeys.create(db, wanted, now_ms)
        own = [
            dataclasses.replace(each, id=0, journey_id=made.id)
            for each in webhooks.of_journey(db, original.id)
        ]
        copies = webhooks.replace(db, made.id, own, now_ms)
        return succeeded(Journey=facts(made), Actions=actions(copies, new={e.id for e in copies}))

    return await call.services.writer.write(copy)


async def delete(call: Call) -> Answer:
    def bury(db: sqlite3.Connection) -> Answer:
        journey = owned(db, call, INVALID_JOURNEY, UNKNOWN_JOURNEY)
        journeys.bury(db, journey.id, clock.now_ms())
        return succeeded(JourneyID=journey.id)

    return await call.services.writer.write(bury)


def owned(db: sqlite3.Connection, call: Call, invalid_id: Problem, unknown: Problem) -> Journey:
    """The caller's journey that `JourneyID` names. Raises Refused."""
    journey_id = whole_number(call.parameters.get("journeyid"))
    if journey_id is None:
        raise Refused(invalid_id)
    found = journeys.owned(db, journey_id, call.caller.account_id)
    if found is None:
        raise Refused(unknown)
    return found


def facts(journey: Journey) -> dict[str, Any]:
    return {
        "JourneyID": journey.id,
        "JourneyName": journey.name,
        "Trigger": _SPELLED.get(journey.kind, "") if journey.kind is not None else "",
        "TriggerParameters": _trigger_parameters(journey),
        "Trigger_Criteria": journey.trigger_rules,
        "Run_Criteria": journey.run_rules,
        "Run_Criteria_Operator": "and" if journey.run_match_all else "or",
        "Rate_Limit_Per_Hour": journey.hourly_max,
        "Rate_Limit_Per_Day": journey.daily_max,
        "Status": "Enabled" if journey.enabled else "Disabled",
        "Notes": journey.notes,
        "CreatedAt": stamp(journey.created_at_ms),
        "UpdatedAt": stamp(journey.updated_at_ms),
    }


def actions(found: list[Webhook], new: set[int] | None = None) -> list[dict[str, Any]]:
    """With the secret of those that are new, and of no other."""
    return [
        {
            "ActionID": each.id,
            "Action": "Webhook",
            "ActionParameters": {
                "URL": each.url,
                "Headers": dict(each.headers),
                "Payload": dict(each.payload),
                "SignatureHeader": each.signature_header,
                **({"Secret": each.secret} if each.id in (new or ()) else {}),
            },
            "Gone": each.gone_at_ms is not None,
        }
        for each in found
    ]


def _trigger_parameters(journey: Journey) -> dict[str, Any]:
    shown: dict[str, Any] = {"ListID": journey.list_id} if journey.list_id else {}
    if journey.kind is Kind.CUSTOM:
        shown["Event"] = journey.value
    elif journey.kind is Kind.PAGE_VIEW:
        shown["URL"] = journey.value
    return {**shown, "OncePerSubscriber": journey.once_per_subscriber}


def _said(db: sqlite3.Connection, call: Call, journey: Journey, no_value: Problem) -> Journey:
    """The journey as the call has it. Raises Refused."""
    given = call.parameters
    inner = {name.lower(): value for name, value in object_of(given, "TriggerParameters").items()}
    word = choice(given, "Trigger", TRIGGERS, INVALID_TRIGGER)
    kind = TRIGGERS[word] if word else journey.kind
    wanted = dataclasses.replace(
        journey,
        kind=kind,
        list_id=_list_id(db, call, inner, journey, needed=word is not None),
        value=_value(given, inner, kind, journey, no_value),
        once_per_subscriber=flag(inner, "OncePerSubscriber", journey.once_per_subscriber),
        notes=text(given, "Notes", journey.notes),
        trigger_rules=_rules(given, "Trigger_Criteria", journey.trigger_rules),
        run_rules=_rules(given, "Run_Criteria", journey.run_rules),
        run_match_all=_match_all(given, journey),
        hourly_max=_limit(given, "Rate_Limit_Per_Hour", journey.hourly_max, INVALID_HOURLY),
        daily_max=_limit(given, "Rate_Limit_Per_Day", journey.daily_max, INVALID_DAILY),
    )
    if wanted.run_rules and wanted.list_id:
        segments.condition_of(db, wanted.list_id, wanted.run_criteria)  # all it names is there
    return wanted


def _list_id(
    db: sqlite3.Connection, call: Call, inner: Parameters, journey: Journey, *, needed: bool
) -> int | None:
    said = call.parameters.get("trigger_listid")
    said = inner.get("listid") if is_missing(said) else said
    if is_missing(said):
        if needed and journey.list_id is None:
            raise Refused(MISSING_LIST)
        return journey.list_id
    if whole_number(said) is None:
        raise Refused(INVALID_LIST)
    asked = dataclasses.replace(call, parameters={"trigger_listid": said})
    return owned_list(db, asked, "Trigger_ListID", UNKNOWN_LIST).id


def _value(
    given: Parameters, inner: Parameters, kind: Kind | None, journey: Journey, problem: Problem
) -> str:
    """Of a custom event its name, which there must be; of a page view what its URL has in it."""
    names = {Kind.CUSTOM: "Event", Kind.PAGE_VIEW: "URL"}
    if kind not in names:
        return ""
    said = given.get("trigger_value")
    said = inner.get(names[kind].lower()) if said is None else said
    kept = journey.value if journey.kind is kind else ""
    value = kept if said is None else text({"value": said}, "value")
    if kind is Kind.CUSTOM and not value:
        raise Refused(problem)
    return value


def _rules(given: Parameters, name: str, kept: list[Any]) -> list[Any]:
    if given.get(name.lower()) is None:
        return kept
    rules = structure(given, name, invalid(name, "a list of rules"))
    if rules is None:
        return []
    if not isinstance(rules, list):
        raise Refused(invalid(name, "a list of rules"))
    return rules


def _match_all(given: Parameters, journey: Journey) -> bool:
    word = choice(given, "Run_Criteria_Operator", ("and", "or"))
    return journey.run_match_all if word is None else word == "and"


def _limit(given: Parameters, name: str, kept: int, problem: Problem) -> int:
    try:
        return number(given, name, kept, 2**31)
    except Refused:
        raise Refused(problem) from None


def _name(given: Parameters, name: str) -> str:
    said = text(given, name)
    if len(said) > NAME_CHARS_MAX:
        raise Refused(invalid(name, f"text of at most {NAME_CHARS_MAX} characters"))
    return said


def _period(
    given: Parameters, names: tuple[str, str], problems: tuple[Problem, Problem, Problem]
) -> tuple[int, int]:
    since_ms = instant(given, names[0], problems[0])
    until_ms = instant(given, names[1], problems[1])
    if since_ms is not None and until_ms is not None and since_ms >= until_ms:
        raise Refused(problems[2])
    return since_ms or 0, 2**62 if until_ms is None else until_ms


def _stats(
    db: sqlite3.Connection, journey: Journey, since_ms: int, until_ms: int
) -> dict[str, int]:
    found = enrolments.stats(db, journey.id, since_ms, until_ms)
    return {"ActiveSubscribers": found.active, "TotalSubscribers": found.total}


async def _switch(call: Call, on: bool, already: Problem) -> Answer:
    def switch(db: sqlite3.Connection) -> Answer:
        journey = owned(db, call, INVALID_JOURNEY, UNKNOWN_JOURNEY)
        if journey.enabled is on:
            raise Refused(already)
        if on and journey.kind is None:
            raise Refused(NO_TRIGGER)
        wanted = dataclasses.replace(journey, enabled=on)
        return succeeded(Journey=facts(journeys.change(db, wanted, clock.now_ms())))

    return await call.services.writer.write(switch)


_WRITTEN = (
    "Trigger", "TriggerParameters", "Trigger_ListID", "Trigger_EmailID", "Trigger_Value",
    "Trigger_Criteria", "Run_Criteria", "Run_Criteria_Operator", "Rate_Limit_Per_Hour",
    "Rate_Limit_Per_Day", "Notes",
)  # fmt: skip
_MEANINGS = {
    "Name": text_of("The journey's name.", NAME_CHARS_MAX),
    "Notes": text_of("Notes of your own."),
    "Trigger": choice_of(TRIGGERS, "Which events it waits for. It needs a list."),
}
_OF_TRIGGERS = (INVALID_TRIGGER, MISSING_LIST, INVALID_LIST, UNKNOWN_LIST)
_OF_ONE = (MISSING_JOURNEY, INVALID_JOURNEY, UNKNOWN_JOURNEY)


def _switching(name: str, handler: Any, summary: str, already: Problem, **more: Any) -> Command:
    return Command(
        name=name,
        needs="admin",
        handler=handler,
        methods=READ,
        summary=summary,
        answers=answers.JourneyOf,
        parameters=("JourneyID",),
        required={"JourneyID": MISSING_JOURNEY},
        codes=numbered(*_OF_ONE, already),
        counted_as=Rate.WRITE,
        envelope=Envelope.SUCCESS,
        **more,
    )


COMMANDS = (
    Command(
        name="journey.create",
        needs="admin",
        handler=create,
        methods=("POST",),
        rest=("POST", "journey"),
        summary="Make a journey; it starts disabled.",
        answers=answers.JourneyMade,
        parameters=("Name", *_WRITTEN),
        meanings=_MEANINGS,
        required={"Name": MISSING_NAME},
        codes={
            **numbered(
                MISSING_NAME, *_OF_TRIGGERS, INVALID_VALUE, INVALID_HOURLY, INVALID_DAILY
            ),
            **_OTHER_TRIGGERS,
        },
        further=_RULES,
        envelope=Envelope.SUCCESS,
    ),
    Command(
        name="journey.update",
        needs="admin",
        handler=update,
        methods=("POST",),
        rest=("PATCH", "journey"),
        summary="Change a journey. What is not said stays.",
        answers=answers.JourneyOf,
        parameters=("JourneyID", "Name", *_WRITTEN),
        meanings=_MEANINGS,
        required={"JourneyID": MISSING_JOURNEY},
        codes={
            **numbered(
                MISSING_JOURNEY, INVALID_JOURNEY, *_OF_TRIGGERS[1:], UNKNOWN_UPDATED,
                INVALID_HOURLY, INVALID_DAILY,
            ),
            **_OTHER_TRIGGERS,
            22: "A journey cannot be triggered by its own completion (JourneyCompleted)",
        },
        further=_RULES | {INVALID_TRIGGER.code: INVALID_TRIGGER.message},
        envelope=Envelope.SUCCESS,
    ),
    Command(
        name="journey.get",
        handler=get,
        methods=READ,
        rest=("GET", "journey"),
        summary="A journey, what it runs, and how many came into it.",
        answers=answers.JourneyGot,
        parameters=(
            "JourneyID", "StartDate", "EndDate", "IncludeActivityCounters", "EmailID", "ISP",
        ),
        required={"JourneyID": MISSING_JOURNEY},
        codes={
            **numbered(*_OF_ONE, INVALID_START, INVALID_END, START_AFTER_END),
            7: "Invalid EmailID parameter (not a positive integer, or not a SendEmail action on"
            " this journey)",
            8: "Invalid ISP parameter (must match /^[a-zA-Z0-9.-]+$/)",
        },
        envelope=Envelope.SUCCESS,
    ),
    Command(
        name="journey.list",
        handler=list_all,
        methods=READ,
        rest=("GET", "journeys"),
        summary="All journeys, and how many came into each.",
        answers=answers.Journeys,
        parameters=("StatsStartDate", "StatsEndDate", "SkipStats", "IncludeActivityCounters"),
        codes=numbered(INVALID_STATS_START, INVALID_STATS_END, STATS_START_AFTER_END),
        envelope=Envelope.SUCCESS,
    ),
    _switching(
        "journey.enable",
        enable,
        "Have a journey fire from now on.",
        ENABLED_ALREADY,
        further={NO_TRIGGER.code: NO_TRIGGER.message},
    ),
    _switching(
        "journey.disable", disable, "Have a journey fire no more; what it owes is sent.",
        DISABLED_ALREADY,
    ),
    Command(
        name="journey.clone",
        needs="admin",
        handler=clone,
        methods=("POST",),
        summary="Make the same journey once more, disabled, its webhooks with new secrets.",
        answers=answers.JourneyCloned,
        parameters=("JourneyID", "NewJourneyName"),
        required={"NewJourneyName": MISSING_NEW_NAME, "JourneyID": MISSING_CLONED},
        codes={
            **numbered(MISSING_NEW_NAME, MISSING_CLONED, UNKNOWN_JOURNEY),
            4: "Journey not cloned successfully",
        },
        envelope=Envelope.SUCCESS,
    ),
    Command(
        name="journey.delete",
        needs="admin",
        handler=delete,
        methods=("POST",),
        summary="Delete a journey and all it owes.",
        answers=answers.JourneyDeleted,
        parameters=("JourneyID",),
        required={"JourneyID": MISSING_JOURNEY},
        codes=numbered(*_OF_ONE),
        envelope=Envelope.SUCCESS,
    ),
)  # fmt: skip
