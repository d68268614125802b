"""The `gateway` command: make a database, serve it, look into it.

Exit codes: 0 done, 1 could not be done (the message says why), 2 called wrongly.
Every option has its `GATEWAY_*` variable; `--json` answers what a script can read.
"""

import contextlib
import csv
import json
import secrets
import shlex
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

import click
import msgspec
from rich.console import Console
from rich.progress import Progress

from gateway import clock, demo, server
from gateway.edge.tracker import snippet
from gateway.errors import GatewayError, SettingsError
from gateway.events.parse import is_email
from gateway.records import accounts, event_log, keys, ledger, lists
from gateway.records.accounts import Account
from gateway.records.event_log import StoredEvent
from gateway.records.lists import SubscriberList
from gateway.settings import Settings, from_environment, secrets_of
from gateway.signing import Signing
from gateway.store.database import connect, open_database, transaction

FOLLOW_S = 0.3

db_option = click.option(
    "--db", envvar="GATEWAY_DB", type=click.Path(path_type=Path), help="The SQLite file."
)
json_option = click.option(
    "--json", "as_json", is_flag=True, envvar="GATEWAY_JSON", help="As JSON."
)
account_option = click.option(
    "--account", envvar="GATEWAY_ACCOUNT", help="Whose, where there are several accounts."
)
privacy_option = click.option(
    "--privacy",
    envvar="GATEWAY_PRIVACY",
    type=click.Choice(lists.PRIVACY),
    help="What to do with visitors whose browser sends GPC or DNT. Of a new list: ignore.",
)
list_option = click.option("--list", "list_id", type=int, envvar="GATEWAY_LIST", help="List id.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="event-gateway")
def main() -> None:
    """Self-hosted event tracking: what visitors do, tied to the subscribers you know."""


class _Command(click.Command):
    """Says our own errors in one line instead of a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SettingsError as error:
            raise _WrongCall(str(error)) from error
        except GatewayError as error:
            raise _failure(str(error)) from error
        except sqlite3.Error as error:
            raise _failure(f"The database cannot be used: {error}.") from error


main.command_class = _Command


def _group(name: str, help_text: str) -> click.Group:
    group = click.Group(name, help=help_text)
    group.command_class = _Command
    main.add_command(group)
    return group


# -- making and serving ---------------------------------------------------------------------


@main.command()
@db_option
@click.option("--account", envvar="GATEWAY_ACCOUNT", default="owner@example.com", show_default=True)
@click.option("--list", "list_name", envvar="GATEWAY_LIST", default="My list", show_default=True)
@click.option(
    "--origin",
    "origins",
    multiple=True,
    envvar="GATEWAY_ORIGIN",
    help="A site whose browsers may use the gateway's own cookie, such as https://shop.example.",
)
@json_option
def init(
    db: Path | None, account: str, list_name: str, origins: tuple[str, ...], as_json: bool
) -> None:
    """Make a database with an account, an API key and a list.

    The password and the key are shown this once: they are kept as hashes.
    """
    if not is_email(account):
        raise _WrongCall(f"--account: {account!r} is no email address.")
    settings = from_environment(db=db)
    password = secrets.token_urlsafe(12)
    now_ms = clock.now_ms()
    with contextlib.closing(open_database(settings.db)) as connection, transaction(connection):
        owner = accounts.create(connection, account, password, now_ms)
        made = lists.create(connection, owner.id, list_name, origins, now_ms)
        _, key_text = keys.create(connection, owner.id, "made by init", now_ms)
    _show(
        {
            "db": str(settings.db),
            "account": owner.email,
            "password": password,
            "api_key": key_text,
            **_list_facts(settings, made),
        },
        as_json,
    )
    if not as_json:
        _hint(f"Next: gateway serve --db {shlex.quote(str(settings.db))}")


@main.command()
@db_option
@click.option("--host", envvar="GATEWAY_HOST", help="Address to listen on.")
@click.option("--port", envvar="GATEWAY_PORT", type=int, help="Port to listen on.")
@click.option("--workers", envvar="GATEWAY_WORKERS", type=int, help="Server processes.")
def serve(db: Path | None, host: str | None, port: int | None, workers: int | None) -> None:
    """Serve the gateway. Settings: `GATEWAY_*`, see the README."""
    settings = from_environment(db=db, host=host, port=port, workers=workers)
    _existing(settings)
    _hint(f"Serving {settings.db} on http://{settings.host}:{settings.port}. Ctrl-C stops.")
    server.serve(settings)


@main.command("demo")
@click.option("--port", envvar="GATEWAY_PORT", type=int, help="The gateway's port.")
@click.option(
    "--site-port",
    envvar="GATEWAY_SITE_PORT",
    type=int,
    default=8001,
    show_default=True,
    help="The sample shop's port.",
)
@click.option(
    "--db",
    envvar="GATEWAY_DB",
    type=click.Path(path_type=Path),
    help="Keep the data here. Without it, it goes when the demo ends.",
)
def demo_command(port: int | None, site_port: int, db: Path | None) -> None:
    """Run the gateway and a sample shop that uses it, with an account, a list and a key."""
    with tempfile.TemporaryDirectory(prefix="gateway-demo-") as folder:
        settings = from_environment(db=db or Path(folder) / "demo.db", port=port)
        made = demo.seed(settings, site_port)

        def ready() -> None:
            click.echo(_demo_text(made))

        demo.run(settings, made, site_port, ready)


def _demo_text(made: demo.Demo) -> str:
    body = json.dumps({"ListID": made.list_id, "Event": "hello"})
    return f"""
The sample shop      {made.shop_url}/
The gateway          {made.gateway_url}
Account              {made.account}   password {made.password}
API key              {made.api_key}
List                 {made.list_id}

Open the shop, add something to the cart and watch the strip at the foot of the page.
Send an event from a server:

  curl {made.gateway_url}/api/v1/event -H 'Authorization: Bearer {made.api_key}' -d '{body}'

Ctrl-C stops both.
"""


# -- lists ----------------------------------------------------------------------------------

list_group = _group("list", "Lists of subscribers and their snippets.")


@list_group.command("create")
@click.argument("name")
@db_option
@account_option
@click.option(
    "--origin",
    "origins",
    multiple=True,
    envvar="GATEWAY_ORIGIN",
    help="A site whose browsers may use the gateway's own cookie.",
)
@privacy_option
@json_option
def list_create(
    name: str,
    db: Path | None,
    account: str | None,
    origins: tuple[str, ...],
    privacy: str | None,
    as_json: bool,
) -> None:
    """Make a list and show its snippet."""
    settings = from_environment(db=db)
    with _writing(settings) as connection:
        owner = _account(connection, account)
        made = lists.create(connection, owner.id, name, origins, clock.now_ms())
        if privacy:
            lists.set_privacy(connection, made.id, privacy)
        made = _list(connection, made.id)
    _show(_list_facts(settings, made), as_json)


@list_group.command("set")
@click.argument("list_id", type=int)
@db_option
@privacy_option
@json_option
def list_set(list_id: int, db: Path | None, privacy: str | None, as_json: bool) -> None:
    """Change a list, and show its snippet: it carries the privacy policy, so paste it again."""
    settings = from_environment(db=db)
    with _writing(settings) as connection:
        if privacy:
            lists.set_privacy(connection, _list(connection, list_id).id, privacy)
        found = _list(connection, list_id)
    _show(_list_facts(settings, found), as_json)


@list_group.command("show")
@click.argument("list_id", type=int)
@db_option
@click.option(
    "--nonce",
    envvar="GATEWAY_NONCE",
    default="",
    help="Write it into the snippet, for a site whose Content-Security-Policy wants one.",
)
@json_option
def list_show(list_id: int, db: Path | None, nonce: str, as_json: bool) -> None:
    """Show a list's ids, its snippet and how many events it has."""
    settings = from_environment(db=db)
    with _reading(settings) as connection:
        found = _list(connection, list_id)
        count = event_log.count(connection, found.id)
    _show(_list_facts(settings, found, nonce) | {"events": count}, as_json)


@list_group.command("ls")
@db_option
@json_option
def list_ls(db: Path | None, as_json: bool) -> None:
    """All lists."""
    with _reading(from_environment(db=db)) as connection:
        rows = connection.execute("select id from lists order by id").fetchall()
        found = [_list(connection, row["id"]) for row in rows]
    _show_rows(
        [
            {
                "list_id": each.id,
                "name": each.name,
                "allowed_origins": " ".join(each.allowed_origins),
                "created_at": clock.iso(each.created_at_ms),
            }
            for each in found
        ],
        as_json,
    )


# -- keys -----------------------------------------------------------------------------------

key_group = _group("key", "API keys. A key is shown once, when it is made.")


@key_group.command("create")
@click.option("--note", envvar="GATEWAY_NOTE", default="", help="What the key is for.")
@db_option
@account_option
@json_option
def key_create(note: str, db: Path | None, account: str | None, as_json: bool) -> None:
    """Make an API key."""
    with _writing(from_environment(db=db)) as connection:
        owner = _account(connection, account)
        key, text = keys.create(connection, owner.id, note, clock.now_ms())
    _show({"key_id": key.id, "api_key": text, "note": key.note}, as_json)


@key_group.command("revoke")
@click.argument("key_id", type=int)
@db_option
@account_option
def key_revoke(key_id: int, db: Path | None, account: str | None) -> None:
    """End a key: from now on it opens nothing."""
    with _writing(from_environment(db=db)) as connection:
        owner = _account(connection, account)
        if not keys.revoke(connection, owner.id, key_id, clock.now_ms()):
            raise _failure(f"There is no key {key_id} to revoke. See `gateway key ls`.")
    click.echo(f"Key {key_id} is revoked.")


@key_group.command("ls")
@db_option
@account_option
@json_option
def key_ls(db: Path | None, account: str | None, as_json: bool) -> None:
    """The keys of an account, by their last characters."""
    with _reading(from_environment(db=db)) as connection:
        found = keys.of_account(connection, _account(connection, account).id)
    _show_rows(
        [
            {
                "key_id": key.id,
                "ends_in": key.hint,
                "note": key.note,
                "created_at": clock.iso(key.created_at_ms),
                "revoked_at": clock.iso(key.revoked_at_ms) if key.revoked_at_ms else None,
            }
            for key in found
        ],
        as_json,
    )


# -- events ---------------------------------------------------------------------------------

events_group = _group("events", "Events as they are stored.")


@events_group.command("tail")
@list_option
@db_option
@click.option(
    "--recent",
    envvar="GATEWAY_RECENT",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    help="How many of the latest to begin with.",
)
@click.option(
    "--follow/--no-follow",
    envvar="GATEWAY_FOLLOW",
    default=True,
    show_default=True,
    help="Go on with what comes.",
)
@json_option
def events_tail(
    list_id: int | None, db: Path | None, recent: int, follow: bool, as_json: bool
) -> None:
    """Show the latest events, and go on as they come."""
    with _reading(from_environment(db=db)) as connection:
        if list_id is not None:
            _list(connection, list_id)
        last_id = event_log.last_id(connection)
        page = event_log.latest(connection, list_id=list_id, rows=recent) if recent else []
        while True:
            for event in page:
                click.echo(_as_line(event, as_json))
            last_id = max(last_id, page[-1].id) if page else last_id
            if not follow:
                return
            time.sleep(FOLLOW_S)
            page = event_log.after(connection, last_id, list_id=list_id)


def _as_line(event: StoredEvent, as_json: bool) -> str:
    if as_json:
        return msgspec.json.encode(event).decode()
    said = event.properties
    seen = " ".join(str(said[name]) for name in ("$browser", "$os", "$device_type") if said[name])
    who = event.email or event.uuid[:8]
    page = said.get("$pathname") or ""
    # Names come from anybody: control characters must not reach a terminal.
    line = f"{clock.iso(event.received_at_ms)}  {event.event:<24} {who:<28} {seen}  {page}"
    return "".join(char if char.isprintable() else "�" for char in line)


@events_group.command("loss")
@list_option
@db_option
@click.option(
    "--days",
    envvar="GATEWAY_DAYS",
    type=click.IntRange(min=1),
    default=30,
    show_default=True,
    help="Only browser tabs that were opened in the last so many days.",
)
@json_option
def events_loss(list_id: int | None, db: Path | None, days: int, as_json: bool) -> None:
    """How many of the tracker's events never arrived, by list and browser.

    Read from the gaps in the numbers that each browser tab gives its events.
    """
    since_ms = clock.now_ms() - days * 86_400_000
    with _reading(from_environment(db=db)) as connection:
        found = ledger.loss(connection, list_id=list_id, since_ms=since_ms)
    rows = [
        msgspec.structs.asdict(row) | {"missing": row.missing, "loss": round(row.rate, 5)}
        for row in found
    ]
    if as_json or not rows:
        return _show_rows(rows, as_json)
    _show_table(rows)


@main.command()
@db_option
@click.option("--list", "list_id", type=int, required=True, envvar="GATEWAY_LIST", help="List id.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "csv"]),
    default="jsonl",
    show_default=True,
    envvar="GATEWAY_FORMAT",
)
@click.option(
    "--output",
    envvar="GATEWAY_OUTPUT",
    type=click.File("w", lazy=False),
    default="-",
    help="A file, or - for standard output.",
)
def export(db: Path | None, list_id: int, form: str, output: TextIO) -> None:
    """Write every event of a list, oldest first. Memory stays the same however many there are."""
    with _reading(from_environment(db=db)) as connection:
        _list(connection, list_id)
        write = _jsonl(output) if form == "jsonl" else _csv(output)
        console = Console(stderr=True)
        # A bar on a terminal, unless the events themselves go to that terminal.
        hidden = not console.is_terminal or (output is sys.stdout and sys.stdout.isatty())
        with Progress(console=console, disable=hidden) as progress:
            task = progress.add_task("Exporting", total=event_log.count(connection, list_id))
            for event in event_log.each(connection, list_id):
                write(event)
                progress.advance(task)


def _jsonl(output: TextIO) -> Callable[[StoredEvent], object]:
    return lambda event: output.write(msgspec.json.encode(event).decode() + "\n")


def _csv(output: TextIO) -> Callable[[StoredEvent], object]:
    """One column a fact, the properties as JSON in the last."""
    names = StoredEvent.__struct_fields__
    writer = csv.writer(output)
    writer.writerow(names)

    def write(event: StoredEvent) -> None:
        row = msgspec.structs.asdict(event)
        row["properties"] = msgspec.json.encode(event.properties).decode()
        writer.writerow(row[name] for name in names)

    return write


# -- helpers --------------------------------------------------------------------------------


@contextlib.contextmanager
def _writing(settings: Settings) -> Iterator[sqlite3.Connection]:
    _existing(settings)
    with contextlib.closing(open_database(settings.db)) as connection, transaction(connection):
        yield connection


@contextlib.contextmanager
def _reading(settings: Settings) -> Iterator[sqlite3.Connection]:
    _existing(settings)
    with contextlib.closing(connect(settings.db, read_only=True)) as connection:
        yield connection


def _existing(settings: Settings) -> None:
    """A misspelt path must not quietly become an empty database."""
    if not settings.db.is_file():
        path = shlex.quote(str(settings.db))
        raise SettingsError(f"There is no database {path}. Make it: gateway init --db {path}")


def _account(connection: sqlite3.Connection, email: str | None) -> Account:
    if email:
        found = accounts.find(connection, email)
        if found is None:
            raise _failure(f"There is no account {email}.")
        return found
    single = accounts.only(connection)
    if single is None:
        raise _WrongCall("There is not exactly one account: say which with --account.")
    return single


def _list(connection: sqlite3.Connection, list_id: int) -> SubscriberList:
    found = lists.get(connection, list_id)
    if found is None:
        raise _failure(f"There is no list {list_id}. See `gateway list ls`.")
    return found


def _list_facts(settings: Settings, found: SubscriberList, nonce: str = "") -> dict[str, object]:
    signing = Signing(secrets_of(settings))
    user, own = signing.user_tracker_id(found.account_id), signing.list_tracker_id(found.id)
    return {
        "list_id": found.id,
        "user_tracker_id": user,
        "list_tracker_id": own,
        "privacy": found.privacy,
        "snippet": snippet(settings, user, own, privacy=found.privacy, nonce=nonce),
    }


def _show(facts: dict[str, object], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(facts))
        return
    width = max(map(len, facts))
    for name, value in facts.items():
        text = str(value)
        click.echo(f"{name}\n{text}" if "\n" in text else f"{name:<{width}}  {text}")


def _show_rows(rows: list[dict[str, object]], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        click.echo("  ".join("-" if value is None else str(value) for value in row.values()))


def _show_table(rows: list[dict[str, object]]) -> None:
    texts = [list(rows[0]), *(["-" if v is None else str(v) for v in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for row in texts:
        click.echo("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)))


def _hint(text: str) -> None:
    click.echo(text, err=True)


class _WrongCall(click.ClickException):
    exit_code = 2


def _failure(message: str) -> click.ClickException:
    return click.ClickException(message)
