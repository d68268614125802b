"""What is in the log gets into the file off the writer's thread, and nobody waits for that."""

import asyncio
import contextlib
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.store import upkeep as module
from gateway.store.database import connect, open_database
from gateway.store.upkeep import Upkeep


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with the schema and a table `t` with one column."""
    path = tmp_path / "gateway.db"
    with contextlib.closing(open_database(path)) as db:
        db.execute("create table t (x)")
    return path


@pytest.fixture
def writer(path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(connect(path)) as db:
        yield db


@pytest.fixture
def upkeep(path: Path, writer: sqlite3.Connection) -> Iterator[Upkeep]:
    with contextlib.closing(Upkeep(path)) as upkeep:
        yield upkeep


def checkpoint(upkeep: Upkeep) -> None:
    asyncio.run(upkeep.checkpoint())


def in_the_file(path: Path) -> int:
    """How many rows are there without the log."""
    alone = path.with_name("alone.db")
    shutil.copy(path, alone)
    with contextlib.closing(connect(alone)) as db:
        return int(db.execute("select count(*) from t").fetchone()[0])


def log_bytes(path: Path) -> int:
    return Path(f"{path}-wal").stat().st_size


def test_what_was_committed_gets_into_the_file(
    path: Path, writer: sqlite3.Connection, upkeep: Upkeep
) -> None:
    writer.execute("insert into t values (1)")
    assert in_the_file(path) == 0
    checkpoint(upkeep)
    assert in_the_file(path) == 1


def test_a_long_log_is_begun_anew_and_does_not_grow_any_more(
    path: Path, writer: sqlite3.Connection, upkeep: Upkeep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOG_PAGES", 5)
    sizes = set()
    for _ in range(20):
        for _ in range(5):
            writer.execute("insert into t values (1)")
        checkpoint(upkeep)
        sizes.add(log_bytes(path))
    assert len(sizes) == 1
    assert in_the_file(path) == 100


def test_a_log_that_has_grown_large_gives_its_space_back(
    path: Path, writer: sqlite3.Connection, upkeep: Upkeep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOG_BYTES_MAX", 100_000)
    writer.execute("insert into t values (zeroblob(10000000))")
    assert log_bytes(path) > 10_000_000
    checkpoint(upkeep)
    assert log_bytes(path) == 0
    assert in_the_file(path) == 1


def test_somebody_who_reads_keeps_what_they_see_and_is_not_waited_for(
    path: Path, writer: sqlite3.Connection, upkeep: Upkeep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOG_PAGES", 1)
    with contextlib.closing(connect(path, read_only=True)) as reader:
        reader.execute("begin")
        assert reader.execute("select count(*) from t").fetchone()[0] == 0
        writer.execute("insert into t values (1)")
        checkpoint(upkeep)
        assert reader.execute("select count(*) from t").fetchone()[0] == 0
        reader.execute("rollback")
    checkpoint(upkeep)
    assert in_the_file(path) == 1


def test_a_write_under_way_is_not_waited_for(
    path: Path, writer: sqlite3.Connection, upkeep: Upkeep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOG_PAGES", 1)
    writer.execute("insert into t values (1)")
    writer.execute("begin immediate")
    writer.execute("insert into t values (2)")
    checkpoint(upkeep)
    writer.execute("commit")
    assert writer.execute("select count(*) from t").fetchone()[0] == 2


def test_a_transaction_is_all_or_nothing_and_asks_no_foreign_keys(
    path: Path, writer: sqlite3.Connection, upkeep: Upkeep
) -> None:
    def orphan(db: sqlite3.Connection) -> int:
        db.execute("insert into event_names (list_id, name, kind) values (99, 'x', 0)")
        return 7

    def fail(db: sqlite3.Connection) -> None:
        orphan(db)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(upkeep.run(fail))
    assert writer.execute("select count(*) from event_names").fetchone()[0] == 0
    assert asyncio.run(upkeep.run(orphan)) == 7
    assert writer.execute("select count(*) from event_names").fetchone()[0] == 1
