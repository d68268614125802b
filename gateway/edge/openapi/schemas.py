"""The pieces that operations are put together from: schemas of our types, answers, refusals."""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from gateway import errors
from gateway.errors import GatewayError, Overloaded, RateLimited, Refused, SettingsError

Schema = dict[str, Any]

_COMPONENT = "#/components/schemas/{name}"
JSON = "application/json"

SAID: Schema = {
    "Problem": {
        "type": "object",
        "properties": {"Code": {"type": "integer"}, "Message": {"type": "string"}},
        "required": ["Code", "Message"],
    },
    "Refused": {
        "description": "All that is wrong with the call, in the order of the codes.",
        "type": "object",
        "properties": {
            "Errors": {
                "type": "array",
                "minItems": 1,
                "items": {"$ref": _COMPONENT.format(name="Problem")},
            }
        },
        "required": ["Errors"],
    },
    "Failed": {
        "description": "A management call that was not carried out: every problem it has.",
        "type": "object",
        "properties": {
            "Success": {"const": False},
            "ErrorCode": {"type": "array", "minItems": 1, "items": {"type": "integer"}},
            "ErrorText": {"type": "array", "minItems": 1, "items": {"type": "string"}},
            "Suppressed": {"type": "boolean"},
            "ErrorCustomFieldIDs": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["Success", "ErrorCode", "ErrorText"],
    },
    "Error": {
        "description": "What is wrong, in the fields of both envelopes.",
        "type": "object",
        "properties": {
            "Success": {"const": False},
            "ErrorCode": {"type": "integer"},
            "ErrorText": {"type": "string"},
            "Errors": {
                "type": "array",
                "minItems": 1,
                "maxItems": 1,
                "items": {"$ref": _COMPONENT.format(name="Problem")},
            },
        },
        "required": ["Success", "ErrorCode", "ErrorText", "Errors"],
    },
}
"""The envelopes that `edge/problems` and `commands.failed` write."""


def ref(name: str) -> Schema:
    return {"$ref": _COMPONENT.format(name=name)}


def components(types: Collection[type], open_types: Collection[type] = ()) -> Schema:
    """The schemas of these types and all they are made of, by name."""
    _, found = msgspec.json.schema_components(types, ref_template=_COMPONENT)
    for schema in found.values():
        if "description" in schema:
            schema["description"] = " ".join(schema["description"].split())
    for each in open_types:
        found[each.__name__]["additionalProperties"] = True
    return found


def content(schema: Schema, media_type: str = JSON, **more: Any) -> Schema:
    return {media_type: {"schema": schema, **more}}


def answer(description: str, schema: Schema | None = None, **more: Any) -> Schema:
    """An answer in JSON, or one without a body."""
    return {"description": description, **({"content": content(schema)} if schema else {}), **more}


def refusals(*kinds: type[GatewayError]) -> dict[str, Schema]:
    """Status → what these errors are answered with."""
    statuses = sorted({str(error.status) for error in kinds})
    return {status: {"$ref": f"#/components/responses/{status}"} for status in statuses}


def refused(codes: Mapping[int, str]) -> Schema:
    """The answer `Errors`, with these numbers."""
    numbers = {"properties": {"Code": {"enum": sorted(codes)}}}
    own = {"properties": {"Errors": {"items": numbers}}}
    return answer(_code_list(codes), {"allOf": [ref("Refused"), own]})


def done_or_failed(done: Schema, codes: Mapping[int, str]) -> Schema:
    """The answer `Success`: true, or false with these numbers."""
    own = {"properties": {"ErrorCode": {"items": {"enum": sorted(codes)}}}}
    told = f"Carried out, or not (`Success`: false), with the codes\n\n{_code_list(codes)}"
    return answer(told, {"anyOf": [done, {"allOf": [ref("Failed"), own]}]})


def header(description: str, **schema: Any) -> Schema:
    return {"description": description, "schema": {"type": "string", **schema}}


def _code_list(codes: Mapping[int, str]) -> str:
    """Numbers and messages, for a description in Markdown."""
    return "\n".join(f"- `{code}` {codes[code]}" for code in sorted(codes))


def _response(status: int) -> Schema:
    """Told in the words of the errors that have this status."""
    of_status = [error for error in _ANSWERED if error.status == status]
    lines = {error.code: " ".join((error.__doc__ or "").split()) for error in of_status}
    if GatewayError in of_status:
        lines[GatewayError.code] = str(GatewayError())
    more = {"headers": _HEADERS[status]} if status in _HEADERS else {}
    return answer(_code_list(lines), ref("Error"), **more)


_ANSWERED = [
    each
    for each in vars(errors).values()
    if isinstance(each, type) and issubclass(each, GatewayError)
    if not issubclass(each, SettingsError | Refused)
]
_AGAIN = {"Retry-After": header("Seconds until another try is worth it.", type="integer")}
_HEADERS = {
    401: {"WWW-Authenticate": header("`Bearer`: how to say who calls.")},
    RateLimited.status: _AGAIN,
    Overloaded.status: _AGAIN,
}

RESPONSES = {str(status): _response(status) for status in sorted({e.status for e in _ANSWERED})}
"""The tree of errors as answers, by status; what is refused with numbers, each route tells."""
