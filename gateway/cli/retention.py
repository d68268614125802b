"""`gateway retention`: how long events are kept, and taking away those past their time."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from gateway import clock
from gateway.cli.support import (
    Group,
    a_list,
    all_lists,
    db_option,
    hint,
    json_option,
    list_option,
    reading,
    require_database,
    show,
    show_rows,
    writing,
)
from gateway.records import contexts, retention
from gateway.settings import Settings, from_environment
from gateway.store.database import open_database, transaction
from gateway.store.upkeep import Upkeep
from gateway.workers.janitor import enforce
from gateway.workers.pace import Pace

T = TypeVar("T")

retention_group = Group("retention", help="How long events are kept. At first: for ever.")


def days_or_forever(text: str) -> int | None:
    """None for `forever`."""
    if text == "forever":
        return None
    if not text.isdecimal() or not 1 <= int(text) <= retention.DAYS_MAX:
        raise click.BadParameter(
            f"{text!r}: write a number of days, 1 to {retention.DAYS_MAX:,}, or forever."
        )
    return int(text)


@retention_group.command("show")
@list_option
@db_option
@json_option
def retention_show(list_id: int | None, db: Path | None, as_json: bool) -> None:
    """How long events are kept, by list and kind."""
    with reading(from_environment(db=db)) as connection:
        rows: list[dict[str, object]] = [
            {"list_id": each, "kind": kind, "days": days if as_json else _said(days)}
            for each in _chosen(connection, list_id)
            for kind, days in retention.days(connection, each).items()
        ]
    show_rows(rows, as_json)


@retention_group.command("set")
@click.argument("list_id", type=int)
@click.option(
    "--kind",
    type=click.Choice(list(retention.KINDS)),
    required=True,
    envvar="GATEWAY_KIND",
    help="Which events; custom are those that are none of the others.",
)
@click.option(
    "--days",
    type=days_or_forever,
    metavar="DAYS",
    required=True,
    envvar="GATEWAY_DAYS",
    help="How many days after it happened an event is kept, or forever.",
)
@db_option
@json_option
def retention_set(
    list_id: int, kind: str, days: int | None, db: Path | None, as_json: bool
) -> None:
    """Keep a list's events of a kind for so many days, or forever.

    A gateway that serves the database takes away what is older once a day; `gateway retention run`
    does it now.
    """
    with writing(from_environment(db=db)) as connection:
        retention.keep(connection, a_list(connection, list_id).id, kind, days)
    if kind == "conversion" and days is not None:
        hint("Revenue goes with its conversion, and an order's id can be counted again after that.")
    show_rows(
        [{"list_id": list_id, "kind": kind, "days": days if as_json else _said(days)}], as_json
    )


@retention_group.command("run")
@click.option(
    "--dry-run",
    is_flag=True,
    envvar="GATEWAY_DRY_RUN",
    help="Only show how many events would go and stay, by list and kind.",
)
@db_option
@json_option
def retention_run(dry_run: bool, db: Path | None, as_json: bool) -> None:
    """Take away the events past their time now, and what nothing uses any more.

    In small steps: a gateway that serves the database meanwhile hardly waits.
    """
    settings = from_environment(db=db)
    require_database(settings)
    if dry_run:
        show_rows(_outlook(settings), as_json)
    else:
        show(asyncio.run(_run(settings)), as_json)


def _outlook(settings: Settings) -> list[dict[str, object]]:
    now_ms = clock.now_ms()
    with reading(settings) as connection:
        return [
            _facts(kept)
            for list_id in all_lists(connection)
            for kept in retention.outlook(connection, list_id, now_ms)
        ]


async def _run(settings: Settings) -> dict[str, object]:
    with (
        contextlib.closing(open_database(settings.db)) as connection,
        contextlib.closing(Upkeep(settings.db)) as upkeep,
    ):

        async def write(fn: Callable[[sqlite3.Connection], T]) -> T:
            with transaction(connection):
                return fn(connection)

        async def read(fn: Callable[[sqlite3.Connection], T]) -> T:
            return fn(connection)

        now_ms = clock.now_ms()
        names = retention.names_past(connection, now_ms)
        events = await enforce(Pace(write, upkeep.checkpoint), names, now_ms)
        unused = await contexts.sweep(read, upkeep.run)
    return {"events": events, "contexts": unused}


def _chosen(connection: sqlite3.Connection, list_id: int | None) -> list[int]:
    return all_lists(connection) if list_id is None else [a_list(connection, list_id).id]


def _said(days: int | None) -> str:
    return "forever" if days is None else str(days)


def _facts(kept: retention.Kept) -> dict[str, object]:
    return {
        "list_id": kept.list_id,
        "kind": kept.kind,
        "days": kept.days,
        "go": kept.go,
        "stay": kept.stay,
        "oldest": None if kept.oldest_ms is None else clock.iso(kept.oldest_ms),
        "newest": None if kept.newest_ms is None else clock.iso(kept.newest_ms),
    }
