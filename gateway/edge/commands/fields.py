"""`customfield.*`, `customfields.*`: what a list knows of its subscribers besides their address."""

import dataclasses
import re
import sqlite3
from collections.abc import Mapping
from functools import partial
from typing import Any

from gateway.edge.commands import answers, parameter
from gateway.edge.commands.arguments import (
    choice,
    flag,
    id_list,
    invalid,
    owned_list,
    structure,
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
from gateway.edge.parameters import Parameters
from gateway.errors import Problem, Refused
from gateway.records import audience, fields, lists, removal
from gateway.records.fields import CustomField

MISSING_LIST = Problem(1, "Missing subscriber list id")
MISSING_NAME = Problem(2, "Missing field name")
MISSING_TYPE = Problem(3, "Missing field type")
MISSING_RULE = Problem(4, "Missing validation rule")
INVALID_PRESET = Problem(5, "Invalid preset name")
INVALID_DATA_TYPE = Problem(7, "Invalid data type")
INVALID_CREATE_LIST = Problem(8, "Invalid subscriber list id")
ALIAS_TAKEN = Problem(1000, "Merge tag alias code has been set for another custom field")
ALIAS_CHARACTERS = Problem(1001, "Merge tag alias code includes invalid characters")
ALIAS_RESERVED = Problem(1002, "Merge tag alias cannot use a reserved subscriber field name")
ALIAS_PROBLEMS = (ALIAS_TAKEN, ALIAS_CHARACTERS, ALIAS_RESERVED)

MISSING_FIELD = Problem(1, "Missing custom field id")
INVALID_FIELD = Problem(6, "Invalid custom field id")
INVALID_TYPE = Problem(7, "Invalid field type")
INVALID_METHOD = Problem(8, "Invalid validation method")
INVALID_VISIBILITY = Problem(9, "Invalid visibility value")
INVALID_REQUIRED = Problem(10, "Invalid IsRequired value")
INVALID_UNIQUE = Problem(11, "Invalid IsUnique value")
INVALID_GLOBAL = Problem(12, "Invalid IsGlobal value")
INVALID_UPDATE_LIST = Problem(
    13, "Invalid subscriber list id (the list does not exist or does not belong to you)"
)
LIST_FIXED = Problem(
    14,
    "Custom field list cannot be changed. Create the custom field on the target list instead.",
)
UPDATE_OPTIONS = {
    "ValidationMethod": INVALID_METHOD,
    "Visibility": INVALID_VISIBILITY,
    "IsRequired": INVALID_REQUIRED,
    "IsUnique": INVALID_UNIQUE,
    "IsGlobal": INVALID_GLOBAL,
}
INVALID_GET_LIST = Problem(2, "Invalid subscriber list id")
MISSING_IDS = Problem(1, "Custom field ids are missing")
INVALID_IDS = Problem(1004, "Invalid CustomFields parameter: you have no such custom field.")

TYPES = (
    "Single line", "Paragraph text", "Multiple choice", "Drop down", "Checkboxes", "Hidden field",
    "Date field", "Time field", "Text", "Number", "Date", "Email", "URL",
)  # fmt: skip
DATA_TYPES = ("Text", "String", "Number", "Integer", "Decimal", "Date", "Time", "DateTime")
VALIDATION_METHODS = (
    "Disabled", "Letters", "Numbers", "Letters and numbers", "Email address", "URL", "Date",
    "Time", "Custom",
)  # fmt: skip
VISIBILITIES = ("Public", "User Only")
ORDERS = ("customfieldid", "fieldname", "fieldtype")

ALIAS = re.compile(r"[A-Za-z0-9_-]{1,100}")
_RESERVED = frozenset(audience.FIELDS) | {"email", "id", "tags", "totalrevenue"}
_KEPT = ("DataType", "Years", "ValidationRule")
_KEPT_LISTS = ("OptionLabel", "OptionValue", "OptionSelected")


async def create(call: Call) -> Answer:
    given = call.parameters
    if not is_missing(given.get("presetname")):
        raise Refused(INVALID_PRESET)
    problems = [MISSING_NAME] * is_missing(given.get("fieldname"))
    problems += [MISSING_TYPE] * is_missing(given.get("fieldtype"))
    problems += [MISSING_RULE] * _lacks_rule(given)
    if problems:
        raise Refused(*problems)
    choice(given, "DataType", DATA_TYPES, INVALID_DATA_TYPE)
    field_type = choice(given, "FieldType", TYPES) or ""
    options = _options(given, {})

    def make(db: sqlite3.Connection) -> CustomField:
        found = owned_list(db, call, "SubscriberListID", INVALID_CREATE_LIST)
        return fields.create(
            db,
            found.id,
            name=text(given, "FieldName"),
            type=field_type,
            alias=_alias(db, found.id, given),
            default_value=text(given, "DefaultValue"),
            is_unique_identifier=flag(given, "UniqueIdentifier"),
            options=options,
        )

    made = await call.services.writer.write(make)
    return succeeded(CustomFieldID=made.id)


async def update(call: Call) -> Answer:
    given = call.parameters
    if _lacks_rule(given):
        raise Refused(MISSING_RULE)

    def change(db: sqlite3.Connection) -> None:
        field = _owned(db, call, given.get("customfieldid"))
        if field is None:
            raise Refused(INVALID_FIELD)
        if not is_missing(given.get("subscriberlistid")):
            target = owned_list(db, call, "SubscriberListID", INVALID_UPDATE_LIST)
            if target.id != field.list_id:
                raise Refused(LIST_FIXED)
        fields.change(
            db,
            dataclasses.replace(
                field,
                name=text(given, "FieldName"),
                type=choice(given, "FieldType", TYPES, INVALID_TYPE) or field.type,
                alias=_alias(db, field.list_id, given, field),
                default_value=text(given, "DefaultValue", field.default_value),
                is_unique_identifier=flag(given, "UniqueIdentifier", field.is_unique_identifier),
                options=field.options | _options(given, UPDATE_OPTIONS),
            ),
        )

    await call.services.writer.write(change)
    return succeeded()


async def get_many(call: Call) -> Answer:
    order = text(call.parameters, "OrderField").lower() or ORDERS[0]
    if order not in ORDERS:
        raise Refused(invalid("OrderField", "CustomFieldID, FieldName or FieldType"))
    direction = choice(call.parameters, "OrderType", ("ASC", "DESC"))

    def read(db: sqlite3.Connection) -> list[CustomField]:
        found = owned_list(db, call, "SubscriberListID", INVALID_GET_LIST)
        return fields.of_list(db, found.id)

    found = [_facts(field) for field in await call.services.reader.read(read)]
    names = {name.lower(): name for name in ("CustomFieldID", "FieldName", "FieldType")}
    found.sort(key=lambda facts: facts[names[order]], reverse=direction == "DESC")
    return succeeded(TotalFieldCount=len(found), CustomFields=found)


async def delete_many(call: Call) -> Answer:
    ids = id_list(
        call.parameters["customfields"], invalid("CustomFields", "field ids, separated by commas")
    )

    def check(db: sqlite3.Connection) -> None:
        if not all(_owned(db, call, field_id) for field_id in ids):
            raise Refused(INVALID_IDS)

    def remove(db: sqlite3.Connection) -> None:
        check(db)
        for field_id in ids:
            fields.delete(db, field_id)

    # The values of a large list go first, bit by bit: the writer is everybody's.
    await call.services.reader.read(check)
    for field_id in ids:
        while await call.services.writer.write(
            partial(fields.clear_some, field_id=field_id, rows=removal.STEP_ROWS)
        ):
            pass
    await call.services.writer.write(remove)
    return succeeded()


def _owned(db: sqlite3.Connection, call: Call, value: Any) -> CustomField | None:
    field_id = whole_number(value)
    field = fields.get(db, field_id) if field_id else None
    if field is None or not lists.owned(db, field.list_id, call.caller.account_id):
        return None
    return field


def _alias(
    db: sqlite3.Connection, list_id: int, given: Parameters, field: CustomField | None = None
) -> str:
    if "mergetagalias" not in given:
        return field.alias if field else ""
    alias = text(given, "MergeTagAlias")
    if not alias:
        return ""
    if not ALIAS.fullmatch(alias):
        raise Refused(ALIAS_CHARACTERS)
    if alias.lower() in _RESERVED or re.fullmatch(r"customfield\d+", alias.lower()):
        raise Refused(ALIAS_RESERVED)
    other = fields.by_alias(db, list_id, alias)
    if other and (field is None or other.id != field.id):
        raise Refused(ALIAS_TAKEN)
    return alias


def _lacks_rule(given: Parameters) -> bool:
    return str(given.get("validationmethod")).strip().lower() == "custom" and is_missing(
        given.get("validationrule")
    )


def _options(given: Parameters, problems: Mapping[str, Problem]) -> dict[str, Any]:
    """The settings among the parameters, as they are given back. Raises Refused: with the number
    that the call has for a parameter, if it has one."""
    found: dict[str, Any] = {}
    for name, words in (("ValidationMethod", VALIDATION_METHODS), ("Visibility", VISIBILITIES)):
        word = choice(given, name, words, problems.get(name))
        if word:
            found[name] = word
    for name in ("IsRequired", "IsUnique", "IsGlobal"):
        if not is_missing(given.get(name.lower())):
            found[name] = "Yes" if flag(given, name, problem=problems.get(name)) else "No"
    found |= {name: text(given, name) for name in _KEPT if name.lower() in given}
    for name in (*_KEPT_LISTS, "Meta"):
        if name.lower() in given:
            found[name] = structure(given, name, invalid(name, "JSON"))
    return found


def _facts(field: CustomField) -> dict[str, Any]:
    defaults = {
        "ValidationMethod": "Disabled",
        "IsRequired": "No",
        "IsUnique": "No",
        "Visibility": "Public",
        "IsGlobal": "No",
    }
    return {
        **defaults,
        **field.options,
        "CustomFieldID": field.id,
        "RelListID": field.list_id,
        "FieldName": field.name,
        "FieldType": field.type,
        "FieldDefaultValue": field.default_value,
        "MergeTagAlias": field.alias,
        "UniqueIdentifier": field.is_unique_identifier,
    }


_COMMON = (
    "SubscriberListID", "FieldName", "FieldType", "DefaultValue", "ValidationMethod",
    "ValidationRule", "MergeTagAlias", "OptionLabel", "OptionValue", "OptionSelected",
    "IsRequired", "IsUnique", "Visibility", "IsGlobal", "Years",
)  # fmt: skip

COMMANDS = (
    Command(
        name="customfield.create",
        needs="admin",
        summary="Make a custom field.",
        answers=answers.FieldCreated,
        asks=("FieldName", "FieldType"),
        handler=create,
        methods=WRITE,
        parameters=(*_COMMON, "PresetName", "DataType", "Meta", "UniqueIdentifier"),
        required={"SubscriberListID": MISSING_LIST},
        codes=numbered(
            MISSING_LIST, MISSING_NAME, MISSING_TYPE, MISSING_RULE, INVALID_PRESET,
            INVALID_DATA_TYPE, INVALID_CREATE_LIST, *ALIAS_PROBLEMS,
        ),
        envelope=Envelope.SUCCESS,
    ),
    Command(
        name="customfield.update",
        needs="admin",
        summary="Change a custom field.",
        handler=update,
        methods=WRITE,
        parameters=("CustomFieldID", *_COMMON, "UniqueIdentifier"),
        required={
            "CustomFieldID": MISSING_FIELD, "FieldName": MISSING_NAME, "FieldType": MISSING_TYPE,
        },
        codes=numbered(
            MISSING_FIELD, MISSING_NAME, MISSING_TYPE, MISSING_RULE, INVALID_FIELD, INVALID_TYPE,
            *UPDATE_OPTIONS.values(), INVALID_UPDATE_LIST, LIST_FIXED, *ALIAS_PROBLEMS,
        ),
        envelope=Envelope.SUCCESS,
    ),
    Command(
        name="customfields.get",
        summary="The custom fields of a list.",
        answers=answers.Fields,
        meanings={"OrderField": parameter.choice(ORDERS, "What to order by.")},
        handler=get_many,
        methods=READ,
        parameters=("SubscriberListID", "OrderField", "OrderType", "ReturnGlobalCustomFields"),
        required={"SubscriberListID": MISSING_LIST},
        codes=numbered(MISSING_LIST, INVALID_GET_LIST),
        envelope=Envelope.SUCCESS,
    ),
    Command(
        name="customfields.delete",
        needs="admin",
        summary="Delete custom fields and their values.",
        further=numbered(INVALID_IDS),
        handler=delete_many,
        methods=WRITE,
        parameters=("CustomFields",),
        required={"CustomFields": MISSING_IDS},
        codes=numbered(MISSING_IDS),
        envelope=Envelope.SUCCESS,
    ),
)  # fmt: skip
