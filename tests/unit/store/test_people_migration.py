"""From the first schema to that of people: nobody is lost, and no id is given out twice."""

import contextlib
import sqlite3

import pytest

from gateway.records import people
from gateway.store.database import connect
from gateway.store.migrations import SCHEMA, migrate, statements


@pytest.fixture
def first():
    """A database of the first schema: five subscribers with a browser each."""
    with contextlib.closing(connect(":memory:")) as db:
        for statement in statements((SCHEMA / "0001_first.sql").read_text()):
            db.execute(statement)
        db.execute("insert into accounts values (1, 'o@example.com', 'o@example.com', 'x', 1)")
        db.execute("insert into lists values (1, 1, 'A list', '[]', 0, 0, 1)")
        for number in range(1, 6):
            email = f"Reader{number}@example.com"
            db.execute(
                "insert into subscribers values (?, 1, ?, ?, ?, ?)",
                (number, email, email.casefold(), f"crm-{number}", number),
            )
            db.execute(
                "insert into visitors values (?, 1, ?, ?, null, 1)",
                (number, bytes([number]) * 16, number),
            )
        # As `migrate` leaves it that has applied the first file.
        db.execute(
            """create table _sqlite_migrations
               (id integer primary key, migration_set text, name text, applied_at text)"""
        )
        db.execute(
            """insert into _sqlite_migrations (migration_set, name, applied_at)
               values ('gateway', '0001_first', '2026-01-01')"""
        )
        yield db


def test_subscribers_keep_everything_and_their_browsers(first):
    migrate(first)
    assert first.execute("pragma foreign_key_check").fetchall() == []
    for number in range(1, 6):
        reader = people.subscriber(first, number)
        assert (reader.email, reader.external_id) == (
            f"Reader{number}@example.com",
            f"crm-{number}",
        )
        visitor = people.find_visitor(first, 1, bytes([number]) * 16)
        assert (visitor.subscriber_id, visitor.bound_by) == (number, 1)


def test_the_id_of_a_subscriber_never_comes_back(first):
    migrate(first)
    first.execute("delete from visitors where id = 5")
    first.execute("delete from subscribers where id = 5")
    assert people.subscribe(first, 1, "new@example.com", 1).id == 6


def test_a_visitor_still_points_to_somebody_or_nobody(first):
    migrate(first)
    with pytest.raises(sqlite3.IntegrityError):
        first.execute("update visitors set subscriber_id = 99")
