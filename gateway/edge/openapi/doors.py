"""The routes that are no calls: the beacon, the pixel, the tracker, the stream, and health."""

import json
from dataclasses import asdict

from gateway.edge import doors
from gateway.edge.auth import OTHER_ACCOUNT, UNKNOWN_LIST
from gateway.edge.commands.event import PROPERTY_PROBLEMS
from gateway.edge.commands.website_events import LIST_NOT_FOUND
from gateway.edge.openapi.schemas import (
    JSON,
    Schema,
    answer,
    components,
    content,
    header,
    ref,
    refusals,
    refused,
)
from gateway.edge.scripts import path_of
from gateway.edge.seen import SEEN_PATH, Seen
from gateway.errors import (
    BodyTooLarge,
    BodyTooSlow,
    BodyUnreadable,
    Forbidden,
    GatewayError,
    NotJson,
    Overloaded,
    RateLimited,
    Unauthenticated,
)
from gateway.events.parse import ID_CHARS_MAX, TOKEN_CHARS_MAX
from gateway.ingest.record import Result
from gateway.records.event_log import StoredEvent
from gateway.settings import Limits, Settings

RESULTS = (*(each.value for each in Result), "rejected", "retry")
_UNREAD = {
    1014: "A beacon must be a JSON object of version 1 with 1 to {batch_events_max} `events`.",
    1015: "Missing list: write the List Tracker ID.",
    UNKNOWN_LIST.code: UNKNOWN_LIST.message,
    OTHER_ACCOUNT.code: OTHER_ACCOUNT.message,
    **PROPERTY_PROBLEMS,
}
"""Why no event of a beacon could be read at all; of properties, those in its `context`."""


def schemas(settings: Settings) -> Schema:
    found = components([doors.Answer, StoredEvent, Seen])
    found["BeaconAnswer"] = found.pop("Answer")
    found["EventResult"]["properties"]["result"]["enum"] = list(RESULTS)
    return {**found, "Beacon": _beacon(settings.limits), "BeaconEvent": _event(settings.limits)}


def paths(settings: Settings) -> Schema:
    """Path → method → operation. None of them but the stream asks who calls."""
    preflight = _open(
        "browsers",
        "beacon.preflight",
        "What pages of other sites may send.",
        {"204": answer("See headers.")},
    )
    version = _parameter("version", "path", "The hash in the snippet.", required=True)
    for_ever = _script("tracker.version", "One version of the tracker, for ever.")
    for_ever["responses"]["404"] = answer("Never served by this gateway.")
    return {
        settings.beacon_path: {
            "post": _post_beacon(settings.limits),
            "get": _image_beacon(),
            "options": preflight,
        },
        settings.pixel_path: {"get": _pixel()},
        settings.tracker_path: {"get": _script("tracker", "The tracker as it is now.")},
        path_of(settings.tracker_path, "{version}"): {"get": for_ever, "parameters": [version]},
        "/api/v1/event.stream": {"get": _stream(settings.limits)},
        "/healthz": {
            "get": _open("service", "healthz", "Whether the process answers.", _says("ok"))
        },
        "/readyz": {
            "get": _open(
                "service",
                "readyz",
                "Whether a commit goes through just now.",
                _says("ready") | _says("cannot write", "503"),
            )
        },
        SEEN_PATH: {"get": _seen()},
        "/metrics": {"get": _metrics()},
        "/openapi.json": {
            "get": _open(
                "service",
                "openapi",
                "This document.",
                {
                    "200": answer("OpenAPI 3.1.", {"type": "object"}),
                    "304": answer("As you have it."),
                },
            )
        },
    }


def _open(tag: str, name: str, summary: str, responses: Schema, **more: object) -> Schema:
    return {
        "operationId": name,
        "tags": [tag],
        "summary": summary,
        "security": [],
        "responses": {**refusals(GatewayError), **responses},
        **more,
    }


