"""The language of segments and triggers: rules that all must hold, one of each nested list, and so
on alternating. Pure; `records/criteria_sql` turns the same rules into SQL.

Public: `parse(document)` reads what a caller wrote and refuses it by the path of what is wrong
(`RulesJson[1][0].operator`), and `matches(criteria, properties, name, kind)` judges one event.
A rule on a parameter speaks of one event, so for a person it means: of one of their events.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.errors import Problem, Refused
from gateway.events import comparison
from gateway.events.bounds import is_unicode
from gateway.events.comparison import Compare, Test
from gateway.events.parse import finite_number
from gateway.events.vocabulary import Kind, kind_of

RULES_MAX = 200
DEPTH_MAX = 10
TEXT_CHARS_MAX = 8_192
DAYS_MAX = 36_500


@dataclass(frozen=True, slots=True)
class EventRule:
    """An event of this kind (a custom one: of this name), in the last `days` if said, whose
    `parameter` passes the test if there is one. `absent`: there is none such."""

    path: str
    name: str
    kind: Kind
    days: int | None = None
    absent: bool = False
    parameter: str = ""
    test: Test | None = None


@dataclass(frozen=True, slots=True)
class FieldRule:
    """What the list knows of a person. `field` is in lower case, a custom field's is its id."""

    path: str
    field: str | int
    operator: str
    value: str
    number: float | None


@dataclass(frozen=True, slots=True)
class SegmentRule:
    path: str
    segment_id: int
    negated: bool


@dataclass(frozen=True, slots=True)
class Group:
    """All of the members hold, or one of them. None at all: everybody, every event."""

    every: bool
    members: tuple["EventRule | FieldRule | SegmentRule | Group", ...]


Criteria = Group
Rule = EventRule | FieldRule | SegmentRule

FIELD_OPERATORS = (
    "is", "is not", "contains", "does not contain", "begins with", "ends with", "is less than",
    "is less than or equal to", "is greater than", "is greater than or equal to", "is set",
    "is not set",
)  # fmt: skip

_COMPARISONS = {
    "equals": (Compare.EQUALS, False),
    "does not equal": (Compare.EQUALS, True),
    "contains": (Compare.CONTAINS, False),
    "does not contain": (Compare.CONTAINS, True),
    "matches regex": (Compare.MATCHES, False),
    "does not match regex": (Compare.MATCHES, True),
    "greater than": (Compare.GREATER, False),
    "less than": (Compare.LESS, False),
    "is set": (Compare.SET, False),
    "is not set": (Compare.SET, True),
}
_HAPPENED = re.compile(r"(happened|did not happen)(?: in the last (x|[0-9]{1,9}) days?)?")
_PARAMETERS = {
    "conversionId": "conversion-id",
    "conversionName": "conversion-name",
    "conversionValue": "conversion-value",
}
"""Other names of what a conversion says; `emailAddress` is an identify's own."""
_BELONGS = {"belongs to": False, "does not belong to": True}


def parse(
    document: Any,
    *,
    root: str = "RulesJson",
    match_all: bool = True,
    trigger_event: str | None = None,
) -> Criteria:
    """The rules a document says. Raises Refused (1004), naming the first that says nothing.

    `root` is what the caller calls the document. With `trigger_event` these are a trigger's: rules
    on events only, which need not name the event.
    """
    return _Parser(trigger_event).group(document, root, match_all, depth=1)


def matches(criteria: Criteria, properties: Mapping[str, Any], name: str, kind: Kind) -> bool:
    """Whether an event that happens now is what the rules of a trigger mean. `properties` are all
    of the event's, the standard ones included."""
    holding = (_holds(member, properties, name, kind) for member in criteria.members)
    return all(holding) if criteria.every or not criteria.members else any(holding)


def _holds(member: Rule | Group, properties: Mapping[str, Any], name: str, kind: Kind) -> bool:
    if isinstance(member, Group):
        return matches(member, properties, name, kind)
    assert isinstance(member, EventRule), "a trigger's rules are on events"
    return is_meant(member, properties, name, kind) != member.absent


def is_meant(rule: EventRule, properties: Mapping[str, Any], name: str, kind: Kind) -> bool:
    """Whether an event is one the rule speaks of, whenever it happened."""
    named = kind is rule.kind and (kind is not Kind.CUSTOM or name == rule.name)
    return named and (
        rule.test is None or comparison.holds(rule.test, properties.get(rule.parameter))
    )


def rules(criteria: Criteria) -> list[Rule]:
    """Every rule, however deep it stands."""
    return [
        rule
        for member in criteria.members
        for rule in (rules(member) if isinstance(member, Group) else [member])
    ]


