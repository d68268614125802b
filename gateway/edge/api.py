"""`/api/v1/<command>` and `/api.php?Command=<command>`: one dispatch for both.

In order: the body is read, the command found, the caller known, the rate counted, what is required
looked for, the command run.
"""

from starlette.types import Receive, Scope, Send

from gateway.edge.auth import Caller, caller_of
from gateway.edge.commands.arguments import check_depth
from gateway.edge.commands.command import Answer, Call, Command, Envelope, Rate, failed
from gateway.edge.commands.table import COMMANDS, REST
from gateway.edge.limits import RateLimit
from gateway.edge.parameters import Parameters
from gateway.edge.parameters import read as read_parameters
from gateway.edge.problems import respond, respond_json
from gateway.edge.requests import Headers, client_address, headers_of, read_body, text
from gateway.edge.usage import KeyUsage
from gateway.errors import Overloaded, RateLimited, Refused, UnknownCommand
from gateway.events.vocabulary import Door
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
        command = _command(scope["method"], scope["path"], parameters)
        if scope["method"] not in command.methods:
            allowed = ", ".join(command.methods).encode()
            return await respond(send, 405, headers=[(b"allow", allowed)])
        try:
            caller = self._admit(command, scope, headers, parameters)
            answer = await _run(command, Call(self._services, caller, parameters))
        except (RateLimited, Overloaded) as error:
            if command.rate is Rate.EVENT:
                self._services.tally.deferred(Door.API, error.reason)
            raise
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


async def _run(command: Command, call: Call) -> Answer:
    """What the handler answers; raises Refused where the command's envelope is the errors'."""
    try:
        _check(command, call.parameters)
        return await command.handler(call)
    except Refused as refused:
        if command.envelope is Envelope.ERRORS:
            raise
        return failed(refused)


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
