"""The schema of a database file, and what its statements promise."""

import re
import sqlite3
import threading
from pathlib import Path

import pytest

from gateway.errors import SettingsError
from gateway.records import lists
from gateway.store.database import connect, open_database
from gateway.store.migrations import SCHEMA, migrate, statements
from tests.unit.builders import ACCOUNT_ID, NOW_MS

TRIGGER = """create trigger t after insert on a begin
  delete from b;
  delete from c;
end;
"""

# A context is deleted only by `contexts.sweep`, which has read all events by then.
NOT_INDEXED = {("events", "browser_id"), ("events", "page_id")}


def schema_of(db: sqlite3.Connection) -> list[tuple[str, ...]]:
    rows = db.execute("select type, name, sql from sqlite_schema order by type, name")
    return [tuple(row) for row in rows]


def tables_of(db: sqlite3.Connection) -> list[str]:
    """The gateway's own tables."""
    rows = db.execute(
        "select name from sqlite_schema where type = 'table' and name not like '\\_%' escape '\\'"
        " and name not like 'sqlite%'"
    )
    return [row["name"] for row in rows]


def test_a_fresh_file_has_the_whole_schema(tmp_path: Path) -> None:
    script = "".join(path.read_text() for path in sorted(SCHEMA.glob("*.sql")))
    db = open_database(tmp_path / "new.db")
    assert set(tables_of(db)) == set(re.findall(r"create table (\w+)", script))
    assert "events" in tables_of(db)
    db.close()


def test_migrating_twice_changes_nothing(tmp_path: Path) -> None:
    db = open_database(tmp_path / "a.db")
    before, changes = schema_of(db), db.total_changes
    migrate(db)
    assert (schema_of(db), db.total_changes) == (before, changes)
    db.close()
    again = open_database(tmp_path / "a.db")
    assert schema_of(again) == before
    again.close()


def test_a_file_of_a_newer_gateway_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "newer.db"
    db = open_database(path)
    db.execute(
        "insert into _sqlite_migrations (migration_set, name, applied_at)"
        " values ('gateway', '9999_later', '2030-01-01')"
    )
    before = schema_of(db)
    db.close()
    with pytest.raises(SettingsError, match=r"made by a newer gateway .*9999_later.*Upgrade"):
        open_database(path)
    db = connect(path)
    assert schema_of(db) == before
    db.close()


def test_a_migration_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    """Here because the file is another program's, with a table of the same name."""
    path = tmp_path / "theirs.db"
    db = connect(path)
    db.execute("create table visitors (id integer)")
    db.close()
    with pytest.raises(SettingsError, match="Cannot use the database"):
        open_database(path)
    db = connect(path)
    assert tables_of(db) == ["visitors"]
    db.close()


def test_gateways_that_start_together_on_a_fresh_file_all_find_the_schema(tmp_path: Path) -> None:
    for attempt in range(5):
        path = tmp_path / f"{attempt}.db"
        together = threading.Barrier(4)
        failures: list[Exception] = []

        def start(path: Path = path, together: threading.Barrier = together) -> None:
            together.wait()
            try:
                open_database(path).close()
            except SettingsError as error:
                failures.append(error)  # noqa: B023 - read below, after the threads have ended

        threads = [threading.Thread(target=start) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("", []),
        ("select 1;", ["select 1;"]),
        ("select 1;\nselect 2;\n", ["select 1;\n", "select 2;\n"]),
        ("-- a; comment\nselect 1;\n", ["-- a; comment\nselect 1;\n"]),
        ("select\n  ';'\n;\n", ["select\n  ';'\n;\n"]),
        (TRIGGER, [TRIGGER]),
    ],
)
def test_a_script_is_split_at_the_ends_of_its_statements(script: str, expected: list[str]) -> None:
    assert list(statements(script)) == expected


def test_no_statement_of_a_schema_file_is_lost_or_left_unfinished() -> None:
    for path in SCHEMA.glob("*.sql"):
        script = path.read_text()
        found = list(statements(script))
        assert "".join(found).strip() == script.strip()
        assert all(sqlite3.complete_statement(statement) for statement in found)


def test_every_table_is_strict(db: sqlite3.Connection) -> None:
    rows = db.execute("pragma table_list").fetchall()
    strict = {row["name"]: bool(row["strict"]) for row in rows}
    assert [name for name in tables_of(db) if not strict[name]] == []


def test_every_foreign_key_is_indexed(db: sqlite3.Connection) -> None:
    """Else each change of the row it points to would search the whole table."""
    unindexed = set()
    for table in tables_of(db):
        indexed = {
            db.execute(
                "select name from pragma_index_info(?) where seqno = 0", (index["name"],)
            ).fetchone()["name"]
            for index in db.execute(f"pragma index_list({table})")
        }
        for key in db.execute(f"pragma foreign_key_list({table})"):
            if key["from"] not in indexed:
                unindexed.add((table, key["from"]))
    assert unindexed == NOT_INDEXED


def test_what_is_unique_for_a_list_is_unique_in_the_file(db: sqlite3.Connection) -> None:
    """The promises that something exists once are the file's to keep."""
    unique = set()
    for table in tables_of(db):
        for index in db.execute(f"pragma index_list({table})"):
            if index["unique"]:
                columns = db.execute("select name from pragma_index_info(?)", (index["name"],))
                unique.add((table, *(row["name"] for row in columns)))
    assert unique >= {
        ("events", "list_id", "unique_id"),
        ("visitors", "list_id", "uuid"),
        ("subscribers", "list_id", "email_key"),
        ("event_names", "list_id", "name"),
        ("accounts", "email_key"),
        ("api_keys", "digest"),
    }


def test_a_deleted_list_s_id_never_comes_back(db: sqlite3.Connection) -> None:
    """It is signed into the tracker ids of pages that are still out there."""
    first = lists.create(db, ACCOUNT_ID, "x", (), NOW_MS).id
    db.execute("delete from lists where id = ?", (first,))
    assert lists.create(db, ACCOUNT_ID, "y", (), NOW_MS).id == first + 1
