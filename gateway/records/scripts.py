"""Every version of the tracker that was ever served, so that a snippet works for as long as its
page exists. Writes the table `scripts`.
"""

import sqlite3
from collections.abc import Mapping


def keep(db: sqlite3.Connection, bodies: Mapping[str, bytes]) -> None:
    """Remember what these versions are, if that is news."""
    db.executemany(
        "insert into scripts (version, body) values (:version, :body) on conflict do nothing",
        [{"version": version, "body": body} for version, body in bodies.items()],
    )


def find(db: sqlite3.Connection, version: str) -> bytes | None:
    row = db.execute(
        "select body from scripts where version = :version", {"version": version}
    ).fetchone()
    return bytes(row["body"]) if row else None
