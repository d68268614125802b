"""The process that fetches pages is there for as long as it is needed, and never waited for."""

import asyncio
import shutil

import pytest

from gateway.workers import fetcher
from gateway.workers.fetcher import Fetcher
from gateway.workers.frames import Fetched, Wanted

INSIDE = Wanted("http://10.0.0.1/", ("text/html",))


async def fetched(*wanted: Wanted) -> list[Fetched]:
    async with Fetcher(()).fetching() as fetch:
        return [await fetch(each) for each in wanted]


def test_one_process_fetches_one_address_after_the_other() -> None:
    """Under the same guard, whichever it is."""
    found = asyncio.run(fetched(INSIDE, Wanted("http://[::1]/", ())))
    assert [each.url for each in found] == ["http://10.0.0.1/", "http://[::1]/"]
    assert all("private" in each.fault for each in found)


def test_a_process_that_ends_by_itself_is_answered_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A strange page may have done it."""
    monkeypatch.setattr(fetcher.sys, "executable", shutil.which("true"))
    [found] = asyncio.run(fetched(INSIDE))
    assert found == Fetched(INSIDE.url, fault="no answer that can be read")


def test_one_that_does_not_come_back_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """And killed: one that reads a page for ever holds nobody up."""
    monkeypatch.setattr(fetcher, "START_S", -fetcher.TIMEOUT_S + 0.01)
    [found] = asyncio.run(fetched(INSIDE))
    assert found == Fetched(INSIDE.url, fault="no answer in time")
