"""Rules as a form: what is stored (see `events/criteria`) ↔ what stands in inputs. Pure.

A rule's inputs are named by its place, such as `rules.0.2.operator`; a group of rules by `.group`.
A stored rule that was written in another way than the form writes it travels along as `kept`, and
is stored again as it was unless somebody changed it: saving a form changes nothing by itself.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gateway.edge.commands.arguments import check_depth
from gateway.errors import NotJson, Refused
from gateway.events import comparison, criteria, parse
from gateway.events.criteria import DEPTH_MAX, EventRule, FieldRule

EVENT, FIELD, SEGMENT = "event", "field", "segment"
"""What a rule is about."""

HAPPENINGS = {
    "happened": "happened at any time",
    "happened in the last x days": "happened in the last … days",
    "did not happen": "never happened",
    "did not happen in the last x days": "did not happen in the last … days",
}
COMPARISONS = {
    "equals": "property is",
    "does not equal": "property is not",
    "contains": "property contains",
    "does not contain": "property does not contain",
    "greater than": "property is greater than",
    "less than": "property is less than",
    "is set": "property is there",
    "is not set": "property is not there",
    "matches regex": "property matches the pattern",
    "does not match regex": "property does not match the pattern",
}
FIELD_OPERATORS = {
    "is": "is",
    "is not": "is not",
    "contains": "contains",
    "does not contain": "does not contain",
    "begins with": "begins with",
    "ends with": "ends with",
    "is less than": "is less than",
    "is less than or equal to": "is at most",
    "is greater than": "is greater than",
    "is greater than or equal to": "is at least",
    "is set": "is filled in",
    "is not set": "is empty",
}
SEGMENT_OPERATORS = {"belongs to": "is in", "does not belong to": "is not in"}
"""The language's operators, and what people call them."""

NO_VALUE = ("happened", "did not happen", "is set", "is not set")

PARTS = ("subject", "event", "field", "operator", "property_name", "value", "kept")

