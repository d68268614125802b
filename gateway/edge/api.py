"""`/api/v1/<command>` and `/api.php?Command=<command>`: one dispatch for both.

In order: the body is read, the command found, the caller known, the rate counted, the command run.
"""

from starlette.types import Receive, Scope, Send

from gateway.edge.auth import Caller, caller_of
from gateway.edge.commands.command import Call, Command, Envelope, Rate
from gateway.edge.commands.table import COMMANDS
from gateway.edge.limits import RateLimit
from gateway.edge.parameters import Parameters
from gateway.edge.parameters import read as read_parameters
from gateway.edge.problems import respond, respond_json
from gateway.edge.requests import Headers, client_address, headers_of, read_body, text
from gateway.errors import Refused, UnknownCommand
from gateway.services import Services

PREFIX = "/api/v1/"


class ApiEndpoint:
    """Plain ASGI, for `event` is a hot path too."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._settings = services.settings
        limits = services.settings.limits
        self._rates = {
            rate: RateLimit(calls, 60, enabled=services.settings.rate_limits)
            for rate, calls in (
                (Rate.EVENT, limits.event_calls_per_minute),
                (Rate.READ, limits.read_calls_per_minute),
                (Rate.LOGIN, limits.login_calls_per_minute),
            )
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = headers_of(scope)
        limits = self._settings.limits
        body = await read_body(
            headers,
            receive,
            bytes_max=limits.body_server_bytes_max,
            timeout_s=limits.body_timeout_s,
        )
        parameters = read_parameters(body, text(headers, b"content-type"), scope["query_string"])
        command = _command(scope["path"], parameters)
        if scope["method"] not in command.methods:
            allowed = ", ".join(command.methods).encode()
            return await respond(send, 405, headers=[(b"allow", allowed)])
        caller = self._admit(command, scope, headers, parameters)
        try:
            answer = await command.handler(Call(self._services, caller, parameters))
        except Refused as refused:
            if command.envelope is Envelope.ERRORS:
                raise
            answer = {
                "Success": False,
                "ErrorCode": [problem.code for problem in refused.problems],
                "ErrorText": [problem.message for problem in refused.problems],
            }
        return await respond_json(send, 200, answer, [(b"cache-control", b"no-store")])

    def _admit(
        self, command: Command, scope: Scope, headers: Headers, parameters: Parameters
    ) -> Caller:
        """Raises Unauthenticated or RateLimited."""
        if command.open:
            address = client_address(scope, headers, self._settings.trusted_proxies)
            caller = Caller(account_id=0, credential=f"address:{address}")
        else:
            caller = caller_of(self._services, parameters, headers)
        self._rates[command.rate].take(caller.credential)
        return caller


def _command(path: str, parameters: Parameters) -> Command:
    name = path.removeprefix(PREFIX) if path.startswith(PREFIX) else parameters.get("command")
    if not isinstance(name, str) or not name:
        raise UnknownCommand("Missing Command parameter: write it as Command=event.track.")
    command: Command | None = COMMANDS.get(_ALIASES.get(name.lower(), name.lower()))
    if command is None:
        raise UnknownCommand(f"Unknown command: {name[:100]}")
    return command


# As `/api.php` spells what has a path of its own.
_ALIASES = {"event.track": "event"}
