"""Holds answers to the document: whatever a test asks of a gateway, the answer's status, content
type and body are what `/openapi.json` says of that route, with nothing in it that is not named."""

import functools
import json
from typing import Any

import httpx
import jsonschema_rs

from gateway.edge.openapi.document import document
from gateway.settings import Settings

OUTSIDE = (404, 405)
"""A path nobody serves and a method a path has not: of these the document says nothing."""


def hold(response: httpx.Response, settings: Settings) -> None:
    """Fails the test when the answer is none of the documented."""
    told = _operation(settings, response.request.method, response.request.url.path)
    if told is None:
        unknown_call = response.status_code == 400 and response.request.url.path.startswith("/api")
        assert unknown_call or response.status_code in OUTSIDE, f"{response} is not documented"
        return
    assert str(response.status_code) in told["responses"], f"{response} is not documented"
    content = _resolved(settings, told["responses"][str(response.status_code)]).get("content", {})
    kind = response.headers.get("content-type", "").partition(";")[0]
    if response.status_code != 304:  # names the type of what the asker has
        assert kind in content or not (kind or content), f"{response}: no {kind!r}"
    if kind == "application/json" and response.request.method != "HEAD":
        schema = json.dumps(content[kind]["schema"])
        _validator(_key(settings), schema).validate(json.loads(response.read()))


def _operation(settings: Settings, method: str, path: str) -> Any:
    paths = _document(_key(settings))["paths"]
    if path not in paths and path.startswith(settings.tracker_path.removesuffix(".js") + "."):
        path = settings.tracker_path.removesuffix(".js") + ".{version}.js"
    operations = paths.get(path) or paths.get(path.lower(), {})
    return operations.get("get" if method == "HEAD" else method.lower())


def _resolved(settings: Settings, response: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in response:
        return response
    name = response["$ref"].rpartition("/")[2]
    return dict(_document(_key(settings))["components"]["responses"][name])


def _key(settings: Settings) -> tuple[str, str, str]:
    """What documents of test gateways differ in, as far as answers go."""
    return settings.beacon_path, settings.tracker_path, settings.pixel_path


@functools.cache
def _document(key: tuple[str, str, str]) -> dict[str, Any]:
    beacon, tracker, pixel = key
    made = document(Settings(beacon_path=beacon, tracker_path=tracker, pixel_path=pixel))
    for schema in made["components"]["schemas"].values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return made


@functools.cache
def _validator(key: tuple[str, str, str], schema: str) -> Any:
    whole = {**json.loads(schema), "components": _document(key)["components"]}
    return jsonschema_rs.Draft202012Validator(whole)
