"""The writer's contract, with real files: order, savepoints, durability, limits, an orderly end."""

import asyncio
import contextlib
import ctypes
import sqlite3
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import Overloaded
from gateway.store import database
from gateway.store.database import connect, open_database
from gateway.store.writer import Writer

Item = Callable[[sqlite3.Connection], Any]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with the schema and a table `t` with one column."""
    path = tmp_path / "gateway.db"
    with contextlib.closing(open_database(path)) as db:
        db.execute("create table t (x)")
    return path


def put(value: object) -> Item:
    """An item that writes one row and answers its value."""
    return lambda db: db.execute("insert into t values (?) returning x", (value,)).fetchone()["x"]


def fail(value: object) -> Item:
    """An item that writes a row, then fails."""

    def item(db: sqlite3.Connection) -> None:
        put(value)(db)
        raise ValueError(value)

    return item


def on_disk(path: Path) -> list[Any]:
    """What another connection sees."""
    with contextlib.closing(connect(path, read_only=True)) as db:
        return [row["x"] for row in db.execute("select x from t order by rowid")]


@contextlib.contextmanager
def writing(path: Path, *, queue: int = 100, commit: int = 10) -> Iterator[Writer]:
    writer = Writer(path, queue_items_max=queue, commit_items_max=commit)
    try:
        yield writer
    finally:
        writer.close()


class Gate:
    """An item that holds the writer's thread until it is opened, so that others queue behind."""

    def __init__(self) -> None:
        self._reached, self._open = threading.Event(), threading.Event()

    def __call__(self, db: sqlite3.Connection) -> None:
        self._reached.set()
        assert self._open.wait(10)

    async def reached(self) -> None:
        assert await asyncio.to_thread(self._reached.wait, 10)

    def open(self) -> None:
        self._open.set()


async def queued(*writes: Coroutine[Any, Any, Any]) -> list[asyncio.Task[Any]]:
    """Tasks that have all put their item in the queue."""
    tasks = [asyncio.create_task(write) for write in writes]
    await asyncio.sleep(0)
    return tasks


async def batched(writer: Writer, *items: Item) -> list[Any]:
    """The outcomes of items that shared one commit."""
    gate = Gate()
    [held] = await queued(writer.write(gate))
    await gate.reached()
    tasks = await queued(*map(writer.write, items))
    gate.open()
    await held
    return await asyncio.gather(*tasks, return_exceptions=True)


def test_an_answer_comes_once_the_write_is_on_disk(path: Path) -> None:
    async def run() -> None:
        with writing(path) as writer:
            for value in range(5):
                assert await writer.write(put(value)) == value
                assert on_disk(path) == list(range(value + 1))

    asyncio.run(run())


@pytest.mark.parametrize("commit", [1, 3, 100])
def test_writes_are_made_in_the_order_they_were_asked_for(path: Path, commit: int) -> None:
    async def run() -> None:
        with writing(path, commit=commit) as writer:
            assert await batched(writer, *map(put, range(50))) == list(range(50))

    asyncio.run(run())
    assert on_disk(path) == list(range(50))


def test_writes_that_wait_share_a_commit_up_to_its_size(path: Path) -> None:
    """Each item notes how many the other connections can see: its own batch is not among them."""

    def seen(db: sqlite3.Connection) -> int:
        put(0)(db)
        return len(on_disk(path))

    async def run() -> list[int]:
        with writing(path, commit=4) as writer:
            return await batched(writer, *[seen] * 10)

    assert asyncio.run(run()) == [0, 0, 0, 0, 4, 4, 4, 4, 8, 8]


def test_one_that_fails_undoes_itself_and_not_its_neighbours(path: Path) -> None:
    async def run() -> list[Any]:
        with writing(path) as writer:
            return await batched(writer, put(1), fail(2), put(3))

    first, failed, third = asyncio.run(run())
    assert (first, third) == (1, 3)
    assert isinstance(failed, ValueError)
    assert on_disk(path) == [1, 3]


