"""Figures are counted while the gateway runs, whoever asks for them, and events do not wait."""

import contextlib
from pathlib import Path

import pytest

from gateway import clock
from gateway.events.days import day_of
from gateway.records import figures, lists, overview
from gateway.store.database import connect, open_database, transaction
from gateway.workers import janitor, periodic
from tests.support import RunningGateway, Tracked, running_gateway, until


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """One that looks often, and counts however few events wait."""
    monkeypatch.setattr(periodic, "LOOK_S", 0.05)
    monkeypatch.setattr(janitor, "FOLD_S", 0.05)
    monkeypatch.setattr(figures, "FOLD_LEAST", 1)
    with running_gateway(tmp_path, rate_limits=False) as running:
        yield running


def ask(gateway: RunningGateway, question: str) -> int:
    with contextlib.closing(connect(gateway.settings.db, read_only=True)) as db:
        return int(db.execute(question).fetchone()[0])


def events_today(gateway: RunningGateway, tracked: Tracked) -> int:
    with contextlib.closing(connect(gateway.settings.db, read_only=True)) as db:
        db.execute("begin")  # one snapshot, as readers have
        found = lists.get(db, tracked.list_id)
        assert found
        today = day_of(clock.now_ms(), found.time_zone)
        return overview.of_days(db, found, range(today - 1, today + 1)).now.events


def test_events_are_counted_and_what_is_deleted_is_counted_no_more(
    gateway: RunningGateway,
) -> None:
    """At every moment the answer is the number of events that are there."""
    tracked = gateway.new_list()
    for number in range(1, 4):
        gateway.beacon(tracked, *({"event": "pageView"} for _ in range(50)))
        assert events_today(gateway, tracked) == 50 * number
    until(lambda: ask(gateway, "select event_id from figures_upto") == 150)
    assert events_today(gateway, tracked) == 150
    with contextlib.closing(open_database(gateway.settings.db)) as db, transaction(db):
        db.execute("delete from events where id <= 30")
    until(lambda: events_today(gateway, tracked) == 120)
    assert ask(gateway, "select count(*) from figures_stale") == 0
