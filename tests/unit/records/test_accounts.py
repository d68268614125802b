import sqlite3

import pytest

from gateway.errors import Refused
from gateway.records import accounts
from tests.unit.builders import ACCOUNT_ID, NOW_MS

PASSWORD = "correct horse battery"  # of `owner@example.com`, the account tests begin with


def test_the_right_password_opens_the_account_however_the_address_is_cased(
    db: sqlite3.Connection,
) -> None:
    account = accounts.sign_in(db, "Owner@Example.COM", PASSWORD)
    assert account
    assert (account.id, account.email) == (ACCOUNT_ID, "owner@example.com")


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("owner@example.com", ""),
        ("owner@example.com", PASSWORD.upper()),
        ("nobody@example.com", PASSWORD),
        ("nobody@example.com", "nobody"),
        ("", ""),
    ],
)
def test_nothing_else_opens_it(db: sqlite3.Connection, email: str, password: str) -> None:
    assert accounts.sign_in(db, email, password) is None


def test_the_password_is_kept_as_a_slow_hash_only(db: sqlite3.Connection) -> None:
    account = accounts.get(db, ACCOUNT_ID)
    assert account
    assert account.password_hash.startswith("$argon2id$")
    assert not any(PASSWORD in line for line in db.iterdump())


def test_an_address_has_one_account(db: sqlite3.Connection) -> None:
    with pytest.raises(Refused, match=r"OWNER@example\.com already"):
        accounts.create(db, "OWNER@example.com", "another", NOW_MS)


def test_a_fingerprint_changes_with_the_password(db: sqlite3.Connection) -> None:
    """So that a session opened with the old one ends."""
    one = accounts.create(db, "a@example.com", PASSWORD, NOW_MS)
    other = accounts.create(db, "b@example.com", PASSWORD, NOW_MS)
    assert accounts.get(db, one.id) == one
    assert one.password_fingerprint != other.password_fingerprint


def test_the_only_account_needs_no_name(db: sqlite3.Connection) -> None:
    only = accounts.only(db)
    assert only is not None
    assert only.id == ACCOUNT_ID
    accounts.create(db, "second@example.com", PASSWORD, NOW_MS)
    assert accounts.only(db) is None
