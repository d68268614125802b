"""Subscribers of a list by a condition: conditions on what the list knows of a person, and the
people they hold for, counted and page by page. Read-only; text is compared without regard to case.
"""

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.events.criteria import FieldRule
from gateway.records import people
from gateway.records.people import Subscriber

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


def field_rule(rule: FieldRule, bind: Callable[[Any], str]) -> str:
    """What a rule on a field means. That the list has the field is the caller's to see."""
    x = custom_field(rule.field) if isinstance(rule.field, int) else FIELDS[rule.field]
    if rule.operator in _OPERATORS:
        return "(" + _OPERATORS[rule.operator].format(x=x, value=bind(rule.value)) + ")"
    sign = _COMPARISONS[rule.operator]
    if rule.number is None:
        return f"({x} != '' and {x} {sign} {bind(rule.value)})"
    is_number = f"{x} != '' and {x} not glob '*[^0-9.e+-]*'"
    return f"({is_number} and cast({x} as real) {sign} {bind(rule.number)})"


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


def after(
    db: sqlite3.Connection, list_id: int, wanted: Condition, *, after_id: int, rows: int
) -> list[Subscriber]:
    """The next people behind `after_id`, in the order of their ids."""
    found = db.execute(
        f"""select id from subscribers where list_id = :list_id and id > :after_id
            and ({wanted.sql}) order by id limit :rows""",  # noqa: S608 - texts of this room
        {**wanted.values, "list_id": list_id, "after_id": after_id, "rows": rows},
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
