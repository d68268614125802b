"""What one API command is: its name, who may call it how, its parameters, its codes, its handler.

Dispatch, documentation and tests read the same facts.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from gateway.edge.auth import Caller
from gateway.edge.parameters import Parameters
from gateway.services import Services

Answer = dict[str, Any]


class Rate(Enum):
    """Which of the rate limits counts a call."""

    EVENT = "event"
    READ = "read"
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
class Command:
    """`codes` are the documented numbers and messages; `open` ones need no key or session."""

    name: str
    handler: Callable[[Call], Awaitable[Answer]]
    methods: tuple[str, ...]
    parameters: tuple[str, ...]
    codes: Mapping[int, str] = field(default_factory=dict)
    rate: Rate = Rate.READ
    envelope: Envelope = Envelope.ERRORS
    open: bool = False


def whole_number(value: Any) -> int | None:
    """A positive whole number, numeric text included; None for anything else."""
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdecimal():
        value = int(value) if len(value) < 20 else 0
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63:
        return value
    return None
