"""`/api/v1/<command>` and `/api.php?Command=<command>`: one dispatch for both.

In order: the body is read, the command found, the caller known, the rate counted, what is required
looked for, the command run.
"""

from starlette.types import Receive, Scope, Send

from gateway.edge.auth import Caller, caller_of
from gateway.edge.commands.arguments import check_depth
from gateway.edge.commands.command import Call, Command, Envelope, Rate, failed
from gateway.edge.commands.table import COMMANDS, REST
from gateway.edge.limits import RateLimit
from gateway.edge.parameters import Parameters
from gateway.edge.parameters import read as read_parameters
from gateway.edge.problems import respond, respond_json
from gateway.edge.requests import Headers, client_address, headers_of, read_body, text
from gateway.edge.usage import KeyUsage
from gateway.errors import Refused, UnknownCommand
from gateway.services import Services

PREFIX = "/api/v1/"


class ApiEndpoint:
    """Plain ASGI, for `event` is a hot path too."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._settings = services.settings
        self._usage = KeyUsage(services.writer)
        limits = services.settings.limits
        self._rates = {
            rate: RateLimit(calls, 60, enabled=services.settings.rate_limits)
            for rate, calls in (
                (Rate.EVENT, limits.event_calls_per_minute),
                (Rate.READ, limits.read_calls_per_minute),
                (Rate.WRITE, limits.write_calls_per_minute),
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
        name = _name(scope["path"], parameters)
        command = REST.get((scope["method"], name)) or COMMANDS.get(ALIASES.get(name, name))
        allowed = command.methods if command else [by for by, path in REST if path == name]
        if not allowed:
            raise UnknownCommand(f"Unknown command: {name[:100]}")
        if command is None or scope["method"] not in allowed:
            header = (b"allow", ", ".join(allowed).encode())
            return await respond(send, 405, headers=[header])
        caller = self._admit(command, scope, headers, parameters)
        try:
            _check(command, parameters)
            answer = await command.handler(Call(self._services, caller, parameters))
        except Refused as refused:
            if command.envelope is Envelope.ERRORS:
                raise
            answer = failed(refused)
        return await respond_json(send, 200, answer, [(b"cache-control", b"no-store")])

    def _admit(
        self, command: Command, scope: Scope, headers: Headers, parameters: Parameters
    ) -> Caller:
        """Raises Unauthenticated or RateLimited."""
        address = client_address(scope, headers, self._settings.trusted_proxies)
        if command.open:
            caller = Caller(account_id=0, credential=f"address:{address}")
        else:
            caller = caller_of(self._services, parameters, headers, address)
        self._rates[command.rate].take(caller.credential)
        if caller.key_id is not None:
            self._usage.note(caller.key_id, address)
        return caller


def _check(command: Command, parameters: Parameters) -> None:
    """Raises Refused. What the calls of the reference take, they check themselves."""
    if command.envelope is Envelope.SUCCESS:
        for name, value in parameters.items():
            check_depth(name, value)
    command.check_required(parameters)


def _name(path: str, parameters: Parameters) -> str:
    """Which call is meant, in lower case. Raises UnknownCommand when none is named."""
    name = path.removeprefix(PREFIX) if path.startswith(PREFIX) else parameters.get("command")
    if not isinstance(name, str) or not name:
        raise UnknownCommand("Missing Command parameter: write it as Command=event.track.")
    return name.lower()


# As `/api.php` spells what has a path of its own.
ALIASES = {"event.track": "event"}
