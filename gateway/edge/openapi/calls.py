"""The calls of the API as operations: each row of the table at its own paths, and `/api.php`."""

from dataclasses import asdict
from typing import Any

from gateway.edge.api import ALIASES, PREFIX
from gateway.edge.commands import answers
from gateway.edge.commands.command import Command, Envelope, Rate
from gateway.edge.commands.glossary import meaning_of
from gateway.edge.commands.table import COMMANDS
from gateway.edge.openapi.schemas import (
    JSON,
    Schema,
    answer,
    components,
    content,
    done_or_failed,
    ref,
    refusals,
    refused,
)
from gateway.errors import (
    BodyTooLarge,
    BodyTooSlow,
    BodyUnreadable,
    Forbidden,
    GatewayError,
    NotJson,
    Overloaded,
    RateLimited,
    Refused,
    Unauthenticated,
    UnknownCommand,
)
from gateway.settings import Limits

FAILURES = (
    NotJson, Unauthenticated, Forbidden, BodyTooSlow, BodyTooLarge, BodyUnreadable, RateLimited,
    Overloaded, GatewayError,
)  # fmt: skip
FOR_KEYS = (Unauthenticated, Forbidden)
FORM = "application/x-www-form-urlencoded"
INVALID_PARAMETER = {1003: "Invalid … parameter: write …"}
CREDENTIALS: Schema = {
    "APIKey": {"type": "string", "description": "Instead of a bearer token."},
    "SessionID": {"type": "string", "description": "Instead of a key, from `user.login`."},
}


def schemas(limits: Limits) -> Schema:
    taken = {_taken(command): _parameters(command, limits) for command in COMMANDS.values()}
    return components([each.answers for each in COMMANDS.values()], answers.OPEN) | taken


def paths(limits: Limits) -> Schema:
    """Path → method → operation."""
    found: dict[str, Schema] = {}
    for command in COMMANDS.values():
        for method in command.methods:
            at_path = found.setdefault(PREFIX + command.name, {})
            at_path[method.lower()] = _operation(command, method, limits)
        if command.rest:
            method, path = command.rest
            operation = _operation(command, method, limits)
            operation["operationId"] = f"{method.lower()}:{path}"
            found.setdefault(PREFIX + path, {})[method.lower()] = operation
    return {**found, "/api.php": {"post": _by_command("POST"), "get": _by_command("GET")}}


def _operation(command: Command, method: str, limits: Limits) -> Schema:
    operation: Schema = {
        "operationId": f"{method.lower()}:{command.name}",
        "tags": [command.name.partition(".")[0]],
        "summary": command.summary,
        "description": _description(command, limits),
        "responses": _responses(command, limits),
    }
    if method == "GET":
        operation["parameters"] = _query(command, limits)
    else:
        operation["requestBody"] = _body(command)
    return operation | ({"security": []} if command.open else {})


def _description(command: Command, limits: Limits) -> str:
    per_minute = {
        Rate.EVENT: limits.event_calls_per_minute,
        Rate.READ: limits.read_calls_per_minute,
        Rate.WRITE: limits.write_calls_per_minute,
        Rate.LOGIN: limits.login_calls_per_minute,
    }[command.rate]
    whose = "address" if command.open else "key or account"
    names = [alias for alias, name in ALIASES.items() if name == command.name] or [command.name]
    spelled = f"Also `/api.php?Command={names[0]}`."
    choices = [name for name in (*command.required, *command.asks) if "/" in name]
    either = [f"One of `{name.replace('/', '`, `')}` must be there." for name in choices]
    needs = [] if command.open else [f"Needs a key that may `{command.scope}`."]
    rate = f"At most {per_minute:,} such calls a minute of one {whose}."
    return " ".join([spelled, *either, *needs, rate])


def _codes(command: Command, limits: Limits) -> dict[int, str]:
    values = asdict(limits)
    ours = {code: message.format_map(values) for code, message in command.further.items()}
    common = INVALID_PARAMETER if command.envelope is Envelope.SUCCESS else {}
    return {**common, **ours, **command.codes}


def _responses(command: Command, limits: Limits) -> Schema:
    codes = _codes(command, limits)
    carried_out = ref(command.answers.__name__)
    own: Schema
    if command.envelope is Envelope.ERRORS:
        own = {"200": answer("Carried out.", carried_out), str(Refused.status): refused(codes)}
    else:
        own = {"200": done_or_failed(carried_out, codes)}
    if command.example:
        own["200"]["content"][JSON]["example"] = command.example.answer
    errors = [each for each in FAILURES if not (command.open and each in FOR_KEYS)]
    return own | refusals(*errors)


def _taken(command: Command) -> str:
    return f"{command.name}.parameters"


def _parameters(command: Command, limits: Limits) -> Schema:
    """What a body of the call is."""
    own = {name: meaning_of(command, name).described(limits) for name in command.parameters}
    credentials = {} if command.open else CREDENTIALS
    return {"type": "object", "properties": {**credentials, **own}, **_demands(command)}


def _body(command: Command) -> Schema:
    example = {"example": command.example.call} if command.example else {}
    schema = ref(_taken(command))
    return {"content": content(schema, JSON, **example) | content(schema, FORM)}


def _demands(command: Command) -> Schema:
    """Which parameters must be there, as the keywords of a schema."""
    demanded = [*command.required, *command.asks]
    alone = [name for name in demanded if "/" not in name]
    choices: list[Any] = [
        {"anyOf": [{"required": [name]} for name in names.split("/")]}
        for names in demanded
        if "/" in names
    ]
    return ({"required": alone} if alone else {}) | ({"allOf": choices} if choices else {})


def _query(command: Command, limits: Limits) -> list[Schema]:
    needed = {*command.required, *command.asks}
    return [_parameter(command, name, name in needed, limits) for name in command.parameters]


def _parameter(command: Command, name: str, needed: bool, limits: Limits) -> Schema:
    schema = meaning_of(command, name).described(limits)
    description = schema.pop("description")
    return {
        "name": name,
        "in": "query",
        "required": needed,
        "description": description,
        "schema": schema,
    }


def _by_command(method: str) -> Schema:
    names = {each.name for each in COMMANDS.values() if method in each.methods}
    spelled = sorted(names | {alias for alias, name in ALIASES.items() if name in names})
    command: Schema = {
        "name": "Command",
        "in": "query",
        "required": True,
        "description": "Which call, without regard to case. It may stand in the body too.",
        "schema": {"type": "string", "enum": spelled},
    }
    anything = {"type": "object"}
    responses = {
        "200": answer("As the call itself answers.", anything),
        "405": answer("The call wants another method: see `Allow`."),
        str(Refused.status): answer("As the call itself answers.", ref("Refused")),
        **refusals(*FAILURES, UnknownCommand),
    }
    operation: Schema = {
        "operationId": f"{method.lower()}:api.php",
        "tags": ["api.php"],
        "summary": "Any call, by its name.",
        "parameters": [command],
        "responses": responses,
    }
    if method == "POST":
        operation["requestBody"] = {"content": content(anything) | content(anything, FORM)}
    return operation
