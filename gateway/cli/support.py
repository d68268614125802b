"""What the commands share: options, how errors are said, databases, how answers are shown."""

import contextlib
import json
import shlex
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from gateway.edge.tracker import snippet
from gateway.errors import GatewayError, Refused, SettingsError
from gateway.records import accounts, lists
from gateway.records.accounts import Account
from gateway.records.lists import SubscriberList
from gateway.settings import Settings, secrets_of
from gateway.signing import Signing
from gateway.store.database import connect, open_database, transaction

db_option = click.option(
    "--db", envvar="GATEWAY_DB", type=click.Path(path_type=Path), help="The SQLite file."
)
json_option = click.option(
    "--json", "as_json", is_flag=True, envvar="GATEWAY_JSON", help="As JSON."
)
account_option = click.option(
    "--account", envvar="GATEWAY_ACCOUNT", help="Whose, where there are several accounts."
)
list_option = click.option("--list", "list_id", type=int, envvar="GATEWAY_LIST", help="List id.")


class Command(click.Command):
    """Says our own errors in one line instead of a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (SettingsError, Refused) as error:
            raise WrongCall(str(error)) from error
        except GatewayError as error:
            raise failure(str(error)) from error
        except sqlite3.Error as error:
            raise failure(f"The database cannot be used: {error}.") from error
        except SystemExit as error:  # uvicorn ends so when it cannot start, having said why
            raise failure("The server did not start. If the port is taken: --port.") from error


class Group(click.Group):
    """A family of commands; theirs are made as `Command`."""

    command_class = Command


@contextlib.contextmanager
def writing(settings: Settings) -> Iterator[sqlite3.Connection]:
    require_database(settings)
    with contextlib.closing(open_database(settings.db)) as connection, transaction(connection):
        yield connection


@contextlib.contextmanager
def reading(settings: Settings) -> Iterator[sqlite3.Connection]:
    require_database(settings)
    with contextlib.closing(connect(settings.db, read_only=True)) as connection:
        yield connection


def require_database(settings: Settings) -> None:
    """A misspelt path must not quietly become an empty database."""
    if not settings.db.is_file():
        path = shlex.quote(str(settings.db))
        raise SettingsError(f"There is no database {path}. Make it: gateway init --db {path}")


def an_account(connection: sqlite3.Connection, email: str | None) -> Account:
    if email:
        found = accounts.find(connection, email)
        if found is None:
            raise failure(f"There is no account {email}.")
        return found
    single = accounts.only(connection)
    if single is None:
        raise WrongCall("There is not exactly one account: say which with --account.")
    return single


def a_list(connection: sqlite3.Connection, list_id: int) -> SubscriberList:
    found = lists.get(connection, list_id)
    if found is None:
        raise failure(f"There is no list {list_id}. See `gateway list ls`.")
    return found


def all_lists(connection: sqlite3.Connection) -> list[int]:
    """The ids of the lists of all accounts."""
    rows = connection.execute("select id from lists where deleted_at_ms is null order by id")
    return [row["id"] for row in rows]


def list_facts(settings: Settings, found: SubscriberList, nonce: str = "") -> dict[str, object]:
    signing = Signing(secrets_of(settings))
    user, own = signing.user_tracker_id(found.account_id), signing.list_tracker_id(found.id)
    return {
        "list_id": found.id,
        "user_tracker_id": user,
        "list_tracker_id": own,
        "snippet": snippet(settings, user, own, privacy=found.privacy, nonce=nonce),
    }


def show(facts: dict[str, object], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(facts))
        return
    width = max(map(len, facts))
    for name, value in facts.items():
        text = str(value)
        click.echo(f"{name}\n{text}" if "\n" in text else f"{name:<{width}}  {text}")


def show_rows(rows: list[dict[str, object]], as_json: bool) -> None:
    """A table with its headings; nothing at all for no rows, as scripts expect."""
    if as_json:
        click.echo(json.dumps(rows))
        return
    if not rows:
        return
    table = [list(rows[0]), *([_cell(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def _cell(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {inner}" for name, inner in value.items())
    return "-" if value is None else str(value)


def hint(text: str) -> None:
    click.echo(text, err=True)


class WrongCall(click.ClickException):
    exit_code = 2


def failure(message: str) -> click.ClickException:
    return click.ClickException(message)
