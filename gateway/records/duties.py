"""Who does what at our own pace: of several server processes one at a time. Writes `duties`.

A duty is claimed on a lease, which its holder renews while it works. One that dies leaves the
lease to run out, and the next process goes on.
"""

import sqlite3

LEASE_MS = 30_000


def is_due(db: sqlite3.Connection, name: str, now_ms: int, every_ms: int) -> bool:
    """Whether it is time, and nobody is at it."""
    row = db.execute("select * from duties where name = :name", {"name": name}).fetchone()
    if row is None:
        return True
    # A clock that was set back must not put off what was done "in the future".
    done_lately = now_ms - every_ms < row["done_at_ms"] <= now_ms
    held = now_ms < row["held_until_ms"] <= now_ms + LEASE_MS
    return not done_lately and not held


def claim(db: sqlite3.Connection, name: str, holder: str, now_ms: int, every_ms: int) -> bool:
    """Take a duty that is due. False when another process was faster."""
    if not is_due(db, name, now_ms, every_ms):
        return False
    db.execute(
        """insert into duties (name, holder, held_until_ms, done_at_ms)
           values (:name, :holder, :held_until_ms, 0)
           on conflict (name) do update
           set holder = excluded.holder, held_until_ms = excluded.held_until_ms""",
        {"name": name, "holder": holder, "held_until_ms": now_ms + LEASE_MS},
    )
    return True


def renew(db: sqlite3.Connection, name: str, holder: str, now_ms: int) -> bool:
    """Go on holding it. False when the lease ran out and another process has it."""
    changed = db.execute(
        "update duties set held_until_ms = :held_until_ms where name = :name and holder = :holder",
        {"name": name, "holder": holder, "held_until_ms": now_ms + LEASE_MS},
    )
    return changed.rowcount == 1


def release(db: sqlite3.Connection, name: str, holder: str, done_at_ms: int | None) -> None:
    """Let go of it: done at this instant, or, with None, for another process to begin anew."""
    db.execute(
        """update duties set held_until_ms = 0, done_at_ms = coalesce(:done_at_ms, done_at_ms)
           where name = :name and holder = :holder""",
        {"name": name, "holder": holder, "done_at_ms": done_at_ms},
    )
