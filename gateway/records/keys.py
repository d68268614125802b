"""API keys: 256 random bits, shown once, kept as a digest. Writes the table `api_keys`.

A digest without salt or stretching is enough for a secret nobody can guess, and lets one
indexed read find the key.
"""

import hashlib
import ipaddress
import secrets
import sqlite3
from dataclasses import dataclass

SCOPES = ("read", "write", "admin")
"""What a key may do, each with what stands before it: read what is there; send events and change
people; change lists, keys and journeys, see secrets, export and erase people."""

PREFIX = "gw_"
HINT_CHARS = 4


@dataclass(frozen=True, slots=True)
class ApiKey:
    id: int
    account_id: int
    note: str
    hint: str
    created_at_ms: int
    revoked_at_ms: int | None
    bound_address: str
    last_used_at_ms: int | None
    last_used_address: str
    requests: int
    scope: str

    def may(self, scope: str) -> bool:
        """Whether it reaches as far as this scope."""
        return SCOPES.index(self.scope) >= SCOPES.index(scope)

    def opens_from(self, address: str) -> bool:
        """Whether it may be used from there; one that is bound to no address may from anywhere."""
        if not self.bound_address:
            return True
        try:
            network = ipaddress.ip_network(self.bound_address, strict=False)
            return ipaddress.ip_address(address) in network
        except ValueError:
            return False


def create(
    db: sqlite3.Connection,
    account_id: int,
    note: str,
    now_ms: int,
    bound_address: str = "",
    *,
    scope: str = "admin",
) -> tuple[ApiKey, str]:
    """A new key and its text, which cannot be had again."""
    text = PREFIX + secrets.token_urlsafe(32)
    row = db.execute(
        """insert into api_keys (account_id, note, digest, hint, created_at_ms, bound_address,
               scope)
           values (:account_id, :note, :digest, :hint, :now_ms, :bound_address, :scope)
           returning *""",
        {
            "account_id": account_id,
            "note": note,
            "digest": _digest(text),
            "hint": text[-HINT_CHARS:],
            "now_ms": now_ms,
            "bound_address": bound_address,
            "scope": scope,
        },
    ).fetchone()
    return _key(row), text


def find(db: sqlite3.Connection, text: str) -> ApiKey | None:
    """The key this text opens, unless it is revoked."""
    row = db.execute(
        "select * from api_keys where digest = :digest and revoked_at_ms is null",
        {"digest": _digest(text)},
    ).fetchone()
    return _key(row) if row else None


def is_open(db: sqlite3.Connection, key_id: int) -> bool:
    """Whether there is such a key that is not revoked."""
    row = db.execute("select 1 from api_keys where id = ? and revoked_at_ms is null", (key_id,))
    return row.fetchone() is not None


def of_account(db: sqlite3.Connection, account_id: int) -> list[ApiKey]:
    rows = db.execute(
        "select * from api_keys where account_id = :account_id order by id",
        {"account_id": account_id},
    )
    return [_key(row) for row in rows]


def revoke(db: sqlite3.Connection, account_id: int, key_id: int, now_ms: int) -> bool:
    """Whether there was such a key to revoke."""
    changed = db.execute(
        """update api_keys set revoked_at_ms = :now_ms
           where id = :id and account_id = :account_id and revoked_at_ms is null""",
        {"id": key_id, "account_id": account_id, "now_ms": now_ms},
    )
    return changed.rowcount == 1


def note_use(db: sqlite3.Connection, key_id: int, requests: int, address: str, now_ms: int) -> None:
    """That a key was used so often since last told, and from where last."""
    db.execute(
        """update api_keys set requests = requests + :requests, last_used_at_ms = :now_ms,
               last_used_address = :address where id = :id""",
        {"id": key_id, "requests": requests, "address": address, "now_ms": now_ms},
    )


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode(errors="replace")).digest()


def _key(row: sqlite3.Row) -> ApiKey:
    return ApiKey(
        row["id"],
        row["account_id"],
        row["note"],
        row["hint"],
        row["created_at_ms"],
        row["revoked_at_ms"],
        row["bound_address"],
        row["last_used_at_ms"],
        row["last_used_address"],
        row["requests"],
        row["scope"],
    )
