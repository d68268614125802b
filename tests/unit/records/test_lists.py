import sqlite3

import pytest

from gateway.errors import Refused
from gateway.records import accounts, lists
from tests.unit.builders import ACCOUNT_ID, LIST_ID, NOW_MS


def test_a_list_belongs_to_one_account(db: sqlite3.Connection) -> None:
    """To another it is as if it did not exist."""
    other = accounts.create(db, "other@example.com", "another password", NOW_MS)
    theirs = lists.create(db, other.id, "Theirs", (), NOW_MS)
    assert lists.owned(db, theirs.id, other.id) == theirs
    assert lists.owned(db, theirs.id, ACCOUNT_ID) is None
    assert lists.owned(db, 999, ACCOUNT_ID) is None
    assert [each.id for each in lists.of_account(db, ACCOUNT_ID)] == [LIST_ID]


def test_a_list_is_read_as_it_was_made(db: sqlite3.Connection) -> None:
    made = lists.create(db, ACCOUNT_ID, "Café", ("https://Shop.example/",), NOW_MS)
    assert lists.get(db, made.id) == made
    assert (made.name, made.allowed_origins) == ("Café", ("https://shop.example",))


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://shop.example", "https://shop.example"),
        (" HTTPS://Shop.Example/ ", "https://shop.example"),
        ("http://127.0.0.1:8001", "http://127.0.0.1:8001"),
        ("http://[::1]:8001", "http://[::1]:8001"),
    ],
)
def test_an_origin_is_kept_as_browsers_spell_it(text: str, origin: str) -> None:
    assert lists.origin_of(text) == origin


NO_ORIGINS = [
    "", "shop.example", "//shop.example", "ftp://shop.example", "https://", "null", "*",
    "https://shop.example/page",
]  # fmt: skip


@pytest.mark.parametrize("text", NO_ORIGINS)
def test_what_is_no_origin_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(Refused, match=r"write it as https://shop\.example"):
        lists.origin_of(text)
