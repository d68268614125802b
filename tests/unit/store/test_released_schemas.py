"""From every schema that was ever released, with data in every table, to the newest: nothing is
lost, what it was is kept beside it, and a migration that is cut short has changed nothing."""

import contextlib
import logging
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest
from sqlite_utils import Database

from gateway.errors import SettingsError
from gateway.ingest.record import Result, record
from gateway.records import (
    accounts,
    attribution,
    bindings,
    catalog,
    event_log,
    fields,
    keys,
    ledger,
    people,
    scripts,
    suppressions,
)
from gateway.settings import Limits
from gateway.store.database import connect, open_database
from gateway.store.migrations import SCHEMA, migrations, schema_of
from tests.unit.builders import enriched, source

DATA = sorted((Path(__file__).parent / "released").glob("*.sql"))
SCHEMAS = [path.stem for path in DATA]
NEWEST = max(path.stem for path in SCHEMA.glob("*.sql"))
PASSWORD = "correct horse battery"
ADA, NOBODY = (bytes.fromhex(f"{n * 8}{n * 4}4{n * 3}8{n * 3}{n * 12}") for n in "12")


def dump(path: Path) -> list[str]:
    """All that a file says, but when its migrations were applied."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        return [line for line in db.iterdump() if "_sqlite_migrations" not in line]


@pytest.fixture(params=SCHEMAS)
def schema(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def path(tmp_path: Path, schema: str) -> Path:
    """A file as a gateway of that schema left it."""
    path = tmp_path / "gateway.db"
    after = [each.stem for each in sorted(SCHEMA.glob("*.sql")) if each.stem > schema]
    with contextlib.closing(connect(path)) as db:
        migrations.apply(Database(db), stop_before=after)
        for data in DATA:
            if data.stem <= schema:
                db.executescript(data.read_text())
    return path


def test_every_table_of_the_schema_has_data(path: Path) -> None:
    """Else a table could be lost on the way and nobody would see it."""
    with contextlib.closing(connect(path, read_only=True)) as db:
        tables = db.execute(
            "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'"
        )
        empty = [
            row["name"]
            for row in tables.fetchall()
            if not db.execute(f"select 1 from {row['name']} limit 1").fetchone()
        ]
    assert empty == []


def test_it_becomes_the_newest_and_is_whole(path: Path) -> None:
    with contextlib.closing(open_database(path)) as db:
        assert schema_of(db) == NEWEST
        assert db.execute("pragma integrity_check").fetchone()[0] == "ok"
        assert db.execute("pragma foreign_key_check").fetchall() == []


def test_accounts_and_keys_still_open(path: Path) -> None:
    with contextlib.closing(open_database(path)) as db:
        owner = accounts.sign_in(db, "owner@example.com", PASSWORD)
        assert owner
        key = keys.find(db, "gw_released")
        assert key
        assert key.account_id == owner.id


def test_events_are_answered_as_they_were(path: Path, schema: str) -> None:
    with contextlib.closing(open_database(path)) as db:
        events = list(event_log.each(db, 1))
        page_view, cart, identify, order, pixel, *more = events
        assert [event.id for event in more] == ([10, 11] if schema in SCHEMAS[2:] else [])
        assert (page_view.event, page_view.email) == ("pageView", "Ada@example.com")
        assert page_view.properties["$current_url"] == "https://shop.example/"
        assert cart.properties["product_id"] == identify.properties["product_id"] == 101
        assert (order.source, order.silent) == ("api", True)
        assert order.properties["conversion-value"] == 290.5
        assert (pixel.id, pixel.email, pixel.source) == (9, None, "pixel")
        assert catalog.for_list(db, 1)["cart"] == ["$browser", "product_id"]


def test_people_are_who_they_were(path: Path) -> None:
    with contextlib.closing(open_database(path)) as db:
        ada = people.subscriber_by_email(db, 1, "ADA@example.com")
        assert ada
        assert (ada.id, ada.external_id, ada.status) == (1, "crm-1", "Subscribed")
        theirs, nobodys = people.find_visitor(db, 1, ADA), people.find_visitor(db, 1, NOBODY)
        assert theirs
        assert nobodys
        assert (theirs.subscriber_id, theirs.bound_by) == (1, bindings.By.IDENTIFY)
        assert (nobodys.subscriber_id, nobodys.external_id) == (None, "anon-2")


@pytest.mark.parametrize("schema", SCHEMAS[1:])
def test_fields_journal_revenue_and_erasures_are_what_they_were(path: Path) -> None:
    with contextlib.closing(open_database(path)) as db:
        assert fields.values(db, 1) == {1: "Ada"}
        clicked, taken_back = bindings.of_visitor(db, 1, NOBODY)
        assert (clicked.after, clicked.undone_by) == ("bob@example.com", taken_back.id)
        [line] = attribution.of_list(db, 1)
        assert (line.campaign, line.currency, line.revenue) == ("spring", "EUR", 290.5)
        with pytest.raises(suppressions.Erased):
            people.subscribe(db, 1, "eve@example.com", 1)


@pytest.mark.parametrize("schema", SCHEMAS[2:])
def test_scripts_and_losses_are_what_they_were(path: Path) -> None:
    with contextlib.closing(open_database(path)) as db:
        assert scripts.find(db, "3f9c00000000") == b"// tracker"
        [loss] = ledger.loss(db, list_id=1, since_ms=0, now_ms=0)
        assert (loss.made, loss.stored) == (3, 2)


def test_the_river_goes_on_where_it_was(path: Path, schema: str) -> None:
    """An event that is there is known again, and no id is given out twice."""
    with contextlib.closing(open_database(path)) as db:
        newest = event_log.last_id(db)
        known = enriched("pageView", event_id="e0000000-0000-4000-8000-000000000001")
        assert record(db, known, Limits()).result is Result.DUPLICATE
        new = record(db, enriched("pageView", seen=source()), Limits())
        assert (new.result, event_log.last_id(db)) == (Result.STORED, newest + 1)
        assert people.subscribe(db, 1, "new@example.com", 1).id == 6


def test_what_it_was_is_kept_beside_it_and_the_log_says_so(
    path: Path, schema: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = dump(path)
    with caplog.at_level(logging.WARNING):
        open_database(path).close()
    [kept] = path.parent.glob("*.before-*")
    first = next(each.stem for each in sorted(SCHEMA.glob("*.sql")) if each.stem > schema)
    assert kept.name == f"gateway.db.before-{first[:4]}"
    assert dump(kept) == before
    assert str(kept) in caplog.text
    with contextlib.closing(connect(kept)) as db:
        assert schema_of(db) == schema


def test_a_migrated_file_is_not_copied_again(path: Path) -> None:
    open_database(path).close()
    [kept] = path.parent.glob("*.before-*")
    kept.unlink()
    open_database(path).close()
    assert list(path.parent.glob("*.before-*")) == []


def test_without_room_for_the_copy_nothing_is_migrated(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dump(path)
    full = namedtuple("full", "free")(4096)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: full)
    with pytest.raises(SettingsError, match=r"copied, but: .* MB free: make room"):
        open_database(path)
    assert dump(path) == before
    assert list(path.parent.glob("*.before-*")) == []


def test_a_migration_that_is_killed_leaves_the_file_as_it_was(path: Path, schema: str) -> None:
    """By a process of its own that dies after the last statement, before the commit."""
    before = dump(path)
    code = f"""
import os, signal
from gateway.store.database import open_database
from gateway.store.migrations import migrations
migrations(name="9999_deadly")(lambda db: os.kill(os.getpid(), signal.SIGKILL))
open_database({str(path)!r})
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert dump(path) == before
    with contextlib.closing(connect(path)) as db:
        assert schema_of(db) == schema
    with contextlib.closing(open_database(path)) as db:
        assert schema_of(db) == NEWEST


def test_a_new_file_has_nothing_to_be_kept(tmp_path: Path) -> None:
    open_database(tmp_path / "new.db").close()
    assert [each.name for each in tmp_path.iterdir()] == ["new.db"]
