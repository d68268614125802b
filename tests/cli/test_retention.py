"""`gateway retention`: how long events are kept, said, tried out and done."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest

from gateway import clock
from gateway.store.database import open_database
from tests.cli.conftest import Run
from tests.support import running_gateway

DAY_MS = 86_400_000


@pytest.fixture
def stored(run: Run, path: Path, made: dict[str, Any]) -> dict[str, Any]:
    """A list with three custom events, of which two happened fifty days ago, and a page view."""
    with running_gateway(path.parent) as gateway:
        for name in ("old", "older", "new", "pageView"):
            call = {"APIKey": made["api_key"], "ListID": made["list_id"], "Event": name}
            assert gateway.client.post("/api/v1/event", json=call).status_code == 200
    with contextlib.closing(open_database(path)) as db:
        db.execute(
            """update events set happened_at_ms = ? where name_id in
               (select id from event_names where name in ('old', 'older'))""",
            (clock.now_ms() - 50 * DAY_MS,),
        )
    return made


def names(run: Run, path: Path) -> set[str]:
    exported = run("export", "--db", path, "--list", 1).stdout
    return {json.loads(line)["event"] for line in exported.splitlines()}


def shown(run: Run, path: Path) -> dict[str, int | None]:
    rows = json.loads(run("retention", "show", "--list", 1, "--db", path, "--json").stdout)
    return {row["kind"]: row["days"] for row in rows}


def test_at_first_all_is_kept_for_ever(run: Run, path: Path, made: dict[str, Any]) -> None:
    assert set(shown(run, path).values()) == {None}
    assert run("retention", "show", "--db", path).stdout.count("forever") == 4


def test_a_kind_is_given_its_days_and_they_are_taken_back(
    run: Run, path: Path, made: dict[str, Any]
) -> None:
    result = run("retention", "set", 1, "--kind", "page view", "--days", 90, "--db", path)
    assert result.exit_code == 0
    assert "90" in result.stdout
    assert shown(run, path)["page view"] == 90
    run("retention", "set", 1, "--kind", "page view", "--days", "forever", "--db", path)
    assert shown(run, path)["page view"] is None


def test_what_goes_with_conversions_is_said(run: Run, path: Path, made: dict[str, Any]) -> None:
    result = run("retention", "set", 1, "--kind", "conversion", "--days", 90, "--db", path)
    assert result.exit_code == 0
    assert "Revenue goes with" in result.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((1, "--kind", "custom", "--days", 0), 2, "forever"),
        ((1, "--kind", "custom", "--days", "soon"), 2, "forever"),
        ((1, "--kind", "custom", "--days", 36_501), 2, "36,500"),
        ((1, "--kind", "views", "--days", 1), 2, "page view"),
        ((1, "--days", 1), 2, "--kind"),
        ((7, "--kind", "custom", "--days", 1), 1, "no list 7"),
    ],
)
def test_what_cannot_be_is_said(
    run: Run, path: Path, made: dict[str, Any], words: tuple[object, ...], code: int, said: str
) -> None:
    result = run("retention", "set", *words, "--db", path)
    assert result.exit_code == code
    assert said in result.stderr


def test_a_dry_run_shows_what_would_go_and_changes_nothing(
    run: Run, path: Path, stored: dict[str, Any]
) -> None:
    run("retention", "set", 1, "--kind", "custom", "--days", 30, "--db", path)
    rows = json.loads(run("retention", "run", "--dry-run", "--db", path, "--json").stdout)
    by_kind = {row["kind"]: row for row in rows}
    custom, views = by_kind["custom"], by_kind["page view"]
    assert (custom["list_id"], custom["days"], custom["go"], custom["stay"]) == (1, 30, 2, 1)
    assert custom["oldest"] == custom["newest"] > "2026"
    assert (views["days"], views["go"], views["stay"]) == (None, 0, 1)
    assert names(run, path) == {"old", "older", "new", "pageView"}


def test_a_run_takes_them_away_and_what_nothing_uses_any_more(
    run: Run, path: Path, stored: dict[str, Any]
) -> None:
    run("retention", "set", 1, "--kind", "custom", "--days", 30, "--db", path)
    said = json.loads(run("retention", "run", "--db", path, "--json").stdout)
    assert said["events"] == 2
    assert names(run, path) == {"new", "pageView"}
    assert json.loads(run("retention", "run", "--db", path, "--json").stdout)["events"] == 0


def test_a_run_beside_a_gateway_that_serves_disturbs_nothing(
    run: Run, path: Path, stored: dict[str, Any]
) -> None:
    run("retention", "set", 1, "--kind", "custom", "--days", 30, "--db", path)
    with running_gateway(path.parent) as gateway:
        assert run("retention", "run", "--db", path).exit_code == 0
        call = {"APIKey": stored["api_key"], "ListID": 1, "Event": "newest"}
        assert gateway.client.post("/api/v1/event", json=call).status_code == 200
    assert names(run, path) == {"new", "newest", "pageView"}
