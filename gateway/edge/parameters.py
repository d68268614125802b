"""The parameters of an API call, wherever they stand: JSON, form fields or query string.

The body is JSON whatever its Content-Type says, unless it says form and does not look like JSON.
Names at the top are case-insensitive and read here in lower case; what is inside keeps its case.
"""

from typing import Any
from urllib.parse import parse_qsl

from gateway.errors import NotJson
from gateway.events import parse

FIELDS_MAX = 1_000
DEPTH_MAX = 8

Parameters = dict[str, Any]


def read(body: bytes, content_type: str, query: bytes) -> Parameters:
    """All parameters, the body's over the query's. Raises NotJson."""
    parameters = _fields(query) if query else {}
    stripped = body.strip()
    if stripped:
        is_form = content_type[:33].lower() == "application/x-www-form-urlencoded"
        if is_form and not stripped.startswith((b"{", b"[", b"//")):
            parameters |= _fields(stripped)
        else:
            parameters |= _json(stripped)
    return parameters


def _json(body: bytes) -> Parameters:
    value = parse.decode(body)
    if type(value) is list and not value:  # PHP writes an empty object so
        return {}
    if not isinstance(value, dict):
        raise NotJson("The body must be a JSON object with the call's parameters.")
    return {name.lower(): inner for name, inner in value.items()}


def _fields(encoded: bytes) -> Parameters:
    """`a=1&Properties[product]=x` as `{"a": "1", "properties": {"product": "x"}}`."""
    try:
        pairs = parse_qsl(
            encoded.decode(), keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="strict"
        )
    except ValueError as error:
        raise NotJson(f"Send at most {FIELDS_MAX} form fields, in UTF-8.") from error
    parameters: Parameters = {}
    for name, value in pairs:
        first, *inner = name.replace("]", "").split("[")
        _nest(parameters, [first.lower(), *inner[:DEPTH_MAX]], value)
    return parameters


def _nest(into: Parameters, path: list[str], value: str) -> None:
    for step in path[:-1]:
        inner = into.get(step)
        if not isinstance(inner, dict):
            inner = into[step] = {}
        into = inner
    into[path[-1]] = value
