"""A shop to happen in."""

import sqlite3

import pytest

from tests.unit.records.shop import Shop


@pytest.fixture
def shop(db: sqlite3.Connection) -> Shop:
    return Shop(db)
