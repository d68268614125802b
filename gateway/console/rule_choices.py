"""What can be chosen in a form of rules: the names and values that the list has seen, bounded."""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gateway.console import rule_form
from gateway.console.rule_form import EVENT, FIELD, GroupForm, RuleForm
from gateway.events import comparison
from gateway.events.criteria import DEPTH_MAX
from gateway.events.vocabulary import kind_of
from gateway.records import catalog, event_log, fields, people, segments

NAMES_MAX = 300
VALUES_MAX = 30
EVENTS_READ = 100  # of a name, the newest, for the values in them
EVENTS_ASKED = 20  # rules whose values are looked for
VALUE_CHARS_MAX = 200  # longer ones are nobody's to choose

Groups = tuple[tuple[str, Mapping[str, str]], ...]
"""Operators and what people call them, under titles."""

KNOWN_EVENTS = ("pageView", "identify", "conversion")

FIELDS = {
    "emailaddress": "Email address",
    "subscriptionstatus": "Status",
    "subscriptiondate": "Subscribed at",
    "unsubscriptiondate": "Unsubscribed at",
    "bouncetype": "Bounces",
    "subscriberid": "Subscriber id",
    "subscriptionip": "Subscribed from (IP)",
    "unsubscriptionip": "Unsubscribed from (IP)",
}
"""What every list knows of a person."""

_FIELD_VALUES = {"subscriptionstatus": people.STATUSES, "bouncetype": people.BOUNCE_TYPES}


@dataclass(frozen=True, slots=True)
class Choices:
    """`properties` and `values` are by the place of their rule; `fields` and `segments` are pairs
    of what is posted and what is shown."""

    events: list[str]
    fields: list[tuple[str, str]]
    segments: list[tuple[str, str]]
    properties: Mapping[str, list[str]] = field(default_factory=dict)
    values: Mapping[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Told:
    """What the templates of a form of rules are told besides the rules. `focus` is the place of a
    rule that is new, `faults` what is wrong, by place."""

    choices: Choices
    faults: Mapping[str, str] = field(default_factory=dict)
    focus: str = ""
    depth_max: int = DEPTH_MAX
    happenings: Mapping[str, str] = field(default_factory=lambda: rule_form.HAPPENINGS)
    event_operators: Groups = (
        ("The event", rule_form.HAPPENINGS),
        ("One of its properties", rule_form.COMPARISONS),
    )
    trigger_operators: Groups = (("", rule_form.COMPARISONS),)
    field_operators: Groups = (("", rule_form.FIELD_OPERATORS),)
    segment_operators: Groups = (("", rule_form.SEGMENT_OPERATORS),)


def choices(db: sqlite3.Connection, list_id: int, *forms: tuple[GroupForm, str, str]) -> Choices:
    """For forms of rules: each the rules, its root, and the event that rules naming none are on."""
    rules = [
        (place, rule, rule.event or event)
        for group, root, event in forms
        for place, rule in rule_form.places(group, root)
    ]
    seen = {*event_log.names(db, list_id, NAMES_MAX), *KNOWN_EVENTS}
    return Choices(
        events=sorted(seen, key=str.casefold),
        fields=[
            *FIELDS.items(),
            *((str(each.id), each.name) for each in fields.of_list(db, list_id)),
        ],
        segments=[(str(each.id), each.name) for each in segments.of_list(db, list_id)],
        properties=_properties(db, list_id, rules),
        values=_values(db, list_id, rules),
    )


def _properties(
    db: sqlite3.Connection, list_id: int, rules: Iterable[tuple[str, RuleForm, str]]
) -> dict[str, list[str]]:
    names = {event for _, rule, event in rules if rule.subject == EVENT and event}
    known = {name: catalog.properties(db, list_id, name, NAMES_MAX) for name in names}
    return {place: known[event] for place, _, event in rules if event in known}


def _values(
    db: sqlite3.Connection, list_id: int, rules: Iterable[tuple[str, RuleForm, str]]
) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    asked: dict[tuple[str, str], list[str]] = {}
    for place, rule, event in rules:
        if rule.subject == FIELD:
            found[place] = list(_FIELD_VALUES.get(rule.field, ()))
        elif rule.property_name and event and rule.operator not in rule_form.HAPPENINGS:
            key = event, rule.property_name
            if key not in asked and len(asked) < EVENTS_ASKED:
                asked[key] = _seen_values(db, list_id, *key)
            found[place] = asked.get(key, [])
    return found


def _seen_values(db: sqlite3.Connection, list_id: int, event: str, name: str) -> list[str]:
    """Of the newest events, the most frequent first."""
    newest = event_log.newest_of_name(db, list_id, event, kind_of(event), rows=EVENTS_READ)
    texts = [comparison.text_of(each.properties.get(name)) for each in newest]
    said = [text for text in texts if text and len(text) <= VALUE_CHARS_MAX]
    return sorted(set(said), key=lambda text: (-said.count(text), text))[:VALUES_MAX]