class _Parser:
    """Counts the rules as it goes down the document."""

    def __init__(self, trigger_event: str | None) -> None:
        self._trigger_event = trigger_event
        self._rules = 0

    def group(self, document: Any, path: str, every: bool, depth: int) -> Group:
        if not isinstance(document, list):
            raise _refused(path, "write a list of rules")
        if depth > DEPTH_MAX:
            raise _refused(path, f"nest at most {DEPTH_MAX} lists")
        if not document and depth > 1:
            raise _refused(path, "write at least one rule")
        members = (
            self.group(inner, f"{path}[{number}]", not every, depth + 1)
            if isinstance(inner, list)
            else self._rule(inner, f"{path}[{number}]")
            for number, inner in enumerate(document)
        )
        return Group(every, tuple(members))

    def _rule(self, rule: Any, path: str) -> Rule:
        if not isinstance(rule, dict):
            raise _refused(path, "write a rule as an object, or a list of rules")
        self._rules += 1
        if self._rules > RULES_MAX:
            raise _refused(path, f"write at most {RULES_MAX} rules")
        is_trigger = self._trigger_event is not None
        subject = _word(rule, "type", path)
        if subject == "website-events" or (not subject and is_trigger):
            return _event_rule(rule, path, self._trigger_event)
        if is_trigger:
            raise _refused(f"{path}.type", "a trigger's criteria are of type website-events")
        if subject == "fields":
            return _field_rule(rule, path)
        if subject == "segments":
            return _segment_rule(rule, path)
        raise _refused(f"{path}.type", f"write website-events, fields or segments, not {subject!r}")


def _event_rule(rule: Mapping[str, Any], path: str, trigger_event: str | None) -> EventRule:
    event = rule.get("event") or trigger_event
    if not isinstance(event, str) or len(event) > TEXT_CHARS_MAX or not is_unicode(event):
        raise _refused(f"{path}.event", "write the name of an event")
    kind = kind_of(event)
    operator = _word(rule, "operator", path)
    happened = _HAPPENED.fullmatch(operator)
    if happened:
        days = _days(rule, path, happened[2]) if happened[2] else None
        return EventRule(path, event, kind, days, absent=happened[1] != "happened")
    if operator not in _COMPARISONS:
        known = ", ".join(("happened", "happened in the last X days", *_COMPARISONS))
        raise _refused(f"{path}.operator", f"there is no {operator!r} for events: write {known}")
    parameter = rule.get("event_parameter")
    if not isinstance(parameter, str) or not parameter or not is_unicode(parameter):
        raise _refused(f"{path}.event_parameter", "write the name of a property")
    if kind is Kind.CONVERSION:
        parameter = _PARAMETERS.get(parameter, parameter)
    test = _test(rule, path, *_COMPARISONS[operator])
    return EventRule(path, event, kind, parameter=parameter, test=test)


def _test(rule: Mapping[str, Any], path: str, compare: Compare, negated: bool) -> Test:
    if compare is Compare.SET:
        return Test(compare, negated)
    text = _text(rule, path)
    if not text:
        raise _refused(f"{path}.value", "write what to compare with; for nothing: is not set")
    if compare is Compare.MATCHES:
        fault = comparison.fault_of(text)
        if fault:
            raise _refused(f"{path}.value", fault)
        return Test(compare, negated, text)
    number = comparison.number_of(text)
    is_number = number is not None and math.isfinite(number)
    if compare in (Compare.GREATER, Compare.LESS) and not is_number:
        raise _refused(f"{path}.value", "write a number")
    return Test(compare, negated, text.casefold(), number)


def _days(rule: Mapping[str, Any], path: str, written: str) -> int:
    days = comparison.number_of(_text(rule, path) if written == "x" else written)
    if not isinstance(days, int) or not 0 < days <= DAYS_MAX:
        raise _refused(f"{path}.value", f"write a whole number of days from 1 to {DAYS_MAX}")
    return days


def _field_rule(rule: Mapping[str, Any], path: str) -> FieldRule:
    field = _scalar(rule, "field_id", path).strip().lower()
    number = field.removeprefix("customfield")
    operator = _word(rule, "operator", path)
    if operator not in FIELD_OPERATORS:
        known = ", ".join(FIELD_OPERATORS)
        raise _refused(f"{path}.operator", f"there is no {operator!r} for fields: write {known}")
    by_id = number.isascii() and number.isdecimal() and len(number) < 19
    value = _text(rule, path)
    return FieldRule(
        path,
        int(number) if by_id else {"email": "emailaddress"}.get(field, field),
        operator,
        value.casefold(),
        finite_number(value),
    )


def _segment_rule(rule: Mapping[str, Any], path: str) -> SegmentRule:
    operator = _word(rule, "operator", path)
    if operator not in _BELONGS:
        raise _refused(f"{path}.operator", "write belongs to, or does not belong to")
    number = comparison.number_of(_text(rule, path))
    if not isinstance(number, int) or number <= 0:
        raise _refused(f"{path}.value", "write the id of a segment")
    return SegmentRule(path, number, _BELONGS[operator])


def _word(rule: Mapping[str, Any], key: str, path: str) -> str:
    """A word of the language, its case and the spaces around it being nothing."""
    return _scalar(rule, key, path)[:100].strip().lower()


def _text(rule: Mapping[str, Any], path: str) -> str:
    return _scalar(rule, "value", path)


def _scalar(rule: Mapping[str, Any], key: str, path: str) -> str:
    """Text, or a number or yes or no as JSON writes it; empty where there is nothing."""
    value = rule.get(key)
    if isinstance(value, dict | list):
        raise _refused(f"{path}.{key}", "write text or a number")
    text = comparison.text_of(value) or ""
    if len(text) > TEXT_CHARS_MAX or not is_unicode(text):
        raise _refused(f"{path}.{key}", f"write text of at most {TEXT_CHARS_MAX} characters")
    return text


def _refused(path: str, write: str) -> Refused:
    return Refused(Problem(1004, f"Invalid {path}: {write}."))
