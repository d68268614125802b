import hashlib
import sqlite3

import pytest

from gateway.records import accounts, keys
from tests.unit.builders import ACCOUNT_ID, NOW_MS


@pytest.fixture
def other_account(db: sqlite3.Connection) -> int:
    return accounts.create(db, "other@example.com", "another password", NOW_MS).id


def test_a_key_speaks_for_its_account(db: sqlite3.Connection) -> None:
    key, text = keys.create(db, ACCOUNT_ID, "import", NOW_MS)
    assert keys.find(db, text) == key
    assert (key.account_id, key.note, key.hint) == (ACCOUNT_ID, "import", text[-4:])


def test_a_key_is_shown_once_and_kept_as_its_digest_only(db: sqlite3.Connection) -> None:
    """Whoever reads the file cannot call."""
    _, text = keys.create(db, ACCOUNT_ID, "", NOW_MS)
    assert not any(text in line for line in db.iterdump())
    kept = db.execute("select digest from api_keys").fetchone()["digest"]
    assert kept == hashlib.sha256(text.encode()).digest()


def test_no_two_keys_are_alike_and_none_can_be_guessed(db: sqlite3.Connection) -> None:
    texts = {keys.create(db, ACCOUNT_ID, "", NOW_MS)[1] for _ in range(20)}
    assert len(texts) == 20
    assert all(len(text) >= 43 for text in texts)


@pytest.mark.parametrize("text", ["", "gw_", "x" * 1_000, "é", "\ud800", "\0"])
def test_what_is_no_key_opens_nothing(db: sqlite3.Connection, text: str) -> None:
    keys.create(db, ACCOUNT_ID, "", NOW_MS)
    assert keys.find(db, text) is None


def test_a_key_in_another_case_opens_nothing(db: sqlite3.Connection) -> None:
    _, text = keys.create(db, ACCOUNT_ID, "", NOW_MS)
    assert keys.find(db, text.swapcase()) is None


def test_a_revoked_key_opens_nothing_and_the_others_still_do(db: sqlite3.Connection) -> None:
    (revoked, revoked_text), (kept, kept_text) = (
        keys.create(db, ACCOUNT_ID, "", NOW_MS) for _ in range(2)
    )
    assert keys.revoke(db, ACCOUNT_ID, revoked.id, NOW_MS + 1)
    assert keys.find(db, revoked_text) is None
    assert keys.find(db, kept_text) == kept
    [first, second] = keys.of_account(db, ACCOUNT_ID)
    assert (first.revoked_at_ms, second.revoked_at_ms) == (NOW_MS + 1, None)


def test_a_key_is_revoked_once(db: sqlite3.Connection) -> None:
    key, _ = keys.create(db, ACCOUNT_ID, "", NOW_MS)
    assert keys.revoke(db, ACCOUNT_ID, key.id, NOW_MS)
    assert not keys.revoke(db, ACCOUNT_ID, key.id, NOW_MS + 1)
    assert not keys.revoke(db, ACCOUNT_ID, 999, NOW_MS)


def test_another_account_cannot_revoke_or_see_it(
    db: sqlite3.Connection, other_account: int
) -> None:
    key, text = keys.create(db, ACCOUNT_ID, "", NOW_MS)
    assert not keys.revoke(db, other_account, key.id, NOW_MS)
    assert keys.find(db, text) == key
    assert keys.of_account(db, other_account) == []
