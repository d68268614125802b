"""`gateway demo`: see it work within a minute."""

import json
import socket
import tempfile
from pathlib import Path

import click

from gateway import demo
from gateway.cli.support import Command, failure, printable
from gateway.receiver import Arrived
from gateway.settings import from_environment


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
The console          {made.gateway_url}/
Account              {made.account}   password {made.password}
API key              {made.api_key}
List                 {made.list_id}

Open the shop, add something to the cart and watch the strip at the foot of the page. Order it, and
the journey "{demo.JOURNEY}" posts a webhook to the shop: it is shown here.
Sign in to the console: the list "{demo.LIST}" has what you just did, "{demo.PAST}" more to look at.
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
