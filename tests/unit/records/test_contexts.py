"""Contexts go once no event uses them, whoever writes meanwhile."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.records import contexts, event_log, lists, retention
from gateway.store.database import connect, open_database, transaction
from gateway.store.upkeep import Upkeep
from tests.unit.records.shop import DAY_MS, NOON_MS, Shop

NOW_MS = NOON_MS + 100 * DAY_MS


class House:
    """A shop in a file, with the two connections a sweep is given."""

    def __init__(self, path: Path) -> None:
        self.db = open_database(path)
        self.shop = Shop(self.db)
        self.upkeep = Upkeep(path)
        self._reader = connect(path, read_only=True)

    def sweep(self) -> int:
        return asyncio.run(contexts.sweep(self.read, self.upkeep.run))

    async def read(self, fn):
        return fn(self._reader)

    def pages(self) -> set[str]:
        """The paths of the pages that are kept."""
        rows = self.db.execute(
            """select json_extract(properties, '$."$pathname"') as path from contexts
               where path is not null"""
        )
        return {row["path"] for row in rows}

    def forget_all(self) -> None:
        with transaction(self.db):
            retention.keep(self.db, self.shop.list_id, "page view", 1)
            for name_id in retention.names_past(self.db, NOW_MS):
                retention.remove_some(self.db, name_id, NOW_MS, 1_000_000)

    def close(self) -> None:
        self.upkeep.close()
        self._reader.close()
        self.db.close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with contextlib.closing(House(tmp_path / "gateway.db")) as house:
        yield house


def test_those_in_use_stay_and_the_others_go(house: House) -> None:
    for path in ("/old", "/both"):
        house.shop.view(house.shop.browser(), path)
    house.forget_all()
    for path in ("/both", "/new"):
        house.shop.view(house.shop.browser(), path, at_ms=NOW_MS)
    assert house.pages() == {"/old", "/both", "/new"}
    assert house.sweep() == 1
    assert house.pages() == {"/both", "/new"}
    assert house.db.execute("pragma foreign_key_check").fetchall() == []
    shown = [e.properties["$pathname"] for e in event_log.each(house.db, house.shop.list_id)]
    assert shown == ["/both", "/new"]


def test_nothing_is_left_where_nothing_is_used(house: House) -> None:
    for number in range(3):
        house.shop.view(house.shop.browser(), f"/{number}")
    house.forget_all()
    house.sweep()
    assert house.db.execute("select count(*) from contexts").fetchone()[0] == 0
    assert house.sweep() == 0


@pytest.mark.parametrize(("events", "rows"), [(1, 1), (2, 3), (7, 2), (1000, 1000)])
def test_however_the_pages_fall(
    house: House, monkeypatch: pytest.MonkeyPatch, events: int, rows: int
) -> None:
    monkeypatch.setattr(contexts, "EVENTS", events)
    monkeypatch.setattr(contexts, "ROWS", rows)
    for number in range(9):
        house.shop.view(house.shop.browser(), f"/{number}")
    house.forget_all()
    for number in range(0, 9, 2):
        house.shop.view(house.shop.browser(), f"/{number}", at_ms=NOW_MS)
    house.sweep()
    assert house.pages() == {f"/{number}" for number in range(0, 9, 2)}
    assert house.db.execute("pragma foreign_key_check").fetchall() == []


def test_one_that_is_used_again_while_it_is_being_swept_stays(house: House) -> None:
    """At any moment: before each transaction that deletes, an event of one more page comes in."""
    pages = [f"/{number}" for number in range(6)]
    for page in pages:
        house.shop.view(house.shop.browser(), page)
    house.forget_all()
    back = iter(pages[::2])

    async def run(fn):
        with transaction(house.db):
            house.shop.view(house.shop.browser(), next(back, "/none"), at_ms=NOW_MS)
        return await house.upkeep.run(fn)

    asyncio.run(contexts.sweep(house.read, run))
    used = {e.properties["$pathname"] for e in event_log.each(house.db, house.shop.list_id)}
    assert "/0" in used
    assert used <= house.pages()
    assert house.db.execute("pragma foreign_key_check").fetchall() == []


def test_one_that_came_after_the_sweep_began_is_not_looked_at(house: House) -> None:
    house.shop.view(house.shop.browser(), "/old")
    house.forget_all()
    newer = sqlite3.connect(house.upkeep._log.with_name("gateway.db"), isolation_level=None)

    async def run(fn):
        newer.execute(
            "insert into contexts (digest, properties) values (x'01', '{\"$pathname\": \"/new\"}')"
        )
        newer.close()
        return await house.upkeep.run(fn)

    asyncio.run(contexts.sweep(house.read, run))
    assert house.pages() == {"/new"}


class TestWhetherThereIsAnythingToLookFor:
    def test_not_where_nothing_was_ever_taken_away(
        self, db: sqlite3.Connection, shop: Shop
    ) -> None:
        shop.view(shop.browser())
        assert not contexts.may_be_unused(db)

    def test_where_events_have_a_time(self, db: sqlite3.Connection, shop: Shop) -> None:
        retention.keep(db, shop.list_id, "page view", 30)
        assert contexts.may_be_unused(db)

    def test_where_a_list_was_deleted(self, db: sqlite3.Connection, shop: Shop) -> None:
        lists.bury(db, shop.list_id, NOW_MS)
        assert contexts.may_be_unused(db)
        db.execute("delete from lists where id = ?", (shop.list_id,))
        assert contexts.may_be_unused(db)
