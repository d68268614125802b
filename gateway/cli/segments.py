"""`gateway segment`: segments, whom they mean, and whether what they are counted from is right."""

import json
import sqlite3
from pathlib import Path

import click

from gateway import clock
from gateway.cli.support import (
    Group,
    a_list,
    all_lists,
    db_option,
    failure,
    hint,
    json_option,
    list_option,
    reading,
    show,
    show_rows,
)
from gateway.errors import Refused
from gateway.records import audience, happenings, segments
from gateway.records.segments import Segment
from gateway.settings import from_environment

segment_group = Group("segment", help="Segments of lists: whom they mean.")


@segment_group.command("ls")
@list_option
@db_option
@json_option
def segment_ls(list_id: int | None, db: Path | None, as_json: bool) -> None:
    """All segments, of one list or of all lists."""
    with reading(from_environment(db=db)) as connection:
        of = [a_list(connection, list_id).id] if list_id else all_lists(connection)
        found = [each for list_id in of for each in segments.of_list(connection, list_id)]
    show_rows(
        [{"segment_id": each.id, "list_id": each.list_id, "name": each.name} for each in found],
        as_json,
    )


@segment_group.command("show")
@click.argument("segment_id", type=int)
@db_option
@json_option
def segment_show(segment_id: int, db: Path | None, as_json: bool) -> None:
    """Show a segment's rules."""
    with reading(from_environment(db=db)) as connection:
        found = _segment(connection, segment_id)
    rules = found.rules if as_json else json.dumps(found.rules, indent=2, ensure_ascii=False)
    show(
        {
            "segment_id": found.id,
            "list_id": found.list_id,
            "name": found.name,
            "operator": "and" if found.match_all else "or",
            "sample_size": found.sample_size,
            "updated_at": clock.iso(found.updated_at_ms),
            "rules": rules,
        },
        as_json,
    )


@segment_group.command("count")
@click.argument("segment_id", type=int)
@db_option
@json_option
def segment_count(segment_id: int, db: Path | None, as_json: bool) -> None:
    """Count whom a segment means now."""
    with reading(from_environment(db=db)) as connection:
        connection.execute("begin")  # the count and what it is made from are one snapshot's
        found = _segment(connection, segment_id)
        wanted = segments.condition(connection, found)
        total = audience.count(connection, found.list_id, wanted)
    show({"segment_id": found.id, "subscribers": total}, as_json)


@segment_group.command("check")
@list_option
@db_option
@json_option
def segment_check(list_id: int | None, db: Path | None, as_json: bool) -> None:
    """Compare the summary that segments are counted from with all events, and read every
    segment's rules. Exit code 1 where something is wrong."""
    with reading(from_environment(db=db)) as connection:
        connection.execute("begin")
        of = [a_list(connection, list_id).id] if list_id else all_lists(connection)
        wrong: list[dict[str, object]] = []
        for each in of:
            wrong += _unlike_the_log(connection, each) + _unreadable(connection, each)
    show_rows(wrong, as_json)
    if wrong:
        raise failure(f"{len(wrong)} found.")
    hint("Everything is as it should be.")


def _unlike_the_log(connection: sqlite3.Connection, list_id: int) -> list[dict[str, object]]:
    return [
        {
            "list_id": list_id,
            "wrong": "summary",
            "what": f"visitor {each.visitor_id}, event name {each.name_id}: the summary says"
            f" {each.summary_ms}, the events {each.events_ms}",
        }
        for each in happenings.differences(connection, list_id)
    ]


def _unreadable(connection: sqlite3.Connection, list_id: int) -> list[dict[str, object]]:
    wrong: list[dict[str, object]] = []
    for each in segments.of_list(connection, list_id):
        try:
            segments.condition(connection, each)
        except Refused as refused:
            wrong.append({"list_id": list_id, "wrong": f"segment {each.id}", "what": str(refused)})
    return wrong


def _segment(connection: sqlite3.Connection, segment_id: int) -> Segment:
    found = segments.get(connection, segment_id)
    if found is None:
        raise failure(f"There is no segment {segment_id}. See `gateway segment ls`.")
    return found