def _post_beacon(limits: Limits) -> Schema:
    text = {"type": "string", "contentMediaType": JSON, "contentSchema": ref("Beacon")}
    unread = {code: said.format_map(asdict(limits)) for code, said in _UNREAD.items()}
    return _open(
        "browsers",
        "beacon",
        "What the tracker sends: events of one page in one browser.",
        {
            "200": answer("Read. Each event has a result of its own.", ref("BeaconAnswer")),
            "422": refused(unread),
            **refusals(NotJson, BodyTooSlow, BodyTooLarge, BodyUnreadable, RateLimited, Overloaded),
        },
        description=(
            "JSON as `text/plain`, so that browsers ask no preflight; whatever the type, it is "
            f"read as JSON. At most {limits.body_browser_bytes_max:,} bytes, and "
            f"{limits.beacon_events_per_minute:,} events a minute from one address."
        ),
        requestBody={
            "required": True,
            "content": content(text, "text/plain", example=json.dumps(_EXAMPLE))
            | content(ref("Beacon"), example=_EXAMPLE),
        },
    )


def _image_beacon() -> Schema:
    return _open(
        "browsers",
        "beacon.image",
        "The same for an image, where a page on its way out can send nothing else.",
        {"200": _GIF},
        description="Nobody is identified by it, for addresses of requests end up in logs.",
        parameters=[_parameter("b", "query", "A beacon in JSON, as `POST` takes it.")],
    )


def _pixel() -> Schema:
    result = header(f"How it ended: one of {', '.join(RESULTS)}; then why.")
    return _open(
        "browsers",
        "pixel",
        "One event from a page without script.",
        {"200": {**_GIF, "headers": {"X-Gateway-Result": result}}},
        parameters=[
            _parameter("list", "query", "The List Tracker ID.", True),
            _parameter("user", "query", "The User Tracker ID."),
            _parameter("event", "query", "The event's name: a page view if there is none."),
            _parameter("id", "query", "The event's id: sent twice, it is stored once."),
            {
                **_parameter("properties", "query", "Every other parameter is a property."),
                "schema": {"type": "object", "additionalProperties": {"type": "string"}},
                "style": "form",
                "explode": True,
            },
        ],
    )


def _script(name: str, summary: str) -> Schema:
    return _open(
        "browsers",
        name,
        summary,
        {
            "200": {
                "description": "In the encoding the browser prefers.",
                "content": content({"type": "string"}, "text/javascript"),
            },
            "304": answer("As you have it."),
        },
    )


def _stream(limits: Limits) -> Schema:
    return {
        "operationId": "event.stream",
        "tags": ["event"],
        "summary": "A list's events as they are stored.",
        "description": (
            "Server-sent events without end: `id` is where to go on, `data` a `StoredEvent`. Needs "
            f"a key that may `read`. At most {limits.live_streams_max} at a time."
        ),
        "parameters": [
            {
                **_parameter("ListID", "query", "The list.", True),
                "schema": {"type": "integer", "minimum": 1},
            },
            _parameter("Last-Event-ID", "header", "Only events behind this one."),
        ],
        "responses": {
            "200": {
                "description": "The newest events, then what comes.",
                "content": content({"type": "string"}, "text/event-stream"),
            },
            "422": refused({LIST_NOT_FOUND.code: LIST_NOT_FOUND.message}),
            **refusals(Unauthenticated, RateLimited, Overloaded, GatewayError),
        },
    }


def _seen() -> Schema:
    return {
        "operationId": "request.seen",
        "tags": ["service"],
        "summary": "How a request arrives here: for `gateway doctor`.",
        "description": "The bearer token is one that only the gateway's own command line makes.",
        "security": [{"bearer": []}],
        "responses": {
            "200": answer("As it arrived.", ref("Seen")),
            **refusals(Unauthenticated, GatewayError),
        },
    }