def test_a_statement_that_fails_is_its_own_caller_s_error(path: Path) -> None:
    def broken(db: sqlite3.Connection) -> None:
        db.execute("insert into missing values (1)")

    async def run() -> list[Any]:
        with writing(path) as writer:
            return await batched(writer, put(1), broken, put(3))

    outcomes = asyncio.run(run())
    assert isinstance(outcomes[1], sqlite3.OperationalError)
    assert on_disk(path) == [1, 3]


def test_a_commit_that_fails_fails_all_that_share_it(path: Path) -> None:
    """A broken promise between tables that only the commit notices."""

    def orphan(db: sqlite3.Connection) -> None:
        db.execute("pragma defer_foreign_keys = on")
        db.execute("insert into event_names (list_id, name, kind) values (999, 'x', 0)")

    async def run() -> None:
        with writing(path) as writer:
            outcomes = await batched(writer, put(1), orphan, put(3))
            assert [type(outcome) for outcome in outcomes] == [Overloaded] * 3
            assert on_disk(path) == []
            assert await writer.write(put(4)) == 4

    asyncio.run(run())
    assert on_disk(path) == [4]


def test_a_full_disk_is_answered_as_busy_and_leaves_nothing_half_written(path: Path) -> None:
    def fill(db: sqlite3.Connection) -> None:
        pages = db.execute("pragma page_count").fetchone()[0]
        db.execute(f"pragma max_page_count = {pages + 2}")

    async def run() -> None:
        with writing(path) as writer:
            await writer.write(fill)
            outcomes = await batched(writer, put(1), put("x" * 1_000_000), put(3))
            assert [type(outcome) for outcome in outcomes] == [Overloaded] * 3
            assert on_disk(path) == []
            assert await writer.write(put(4)) == 4

    asyncio.run(run())
    assert on_disk(path) == [4]


@pytest.mark.parametrize("code", [sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_BUSY])
def test_trouble_with_the_file_within_an_item_is_answered_as_busy(path: Path, code: int) -> None:
    """SQLite may keep the transaction: then only this item failed, and may be tried again."""

    def fail(db: sqlite3.Connection) -> None:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = code
        raise error

    async def run() -> None:
        with writing(path) as writer:
            outcomes = await batched(writer, put(1), fail, put(3))
            assert isinstance(outcomes[1], Overloaded)

    asyncio.run(run())
    assert on_disk(path) == [1, 3]


def test_a_full_queue_says_busy_at_once(path: Path) -> None:
    async def run() -> None:
        gate = Gate()
        with writing(path, queue=3) as writer:
            [held] = await queued(writer.write(gate))
            await gate.reached()
            waiting = await queued(writer.write(put(1)), writer.write(put(2)))
            with pytest.raises(Overloaded) as busy:
                await writer.write(put(3))
            assert busy.value.retry_after_s > 0
            gate.open()
            await asyncio.gather(held, *waiting)
            assert await writer.write(put(4)) == 4

    asyncio.run(run())
    assert on_disk(path) == [1, 2, 4]


