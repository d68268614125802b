"""How the file is opened, and how transactions and reads are held."""

import asyncio
import contextlib
import sqlite3
import time
from pathlib import Path

import pytest

from gateway.errors import SettingsError
from gateway.store.database import (
    LOCK_LOOK_S,
    Reader,
    connect,
    open_database,
    savepoint,
    transaction,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with the schema and a table `t` with one column."""
    path = tmp_path / "with space & #.db"
    with contextlib.closing(open_database(path)) as db:
        db.execute("create table t (x)")
    return path


def values(path: Path) -> list[int]:
    with contextlib.closing(connect(path, read_only=True)) as db:
        return [row["x"] for row in db.execute("select x from t order by rowid")]


def test_a_commit_that_returned_is_on_disk(path: Path) -> None:
    """WAL, and every commit waits for the disk."""
    with contextlib.closing(connect(path)) as db:
        assert db.execute("pragma journal_mode").fetchone()[0] == "wal"
        assert db.execute("pragma synchronous").fetchone()[0] == 2
        assert db.execute("pragma foreign_keys").fetchone()[0] == 1


def test_a_reading_connection_cannot_write(path: Path) -> None:
    db = connect(path, read_only=True)
    with contextlib.closing(db), pytest.raises(sqlite3.OperationalError, match="readonly"):
        db.execute("insert into t values (1)")


def test_reading_never_makes_a_file(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        connect(tmp_path / "missing.db", read_only=True)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear reader, " * 500)
    with pytest.raises(SettingsError, match=r"letter\.txt: file is not a database\. Name another"):
        open_database(path)


def test_a_damaged_file_is_refused_with_what_can_be_done(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    open_database(path).close()
    with path.open("r+b") as file:
        file.truncate(file.seek(0, 2) // 2)
    with pytest.raises(SettingsError, match=r"malformed\. Restore it from a copy"):
        open_database(path)


def test_a_folder_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere/gateway\.db: unable to open"):
        open_database(tmp_path / "nowhere" / "gateway.db")


def test_a_transaction_is_all_or_nothing(path: Path) -> None:
    def interrupted(db: sqlite3.Connection) -> None:
        with transaction(db):
            db.execute("insert into t values (2)")
            raise ZeroDivisionError

    with contextlib.closing(connect(path)) as db:
        with transaction(db):
            db.execute("insert into t values (1)")
            assert values(path) == []
        with pytest.raises(ZeroDivisionError):
            interrupted(db)
        assert not db.in_transaction
    assert values(path) == [1]


def test_a_savepoint_undoes_only_what_is_in_it(path: Path) -> None:
    def interrupted(db: sqlite3.Connection) -> None:
        with savepoint(db):
            db.execute("insert into t values (2)")
            raise ZeroDivisionError

    with contextlib.closing(connect(path)) as db, transaction(db):
        db.execute("insert into t values (1)")
        with pytest.raises(ZeroDivisionError):
            interrupted(db)
        with savepoint(db), savepoint(db):
            db.execute("insert into t values (3)")
    assert values(path) == [1, 3]


def test_an_error_that_ended_the_whole_transaction_is_told_as_it_was(path: Path) -> None:
    """A full disk takes the savepoint with it; there is nothing left to roll back to."""

    def destroyed(db: sqlite3.Connection) -> None:
        with transaction(db), savepoint(db):
            db.execute("create unique index t_once on t (x)")
            db.execute("insert into t values (1)")
            db.execute("insert or rollback into t values (1)")

    with contextlib.closing(connect(path)) as db:
        with pytest.raises(sqlite3.IntegrityError, match="constraint"):
            destroyed(db)
        assert not db.in_transaction
    assert values(path) == []


def test_a_read_sees_one_moment_however_long_it_takes(path: Path) -> None:
    def twice(db: sqlite3.Connection) -> tuple[int, int]:
        before = db.execute("select count(*) from t").fetchone()[0]
        with contextlib.closing(connect(path)) as other:
            other.execute("insert into t values (1)")
        return before, db.execute("select count(*) from t").fetchone()[0]

    async def run() -> None:
        reader = Reader(path)
        assert await reader.read(twice) == (0, 0)
        assert await reader.read(lambda db: db.execute("select count(*) from t").fetchone()[0]) == 1
        reader.close()

    asyncio.run(run())


def test_a_read_that_failed_does_not_spoil_the_next(path: Path) -> None:
    async def run() -> None:
        reader = Reader(path)
        for _ in range(8):
            with pytest.raises(sqlite3.OperationalError, match="no such table"):
                await reader.read(lambda db: db.execute("select * from missing"))
        assert await reader.read(lambda db: db.execute("select 7").fetchone()[0]) == 7
        reader.close()

    asyncio.run(run())


def test_a_look_up_sees_what_was_written_just_before(path: Path) -> None:
    reader = Reader(path)
    with contextlib.closing(connect(path)) as db:
        for count in (1, 2):
            db.execute("insert into t values (1)")
            rows = reader.look_up(lambda db: db.execute("select x from t").fetchall())
            assert len(rows) == count
    reader.close()


def test_who_waits_for_the_file_looks_again_each_millisecond(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite itself would look less and less often."""
    looks: list[float] = []
    with contextlib.closing(connect(path)) as db, contextlib.closing(connect(path)) as other:
        other.execute("begin immediate")

        def sleep(seconds: float) -> None:
            looks.append(seconds)
            if len(looks) == 30:
                other.execute("rollback")

        monkeypatch.setattr(time, "sleep", sleep)
        with transaction(db):
            assert looks == [LOCK_LOOK_S] * 30
