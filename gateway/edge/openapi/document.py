"""The whole document, for one gateway: its own paths, limits and address."""

from importlib.metadata import version
from typing import Any

from gateway.edge.openapi import calls, doors
from gateway.edge.openapi.schemas import RESPONSES, SAID, Schema
from gateway.settings import Settings

_ABOUT = """\
Event tracking, and the calls around it.

**Parameters.** Names are case-insensitive: `ListID`, `listid`. A call takes them as JSON whatever
its Content-Type, as form fields (`Properties[product]=Mug` nests) or in the query string; the body
goes over the query. Forms write numbers and yes or no as text, and JSON may. Parameters that a call
does not know are ignored. A body has at most {body_server_bytes_max:,} bytes.

**Who calls.** A key as `Authorization: Bearer` or `APIKey`, or the `SessionID` of `user.login`.
Another account's list is answered like one that does not exist.

**What is answered.** An event that was answered is on disk. Codes up to 1000 are those of the API
family; from 1001 up they are ours, and their messages say what to change. On 429 and 503 nothing
was stored: come back after `Retry-After` seconds.
"""
_SECURITY: Schema = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key."},
    "APIKey": {
        "type": "apiKey",
        "in": "query",
        "name": "APIKey",
        "description": "A parameter like any other: better in the body than in the address.",
    },
    "SessionID": {
        "type": "apiKey",
        "in": "query",
        "name": "SessionID",
        "description": "A parameter like any other, from `user.login`.",
    },
}


def document(settings: Settings) -> dict[str, Any]:
    limits = settings.limits
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Event gateway",
            "version": version("event-gateway"),
            "description": _ABOUT.format(body_server_bytes_max=limits.body_server_bytes_max),
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": settings.base_url}],
        "security": [{name: []} for name in _SECURITY],
        "paths": doors.paths(settings) | calls.paths(limits),
        "components": {
            "schemas": {**SAID, **doors.schemas(settings), **calls.schemas(limits)},
            "responses": RESPONSES,
            "securitySchemes": _SECURITY,
        },
    }