def test_a_locked_file_is_answered_as_busy_until_the_lock_is_gone(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LOCK_WAIT_S", 0.05)

    async def run() -> None:
        with writing(path) as writer, contextlib.closing(connect(path)) as other:
            other.execute("begin immediate")
            with pytest.raises(Overloaded):
                await writer.write(put(1))
            other.execute("rollback")
            assert await writer.write(put(2)) == 2

    asyncio.run(run())
    assert on_disk(path) == [2]


class Crash(BaseException):
    """What nobody expects in the writer's thread: no `except Exception` stops it."""


def test_whatever_happens_in_its_thread_the_writer_goes_on_and_nobody_waits_for_ever(
    path: Path,
) -> None:
    """The batch is told to try again, nothing of it is written, and the next one is."""

    def crash(db: sqlite3.Connection) -> None:
        raise Crash

    async def run() -> None:
        with writing(path) as writer:
            outcomes = await batched(writer, put(1), crash, put(3))
            assert [type(outcome) for outcome in outcomes] == [Overloaded] * 3
            assert on_disk(path) == []
            assert await writer.write(put(4)) == 4

    asyncio.run(run())
    assert on_disk(path) == [4]


def test_a_thread_that_is_ended_from_outside_goes_on_with_what_waits(path: Path) -> None:
    """As the interpreter itself may do it, at any instruction: here while it waits for work."""

    async def run() -> None:
        with writing(path) as writer:
            assert await writer.write(put(1)) == 1
            thread = next(each for each in threading.enumerate() if each.name == "writer")
            end = ctypes.pythonapi.PyThreadState_SetAsyncExc
            assert end(ctypes.c_ulong(thread.ident), ctypes.py_object(Crash)) == 1
            # Taken by the thread as soon as it runs again: this write wakes it.
            outcome = (await asyncio.gather(writer.write(put(2)), return_exceptions=True))[0]
            assert outcome == 2 or isinstance(outcome, Overloaded)
            assert await writer.write(put(3)) == 3

    asyncio.run(run())
    assert set(on_disk(path)) >= {1, 3}


def test_a_file_that_cannot_be_opened_again_is_tried_again_with_every_batch(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a crash on a disk that has gone away: busy, until it is back."""

    def crash(db: sqlite3.Connection) -> None:
        raise Crash

    def gone(path: Path | str) -> sqlite3.Connection:
        raise sqlite3.OperationalError("unable to open database file")

    async def run() -> None:
        with writing(path) as writer:
            monkeypatch.setattr("gateway.store.writer.connect", gone)
            for item in (crash, put(1), put(2)):
                with pytest.raises(Overloaded):
                    await writer.write(item)
            monkeypatch.undo()
            # The last failure opens it, or, when that came before the file did, one more.
            [outcome] = await asyncio.gather(writer.write(put(3)), return_exceptions=True)
            assert outcome == 3 or isinstance(outcome, Overloaded)
            assert await writer.write(put(4)) == 4

    asyncio.run(run())
    assert on_disk(path)[-1] == 4
    assert not {1, 2} & set(on_disk(path))


def test_closing_writes_what_waits_and_takes_no_more(path: Path) -> None:
    async def run() -> None:
        gate = Gate()
        writer = Writer(path, queue_items_max=100, commit_items_max=3)
        [held] = await queued(writer.write(gate))
        await gate.reached()
        waiting = await queued(*(writer.write(put(value)) for value in range(10)))
        gate.open()
        writer.close()
        assert on_disk(path) == list(range(10))
        assert await asyncio.gather(*waiting) == list(range(10))
        await held
        with pytest.raises(Overloaded):
            await writer.write(put(99))

    asyncio.run(run())
    assert on_disk(path) == list(range(10))


def test_a_caller_that_went_away_neither_undoes_its_write_nor_costs_another_s_answer(
    path: Path,
) -> None:
    async def run() -> None:
        gate = Gate()
        with writing(path) as writer:
            [held] = await queued(writer.write(gate))
            await gate.reached()
            gone, stays = await queued(writer.write(put(1)), writer.write(put(2)))
            gone.cancel()
            gate.open()
            assert await stays == 2
            await held
            assert gone.cancelled()

    asyncio.run(run())
    assert on_disk(path) == [1, 2]


def test_two_writers_on_one_file_lose_nothing(path: Path) -> None:
    """As two server processes have it."""

    async def run() -> None:
        with writing(path, commit=3) as one, writing(path, commit=3) as other:
            evens = [one.write(put(value)) for value in range(0, 100, 2)]
            odds = [other.write(put(value)) for value in range(1, 100, 2)]
            assert sorted(await asyncio.gather(*evens, *odds)) == list(range(100))

    asyncio.run(run())
    written = on_disk(path)
    assert [value for value in written if value % 2 == 0] == list(range(0, 100, 2))
    assert [value for value in written if value % 2] == list(range(1, 100, 2))
