"""Which subscribers of a list a set of rules means: conditions on what the list knows of a person.

Rules are a list: all of them must hold, one of each nested list, and so on alternating; the
operator `or` starts the other way round. Read-only; text is compared without regard to case.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.errors import Problem, Refused
from gateway.events.parse import finite_number
from gateway.records import people
from gateway.records.people import Subscriber

RULES_MAX = 200
_DATE = "strftime('%Y-%m-%d %H:%M:%S', {column} / 1000, 'unixepoch')"

FIELDS = {
    "subscriberid": "id",
    "emailaddress": "email_key",
    "subscriptionstatus": "lower(status)",
    "bouncetype": "lower(bounce_type)",
    "subscriptiondate": _DATE.format(column="created_at_ms"),
    "subscriptionip": "coalesce(subscription_ip, '')",
    "unsubscriptiondate": f"coalesce({_DATE.format(column='unsubscribed_at_ms')}, '')",
    "unsubscriptionip": "coalesce(unsubscription_ip, '')",
}
"""What every list knows of a person, in lower case, and the text it is compared as."""

_OPERATORS = {
    "is": "{x} = {value}",
    "is not": "{x} != {value}",
    "contains": "instr({x}, {value}) > 0",
    "does not contain": "instr({x}, {value}) = 0",
    "begins with": "substr({x}, 1, length({value})) = {value}",
    "ends with": "length({x}) >= length({value}) and "
    "substr({x}, length({x}) - length({value}) + 1) = {value}",
    "is set": "{x} != ''",
    "is not set": "{x} = ''",
}
_COMPARISONS = {
    "is less than": "<",
    "is less than or equal to": "<=",
    "is greater than": ">",
    "is greater than or equal to": ">=",
}


@dataclass(frozen=True, slots=True)
class Condition:
    """SQL over `subscribers`, and the values it names."""

    sql: str
    values: Mapping[str, Any]


EVERYBODY = Condition("1", {})


def condition(rules: Sequence[Any], *, match_all: bool, field_ids: set[int]) -> Condition:
    """What the rules mean. Raises Refused (1004) for one that says nothing we know."""
    values: dict[str, Any] = {}
    return Condition(_group(rules, match_all, field_ids, values), values)


def custom_field(field_id: int) -> str:
    """A person's value of a custom field, empty where there is none."""
    return (
        "coalesce((select value_key from field_values"  # noqa: S608 - a number
        f" where subscriber_id = subscribers.id and field_id = {int(field_id)}), '')"
    )


def contains(field: str, text: str) -> Condition:
    """`field` is one of FIELDS' texts or a `custom_field`."""
    return Condition(f"instr({field}, :text) > 0", {"text": text.casefold()})


def page(
    db: sqlite3.Connection,
    list_id: int,
    wanted: Condition,
    *,
    order: str = "id",
    descending: bool = False,
    rows: int,
    offset: int = 0,
) -> list[Subscriber]:
    """`order` is one of FIELDS' texts or a `custom_field`."""
    direction = "desc" if descending else "asc"
    found = db.execute(
        f"""select id from subscribers where list_id = :list_id and ({wanted.sql})
            order by {order} {direction}, id {direction} limit :rows offset :offset""",  # noqa: S608 - texts of this file
        {**wanted.values, "list_id": list_id, "rows": rows, "offset": offset},
    )
    return [people.subscriber(db, row["id"]) for row in found.fetchall()]


def count(db: sqlite3.Connection, list_id: int, wanted: Condition) -> int:
    row = db.execute(
        f"select count(*) from subscribers where list_id = :list_id and ({wanted.sql})",  # noqa: S608 - texts of this file
        {**wanted.values, "list_id": list_id},
    )
    return int(row.fetchone()[0])


def ids(db: sqlite3.Connection, list_id: int, wanted: Condition) -> list[int]:
    rows = db.execute(
        f"select id from subscribers where list_id = :list_id and ({wanted.sql})",  # noqa: S608 - texts of this file
        {**wanted.values, "list_id": list_id},
    )
    return [row["id"] for row in rows]


def _group(
    rules: Sequence[Any], match_all: bool, field_ids: set[int], values: dict[str, Any]
) -> str:
    parts = [
        _group(rule, not match_all, field_ids, values)
        if isinstance(rule, list)
        else _rule(rule, field_ids, values)
        for rule in rules
    ]
    return "(" + (" and " if match_all else " or ").join(parts) + ")" if parts else "1"


def _rule(rule: Any, field_ids: set[int], values: dict[str, Any]) -> str:
    if not isinstance(rule, dict) or rule.get("type") != "fields":
        kind = rule.get("type") if isinstance(rule, dict) else rule
        raise _refused(f"rules of type {str(kind)[:50]!r} are not supported, only 'fields'.")
    if len(values) >= RULES_MAX:
        raise _refused(f"write at most {RULES_MAX} rules.")
    x = _field(rule.get("field_id"), field_ids)
    operator = str(rule.get("operator")).strip().lower()
    value = rule.get("value")
    text = str("" if value is None else value).casefold()
    name = f"rule{len(values)}"
    if operator in _OPERATORS:
        values[name] = text
        return "(" + _OPERATORS[operator].format(x=x, value=f":{name}") + ")"
    if operator in _COMPARISONS:
        number = finite_number(value)
        values[name] = text if number is None else number
        if number is None:
            return f"({x} != '' and {x} {_COMPARISONS[operator]} :{name})"
        is_number = f"{x} != '' and {x} not glob '*[^0-9.e+-]*'"
        return f"({is_number} and cast({x} as real) {_COMPARISONS[operator]} :{name})"
    raise _refused(f"there is no operator {operator[:50]!r} for fields.")


def _field(name: Any, field_ids: set[int]) -> str:
    text = str(name).strip().lower()
    if text in FIELDS:
        return FIELDS[text]
    number = text.removeprefix("customfield")
    if number.isascii() and number.isdecimal() and len(number) < 19 and int(number) in field_ids:
        return custom_field(int(number))
    raise _refused(f"the list has no field {str(name)[:50]!r}.")


def _refused(what: str) -> Refused:
    return Refused(Problem(1004, f"Invalid RulesJSON parameter: {what}"))
