"""What was seen of events is counted in steps, each event once."""

import asyncio
import sqlite3
from collections.abc import Callable
from typing import TypeVar

from gateway.records import seen, sightings
from gateway.store.database import savepoint
from gateway.workers.counting import EVENTS_FIRST, count_all
from tests.unit.records.shop import Shop

T = TypeVar("T")


def test_all_events_are_counted_each_once(db: sqlite3.Connection) -> None:
    """Also those of a step that came to nothing, for others were counted meanwhile."""
    shop = Shop(db)
    browser = shop.browser()
    for number in range(2 * EVENTS_FIRST):
        shop.send("cart", browser, properties={"a": number})
    writes = 0

    async def read(fn: Callable[[sqlite3.Connection], T]) -> T:
        return fn(db)

    async def write(fn: Callable[[sqlite3.Connection], T]) -> T:
        nonlocal writes
        writes += 1
        if writes == 1:
            other = sightings.gather(db, 10)
            assert other
            assert sightings.add(db, other)
        with savepoint(db):
            return fn(db)

    assert asyncio.run(count_all(read, write)) == 2 * EVENTS_FIRST - 10
    [cart] = seen.events(db, shop.list_id, rows=9)[0]
    assert cart.count == 2 * EVENTS_FIRST
    assert writes > 2
    assert not sightings.is_behind(db)
