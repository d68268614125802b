"""A duty is one process's at a time, and nobody's for long when that one dies."""

import sqlite3

import pytest

from gateway.records import duties

HOUR_MS = 3_600_000
NOW_MS = 1_770_000_000_000


def claim(db: sqlite3.Connection, holder: str, now_ms: int = NOW_MS, name: str = "sweep") -> bool:
    return duties.claim(db, name, holder, now_ms, HOUR_MS)


def test_what_was_never_done_is_due_and_goes_to_one(db: sqlite3.Connection) -> None:
    assert duties.is_due(db, "sweep", NOW_MS, HOUR_MS)
    assert claim(db, "one")
    assert not claim(db, "other")
    assert not duties.is_due(db, "sweep", NOW_MS, HOUR_MS)


def test_another_duty_is_another_matter(db: sqlite3.Connection) -> None:
    assert claim(db, "one")
    assert claim(db, "other", name="mop")


def test_done_it_is_due_again_when_its_time_has_come(db: sqlite3.Connection) -> None:
    claim(db, "one")
    duties.release(db, "sweep", "one", NOW_MS)
    assert not claim(db, "other", NOW_MS + HOUR_MS - 1)
    assert claim(db, "other", NOW_MS + HOUR_MS)


def test_left_undone_it_is_due_at_once(db: sqlite3.Connection) -> None:
    claim(db, "one")
    duties.release(db, "sweep", "one", None)
    assert claim(db, "other")


def test_left_undone_it_is_no_sooner_due_than_it_was(db: sqlite3.Connection) -> None:
    claim(db, "one")
    duties.release(db, "sweep", "one", NOW_MS)
    claim(db, "one", NOW_MS + HOUR_MS)
    duties.release(db, "sweep", "one", None)
    assert claim(db, "other", NOW_MS + HOUR_MS)


def test_a_holder_that_says_nothing_loses_it(db: sqlite3.Connection) -> None:
    claim(db, "one")
    assert not claim(db, "other", NOW_MS + duties.LEASE_MS - 1)
    assert claim(db, "other", NOW_MS + duties.LEASE_MS)
    assert not duties.renew(db, "sweep", "one", NOW_MS + duties.LEASE_MS)


def test_a_holder_that_says_so_keeps_it(db: sqlite3.Connection) -> None:
    claim(db, "one")
    assert duties.renew(db, "sweep", "one", NOW_MS + 20_000)
    assert not claim(db, "other", NOW_MS + duties.LEASE_MS)


def test_who_lost_it_cannot_give_it_back(db: sqlite3.Connection) -> None:
    claim(db, "one")
    claim(db, "other", NOW_MS + duties.LEASE_MS)
    duties.release(db, "sweep", "one", NOW_MS)
    assert not claim(db, "third", NOW_MS + duties.LEASE_MS + 1)


@pytest.mark.parametrize("done", [True, False])
def test_a_clock_that_was_set_back_puts_nothing_off(db: sqlite3.Connection, done: bool) -> None:
    later = NOW_MS + 1000 * HOUR_MS
    claim(db, "one", later)
    if done:
        duties.release(db, "sweep", "one", later)
    assert claim(db, "other", NOW_MS)
