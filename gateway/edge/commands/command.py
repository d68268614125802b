"""What one API command is: its name, who may call it how, its parameters, its codes, its handler.

Dispatch, documentation and tests read the same facts.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from gateway.edge.auth import Caller
from gateway.edge.commands.answers import Succeeded
from gateway.edge.commands.parameter import Parameter
from gateway.edge.parameters import Parameters
from gateway.errors import Problem, Refused
from gateway.services import Services

Answer = dict[str, Any]

READ = ("POST", "GET")
WRITE = ("POST",)


class Rate(Enum):
    """Which of the rate limits counts a call."""

    EVENT = "event"
    READ = "read"
    WRITE = "write"
    LOGIN = "login"


class Envelope(Enum):
    """How a refused call is answered: `Errors` with HTTP 422, or `Success: false` with HTTP 200."""

    ERRORS = "errors"
    SUCCESS = "success"


@dataclass(frozen=True, slots=True)
class Call:
    """One call being handled. `caller` is who it speaks for."""

    services: Services
    caller: Caller
    parameters: Parameters


@dataclass(frozen=True, slots=True)
class Example:
    """A call's parameters without its key, and what is answered."""

    call: Answer
    answer: Answer


@dataclass(frozen=True, slots=True)
class Command:
    """`summary`, `answers`, `example`, `meanings` and `further` are for the document at
    `/openapi.json`: what the call does, the shape of its answer, one as the reference prints it,
    parameters that mean something else here than in the glossary, and codes of ours, whose
    messages may name a field of `Limits` in braces. `asks` are parameters that the handler itself
    asks for, `A/B` being one of them.

    `required` are the parameters that must be there (`A/B`: one of them), and what is said when
    they are not: the handler runs only when they are. `codes` are the documented numbers and
    messages. `rest` is the method and path under `/api/v1/` that lead here besides its name. How
    far a key must reach follows from the rate, unless `needs` says; `open` ones need no key or
    session."""

    name: str
    handler: Callable[[Call], Awaitable[Answer]]
    methods: tuple[str, ...]
    parameters: tuple[str, ...]
    summary: str = ""
    answers: type = Succeeded
    meanings: Mapping[str, Parameter] = field(default_factory=dict)
    codes: Mapping[int, str] = field(default_factory=dict)
    further: Mapping[int, str] = field(default_factory=dict)
    example: Example | None = None
    asks: tuple[str, ...] = ()
    required: Mapping[str, Problem] = field(default_factory=dict)
    rest: tuple[str, str] | None = None
    counted_as: Rate | None = None
    needs: str = ""
    envelope: Envelope = Envelope.ERRORS
    open: bool = False

    @property
    def rate(self) -> Rate:
        """What answers to GET is a read; all else a write, unless it says so."""
        return self.counted_as or (Rate.READ if "GET" in self.methods else Rate.WRITE)

    @property
    def scope(self) -> str:
        """How far a key must reach for it (`keys.SCOPES`); an open call needs none."""
        return self.needs or ("read" if self.rate is Rate.READ else "write")

    def check_required(self, parameters: Parameters) -> None:
        """Raises Refused with every required parameter that is missing."""
        missing = [
            problem
            for name, problem in self.required.items()
            if all(is_missing(parameters.get(each)) for each in name.lower().split("/"))
        ]
        if missing:
            raise Refused(*missing)


def numbered(*problems: Problem) -> dict[int, str]:
    """The codes of a command; where the reference has two messages for one, both."""
    codes: dict[int, str] = {}
    for problem in sorted(problems, key=lambda each: each.code):
        known = codes.get(problem.code)
        codes[problem.code] = f"{known} -- OR -- {problem.message}" if known else problem.message
    return codes


def succeeded(**fields: Any) -> Answer:
    """The answer of a call that was carried out, in the envelope of the management calls."""
    return {"Success": True, "ErrorCode": 0, "ErrorText": "", **fields}


def failed(refused: Refused, **fields: Any) -> Answer:
    """The same envelope for one that was not."""
    return {
        "Success": False,
        "ErrorCode": [problem.code for problem in refused.problems],
        "ErrorText": [problem.message for problem in refused.problems],
        **fields,
    }


def is_missing(value: Any) -> bool:
    """Absent or empty: forms send what was left out as an empty text."""
    return value is None or value in ([], {}) or (isinstance(value, str) and not value.strip())


def whole_number(value: Any) -> int | None:
    """A positive whole number, numeric text included; None for anything else."""
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdecimal():
        value = int(value) if len(value) < 20 else 0
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63:
        return value
    return None
