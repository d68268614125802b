"""Who is signed in to the console. A session is 256 random bits in a cookie, kept as a digest; it
ends by its row being deleted, by its time, or with the password it was opened with. Writes the
table `sessions`.
"""

import hashlib
import secrets
import sqlite3
from dataclasses import dataclass

AGENT_CHARS = 300  # what is kept of an agent, to tell one's sessions apart


@dataclass(frozen=True, slots=True)
class SignedIn:
    """One session of an account. `agent` and `address` are those it was opened from."""

    id: int
    account_id: int
    fingerprint: str
    agent: str
    address: str
    created_at_ms: int
    seen_at_ms: int
    expires_at_ms: int


def open_session(
    db: sqlite3.Connection,
    account_id: int,
    fingerprint: str,
    *,
    agent: str,
    address: str,
    now_ms: int,
    lasts_ms: int,
) -> str:
    """The text that opens it, which cannot be had again. Those whose time is over are removed."""
    text = secrets.token_urlsafe(32)
    db.execute("delete from sessions where expires_at_ms <= :now_ms", {"now_ms": now_ms})
    db.execute(
        """insert into sessions (account_id, digest, fingerprint, agent, address, created_at_ms,
               seen_at_ms, expires_at_ms)
           values (:account_id, :digest, :fingerprint, :agent, :address, :now_ms, :now_ms,
               :expires_at_ms)""",
        {
            "account_id": account_id,
            "digest": _digest(text),
            "fingerprint": fingerprint,
            "agent": agent[:AGENT_CHARS],
            "address": address,
            "now_ms": now_ms,
            "expires_at_ms": now_ms + lasts_ms,
        },
    )
    return text


def find(db: sqlite3.Connection, text: str, now_ms: int) -> SignedIn | None:
    """The session this text opens, unless its time is over."""
    row = db.execute(
        "select * from sessions where digest = :digest and expires_at_ms > :now_ms",
        {"digest": _digest(text), "now_ms": now_ms},
    ).fetchone()
    return _session(row) if row else None


def of_account(db: sqlite3.Connection, account_id: int, now_ms: int) -> list[SignedIn]:
    """Those that are open, the one last used first."""
    rows = db.execute(
        """select * from sessions where account_id = :account_id and expires_at_ms > :now_ms
           order by seen_at_ms desc, id desc""",
        {"account_id": account_id, "now_ms": now_ms},
    )
    return [_session(row) for row in rows]


def prolong(db: sqlite3.Connection, session_id: int, now_ms: int, lasts_ms: int) -> None:
    """It was used just now, so it lasts as long again."""
    db.execute(
        """update sessions set seen_at_ms = :now_ms, expires_at_ms = :expires_at_ms
           where id = :id""",
        {"id": session_id, "now_ms": now_ms, "expires_at_ms": now_ms + lasts_ms},
    )


def end(db: sqlite3.Connection, account_id: int, session_id: int) -> bool:
    """Whether there was such a session of the account."""
    deleted = db.execute(
        "delete from sessions where id = :id and account_id = :account_id",
        {"id": session_id, "account_id": account_id},
    )
    return deleted.rowcount == 1


def keep_only(db: sqlite3.Connection, account_id: int, session_id: int, fingerprint: str) -> None:
    """After the password was changed in this session: it goes on, all others of the account end."""
    db.execute(
        "delete from sessions where account_id = :account_id and id <> :id",
        {"account_id": account_id, "id": session_id},
    )
    db.execute(
        "update sessions set fingerprint = :fingerprint where id = :id",
        {"id": session_id, "fingerprint": fingerprint},
    )


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode(errors="replace")).digest()


def _session(row: sqlite3.Row) -> SignedIn:
    return SignedIn(
        row["id"],
        row["account_id"],
        row["fingerprint"],
        row["agent"],
        row["address"],
        row["created_at_ms"],
        row["seen_at_ms"],
        row["expires_at_ms"],
    )
