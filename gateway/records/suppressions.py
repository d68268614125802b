"""Whom we were told to forget: erased addresses and browsers, as digests. Writes `suppressions`."""

import hashlib
import sqlite3

from gateway.errors import GatewayError


class Erased(GatewayError):
    """An event or a call would bring back somebody who was erased from the list."""

    status = 422

    def __init__(self) -> None:
        super().__init__("This person was erased from the list.")


def add(db: sqlite3.Connection, list_id: int, digest: bytes, now_ms: int) -> None:
    db.execute(
        """insert into suppressions (list_id, digest, created_at_ms)
           values (:list_id, :digest, :now_ms) on conflict do nothing""",
        {"list_id": list_id, "digest": digest, "now_ms": now_ms},
    )


def check(db: sqlite3.Connection, list_id: int, digest: bytes) -> None:
    """Raises Erased. Asked before a visitor or subscriber is made: who is there was not erased."""
    if holds(db, list_id, digest):
        raise Erased()


def holds(db: sqlite3.Connection, list_id: int, digest: bytes) -> bool:
    row = db.execute(
        "select 1 from suppressions where list_id = :list_id and digest = :digest",
        {"list_id": list_id, "digest": digest},
    )
    return row.fetchone() is not None


def email_digest(email: str) -> bytes:
    """Of an address, without regard to case."""
    return hashlib.sha256(b"email:" + email.casefold().encode()).digest()


def visitor_digest(uuid: bytes) -> bytes:
    return hashlib.sha256(b"visitor:" + uuid).digest()


def external_id_digest(external_id: str) -> bytes:
    return hashlib.sha256(b"id:" + external_id.encode()).digest()
