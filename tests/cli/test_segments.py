"""`gateway segment`, run as a shell runs it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.records import segments
from gateway.store.database import open_database, transaction
from tests.cli.conftest import Run


@pytest.fixture
def segment(path: Path, made: dict[str, Any]) -> Iterator[int]:
    """A segment on the list that `init` made."""
    db = open_database(path)
    rules = [{"type": "website-events", "event": "buy", "operator": "did not happen"}]
    with transaction(db):
        db.execute(
            """insert into subscribers (list_id, email, email_key, created_at_ms)
               values (?, 'a@example.com', 'a@example.com', 1)""",
            (made["list_id"],),
        )
        new = segments.create(
            db, made["list_id"], name="Lookers", rules=rules, match_all=True, now_ms=1
        )
    yield new.id
    db.close()


def test_segments_are_listed_and_shown(run: Run, path: Path, segment: int) -> None:
    listed = json.loads(run("segment", "ls", "--db", path, "--json").stdout)
    assert [(each["segment_id"], each["name"]) for each in listed] == [(segment, "Lookers")]
    shown = json.loads(run("segment", "show", segment, "--db", path, "--json").stdout)
    assert shown["rules"][0]["event"] == "buy"
    assert '"event": "buy"' in run("segment", "show", segment, "--db", path).stdout


def test_a_segment_is_counted(run: Run, path: Path, segment: int) -> None:
    counted = json.loads(run("segment", "count", segment, "--db", path, "--json").stdout)
    assert counted == {"segment_id": segment, "subscribers": 1}


def test_a_segment_that_is_not_there_cannot_be_counted(run: Run, path: Path, segment: int) -> None:
    result = run("segment", "count", segment + 1, "--db", path)
    assert result.exit_code == 1
    assert f"There is no segment {segment + 1}" in result.stderr


def test_a_check_finds_what_is_wrong_and_only_that(run: Run, path: Path, segment: int) -> None:
    right = run("segment", "check", "--db", path)
    assert (right.exit_code, right.stdout) == (0, "")
    db = open_database(path)
    with transaction(db):
        db.execute("insert into event_names (id, list_id, name, kind) values (1, 1, 'buy', 0)")
        db.execute("insert into happenings values (1, 1, 1)")
        db.execute("update segments set rules = '[{}]'")
    db.close()
    wrong = run("segment", "check", "--db", path, "--json")
    assert wrong.exit_code == 1
    assert [each["wrong"] for each in json.loads(wrong.stdout)] == ["summary", f"segment {segment}"]
