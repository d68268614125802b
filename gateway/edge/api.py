"""`/api/v1/<command>` and `/api.php?Command=<command>`: one dispatch for both.

In order: the body is read, the command found, the caller known, the rate counted, the key's scope
compared, what is required looked for, the command run.
"""

from starlette.types import Receive, Scope, Send

from gateway.edge.auth import caller_of, credentials_of
from gateway.edge.commands import event
from gateway.edge.commands.arguments import check_depth
from gateway.edge.commands.command import Answer, Call, Command, Envelope, Rate, failed
from gateway.edge.commands.table import COMMANDS, REST
from gateway.edge.entrance import Entrance
from gateway.edge.hot import AsgiRequest, Request, attempt, attempt_later, respond_problem
from gateway.edge.hot import respond_json as answer_json
from gateway.edge.parameters import Parameters
from gateway.edge.parameters import read as read_parameters
from gateway.edge.problems import PRIVATE, counted, respond, respond_json
from gateway.edge.requests import client_address, headers_of, read_body, text
from gateway.errors import GatewayError, Overloaded, RateLimited, Refused, UnknownCommand
from gateway.events.vocabulary import Door
from gateway.ingest.facts import Stale
from gateway.ingest.record import Outcome
from gateway.services import Services

PREFIX = "/api/v1/"
EVENT_PATH = PREFIX + "event"
LOOKS = 3  # at what may have changed while a call was on its way


class ApiEndpoint:
    """All calls by ASGI; `event` is a hot door besides."""

    def __init__(self, services: Services, entrance: Entrance) -> None:
        self._services = services
        self._settings = services.settings
        self._entrance = entrance
        self.tally = services.tally
        limits = services.settings.limits
        self.body_bytes_max = limits.body_server_bytes_max
        self.body_timeout_s = limits.body_timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == EVENT_PATH and scope["method"] == "POST":
            return await AsgiRequest.serve(self, scope, receive, send)
        headers = headers_of(scope)
        body = await read_body(
            headers, receive, bytes_max=self.body_bytes_max, timeout_s=self.body_timeout_s
        )
        parameters = read_parameters(body, text(headers, b"content-type"), scope["query_string"])
        name = _name(scope["path"], parameters)
        spelled = REST.get((scope["method"], name))
        command = spelled or COMMANDS.get(ALIASES.get(name, name))
        allowed = command.methods if command else [by for by, path in REST if path == name]
        if not allowed:
            raise UnknownCommand(f"Unknown command: {name[:100]}")
        if command is None or not (spelled or scope["method"] in allowed):
            header = (b"allow", ", ".join(allowed).encode())
            return await respond(send, 405, headers=[header])
        try:
            caller = self._entrance.admit(
                command.rate, scope, headers, parameters, anybody=command.open
            )
            caller.require(command.scope)
            answer = await _run(command, Call(self._services, caller, parameters))
        except (RateLimited, Overloaded) as error:
            if command.rate is Rate.EVENT:
                self.tally.deferred(Door.API, error.reason)
            raise
        return await respond_json(send, 200, answer, [*PRIVATE, *counted(scope)])

    def serve(self, request: Request) -> None:
        """An `event` call."""
        content_type = text(request.headers, b"content-type")
        query = request.scope.get("query_string", b"")
        parameters = read_parameters(request.body, content_type, query)
        caller = self._entrance.admit(
            Rate.EVENT, request.scope, request.headers, parameters, checked_again=True
        )
        caller.require("write")
        self._track(request, Call(self._services, caller, parameters), looks_left=LOOKS)

    def refuse(self, request: Request, error: GatewayError) -> None:
        if isinstance(error, RateLimited | Overloaded):
            self.tally.deferred(Door.API, error.reason)
        respond_problem(request, error, [*PRIVATE, *counted(request.scope)])

    def _track(self, request: Request, call: Call, looks_left: int) -> None:
        prepared = event.prepare(call)
        if isinstance(prepared, event.Unreadable):
            attempt_later(self, request, event.refuse(call, prepared))
            return
        recorded, seen = prepared

        def written(outcomes: list[Outcome], error: BaseException | None) -> None:
            attempt(self, request, answer, outcomes, error)

        def answer(outcomes: list[Outcome], error: BaseException | None) -> None:
            if isinstance(error, Stale) and looks_left:
                self._services.facts.forget()
                self._track(request, self._again(request, call), looks_left - 1)
            elif error is not None:
                raise error
            else:
                headers = [*PRIVATE, *counted(request.scope)]
                answer_json(request, 200, event.answer(call, outcomes[0]), headers)

        self._services.intake.submit([recorded], seen, written)

    def _again(self, request: Request, call: Call) -> Call:
        """The caller looked at once more: it was counted the first time."""
        address = client_address(request.scope, request.headers, self._settings.trusted_proxies)
        credentials = credentials_of(call.parameters, request.headers)
        caller = caller_of(self._services, credentials, address, checked_again=True)
        return Call(self._services, caller, call.parameters)


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


def _name(path: str, parameters: Parameters) -> str:
    """Which call is meant, in lower case. Raises UnknownCommand when none is named."""
    name = path.removeprefix(PREFIX) if path.startswith(PREFIX) else parameters.get("command")
    if not isinstance(name, str) or not name:
        raise UnknownCommand("Missing Command parameter: write it as Command=event.track.")
    return name.lower()


# As `/api.php` spells what has a path of its own.
ALIASES = {"event.track": "event"}
