"""What a process counts, and how the numbers of several are added up."""

import asyncio
from pathlib import Path

import pytest

from gateway import clock
from gateway.edge.sheets import STALE_MS, Sheets
from gateway.events.vocabulary import Door
from gateway.ingest.tally import BEYOND, Tally
from tests.support import until


def test_each_series_is_counted_by_itself() -> None:
    tally = Tally()
    tally.received(Door.TRACKER, 3)
    tally.ended(Door.TRACKER, "stored")
    tally.ended(Door.TRACKER, "stored")
    tally.ended(Door.API, "dropped", "erased")
    tally.deferred(Door.PIXEL, "overloaded", 2)
    tally.evicted("full", 4)
    tally.answered(204)
    tally.answered(200)
    assert tally.numbers() == {
        ("received", "tracker"): 3,
        ("events", "tracker", "stored", ""): 2,
        ("events", "api", "dropped", "erased"): 1,
        ("deferred", "pixel", "overloaded"): 2,
        ("evicted", "full"): 4,
        ("answers", "2xx"): 2,
    }


def test_a_commit_falls_into_the_bucket_of_its_time_and_of_its_size() -> None:
    """On a bound means within it, as Prometheus has it."""
    tally = Tally()
    for items, seconds in ((1, 0.001), (3, 0.0011), (501, 60.0)):
        tally.committed(items, seconds, failed=False)
    numbers = tally.numbers()
    assert numbers["commit_items", "1"] == numbers["commit_items", "5"] == 1
    assert numbers["commit_items", BEYOND] == numbers["commit_seconds", BEYOND] == 1
    assert numbers["commit_seconds", "0.001"] == numbers["commit_seconds", "0.0025"] == 1
    assert numbers["commit_items", "sum"] == 505


def test_a_commit_that_failed_is_counted_apart() -> None:
    tally = Tally()
    tally.committed(5, 0.1, failed=True)
    assert tally.numbers() == {("commits_failed",): 1}


def test_numbers_are_a_copy() -> None:
    tally = Tally()
    before = tally.numbers()
    tally.answered(200)
    assert before == {}


# Several processes.


def sheets(folder: Path | None, answers: int, waiting: int = 0) -> Sheets:
    """Those of a process that has answered so often, and in which so many writes wait."""
    tally = Tally()
    for _ in range(answers):
        tally.answered(200)
    return Sheets(tally, lambda: {"queue_items": waiting}, folder)


async def share(own: Sheets, folder: Path) -> None:
    """Until its sheet is there."""
    before = written(folder)
    task = asyncio.create_task(own.write_for_ever())
    await asyncio.to_thread(until, lambda: written(folder) > before)
    task.cancel()


def written(folder: Path) -> int:
    return len(list(folder.glob("*.json")))


def test_whoever_is_asked_adds_up_what_all_have_counted(tmp_path: Path) -> None:
    async def story() -> None:
        workers = [sheets(tmp_path, answers=n, waiting=n) for n in (1, 2, 4)]
        for worker in workers:
            await share(worker, tmp_path)
        for worker in workers:
            assert await worker.total() == ({("answers", "2xx"): 7}, {"queue_items": 7}, 3)

    asyncio.run(story())


def test_what_a_worker_that_ended_has_counted_still_counts_and_what_waited_in_it_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it could say so or was killed: sums must not fall."""

    async def story() -> None:
        own, ended, killed = (sheets(tmp_path, answers=n, waiting=n) for n in (1, 2, 4))
        ended.write_last()
        await share(killed, tmp_path)
        assert await own.total() == ({("answers", "2xx"): 7}, {"queue_items": 5}, 2)
        later = clock.now_ms() + STALE_MS
        monkeypatch.setattr(clock, "now_ms", lambda: later)
        assert await own.total() == ({("answers", "2xx"): 7}, {"queue_items": 1}, 1)

    asyncio.run(story())


def test_a_process_without_others_writes_nothing() -> None:
    async def story() -> None:
        own = sheets(None, answers=1)
        await own.write_for_ever()
        own.write_last()
        assert await own.total() == ({("answers", "2xx"): 1}, {"queue_items": 0}, 1)

    asyncio.run(story())


def test_a_folder_that_cannot_be_written_is_said_and_costs_nobody_anything(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sheets(tmp_path / "gone", answers=1).write_last()
    assert "numbers not shared" in caplog.text