_TYPES = {EVENT: "website-events", FIELD: "fields", SEGMENT: "segments"}
_FIRST_OPERATORS = {EVENT: "happened", FIELD: "is", SEGMENT: "belongs to"}
_FAULT = re.compile(r"Invalid (\w+)((?:\[\d+\])*)(?:\.[\w.]+)?(?: parameter)?: (.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class RuleForm:
    """One rule's inputs; those that say nothing of its subject are empty. `value` is days, an id or
    what to compare with."""

    subject: str
    event: str = ""
    field: str = ""
    operator: str = ""
    property_name: str = ""
    value: str = ""
    kept: str = ""

    @property
    def is_blank(self) -> bool:
        """Whether nobody has written anything into it yet."""
        return not (self.event or self.field or self.property_name or self.value)


@dataclass(frozen=True, slots=True)
class GroupForm:
    members: "tuple[RuleForm | GroupForm, ...]" = ()


def of_rules(rules: Sequence[Any]) -> GroupForm:
    """The form of rules that are stored."""
    return GroupForm(
        tuple(of_rules(each) if isinstance(each, list) else _of_rule(each) for each in rules)
    )


def rules(group: GroupForm) -> list[Any]:
    """The rules to store, as far as they can be read: `criteria.parse` refuses the rest."""
    return [
        rules(member) if isinstance(member, GroupForm) else _rule(member)
        for member in group.members
    ]


def read(said: Mapping[str, str], root: str) -> GroupForm:
    """The form as it was posted. What is nested deeper than rules may be is not looked at."""
    tree: dict[Any, Any] = {}
    for name, text in said.items():
        top, _, rest = name.partition(".")
        *places, part = rest.split(".")
        if top == root and rest and len(places) <= DEPTH_MAX + 1 and all(map(_is_place, places)):
            node = tree
            for place in places:
                node = node.setdefault(int(place), {})
            node[part] = text
    return _group(tree)


def changed(group: GroupForm, root: str, command: str) -> tuple[GroupForm, str]:
    """The form after `add event rules.0` or `remove rules.0.1`, and the place of what was added.
    A command that makes no sense changes nothing."""
    verb, _, rest = command.partition(" ")
    what, _, place = rest.rpartition(" ")
    top, *places = place.split(".")
    if top != root or not all(map(_is_place, places)):
        return group, ""
    numbers = [int(each) for each in places]
    if verb == "remove" and numbers:
        return _at(group, numbers[:-1], lambda found: _without(found, numbers[-1])), ""
    if verb == "add" and what in (*_TYPES, "group"):
        return _added(group, what, root, numbers)
    return group, ""


def places(group: GroupForm, root: str) -> Iterator[tuple[str, RuleForm]]:
    """Every rule, however deep it stands, and its place."""
    for number, member in enumerate(group.members):
        place = f"{root}.{number}"
        if isinstance(member, GroupForm):
            yield from places(member, place)
        else:
            yield place, member


def faults(group: GroupForm, root: str, trigger_event: str | None = None) -> dict[str, str]:
    """What is wrong with each rule by itself, by its place."""
    found: dict[str, str] = {}
    for place, member in places(group, root):
        try:
            criteria.parse([_rule(member)], trigger_event=trigger_event)
        except Refused as refused:
            found[place] = located(str(refused))[1]
    return found


def located(message: str) -> tuple[str, str]:
    """`Invalid rules[0][1].value: write a number.` → (`rules.0.1`, `Write a number.`); of any
    other message no place."""
    match = _FAULT.fullmatch(message)
    if match is None:
        return "", message
    place = match[1] + match[2].replace("[", ".").replace("]", "")
    return place, match[3][:1].upper() + match[3][1:]


def placed(refused: Refused | None) -> tuple[Refused | None, dict[str, str]]:
    """What is wrong with a form: what belongs above it, and what to a place in it."""
    problems = refused.problems if refused else ()
    told = [(problem, *located(problem.message)) for problem in problems]
    above = [problem for problem, place, _ in told if "." not in place]
    at_places = {place: text for _, place, text in told if "." in place}
    return Refused(*above) if above else None, at_places


def _is_place(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 6


def _group(tree: Mapping[Any, Any]) -> GroupForm:
    numbers = sorted(key for key in tree if isinstance(key, int))
    return GroupForm(tuple(_member(tree[number]) for number in numbers))


def _member(node: Mapping[Any, Any]) -> RuleForm | GroupForm:
    if "subject" not in node:
        return _group(node)
    said = {part: node.get(part, "") for part in PARTS}
    return RuleForm(**said | {"subject": said["subject"] if said["subject"] in _TYPES else EVENT})


def _at(
    group: GroupForm, numbers: Sequence[int], change: Callable[[GroupForm], GroupForm]
) -> GroupForm:
    """The form with the group at this place changed; the same one where there is none."""
    if not numbers:
        return change(group)
    members = tuple(
        _at(member, numbers[1:], change)
        if number == numbers[0] and isinstance(member, GroupForm)
        else member
        for number, member in enumerate(group.members)
    )
    return GroupForm(members)


def _without(group: GroupForm, place: int) -> GroupForm:
    return GroupForm(
        tuple(member for number, member in enumerate(group.members) if number != place)
    )


def _added(group: GroupForm, what: str, root: str, numbers: Sequence[int]) -> tuple[GroupForm, str]:
    """A new group has a rule in it, for one without says nothing."""
    rule = RuleForm(EVENT, operator=_FIRST_OPERATORS[EVENT])
    if what in _TYPES:
        rule = RuleForm(what, operator=_FIRST_OPERATORS[what])
    new = rule if what in _TYPES else GroupForm((rule,))
    where = ""

    def add(found: GroupForm) -> GroupForm:
        nonlocal where
        where = ".".join([root, *map(str, numbers), str(len(found.members))])
        where += ".0" if isinstance(new, GroupForm) else ""
        return GroupForm((*found.members, new))

    return _at(group, numbers, add), where


def _rule(form: RuleForm) -> dict[str, Any]:
    """The rule to store: as it was, where nobody changed what is shown of it."""
    written = _written(form.kept)
    if written is not None and _shown(written) == replace(form, kept=""):
        return written
    return _composed(form)


def _composed(form: RuleForm) -> dict[str, Any]:
    rule: dict[str, Any] = {"type": _TYPES[form.subject]}
    if form.event and form.subject == EVENT:
        rule["event"] = form.event
    if form.subject == FIELD:
        rule["field_id"] = form.field
    rule["operator"] = form.operator
    if form.subject == EVENT and form.operator not in HAPPENINGS:
        rule["event_parameter"] = form.property_name
    if form.operator not in NO_VALUE:
        rule["value"] = form.value
    return rule


def _of_rule(rule: dict[str, Any]) -> RuleForm:
    shown = _shown(rule)
    assert shown is not None, "what is stored can be read"
    return shown if _composed(shown) == rule else replace(shown, kept=json.dumps(rule))


def _shown(rule: Mapping[str, Any]) -> RuleForm | None:
    """What inputs show of a rule; None for what is no rule."""
    subject = str(rule.get("type") or "").strip().lower()
    is_event = subject in ("", _TYPES[EVENT])
    try:
        [found] = criteria.rules(criteria.parse([rule], trigger_event="" if is_event else None))
    except Refused:
        return None
    operator = str(rule.get("operator")).strip().lower()
    value = "" if operator in NO_VALUE else _as_input(comparison.text_of(rule.get("value")))
    if isinstance(found, FieldRule):
        return RuleForm(FIELD, field=str(found.field), operator=operator, value=value)
    if not isinstance(found, EventRule):
        return RuleForm(SEGMENT, operator=operator, value=str(found.segment_id))
    event = _as_input(rule.get("event"))
    if found.test is not None:
        name = _as_input(rule.get("event_parameter"))
        return RuleForm(EVENT, event, operator=operator, property_name=name, value=value)
    operator = "did not happen" if found.absent else "happened"
    operator += "" if found.days is None else " in the last x days"
    return RuleForm(EVENT, event, operator=operator, value=str(found.days or ""))


def _written(kept: str) -> dict[str, Any] | None:
    """The rule that came along."""
    if not kept:
        return None
    try:
        rule = parse.decode(kept.encode())
        check_depth("kept", rule)
    except (NotJson, Refused):
        return None
    return rule if isinstance(rule, dict) else None


def _as_input(text: str | None) -> str:
    """How a text comes back from an input of one line."""
    return re.sub(r"[\r\n]", "", (text or "").replace("\0", "\ufffd")).strip()
