"""Duties are done at their pace, by one process at a time, and never end the server."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gateway.errors import Overloaded
from gateway.ingest.facts import Facts
from gateway.ingest.intake import Intake
from gateway.ingest.refusals import Refusals
from gateway.ingest.tally import Tally
from gateway.records import duties
from gateway.services import Services
from gateway.settings import Limits, Settings
from gateway.signing import Signing
from gateway.store.database import Reader
from gateway.store.writer import Writer
from gateway.workers import periodic
from gateway.workers.periodic import Duty, Periodic


@contextlib.asynccontextmanager
async def process(path: Path) -> AsyncIterator[Services]:
    """What a server process has of the file."""
    writer = Writer(path, queue_items_max=100, commit_items_max=100)
    reader = Reader(path)
    limits, tally = Limits(), Tally()
    try:
        yield Services(
            settings=Settings(db=path),
            signing=Signing(("s" * 16,)),
            writer=writer,
            reader=reader,
            facts=Facts(writer, reader),
            intake=Intake(writer, limits, tally),
            refusals=Refusals(writer, limits, tally),
            tally=tally,
        )
    finally:
        writer.close()
        reader.close()


async def soon(condition: Callable[[], bool]) -> None:
    """Return once it is so; fail when that takes too long."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)


class Work:
    """Counts how often it was done; waits in the middle while it is told to."""

    def __init__(self) -> None:
        self.begun = self.done = 0
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def __call__(self) -> None:
        self.begun += 1
        await self.may_end.wait()
        self.done += 1


def duty(work, every_s: float = 0.01, wanted: bool = True) -> Duty:
    return Duty("sweep", every_s, lambda db: wanted, work)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gateway.db"


def test_it_is_done_again_and_again(path: Path) -> None:
    async def run() -> None:
        async with process(path) as services:
            work = Work()
            workers = Periodic(services, [duty(work)])
            await soon(lambda: work.done >= 3)
            await workers.stop()
            done = work.done
            await asyncio.sleep(0.05)
            assert work.done == done

    asyncio.run(run())


def test_not_where_nothing_is_to_be_done_and_then_nothing_is_written(path: Path) -> None:
    async def run() -> None:
        async with process(path) as services:
            work, looked = Work(), 0

            def is_wanted(db) -> bool:
                nonlocal looked
                looked += 1
                return False

            workers = Periodic(services, [Duty("sweep", 0.01, is_wanted, work)])
            await soon(lambda: looked >= 3)
            await workers.stop()
            assert work.begun == 0
            rows = await services.reader.read(
                lambda db: db.execute("select * from duties").fetchall()
            )
            assert rows == []

    asyncio.run(run())


def test_of_two_processes_one_does_it_at_a_time(path: Path) -> None:
    """And the other does not do again what was done just now."""

    async def run() -> None:
        async with process(path) as one, process(path) as other:
            work = Work()
            work.may_end.clear()
            both = [Periodic(each, [duty(work, every_s=3600.0)]) for each in (one, other)]
            await soon(lambda: work.begun == 1)
            await asyncio.sleep(0.05)
            assert work.begun == 1
            work.may_end.set()
            await soon(lambda: work.done == 1)
            for workers in both:
                await workers.stop()
            third = Periodic(other, [duty(work, every_s=3600.0)])
            await asyncio.sleep(0.05)
            await third.stop()
            assert work.begun == 1

    asyncio.run(run())


def test_stopped_in_the_middle_it_is_given_back_at_once(path: Path) -> None:
    async def run() -> None:
        async with process(path) as services:
            work = Work()
            work.may_end.clear()
            workers = Periodic(services, [duty(work, every_s=3600.0)])
            await soon(lambda: work.begun == 1)
            async with asyncio.timeout(5):
                await workers.stop()
            work.may_end.set()
            again = Periodic(services, [duty(work, every_s=3600.0)])
            await soon(lambda: work.done == 1)
            await again.stop()

    asyncio.run(run())


def test_a_long_one_is_held_for_as_long_as_it_takes(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With leases of 60 ms, over several of them."""
    monkeypatch.setattr(duties, "LEASE_MS", 60)

    async def run() -> None:
        async with process(path) as one, process(path) as other:
            work = Work()
            work.may_end.clear()
            holding = Periodic(one, [duty(work)])
            await soon(lambda: work.begun == 1)
            renewed = []

            def held_until(db) -> int:
                return int(db.execute("select held_until_ms from duties").fetchone()[0])

            while len(set(renewed)) < 5:
                renewed.append(await other.reader.read(held_until))
                await asyncio.sleep(0.01)
            await holding.stop()

    asyncio.run(run())


@pytest.mark.parametrize("error", [ZeroDivisionError("no"), Overloaded()])
def test_one_that_fails_is_logged_and_tried_again_and_the_others_go_on(
    path: Path,
    error: Exception,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(periodic, "LOOK_S", 0.01)

    async def run() -> None:
        async with process(path) as services:
            tried, work = 0, Work()

            async def fail() -> None:
                nonlocal tried
                tried += 1
                raise error

            failing = Duty("failing", 3600.0, lambda db: True, fail)
            workers = Periodic(services, [failing, duty(work)])
            await soon(lambda: tried >= 2 and work.done >= 2)
            await workers.stop()

    with caplog.at_level(logging.INFO):
        asyncio.run(run())
    assert "failing" in caplog.text
