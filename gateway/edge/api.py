"""`/api/v1/<command>` and `/api.php?Command=<command>`: one dispatch for both.

In order: the body is read, the command found, the caller known, the rate counted, what is required
looked for, the command run.
"""

from starlette.types import Receive, Scope, Send

from gateway.edge.commands.arguments import check_depth
from gateway.edge.commands.command import Call, Command, Envelope, failed
from gateway.edge.commands.table import COMMANDS, REST
from gateway.edge.entrance import Entrance
from gateway.edge.parameters import Parameters
from gateway.edge.parameters import read as read_parameters
from gateway.edge.problems import PRIVATE, counted, respond, respond_json
from gateway.edge.requests import headers_of, read_body, text
from gateway.errors import Refused, UnknownCommand
from gateway.services import Services

PREFIX = "/api/v1/"


class ApiEndpoint:
    """Plain ASGI, for `event` is a hot path too."""

    def __init__(self, services: Services, entrance: Entrance) -> None:
        self._services = services
        self._limits = services.settings.limits
        self._entrance = entrance

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = headers_of(scope)
        body = await read_body(
            headers,
            receive,
            bytes_max=self._limits.body_server_bytes_max,
            timeout_s=self._limits.body_timeout_s,
        )
        parameters = read_parameters(body, text(headers, b"content-type"), scope["query_string"])
        command = _command(scope["method"], scope["path"], parameters)
        if scope["method"] not in command.methods:
            allowed = ", ".join(command.methods).encode()
            return await respond(send, 405, headers=[(b"allow", allowed)])
        caller = self._entrance.admit(
            command.rate, scope, headers, parameters, anybody=command.open
        )
        try:
            _check(command, parameters)
            answer = await command.handler(Call(self._services, caller, parameters))
        except Refused as refused:
            if command.envelope is Envelope.ERRORS:
                raise
            answer = failed(refused)
        return await respond_json(send, 200, answer, [*PRIVATE, *counted(scope)])


def _check(command: Command, parameters: Parameters) -> None:
    """Raises Refused. What the calls of the reference take, they check themselves."""
    if command.envelope is Envelope.SUCCESS:
        for name, value in parameters.items():
            check_depth(name, value)
    command.check_required(parameters)


def _command(method: str, path: str, parameters: Parameters) -> Command:
    name = path.removeprefix(PREFIX) if path.startswith(PREFIX) else parameters.get("command")
    if not isinstance(name, str) or not name:
        raise UnknownCommand("Missing Command parameter: write it as Command=event.track.")
    name = name.lower()
    command: Command | None = REST.get((method, name)) or COMMANDS.get(_ALIASES.get(name, name))
    if command is None:
        raise UnknownCommand(f"Unknown command: {name[:100]}")
    return command


# As `/api.php` spells what has a path of its own.
_ALIASES = {"event.track": "event"}
