"""Making a database, and serving it."""

import contextlib
import secrets
import shlex
from pathlib import Path

import click

from gateway import clock, server
from gateway.cli.support import (
    Command,
    WrongCall,
    db_option,
    failure,
    hint,
    json_option,
    list_facts,
    require_database,
    show,
)
from gateway.events.parse import is_email
from gateway.records import accounts, keys, lists
from gateway.settings import from_environment
from gateway.store.database import open_database, transaction


@click.command(cls=Command)
@db_option
@click.option("--account", envvar="GATEWAY_ACCOUNT", default="owner@example.com", show_default=True)
@click.option(
    "--list", "list_name", envvar="GATEWAY_LIST_NAME", default="My list", show_default=True
)
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
        raise WrongCall(f"--account: {account!r} is no email address.")
    settings = from_environment(db=db)
    password = secrets.token_urlsafe(12)
    now_ms = clock.now_ms()
    with contextlib.closing(open_database(settings.db)) as connection, transaction(connection):
        if accounts.find(connection, account):
            raise failure(
                f"{settings.db} has the account {account} already. To add to it: "
                "gateway list create NAME, gateway key create. For another: --account EMAIL."
            )
        owner = accounts.create(connection, account, password, now_ms)
        made = lists.create(connection, owner.id, list_name, origins, now_ms)
        _, key_text = keys.create(connection, owner.id, "made by init", now_ms)
    show(
        {
            "db": str(settings.db),
            "account": owner.email,
            "password": password,
            "api_key": key_text,
            **list_facts(settings, made),
        },
        as_json,
    )
    if not as_json:
        hint(f"Next: gateway serve --db {shlex.quote(str(settings.db))}")


@click.command(cls=Command)
@db_option
@click.option("--host", envvar="GATEWAY_HOST", help="Address to listen on.")
@click.option("--port", envvar="GATEWAY_PORT", type=int, help="Port to listen on.")
@click.option("--workers", envvar="GATEWAY_WORKERS", type=int, help="Server processes.")
def serve(db: Path | None, host: str | None, port: int | None, workers: int | None) -> None:
    """Serve the gateway. Settings: `GATEWAY_*`, see the README."""
    settings = from_environment(db=db, host=host, port=port, workers=workers)
    require_database(settings)
    hint(
        f"Serving {settings.db} on http://{settings.host}:{settings.port}, "
        f"the console at {settings.base_url}/. Ctrl-C stops."
    )
    server.serve(settings)
