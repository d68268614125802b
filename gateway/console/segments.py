"""Segments: whom of the list is meant, built as a form and counted while it is built.

The form is one request after another: each of its buttons sends all of it and gets it back changed,
so it works without a script; the script only fetches what the page would show.
"""

import dataclasses
import heapq
import sqlite3
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from gateway import clock
from gateway.console import rule_form
from gateway.console.entry import Page
from gateway.console.rendering import Missing, done, number, render
from gateway.console.rule_choices import Told, choices
from gateway.console.rule_form import GroupForm
from gateway.console.visit import Fields, Visit
from gateway.errors import Problem, Refused
from gateway.events import criteria
from gateway.events.criteria import Criteria
from gateway.records import audience, people, segments
from gateway.records.people import Subscriber
from gateway.records.segments import Segment

NAME_CHARS_MAX = 200
SAMPLE_MAX = 10**9
ROWS = 100
SHOWN_PEOPLE = 10
ROOT = "RulesJson"  # as what is wrong with rules names them

NO_NAME = Problem(1, f"Give the segment a name of at most {NAME_CHARS_MAX} characters.")
NO_SAMPLE = Problem(2, "Write how many to draw as a whole number from 1, or nothing.")
SEE_RULES = Problem(3, "Some rules cannot be used: what is wrong stands at each.")


@dataclass(frozen=True, slots=True)
class Form:
    """What stands in the inputs."""

    name: str = ""
    match_all: bool = True
    sample: str = ""
    rules: GroupForm = dataclasses.field(default_factory=GroupForm)


@dataclass(frozen=True, slots=True)
class Found:
    """`drawn`: how many of the people a sample has."""

    people: int
    drawn: int | None
    some: list[Subscriber]


@dataclass(frozen=True, slots=True)
class Row:
    segment: Segment
    rules: int
    counted: str


async def show_all(visit: Visit) -> Response:
    """Counts one of them at most: the one that is asked for."""
    rows, more = await visit.services.reader.read(
        _rows, visit.of_list.id, visit.query.whole("after"), visit.query.whole("count")
    )
    return render(
        visit, "segments.html", rows=rows, more=more, after=visit.query.whole("after") or ""
    )


async def show_new(visit: Visit) -> Response:
    return await _page(visit, None, Form())


async def show(visit: Visit) -> Response:
    segment = _segment(visit)
    return await _page(visit, segment, _of_segment(segment))


async def create(visit: Visit) -> Response:
    return await _take(visit, None)


async def change(visit: Visit) -> Response:
    return await _take(visit, _segment(visit))


async def delete(visit: Visit) -> Response:
    segment = _segment(visit)
    try:
        await visit.services.writer.write(lambda db: segments.delete(db, [segment]))
    except Refused as refused:
        return await _page(visit, segment, _of_segment(segment), undeleted=refused)
    return done(visit, visit.to("segments"), f"The segment {segment.name} is deleted.")


async def _take(visit: Visit, segment: Segment | None) -> Response:
    """Do what the button says: change the form, count, or save."""
    form = _read(visit.form)
    command = visit.form.text("change")
    if command == "look":
        return await _count(visit, segment, form)
    if command:
        changed, focus = rule_form.changed(form.rules, ROOT, command)
        return await _page(visit, segment, dataclasses.replace(form, rules=changed), focus=focus)
    faults = rule_form.faults(form.rules, ROOT)
    try:
        if faults:
            raise Refused(SEE_RULES)
        await _save(visit, segment, form)
    except Refused as refused:
        return await _page(visit, segment, form, refused=refused, faults=faults)
    return done(visit, visit.to("segments"), f"The segment {form.name} is saved.")


async def _save(visit: Visit, segment: Segment | None, form: Form) -> None:
    """Raises Refused."""
    problems = [NO_NAME] * (not 0 < len(form.name) <= NAME_CHARS_MAX)
    problems += [NO_SAMPLE] * (_sample_size(form) == 0)
    if problems:
        raise Refused(*problems)
    said: dict[str, Any] = {
        "name": form.name,
        "rules": rule_form.rules(form.rules),
        "match_all": form.match_all,
        "sample_size": _sample_size(form),
    }
    list_id, now_ms = visit.of_list.id, clock.now_ms()

    def save(db: sqlite3.Connection) -> None:
        if segment is None:
            segments.create(db, list_id, **said, now_ms=now_ms)
        else:
            segments.change(db, dataclasses.replace(segment, **said, updated_at_ms=now_ms))

    await visit.services.writer.write(save)


