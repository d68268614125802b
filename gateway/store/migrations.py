"""Brings a database file to this code's schema: `schema/NNNN_name.sql`, in order, each once.

A numbered file is never changed after a release; what comes later gets the next number. All that
is missing is applied in one transaction: one that is cut short leaves the file as it was.
"""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from gateway.errors import SettingsError

SCHEMA = Path(__file__).parent / "schema"

migrations = Migrations("gateway")


class Standing(NamedTuple):
    """Migrations by name: what the file has, what it lacks, and what this code does not know."""

    applied: list[str]
    pending: list[str]
    unknown: list[str]


def migrate(
    connection: sqlite3.Connection, before: Callable[[str], None] = lambda first: None
) -> None:
    """Apply what is missing. `before` is told the first one's name while nobody else can write to
    the file; not where the file is new.

    Raises SettingsError for a file that a newer gateway has made.
    """
    schema_of(connection)
    database = Database(connection)
    if migrations.pending(database):
        with connection:
            # Of two gateways that start together, the second waits here and finds it done.
            connection.execute("begin immediate")
            pending = migrations.pending(database)
            if pending and schema_of(connection):
                before(pending[0].name)
            migrations.apply(database)


def schema_of(connection: sqlite3.Connection) -> str | None:
    """The newest migration a file has had; None for one that is new, or not a gateway's.

    Raises SettingsError for one that this code does not know.
    """
    standing = standing_of(connection)
    if standing.unknown:
        raise SettingsError(
            f"This database was made by a newer gateway (it has {standing.unknown[-1]}). "
            "Upgrade the gateway, or name another file."
        )
    return max(standing.applied, default=None)


def standing_of(connection: sqlite3.Connection) -> Standing:
    """How the file's schema stands to this code's. Reads only."""
    database = Database(connection)
    known = {path.stem for path in SCHEMA.glob("*.sql")}
    applied = sorted(each.name for each in migrations.applied(database))
    return Standing(
        applied=applied,
        pending=[each.name for each in migrations.pending(database)],
        unknown=[name for name in applied if name not in known],
    )


def statements(script: str) -> Iterator[str]:
    """The statements of a script one by one, for `executescript` would commit on its way."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _register(path: Path) -> None:
    @migrations(name=path.stem)
    def apply(database: Database) -> None:
        for statement in statements(path.read_text()):
            database.execute(statement)


for _path in sorted(SCHEMA.glob("*.sql")):
    _register(_path)
