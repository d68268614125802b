"""`gateway journey`: which there are, and why they fired for an event or did not."""

import sqlite3
from pathlib import Path

import click

from gateway.cli.support import (
    Group,
    a_list,
    all_lists,
    db_option,
    failure,
    json_option,
    list_option,
    reading,
    show_rows,
)
from gateway.records import enrolments, event_log, journeys
from gateway.records.enrolments import Explained
from gateway.records.event_log import StoredEvent
from gateway.settings import from_environment

journey_group = Group("journey", help="Journeys: what is done when people's events come in.")


@journey_group.command("ls")
@list_option
@db_option
@json_option
def journey_ls(list_id: int | None, db: Path | None, as_json: bool) -> None:
    """All journeys, of one list or of all."""
    with reading(from_environment(db=db)) as connection:
        if list_id is None:
            found = journeys.every(connection)
        else:
            found = journeys.of_list(connection, a_list(connection, list_id).id)
        rows: list[dict[str, object]] = [
            {
                "journey_id": each.id,
                "list_id": each.list_id,
                "name": each.name,
                "waits_for": None if each.kind is None else event_log.KIND_WORDS[each.kind],
                "value": each.value,
                "enabled": each.enabled,
                "came_in": enrolments.stats(connection, each.id).total,
            }
            for each in found
        ]
    show_rows(rows, as_json)


@journey_group.command("explain")
@click.argument("event")
@list_option
@db_option
@json_option
def journey_explain(event: str, list_id: int | None, db: Path | None, as_json: bool) -> None:
    """Say of each journey of its list why it fired for an event, or did not.

    EVENT is its number, as `gateway events` shows it, or its id, as it was sent.
    """
    with reading(from_environment(db=db)) as connection:
        connection.execute("begin")
        found = _event(connection, event, list_id)
        rows = [row for each in enrolments.explain(connection, found) for row in _rows(each)]
    show_rows(rows, as_json)


def _event(connection: sqlite3.Connection, event: str, list_id: int | None) -> StoredEvent:
    of = [a_list(connection, list_id).id] if list_id else all_lists(connection)
    for each in of:
        found = event_log.named(connection, each, event)
        if found:
            return found
    raise failure(f"There is no event {event!r}. See `gateway events`.")


def _rows(each: Explained) -> list[dict[str, object]]:
    own: dict[str, object] = {
        "journey_id": each.journey.id,
        "name": each.journey.name,
        "fired": each.fired,
        "why": each.why,
        "delivery": None,
    }
    deliveries = [
        f"{delivery.state.name.lower()} after {delivery.attempts} attempts"
        + (f": {delivery.outcome}" if delivery.outcome else "")
        for delivery in each.deliveries
    ]
    return [{**own, "delivery": said} for said in deliveries] or [own]
