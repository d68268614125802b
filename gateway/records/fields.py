"""Custom fields of a list's subscribers, and their values. Writes `custom_fields`, `field_values`.

A field is named by its merge-tag alias or as `CustomField<ID>`, without regard to case; the alias
wins. The unique-identifier field with the lowest id is the one hashes are looked up in.
"""

import json
import logging
import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

log = logging.getLogger(__name__)

_BY_ID = re.compile(r"customfield(\d{1,18})")


@dataclass(frozen=True, slots=True)
class CustomField:
    """`options` are the settings we keep and give back, but do not act on."""

    id: int
    list_id: int
    name: str
    type: str
    alias: str
    default_value: str
    is_unique_identifier: bool
    options: dict[str, Any]


def create(
    db: sqlite3.Connection,
    list_id: int,
    *,
    name: str,
    type: str,
    alias: str = "",
    default_value: str = "",
    is_unique_identifier: bool = False,
    options: Mapping[str, Any] | None = None,
) -> CustomField:
    row = db.execute(
        """insert into custom_fields (list_id, name, type, alias, alias_key, default_value,
               is_unique_identifier, options)
           values (:list_id, :name, :type, :alias, :alias_key, :default_value,
               :is_unique_identifier, :options) returning *""",
        {
            "list_id": list_id,
            "name": name,
            "type": type,
            "alias": alias,
            "alias_key": alias.casefold(),
            "default_value": default_value,
            "is_unique_identifier": int(is_unique_identifier),
            "options": json.dumps(dict(options or {})),
        },
    ).fetchone()
    return _field(row)


def change(db: sqlite3.Connection, field: CustomField) -> None:
    """Write a field's facts over the ones it had."""
    db.execute(
        """update custom_fields set name = :name, type = :type, alias = :alias,
               alias_key = :alias_key, default_value = :default_value,
               is_unique_identifier = :is_unique_identifier, options = :options
           where id = :id""",
        {
            "id": field.id,
            "name": field.name,
            "type": field.type,
            "alias": field.alias,
            "alias_key": field.alias.casefold(),
            "default_value": field.default_value,
            "is_unique_identifier": int(field.is_unique_identifier),
            "options": json.dumps(field.options),
        },
    )


def get(db: sqlite3.Connection, field_id: int) -> CustomField | None:
    row = db.execute("select * from custom_fields where id = :id", {"id": field_id}).fetchone()
    return _field(row) if row else None


def of_list(db: sqlite3.Connection, list_id: int) -> list[CustomField]:
    rows = db.execute(
        "select * from custom_fields where list_id = :list_id order by id", {"list_id": list_id}
    )
    return [_field(row) for row in rows]


def by_alias(db: sqlite3.Connection, list_id: int, alias: str) -> CustomField | None:
    """Found without regard to case."""
    row = db.execute(
        "select * from custom_fields where list_id = :list_id and alias_key = :alias_key",
        {"list_id": list_id, "alias_key": alias.casefold()},
    ).fetchone()
    return _field(row) if row else None


def holder(db: sqlite3.Connection, field_id: int, value: str) -> int | None:
    """A subscriber who has this value, without regard to case."""
    row = db.execute(
        """select subscriber_id from field_values
           where field_id = :field_id and value_key = :value_key limit 1""",
        {"field_id": field_id, "value_key": value.casefold()},
    ).fetchone()
    return int(row["subscriber_id"]) if row else None


def clear_some(db: sqlite3.Connection, field_id: int, rows: int) -> bool:
    """Take a bounded number of people's values of a field. True while there are more."""
    removed = db.execute(
        """delete from field_values where (subscriber_id, field_id) in (
               select subscriber_id, field_id from field_values
               where field_id = :id limit :rows)""",
        {"id": field_id, "rows": rows},
    )
    return removed.rowcount == rows


def delete(db: sqlite3.Connection, field_id: int) -> None:
    """The field and what is left of everybody's values of it."""
    db.execute("delete from field_values where field_id = :id", {"id": field_id})
    db.execute("delete from custom_fields where id = :id", {"id": field_id})


def unique_identifier(db: sqlite3.Connection, list_id: int) -> CustomField | None:
    """The field hashes are looked up in: of several, the one with the lowest id."""
    row = db.execute(
        """select * from custom_fields where list_id = :list_id and is_unique_identifier = 1
           order by id limit 1""",
        {"list_id": list_id},
    ).fetchone()
    return _field(row) if row else None


def subscriber_by_hash(db: sqlite3.Connection, list_id: int, digest: str) -> int | None:
    """The subscriber whose unique-identifier field holds this hash, its hex in either case."""
    field = unique_identifier(db, list_id)
    if field is None:
        return None
    row = db.execute(
        """select subscriber_id from field_values
           where field_id = :field_id and value_key = :value_key order by subscriber_id limit 1""",
        {"field_id": field.id, "value_key": digest.casefold()},
    ).fetchone()
    return int(row["subscriber_id"]) if row else None


def write(
    db: sqlite3.Connection, list_id: int, subscriber_id: int, properties: Mapping[str, Any]
) -> None:
    """Custom fields from what an identify brings. Unknown names are ignored, and logged."""
    named = resolve(of_list(db, list_id), properties)
    for field, value in named.items():
        put(db, subscriber_id, field, value)
    unknown = len(properties) - len(named)
    if unknown > 0:
        log.info("identify properties without a field list=%d count=%d", list_id, unknown)


def resolve(fields: list[CustomField], properties: Mapping[str, Any]) -> dict[int, Any]:
    """Field id → value. Where a field is named in both ways, its alias wins."""
    by_alias = {field.alias.casefold(): field.id for field in fields if field.alias}
    ids = {field.id for field in fields}
    by_id: dict[int, Any] = {}
    aliased: dict[int, Any] = {}
    for name, value in properties.items():
        key = name.casefold()
        numbered = _BY_ID.fullmatch(key)
        if key in by_alias:
            aliased[by_alias[key]] = value
        elif numbered and int(numbered[1]) in ids:
            by_id[int(numbered[1])] = value
    return by_id | aliased


def put(db: sqlite3.Connection, subscriber_id: int, field_id: int, value: Any) -> None:
    """One value, over the one there was. Lists and objects are kept as JSON; null is empty."""
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value)
    db.execute(
        """insert into field_values (subscriber_id, field_id, value, value_key)
           values (:subscriber_id, :field_id, :value, :value_key)
           on conflict do update set value = excluded.value, value_key = excluded.value_key""",
        {
            "subscriber_id": subscriber_id,
            "field_id": field_id,
            "value": text,
            "value_key": text.casefold(),
        },
    )


def values(db: sqlite3.Connection, subscriber_id: int) -> dict[int, str]:
    """Field id → value of one subscriber."""
    rows = db.execute(
        "select field_id, value from field_values where subscriber_id = :id order by field_id",
        {"id": subscriber_id},
    )
    return {row["field_id"]: row["value"] for row in rows}


def _field(row: sqlite3.Row) -> CustomField:
    return CustomField(
        row["id"],
        row["list_id"],
        row["name"],
        row["type"],
        row["alias"],
        row["default_value"],
        bool(row["is_unique_identifier"]),
        json.loads(row["options"]),
    )
