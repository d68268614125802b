"""`gateway events` and `gateway export`: what is stored."""

import csv
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import click
import msgspec

from gateway import clock
from gateway.cli.progress import progress
from gateway.cli.support import (
    Command,
    Group,
    a_list,
    db_option,
    json_option,
    list_option,
    printable,
    reading,
    safe_json,
    show_rows,
)
from gateway.records import event_log, ledger
from gateway.records.event_log import StoredEvent
from gateway.settings import from_environment

FOLLOW_S = 0.3
BAR_EVENTS = 1_000  # written between two looks of the bar

events_group = Group("events", help="Events as they are stored.")


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
    with reading(from_environment(db=db)) as connection:
        if list_id is not None:
            a_list(connection, list_id)
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
        return json.dumps(msgspec.to_builtins(event))  # in ASCII: this goes to terminals too
    said = event.properties
    seen = " ".join(str(said[name]) for name in ("$browser", "$os", "$device_type") if said[name])
    who = event.email or event.uuid[:8]
    page = said.get("$pathname") or ""
    return printable(
        f"{clock.iso(event.received_at_ms)}  {event.event:<24} {who:<28} {seen}  {page}"
    )


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
    now_ms = clock.now_ms()
    since_ms = now_ms - days * 86_400_000
    with reading(from_environment(db=db)) as connection:
        found = ledger.loss(connection, list_id=list_id, since_ms=since_ms, now_ms=now_ms)
    show_rows(
        [
            msgspec.structs.asdict(row) | {"missing": row.missing, "loss": round(row.rate, 5)}
            for row in found
        ],
        as_json,
    )


@click.command(cls=Command)
@db_option
@click.option("--list", "list_id", type=int, required=True, envvar="GATEWAY_LIST", help="List id.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "csv"]),
    default="jsonl",
    show_default=True,
    envvar="GATEWAY_FORMAT",
    help="jsonl for programs, every event exactly; csv for spreadsheets, where text that would"
    " be a formula has an apostrophe in front.",
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
    with reading(from_environment(db=db)) as connection:
        a_list(connection, list_id)
        write = _jsonl(output) if form == "jsonl" else _csv(output)
        total = event_log.count(connection, list_id)
        # No bar where the events themselves go to the terminal.
        hidden = output is sys.stdout and sys.stdout.isatty()
        with progress("Exporting", hidden=hidden) as report:
            for done, event in enumerate(event_log.each(connection, list_id), start=1):
                write(event)
                if done % BAR_EVENTS == 0:
                    report(done, total)


def _jsonl(output: TextIO) -> Callable[[StoredEvent], object]:
    return lambda event: output.write(safe_json(msgspec.json.encode(event).decode()) + "\n")


def _csv(output: TextIO) -> Callable[[StoredEvent], object]:
    """One column a fact, the properties as JSON in the last. For people: see `_cell`."""
    names = StoredEvent.__struct_fields__
    on_terminal = output.isatty()
    writer = csv.writer(output, quoting=csv.QUOTE_ALL)
    writer.writerow(names)

    def write(event: StoredEvent) -> None:
        row = msgspec.structs.asdict(event)
        row["properties"] = safe_json(msgspec.json.encode(event.properties).decode())
        cells = [_cell(row[name]) for name in names]
        writer.writerow(map(printable, cells) if on_terminal else cells)

    return write


def _cell(value: object) -> str:
    """Spreadsheets take a text that begins so for a formula, and a formula can send the sheet
    away; an apostrophe in front makes it text. All cells are quoted, so that no text begins
    another cell in a spreadsheet that parts them by something else. Programs read JSON lines."""
    text = "" if value is None else str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text


_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
