"""`gateway webhooks`: what became of deliveries, sending dead letters again, and a receiver."""

import asyncio
import json
import sqlite3
from pathlib import Path

import click

from gateway import clock, signatures
from gateway.cli.support import (
    Group,
    WrongCall,
    db_option,
    failure,
    hint,
    json_option,
    printable,
    reading,
    safe_json,
    show,
    show_rows,
    writing,
)
from gateway.receiver import Arrived, Receiver
from gateway.records import journeys, outbox
from gateway.records.journeys import Journey
from gateway.records.outbox import Delivery, State
from gateway.records.webhooks import SIGNATURE_HEADER
from gateway.server import Server, uvicorn_config
from gateway.settings import from_environment

ROWS = 1_000  # read or replayed at a time

webhooks_group = Group("webhooks", help="Deliveries of journeys, and a receiver to try with.")
journey_option = click.option(
    "--journey", "journey_id", type=int, envvar="GATEWAY_JOURNEY", help="Journey id."
)


@webhooks_group.command("ls")
@journey_option
@click.option(
    "--state",
    envvar="GATEWAY_STATE",
    type=click.Choice([state.name.lower() for state in State]),
    default="dead",
    show_default=True,
    help="Which deliveries.",
)
@db_option
@json_option
def webhooks_ls(journey_id: int | None, state: str, db: Path | None, as_json: bool) -> None:
    """Dead letters, or deliveries in another state, oldest first."""
    with reading(from_environment(db=db)) as connection:
        rows = [
            _row(journey, each)
            for journey in _journeys(connection, journey_id)
            for each in _each(connection, journey, State[state.upper()])
        ]
    show_rows(rows, as_json)


@webhooks_group.command("replay")
@click.argument("row_id", metavar="[ID]", type=int, required=False)
@click.option("--all", "everything", is_flag=True, envvar="GATEWAY_ALL", help="All of --journey.")
@journey_option
@db_option
@json_option
def webhooks_replay(
    row_id: int | None, everything: bool, journey_id: int | None, db: Path | None, as_json: bool
) -> None:
    """Send dead letters once more: the server does, as soon as it runs."""
    if (row_id is None) is not everything or everything is not (journey_id is not None):
        raise WrongCall("Say what to replay: an ID, or --all --journey N.")
    settings = from_environment(db=db)
    replayed = 0
    more = True
    while more:
        with writing(settings) as connection:
            found = _dead(connection, row_id, journey_id)
            done = outbox.replay(connection, found, clock.now_ms())
        replayed += done
        more = len(found) == ROWS
    if row_id is not None and not replayed:
        raise failure(f"There is no dead letter {row_id}. See `gateway webhooks ls`.")
    show({"replayed": replayed}, as_json)


@webhooks_group.command("listen")
@click.option(
    "--port", envvar="GATEWAY_LISTEN_PORT", type=int, default=8009, show_default=True,
    help="Port to listen on, on this machine only.",
)  # fmt: skip
@click.option(
    "--secret",
    "secrets",
    multiple=True,
    envvar="GATEWAY_WEBHOOK_SECRET",
    help="What signatures are checked with; without one they are not.",
)
@click.option(
    "--header",
    envvar="GATEWAY_SIGNATURE_HEADER",
    default=SIGNATURE_HEADER,
    show_default=True,
    help="The header of the webhook's own signature.",
)
@json_option
def webhooks_listen(port: int, secrets: tuple[str, ...], header: str, as_json: bool) -> None:
    """Print webhooks as they arrive, and check their signatures.

    For a gateway to post here, run it with GATEWAY_WEBHOOK_HOSTS_ALLOWED=127.0.0.1.
    """
    for secret in secrets:
        if not signatures.is_secret(secret):
            raise WrongCall("--secret: write it as it was shown, whsec_ and all.")

    def shown(arrived: Arrived) -> None:
        click.echo(_line(arrived) if as_json else _text(arrived))

    receiver = Receiver(secrets, header, shown)
    hint(f"Listening on http://127.0.0.1:{port}/. Ctrl-C stops.")
    config = uvicorn_config(receiver, "127.0.0.1", port, lifespan="off")
    asyncio.run(Server(config).serve())


def _line(arrived: Arrived) -> str:
    return safe_json(
        json.dumps(
            {
                "path": arrived.path,
                "webhook_id": arrived.delivery_id,
                "signature": _judged(arrived),
                "body": arrived.body,
            }
        )
    )


def _text(arrived: Arrived) -> str:
    head = f"{arrived.path}  {arrived.delivery_id}  signature: {_judged(arrived)}"
    return f"{printable(head)}\n{safe_json(json.dumps(arrived.body, indent=2))}\n"


def _judged(arrived: Arrived) -> str:
    if arrived.fault:
        return f"WRONG ({arrived.fault})"
    return "right" if arrived.checked else "not checked (no --secret)"


def _journeys(connection: sqlite3.Connection, journey_id: int | None) -> list[Journey]:
    if journey_id is None:
        return journeys.every(connection)
    found = journeys.get(connection, journey_id)
    if found is None:
        raise failure(f"There is no journey {journey_id}. See `gateway journey ls`.")
    return [found]


def _each(connection: sqlite3.Connection, journey: Journey, state: State) -> list[Delivery]:
    found: list[Delivery] = []
    last_id = 0
    while page := outbox.of_journey(connection, journey.id, state, after_id=last_id, rows=ROWS):
        found += page
        last_id = page[-1].id
    return found


def _dead(
    connection: sqlite3.Connection, row_id: int | None, journey_id: int | None
) -> list[Delivery]:
    if row_id is not None:
        one = outbox.get(connection, row_id)
        return [one] if one else []
    [journey] = _journeys(connection, journey_id)
    return outbox.of_journey(connection, journey.id, State.DEAD, rows=ROWS)


def _row(journey: Journey, each: Delivery) -> dict[str, object]:
    return {
        "id": each.id,
        "journey_id": journey.id,
        "webhook_id": each.delivery_id,
        "subscriber_id": each.subscriber_id,
        "written_at": clock.iso(each.written_at_ms),
        "attempts": each.attempts,
        "outcome": each.outcome,
    }
