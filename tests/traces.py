"""Where in a database something of a person is to be found: every column of every table is read."""

import sqlite3
import uuid as uuids


def of(db: sqlite3.Connection, *needles: str | uuids.UUID) -> set[str]:
    """`table.column` of every cell that holds one of these: texts in any case, uuids as text, hex
    and bytes."""
    texts, blobs = _spelled(needles)
    found = set()
    tables = [row[0] for row in db.execute("select name from sqlite_master where type = 'table'")]
    for table in tables:
        for row in db.execute(f'select * from "{table}"'):
            for column, value in zip(row.keys(), row, strict=True):
                if isinstance(value, str) and any(text in value.casefold() for text in texts):
                    found.add(f"{table}.{column}")
                if isinstance(value, bytes) and any(blob in value for blob in blobs):
                    found.add(f"{table}.{column}")
    return found


def _spelled(needles: tuple[str | uuids.UUID, ...]) -> tuple[list[str], list[bytes]]:
    texts, blobs = [], []
    for needle in needles:
        if isinstance(needle, uuids.UUID):
            texts += [str(needle), needle.hex]
            blobs += [needle.bytes, str(needle).encode(), needle.hex.encode()]
        else:
            escaped = needle.casefold().replace("@", "%40")
            texts += [needle.casefold(), escaped]
            blobs += [needle.encode(), needle.casefold().encode()]
    return texts, blobs
