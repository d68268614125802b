"""`gateway quarantine`: what was refused, why, and taking it once more."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import click

from gateway import clock
from gateway.cli.support import (
    Group,
    WrongCall,
    a_list,
    db_option,
    failure,
    json_option,
    list_option,
    reading,
    require_database,
    show,
    show_rows,
)
from gateway.errors import InvalidEvent
from gateway.ingest.intake import Intake
from gateway.ingest.replay import Replay
from gateway.ingest.tally import Tally
from gateway.records import quarantine
from gateway.records.lists import SubscriberList
from gateway.records.quarantine import Quarantined
from gateway.settings import Settings, from_environment
from gateway.store.writer import Writer

TOGETHER = 100  # replays that may share a commit
NAME_CHARS = 60  # shown of an event name, which may be what was too long

quarantine_group = Group("quarantine", help="Events that were refused, kept for a while.")

Work = Sequence[tuple[Quarantined, SubscriberList]]
Row = dict[str, object]


@quarantine_group.command("ls")
@list_option
@db_option
@json_option
def quarantine_ls(list_id: int | None, db: Path | None, as_json: bool) -> None:
    """What is in quarantine, oldest first, and what is wrong with it."""
    with reading(from_environment(db=db)) as connection:
        if list_id is not None:
            a_list(connection, list_id)
        rows = [_row(kept) for kept in quarantine.each(connection, list_id)]
    show_rows(rows, as_json)


@quarantine_group.command("show")
@click.argument("row_id", metavar="ID", type=int)
@db_option
@json_option
def quarantine_show(row_id: int, db: Path | None, as_json: bool) -> None:
    """One event as it was sent, and all that a replay knows of its request."""
    with reading(from_environment(db=db)) as connection:
        kept = quarantine.get(connection, row_id)
    if kept is None:
        raise _unknown(row_id)
    said = {"request": json.loads(kept.facts), "payload": json.loads(kept.payload)}
    if not as_json:  # indented, and in ASCII: this goes to terminals
        said = {name: json.dumps(value, indent=2) for name, value in said.items()}
    show(_row(kept) | said, as_json)


@quarantine_group.command("replay")
@click.argument("row_id", metavar="[ID]", type=int, required=False)
@click.option("--all", "everything", is_flag=True, envvar="GATEWAY_ALL", help="All of --list.")
@list_option
@db_option
@json_option
def quarantine_replay(
    row_id: int | None, everything: bool, list_id: int | None, db: Path | None, as_json: bool
) -> None:
    """Take refused events once more, as received when they were, by the limits set here.

    What is stored by it, dropped, or known already, leaves the quarantine; what is still refused
    stays, and the exit code is 1.
    """
    if (row_id is None) is not everything or everything is not (list_id is not None):
        raise WrongCall("Say what to replay: an ID, or --all --list N.")
    settings = from_environment(db=db)
    with reading(settings) as connection:
        if row_id is None:
            owner = a_list(connection, list_id or 0)
            work = [(kept, owner) for kept in quarantine.each(connection, owner.id)]
        else:
            found = quarantine.get(connection, row_id)
            if found is None:
                raise _unknown(row_id)
            work = [(found, a_list(connection, found.list_id))]
    rows = asyncio.run(_replay(settings, work))
    show_rows(rows, as_json)
    refused = sum(row["result"] == "refused" for row in rows)
    if refused:
        raise failure(f"Still refused: {refused} of {len(rows)}.")


async def _replay(settings: Settings, work: Work) -> list[Row]:
    require_database(settings)
    limits = settings.limits
    writer = Writer(
        settings.db,
        queue_items_max=limits.queue_items_max,
        commit_items_max=limits.commit_items_max,
    )
    river = Replay(writer, Intake(writer, limits, Tally()), limits)
    rows: list[Row] = []
    try:
        for start in range(0, len(work), TOGETHER):
            some = work[start : start + TOGETHER]
            rows += await asyncio.gather(*(_replay_one(river, *each) for each in some))
    finally:
        writer.close()
    return rows


async def _replay_one(river: Replay, kept: Quarantined, owner: SubscriberList) -> Row:
    try:
        receipt = await river.replay(kept, owner)
    except InvalidEvent as error:
        return {"id": kept.id, "result": "refused", "reason": _printable(str(error))}
    return {"id": kept.id, "result": receipt.result.value, "reason": receipt.reason}


def _row(kept: Quarantined) -> Row:
    payload = json.loads(kept.payload)
    name = payload.get("event") if isinstance(payload, dict) else None
    return {
        "id": kept.id,
        "list_id": kept.list_id,
        "door": kept.door.name.lower(),
        "received_at": clock.iso(kept.received_at_ms),
        "event": _printable(name[:NAME_CHARS]) if isinstance(name, str) else None,
        "problems": " ".join(f"{each.code}: {_printable(each.message)}" for each in kept.problems),
    }


def _printable(text: str) -> str:
    """Names come from anybody: control characters must not reach a terminal."""
    return "".join(char if char.isprintable() else "�" for char in text)


def _unknown(row_id: int) -> click.ClickException:
    return failure(f"There is no event {row_id} in quarantine. See `gateway quarantine ls`.")