async def _count(visit: Visit, segment: Segment | None, form: Form) -> Response:
    """What is not complete yet is said at its rule, but where nobody has begun one."""
    faults = rule_form.faults(form.rules, ROOT)
    blank = {place for place, rule in rule_form.places(form.rules, ROOT) if rule.is_blank}
    told = {place: text for place, text in faults.items() if place not in blank}
    if faults:
        later = "Once every rule is complete, you see here how many people are meant."
        return await _page(visit, segment, form, faults=told, uncounted=later)
    try:
        wanted = criteria.parse(rule_form.rules(form.rules), root=ROOT, match_all=form.match_all)
        found = await visit.services.reader.read(
            _find, visit.of_list.id, wanted, _sample_size(form)
        )
    except Refused as refused:
        return await _page(visit, segment, form, refused=refused, uncounted="Not counted.")
    return await _page(visit, segment, form, found=found)


async def _page(
    visit: Visit,
    segment: Segment | None,
    form: Form,
    *,
    refused: Refused | None = None,
    undeleted: Refused | None = None,
    faults: dict[str, str] | None = None,
    focus: str = "",
    found: Found | None = None,
    uncounted: str = "Count shows how many people are meant, and some of them.",
) -> Response:
    above, at_places = rule_form.placed(refused)
    known = await visit.services.reader.read(choices, visit.of_list.id, (form.rules, ROOT, ""))
    return render(
        visit,
        "segment.html",
        status=422 if refused or undeleted else 200,
        segment=segment,
        form=form,
        refused=above or (Refused(SEE_RULES) if at_places else None),
        undeleted=undeleted,
        found=found,
        uncounted=uncounted,
        name_chars_max=NAME_CHARS_MAX,
        told=Told(known, {**at_places, **(faults or {})}, focus),
    )


def _segment(visit: Visit) -> Segment:
    found = visit.services.reader.look_up(segments.get, visit.number("segment_id"))
    if found is None or found.list_id != visit.of_list.id:
        raise Missing("There is no such segment on this list.")
    return found


def _of_segment(segment: Segment) -> Form:
    sample = "" if segment.sample_size is None else str(segment.sample_size)
    return Form(segment.name, segment.match_all, sample, rule_form.of_rules(segment.rules))


def _read(said: Fields) -> Form:
    texts = {name: said.text(name) for name in said.names()}
    return Form(
        name=said.text("name"),
        match_all=said.text("match") != "one",
        sample=said.text("sample"),
        rules=rule_form.read(texts, ROOT),
    )


def _sample_size(form: Form) -> int | None:
    """None for everybody; 0 for what is no number."""
    if not form.sample:
        return None
    text = form.sample
    is_number = text.isascii() and text.isdecimal() and len(text) < 12
    return min(int(text), SAMPLE_MAX) if is_number else 0


def _rows(
    db: sqlite3.Connection, list_id: int, after_id: int, counted_id: int
) -> tuple[list[Row], int | None]:
    """Some segments, and the id of the last of them where there are more."""
    known = [each for each in segments.of_list(db, list_id) if each.id > after_id]
    shown = known[:ROWS]
    rows = [
        Row(
            each,
            len(criteria.rules(each.criteria)),
            _counted(db, each) if each.id == counted_id else "",
        )
        for each in shown
    ]
    return rows, shown[-1].id if len(known) > ROWS else None


def _counted(db: sqlite3.Connection, segment: Segment) -> str:
    try:
        wanted = segments.condition(db, segment)
    except Refused:  # a field it speaks of is gone
        return "Cannot be counted: open it"
    return number(audience.count(db, segment.list_id, wanted))


def _find(db: sqlite3.Connection, list_id: int, wanted: Criteria, sample_size: int | None) -> Found:
    condition = segments.condition_of(db, list_id, wanted)
    ids = audience.ids(db, list_id, condition)
    some = [people.subscriber(db, each) for each in heapq.nsmallest(SHOWN_PEOPLE, ids)]
    drawn = None if sample_size is None or sample_size >= len(ids) else sample_size
    return Found(len(ids), drawn, some)


PAGES = (
    Page("/lists/{list_id:int}/segments", show=show_all),
    Page("/lists/{list_id:int}/segments/new", show=show_new, act=create),
    Page("/lists/{list_id:int}/segments/{segment_id:int}", show=show, act=change),
    Page("/lists/{list_id:int}/segments/{segment_id:int}/delete", act=delete),
)
