"""Text that means harm, in everything the commands show: it commands no terminal, begins no line
of its own, and is no formula in a spreadsheet. Files for programs have it exactly."""

import contextlib
import csv
import io
import json
import re
import uuid
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.cli import events
from gateway.events.device import Device
from gateway.events.enrich import Source, enrich
from gateway.events.event import Event
from gateway.events.vocabulary import Door
from gateway.ingest.record import record
from gateway.records import event_log
from gateway.settings import Limits
from gateway.store.database import connect, open_database, transaction
from tests import hostile
from tests.cli.conftest import Run

TEXTS = hostile.SHOWN
EMAIL = "ann@example.com"
COMMANDING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
FORMULA = re.compile("[=+@\t\r\n\uff1d\uff0b\uff0d\uff20-]")


@pytest.fixture
def attacked(path: Path, made: dict[str, Any]) -> Path:
    """A database whose every text came from somebody who means harm."""
    with contextlib.closing(open_database(path)) as db, transaction(db):
        for number, text in enumerate(TEXTS):
            visitor = uuid.uuid5(uuid.NAMESPACE_OID, str(number))
            source = Source(
                list_id=1, door=Door.TRACKER, device=Device(browser=text, os=text), dsn=text,
                server=text, received_at_ms=1_760_000_000_000, visitor=visitor,
            )  # fmt: skip
            said = {text: text, "$pathname": text, "$current_url": text}
            record(db, enrich(Event(name=text, properties=said), source), Limits())
            identify = Event(name="identify", email=EMAIL, properties={"deep": {text: [text]}})
            record(db, enrich(identify, source), Limits())
        everything = {"text": hostile.EVERYTHING}
        db.execute("update subscribers set email = :text, external_id = :text", everything)
        db.execute("update api_keys set note = :text", everything)
        db.execute("update lists set name = :text, allowed_origins = json_array(:text)", everything)
        evidence = "json_object(:text, :text, 'campaign', :text)"
        db.execute(f"update bindings set evidence = {evidence}", everything)
    return path


SHOWN = [
    ("list", "ls"),
    ("list", "show", 1),
    ("key", "ls"),
    ("events", "tail", "--no-follow", "--recent", 1_000),
    ("events", "loss"),
    ("person", "find", "--subscriber", 1),
    ("identity", "show", uuid.uuid5(uuid.NAMESPACE_OID, "0")),
]


@pytest.mark.parametrize("command", SHOWN, ids=lambda command: " ".join(map(str, command[:2])))
@pytest.mark.parametrize("as_json", [False, True])
def test_it_commands_no_terminal(
    run: Run, attacked: Path, command: tuple[object, ...], as_json: bool
) -> None:
    result = run(*command, "--db", attacked, *["--json"] * as_json)
    assert result.exit_code == 0, result.output
    for line in (result.stdout + result.stderr).split("\n"):
        assert line.isprintable(), repr(line)


@pytest.mark.parametrize("command", SHOWN, ids=lambda command: " ".join(map(str, command[:2])))
def test_it_begins_no_line_of_its_own(
    run: Run, attacked: Path, tmp_path: Path, command: tuple[object, ...]
) -> None:
    """There are as many lines as for harmless text."""
    harmless = tmp_path / "harmless.db"
    with contextlib.closing(connect(attacked)) as db:
        db.execute("vacuum into ?", (str(harmless),))
    with contextlib.closing(connect(harmless)) as db:
        for sql in (
            "update lists set name = 'n', allowed_origins = '[\"o\"]'",
            "update api_keys set note = 'n'",
            "update subscribers set email = 'e', external_id = 'x'",
            'update bindings set evidence = \'{"a": "b"}\'',
            "update event_names set name = 'event' || id",
        ):
            db.execute(sql)
    lines = [len(run(*command, "--db", path).stdout.splitlines()) for path in (attacked, harmless)]
    assert lines[0] == lines[1]


def test_an_export_for_programs_is_exact_and_commands_no_terminal(run: Run, attacked: Path) -> None:
    result = run("export", "--list", 1, "--db", attacked)
    lines = result.stdout.split("\n")[:-1]
    assert not [line for line in lines if COMMANDING.search(line)]
    with contextlib.closing(connect(attacked, read_only=True)) as db:
        stored = [msgspec.to_builtins(event) for event in event_log.each(db, 1)]
    assert [json.loads(line) for line in lines] == stored


def test_what_is_held_of_a_person_is_exact_and_commands_no_terminal(
    run: Run, attacked: Path
) -> None:
    result = run("person", "export", "--subscriber", 1, "--db", attacked)
    assert not COMMANDING.search(result.stdout)
    [person] = json.loads(result.stdout)["persons"]
    names = [event["event"] for event in person["events"] if event["event"] != "identify"]
    assert sorted(names) == sorted(TEXTS)


def test_in_a_spreadsheet_nothing_is_a_formula_and_no_cell_begins_another(
    run: Run, attacked: Path, tmp_path: Path
) -> None:
    """The apostrophe stands in front of what would be one, and of nothing else."""
    output = tmp_path / "events.csv"
    run("export", "--list", 1, "--format", "csv", "--output", output, "--db", attacked)
    text = output.read_bytes().decode()
    rows = list(csv.reader(io.StringIO(text, newline="")))
    cells = [cell for row in rows for cell in row]
    assert not [cell for cell in cells if FORMULA.match(cell)]
    names = [row[rows[0].index("event")] for row in rows[1:]]
    assert names[::2] == [f"'{text}" if FORMULA.match(text) else text for text in TEXTS]
    # Whatever a spreadsheet takes for the separator, every cell is within quotes.
    for separator in ",;\t|":
        parted = csv.reader(io.StringIO(text.replace('","', f'"{separator}"'), newline=""),
                            delimiter=separator)  # fmt: skip
        assert {len(row) for row in parted} == {len(rows[0])}


def test_properties_in_a_spreadsheet_are_exact_json(
    run: Run, attacked: Path, tmp_path: Path
) -> None:
    output = tmp_path / "events.csv"
    run("export", "--list", 1, "--format", "csv", "--output", output, "--db", attacked)
    with output.open(newline="") as file:
        told = [json.loads(row["properties"]) for row in csv.DictReader(file)]
    with contextlib.closing(connect(attacked, read_only=True)) as db:
        assert told == [event.properties for event in event_log.each(db, 1)]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_spreadsheet_that_goes_to_a_terminal_commands_it_no_more_than_the_rest(
    attacked: Path,
) -> None:
    """In a file it is as it was sent: a spreadsheet obeys no escape sequences."""
    shown, filed = Terminal(newline=""), io.StringIO(newline="")
    with contextlib.closing(connect(attacked, read_only=True)) as db:
        for output in (shown, filed):
            write = events._csv(output)
            for event in event_log.each(db, 1):
                write(event)
    assert not COMMANDING.search(shown.getvalue().replace("\r\n", "\n"))
    assert "\x1b[2J" in filed.getvalue()
