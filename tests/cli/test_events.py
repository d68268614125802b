"""`gateway events tail` and `gateway export`: what is stored, as it is stored."""

import contextlib
import csv
import io
import json
import tracemalloc
import uuid
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.events.device import Device
from gateway.events.enrich import Source, enrich
from gateway.events.event import Event
from gateway.events.vocabulary import Door
from gateway.ingest.record import record
from gateway.records import event_log
from gateway.records.event_log import StoredEvent
from gateway.settings import Limits
from gateway.store.database import connect, open_database, transaction
from tests.cli.conftest import Run

VISITOR = uuid.UUID("aae6840b-3b7e-4f95-a9d5-6dbf5da8d84d")


def store(path: Path, list_id: int, *events: Event) -> None:
    """Put events into the file, as the gateway would."""
    source = Source(
        list_id=list_id,
        door=Door.TRACKER,
        device=Device(browser="Chrome", os="Windows", device_type="desktop"),
        dsn="http://127.0.0.1:8000/e",
        server="127.0.0.1",
        received_at_ms=1_760_000_000_000,
        visitor=VISITOR,
    )
    with contextlib.closing(open_database(path)) as db, transaction(db):
        for event in events:
            record(db, enrich(event, source), Limits())


def stored(path: Path, list_id: int = 1) -> list[StoredEvent]:
    with contextlib.closing(connect(path, read_only=True)) as db:
        return list(event_log.each(db, list_id))


def test_the_latest_events_are_shown_oldest_first(
    run: Run, path: Path, made: dict[str, Any]
) -> None:
    page = {"$current_url": "https://shop.example/mug"}
    store(path, 1, *(Event(name=f"event-{n}", properties=page) for n in range(12)))
    result = run("events", "tail", "--no-follow", "--db", path)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [line.split()[1] for line in lines] == [f"event-{n}" for n in range(2, 12)]
    for word in ("Chrome", "Windows", "desktop", "/mug", "2025-10-09T"):
        assert word in lines[0]
    short = run("events", "tail", "--no-follow", "--recent", 3, "--db", path).stdout
    assert short.splitlines() == lines[-3:]
    assert run("events", "tail", "--no-follow", "--recent", 0, "--db", path).stdout == ""


def test_as_json_each_line_is_an_event_as_it_is_stored(
    run: Run, path: Path, made: dict[str, Any]
) -> None:
    store(path, 1, Event(name="x", properties={"a": [1, {"b": None}]}), Event(name="ü\n"))
    result = run(DB=str(path), FOLLOW="false", JSON="true", RECENT="5", *["events", "tail"])  # noqa: B026
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert lines == [msgspec.to_builtins(event) for event in stored(path)]


def test_tail_may_keep_to_one_list(run: Run, path: Path, made: dict[str, Any]) -> None:
    run("list", "create", "Shop", "--db", path)
    store(path, 1, Event(name="one"))
    store(path, 2, Event(name="two"))
    shown = run("events", "tail", "--no-follow", "--list", 2, "--db", path).stdout
    assert "two" in shown
    assert "one" not in shown


@pytest.mark.parametrize("as_json", [False, True])
def test_what_anybody_wrote_into_an_event_does_not_command_the_terminal(
    run: Run, path: Path, made: dict[str, Any], as_json: bool
) -> None:
    """Escape sequences, carriage returns, C1 controls and text that runs backwards."""
    hostile = "\x1b[2Jgone\x07\rforged\x9b31m\u202eback"
    store(path, 1, Event(name=hostile, properties={"$current_url": f"https://x/{hostile}"}))
    flag = ["--json"] if as_json else []
    result = run("events", "tail", "--no-follow", "--db", path, *flag)
    [line] = result.stdout.split("\n")[:-1]
    assert "gone" in line
    assert line.isprintable()
    if as_json:
        assert json.loads(line)["event"] == hostile


def test_an_export_as_jsonl_is_every_event_of_the_list_as_it_is_stored(
    run: Run, path: Path, made: dict[str, Any]
) -> None:
    run("list", "create", "Shop", "--db", path)
    store(path, 2, Event(name="not this list's"))
    store(path, 1, *(Event(name="x", properties={"n": n, "ü": "\n"}) for n in range(1_200)))
    result = run("export", "--db", path, "--list", 1)
    assert result.exit_code == 0
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["properties"]["n"] for line in lines] == list(range(1_200))
    assert lines == [msgspec.to_builtins(event) for event in stored(path)]
    assert result.stderr == ""


def test_an_export_as_csv_has_a_column_a_fact_and_the_properties_as_json(
    run: Run, path: Path, made: dict[str, Any], tmp_path: Path
) -> None:
    nasty = 'comma, "quote"\nand a line'
    store(
        path,
        1,
        Event(name=nasty, properties={nasty: nasty}),
        Event(name="identify", email="ann@example.com", silent=True),
    )
    output = tmp_path / "events.csv"
    run("export", "--db", path, LIST="1", FORMAT="csv", OUTPUT=str(output))
    with output.open(newline="") as file:
        rows = list(csv.DictReader(file))
    expected = [msgspec.to_builtins(event) for event in stored(path)]
    assert [json.loads(row.pop("properties")) for row in rows] == [
        event.pop("properties") for event in expected
    ]
    as_text = [
        {name: "" if value is None else str(value) for name, value in event.items()}
        for event in expected
    ]
    assert rows == as_text


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_an_empty_list_exports_nothing(
    run: Run, path: Path, made: dict[str, Any], form: str
) -> None:
    result = run("export", "--db", path, "--list", 1, "--format", form)
    assert result.exit_code == 0
    rows = list(csv.reader(io.StringIO(result.stdout)))
    assert len(rows) == (1 if form == "csv" else 0)


def test_an_export_takes_the_same_memory_however_many_events_there_are(
    run: Run, path: Path, made: dict[str, Any], tmp_path: Path
) -> None:
    run("list", "create", "Long", "--db", path)
    bulk = Event(name="x", properties={"text": "x" * 2_000})
    store(path, 1, *[bulk] * 1_000)
    store(path, 2, *[bulk] * 3_000)
    output = tmp_path / "events.jsonl"

    def peak_bytes(list_id: int) -> int:
        tracemalloc.start()
        run("export", "--db", path, "--list", list_id, "--output", output)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    peak_bytes(1)  # what is loaded once
    short, long = peak_bytes(1), peak_bytes(2)
    assert len(output.read_text().splitlines()) == 3_000
    assert long < short * 1.3
