"""Making a database, serving it, and the demo."""

import contextlib
import json
import secrets
import shlex
import socket
import tempfile
from pathlib import Path

import click

from gateway import clock, demo, server
from gateway.cli.support import (
    Command,
    WrongCall,
    db_option,
    failure,
    hint,
    json_option,
    list_facts,
    printable,
    require_database,
    show,
)
from gateway.events.parse import is_email
from gateway.receiver import Arrived
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
    hint(f"Serving {settings.db} on http://{settings.host}:{settings.port}. Ctrl-C stops.")
    server.serve(settings)


@click.command("demo", cls=Command)
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
        _require_free(settings.host, settings.port, "--port")
        _require_free(settings.host, site_port, "--site-port")
        made = demo.seed(settings, site_port)

        def ready() -> None:
            click.echo(_demo_text(made))

        def arrived(webhook: Arrived) -> None:
            said = webhook.body.get("text") if isinstance(webhook.body, dict) else None
            judged = webhook.fault or "signature right"
            click.echo(printable(f"Webhook from the journey: {said} ({judged})"))

        demo.run(settings, made, site_port, ready, arrived)


def _demo_text(made: demo.Demo) -> str:
    body = json.dumps({"ListID": made.list_id, "Event": "hello"})
    return f"""
The sample shop      {made.shop_url}/
The gateway          {made.gateway_url}
Account              {made.account}   password {made.password}
API key              {made.api_key}
List                 {made.list_id}

Open the shop, add something to the cart and watch the strip at the foot of the page. Order it, and
the journey "{demo.JOURNEY}" posts a webhook to the shop: it is shown here.
Send an event from a server:

  curl {made.gateway_url}/api/v1/event -H 'Authorization: Bearer {made.api_key}' -d '{body}'

Ctrl-C stops both.
"""


def _require_free(host: str, port: int, option: str) -> None:
    """Two servers start together: better to know before that neither stands in the way."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        reason = error.strerror or error
        raise failure(f"Port {port}: {reason}. Choose another with {option}.") from error
