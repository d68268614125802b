"""Unit tests begin with one account that owns one list; property tests do the same every time."""

import sqlite3
from collections.abc import Iterator

import hypothesis
import pytest

from gateway.records import accounts, lists
from gateway.store.database import open_database
from tests.unit.builders import ACCOUNT_ID, LIST_ID, NOW_MS

hypothesis.settings.register_profile("gateway", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("gateway")


@pytest.fixture(scope="session")
def template() -> Iterator[sqlite3.Connection]:
    """A database with one account and one list (`ACCOUNT_ID`, `LIST_ID`), to copy from."""
    connection = open_database(":memory:")
    account = accounts.create(connection, "owner@example.com", "correct horse battery", NOW_MS)
    made = lists.create(connection, account.id, "A list", (), NOW_MS)
    assert (account.id, made.id) == (ACCOUNT_ID, LIST_ID)
    yield connection
    connection.close()
