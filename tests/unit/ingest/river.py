"""An intake over a database in memory, with the writer's own thread and transactions."""

import contextlib
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable

from gateway.ingest.intake import Intake
from gateway.ingest.tally import Tally
from gateway.settings import Limits
from gateway.store.writer import Writer
from tests.unit.builders import ACCOUNT_ID, LIST_ID, NOW_MS

Read = Callable[[str], Awaitable[list[tuple[object, ...]]]]


@contextlib.asynccontextmanager
async def river(*, commit: int = 100) -> AsyncIterator[tuple[Intake, Read]]:
    """The intake of a fresh gateway with one list, and a way to look into its tables."""
    writer = Writer(":memory:", queue_items_max=1_000, commit_items_max=commit)

    async def read(query: str) -> list[tuple[object, ...]]:
        return await writer.write(lambda db: [tuple(row) for row in db.execute(query)])

    try:
        await writer.write(furnish)
        yield Intake(writer, Limits(), Tally()), read
    finally:
        writer.close()


def furnish(db: sqlite3.Connection) -> None:
    db.execute("insert into accounts values (?, 'o', 'o', 'no password', ?)", (ACCOUNT_ID, NOW_MS))
    db.execute(
        "insert into lists (id, account_id, name, allowed_origins, created_at_ms)"
        " values (?, ?, 'A list', '[]', ?)",
        (LIST_ID, ACCOUNT_ID, NOW_MS),
    )


TABLES = ("visitors", "subscribers", "event_names", "contexts", "events", "catalog", "lists")


async def contents(read: Read) -> dict[str, list[tuple[object, ...]]]:
    """Everything that is in the tables."""
    return {table: await read(f"select * from {table} order by 1, 2") for table in TABLES}
