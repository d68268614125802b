"""Accounts: who owns lists and keys, and signs in. Writes the table `accounts`."""

import functools
import hashlib
import sqlite3
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from gateway.errors import Problem, Refused

_hasher = PasswordHasher()


@dataclass(frozen=True, slots=True)
class Account:
    id: int
    email: str
    password_hash: str
    created_at_ms: int

    @property
    def password_fingerprint(self) -> str:
        """Changes with the password, so that a session opened with an old one ends."""
        return hashlib.sha256(self.password_hash.encode()).hexdigest()[:16]


def create(db: sqlite3.Connection, email: str, password: str, now_ms: int) -> Account:
    """Raises Refused when the address has an account already."""
    row = db.execute(
        """insert into accounts (email, email_key, password_hash, created_at_ms)
           values (:email, :email_key, :password_hash, :now_ms)
           on conflict do nothing returning *""",
        {
            "email": email,
            "email_key": email.casefold(),
            "password_hash": _hasher.hash(password),
            "now_ms": now_ms,
        },
    ).fetchone()
    if row is None:
        raise Refused(Problem(1001, f"There is an account for {email} already."))
    return _account(row)


def get(db: sqlite3.Connection, account_id: int) -> Account | None:
    row = db.execute("select * from accounts where id = :id", {"id": account_id}).fetchone()
    return _account(row) if row else None


def find(db: sqlite3.Connection, email: str) -> Account | None:
    row = db.execute(
        "select * from accounts where email_key = :email_key", {"email_key": email.casefold()}
    ).fetchone()
    return _account(row) if row else None


def only(db: sqlite3.Connection) -> Account | None:
    """The account, when there is just one: the usual case on one's own machine."""
    rows = db.execute("select * from accounts limit 2").fetchall()
    return _account(rows[0]) if len(rows) == 1 else None


def sign_in(db: sqlite3.Connection, email: str, password: str) -> Account | None:
    """The account, if the password is its own. Takes as long for an address nobody has."""
    account = find(db, email)
    try:
        _hasher.verify(account.password_hash if account else _nobodys_hash(), password)
    except VerificationError:
        return None
    return account


def hashed(password: str) -> str:
    """What is kept of a password. Takes some 50 ms of a core, on purpose: not within a write."""
    return _hasher.hash(password)


def change_password(db: sqlite3.Connection, account_id: int, password_hash: str) -> Account:
    """The account as it is now. Sessions that were opened with the password before are over."""
    row = db.execute(
        "update accounts set password_hash = :password_hash where id = :id returning *",
        {"id": account_id, "password_hash": password_hash},
    ).fetchone()
    return _account(row)


@functools.cache
def _nobodys_hash() -> str:
    return _hasher.hash("nobody")


def _account(row: sqlite3.Row) -> Account:
    return Account(row["id"], row["email"], row["password_hash"], row["created_at_ms"])
