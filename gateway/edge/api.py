"""`/api/v1/<command>` and `/api.php?Command=<command>`: one dispatch for both.

In order: the body is read, the command found, the caller known, the rate counted, what is required
looked for, the command run.
"""

from starlette.types import Receive, Scope, Send

from gateway.edge.auth import Caller, caller_of
from gateway.edge.commands import event
from gateway.edge.commands.arguments import check_depth
from gateway.edge.commands.command import Call, Command, Envelope, Rate, failed
from gateway.edge.commands.table import COMMANDS, REST
from gateway.edge.hot import AsgiRequest, Request, attempt, respond_problem
from gateway.edge.hot import respond_json as answer_json
from gateway.edge.limits import RateLimit
from gateway.edge.parameters import Parameters
from gateway.edge.parameters import read as read_parameters
from gateway.edge.problems import respond, respond_json
from gateway.edge.requests import Headers, client_address, headers_of, read_body, text
from gateway.edge.usage import KeyUsage
from gateway.errors import GatewayError, Refused, UnknownCommand
from gateway.ingest.facts import Stale
from gateway.ingest.record import Outcome
from gateway.services import Services

PREFIX = "/api/v1/"
EVENT_PATH = PREFIX + "event"
LOOKS = 3  # at what may have changed while a call was on its way
NO_STORE = [(b"cache-control", b"no-store")]


class ApiEndpoint:
    """All calls by ASGI; `event` is a hot door besides."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._settings = services.settings
        self._usage = KeyUsage(services.writer)
        limits = services.settings.limits
        self.body_bytes_max = limits.body_server_bytes_max
        self.body_timeout_s = limits.body_timeout_s
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
        if scope["path"] == EVENT_PATH and scope["method"] == "POST":
            return await AsgiRequest.serve(self, scope, receive, send)
        headers = headers_of(scope)
        body = await read_body(
            headers, receive, bytes_max=self.body_bytes_max, timeout_s=self.body_timeout_s
        )
        parameters = read_parameters(body, text(headers, b"content-type"), scope["query_string"])
        command = _command(scope["method"], scope["path"], parameters)
        if scope["method"] not in command.methods:
            allowed = ", ".join(command.methods).encode()
            return await respond(send, 405, headers=[(b"allow", allowed)])
        caller = self._admit(command, scope, headers, parameters)
        try:
            _check(command, parameters)
            answer = await command.handler(Call(self._services, caller, parameters))
        except Refused as refused:
            if command.envelope is Envelope.ERRORS:
                raise
            answer = failed(refused)
        return await respond_json(send, 200, answer, NO_STORE)

    def serve(self, request: Request) -> None:
        """An `event` call."""
        content_type = text(request.headers, b"content-type")
        query = request.scope.get("query_string", b"")
        parameters = read_parameters(request.body, content_type, query)
        address = client_address(request.scope, request.headers, self._settings.trusted_proxies)
        self._track(request, parameters, address, looks_left=LOOKS)

    def refuse(self, request: Request, error: GatewayError) -> None:
        respond_problem(request, error)

    def _track(
        self, request: Request, parameters: Parameters, address: str, looks_left: int
    ) -> None:
        services = self._services
        caller = caller_of(services, parameters, request.headers, address, checked_again=True)
        if looks_left == LOOKS:
            self._count(COMMANDS["event"], caller, address)
        recorded, seen = event.prepare(Call(services, caller, parameters))

        def written(outcomes: list[Outcome], error: BaseException | None) -> None:
            attempt(self, request, answer, outcomes, error)

        def answer(outcomes: list[Outcome], error: BaseException | None) -> None:
            if isinstance(error, Stale) and looks_left:
                services.facts.forget()
                self._track(request, parameters, address, looks_left - 1)
            elif error is not None:
                raise error
            else:
                answer_json(request, 200, event.answer(outcomes[0]), NO_STORE)

        services.intake.submit([recorded], seen, written)

    def _admit(
        self, command: Command, scope: Scope, headers: Headers, parameters: Parameters
    ) -> Caller:
        """Raises Unauthenticated or RateLimited."""
        address = client_address(scope, headers, self._settings.trusted_proxies)
        if command.open:
            caller = Caller(account_id=0, credential=f"address:{address}")
        else:
            caller = caller_of(self._services, parameters, headers, address)
        self._count(command, caller, address)
        return caller

    def _count(self, command: Command, caller: Caller, address: str) -> None:
        """Raises RateLimited."""
        self._rates[command.rate].take(caller.credential)
        if caller.key is not None:
            self._usage.note(caller.key.id, address)


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
