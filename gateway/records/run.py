"""How what takes long leaves room for others: what is too long for one transaction is handed a
`Run`, what reads for long a `Breathe`."""

import sqlite3
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Run(Protocol):
    """Runs `fn` in a transaction of its own, as `Writer.write` does."""

    def __call__(self, fn: Callable[[sqlite3.Connection], T], /) -> Awaitable[T]: ...


Breathe = Callable[[], None]
"""What a long reading calls again and again: others may want the interpreter."""


def hold_breath() -> None:
    """For a reading that somebody waits for."""
