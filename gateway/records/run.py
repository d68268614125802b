"""How what is too long for one transaction gets its transactions: it is handed a `Run`."""

import sqlite3
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Run(Protocol):
    """Runs `fn` in a transaction of its own, as `Writer.write` does."""

    def __call__(self, fn: Callable[[sqlite3.Connection], T], /) -> Awaitable[T]: ...