def _metrics() -> Schema:
    return {
        "operationId": "metrics",
        "tags": ["service"],
        "summary": "What was received and how it ended, for Prometheus.",
        "description": (
            "From this machine; with `GATEWAY_METRICS_TOKEN` set, to who sends it as bearer token."
        ),
        "security": [{}, {"bearer": []}],
        "responses": {
            "200": {
                "description": "In Prometheus' text format, or OpenMetrics' for who asks for it.",
                "content": content({"type": "string"}, "text/plain")
                | content({"type": "string"}, "application/openmetrics-text"),
            },
            **refusals(Unauthenticated, Forbidden, GatewayError),
        },
    }


def _says(word: str, status: str = "200") -> Schema:
    schema = {
        "type": "object",
        "properties": {"status": {"const": word}},
        "required": ["status"],
    }
    return {status: answer(f"`{word}`", schema)}


def _parameter(name: str, where: str, description: str, required: bool = False) -> Schema:
    return {
        "name": name,
        "in": where,
        "required": required,
        "description": description,
        "schema": {"type": "string"},
    }


_EXAMPLE = {
    "v": 1,
    "user": "USER_TRACKER_ID",
    "list": "LIST_TRACKER_ID",
    "sent_at": 1769860800000,
    "events": [
        {
            "id": "0d4b5e0e-7f0e-4a3b-9d0a-3f0f3f0c2b11",
            "event": "add_to_shopping_cart",
            "at": 1769860799000,
            "properties": {"product": "My Product", "product_id": 101},
        }
    ],
}
_GIF: Schema = {
    "description": "A GIF of one transparent pixel, whatever became of the event.",
    "content": content({"type": "string"}, "image/gif"),
}


def _beacon(limits: Limits) -> Schema:
    token = {"type": "string", "maxLength": TOKEN_CHARS_MAX}
    instant = {"type": "integer", "minimum": 0}
    own = {
        "v": {"const": 1, "description": "The version of this protocol."},
        "list": {**token, "description": "The List Tracker ID of the snippet."},
        "user": {**token, "description": "The User Tracker ID of the snippet."},
        "visitor": {**token, "description": "The token of the answer before; `!` to start anew."},
        "seed": {**token, "description": "Shared by a browser's pages until one has a token."},
        "pr": {**token, "description": "Whose link led here."},
        "sent_at": {**instant, "description": "When it was sent, in milliseconds, by its clock."},
        "context": {
            "type": "object",
            "maxProperties": limits.properties_max,
            "description": "Properties of all its events.",
        },
        "human": {"type": "boolean", "description": "A person was seen on the page."},
        "alone": {"type": "boolean", "description": "Neither ask for cookies nor set one."},
        "events": {
            "type": "array",
            "minItems": 1,
            "maxItems": limits.batch_events_max,
            "items": ref("BeaconEvent"),
            "description": "Left out: the beacon itself is the one event.",
        },
    }
    return {"type": "object", "properties": own, "required": ["list"]}


def _event(limits: Limits) -> Schema:
    own = {
        "id": {
            "type": "string",
            "maxLength": ID_CHARS_MAX,
            "description": "Sent twice, it is stored once.",
        },
        "event": {"type": "string", "minLength": 1, "maxLength": limits.event_name_chars_max},
        "at": {"type": "integer", "description": "When it happened, in milliseconds."},
        "seq": {"type": "integer", "minimum": 1, "description": "Its number in its tab."},
        "tab": {"type": "integer", "minimum": 1, "description": "The tab: any number."},
        "properties": {"type": "object", "maxProperties": limits.properties_max},
        "email": {"type": "string", "description": "Who this is: an address, or its sha256."},
        "identifyProperties": {"type": "object", "description": "Custom fields of the subscriber."},
        "isSilent": {"type": "boolean", "description": "No journey fires for it."},
        "isTest": {"type": "boolean", "description": "Answered, and not stored."},
    }
    return {"type": "object", "properties": own, "required": ["event"]}
