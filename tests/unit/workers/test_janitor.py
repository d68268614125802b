"""The house is kept in order while the gateway runs, and nobody's event is the worse for it."""

import contextlib
import threading
import uuid as uuids
from pathlib import Path

import pytest

from gateway import clock
from gateway.records import erasure, lists, people, retention
from gateway.records.rights import Person
from gateway.store.database import connect, open_database, transaction
from gateway.workers import janitor, periodic
from tests.support import RunningGateway, Tracked, running_gateway, until

DAY_MS = 86_400_000


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(periodic, "LOOK_S", 0.05)


@contextlib.contextmanager
def change(gateway: RunningGateway):
    with contextlib.closing(open_database(gateway.settings.db)) as db, transaction(db):
        yield db


def ask(gateway: RunningGateway, question: str) -> int:
    with contextlib.closing(connect(gateway.settings.db, read_only=True)) as db:
        return int(db.execute(question).fetchone()[0])


def add_old_events(gateway: RunningGateway, tracked: Tracked, events: int) -> None:
    """Page views of fifty days ago, one by a beacon of its own, the others its copies."""
    assert gateway.beacon(
        tracked, {"event": "pageView", "properties": {"url": "https://s.example/old"}}
    )
    with change(gateway) as db:
        db.execute("update events set happened_at_ms = happened_at_ms - ?", (50 * DAY_MS,))
        db.execute(
            """with recursive n (i) as (select 1 union all select i + 1 from n where i < :events)
               insert into events (list_id, unique_id, visitor_id, name_id, browser_id, page_id,
                   happened_at_ms, received_at_ms, door, silent, format, properties)
               select list_id, randomblob(16), visitor_id, name_id, browser_id, page_id,
                   happened_at_ms, received_at_ms, door, silent, format, properties
               from n, (select * from events limit 1)""",
            {"events": events - 1},
        )


@pytest.mark.slow
def test_events_past_their_time_go_while_others_come(tmp_path: Path) -> None:
    """And what nothing uses any more goes with them: a visitor, a page."""
    with running_gateway(tmp_path, rate_limits=False) as gateway:
        tracked = gateway.new_list()
        add_old_events(gateway, tracked, 5_000)
        done, sent = threading.Event(), []

        def send() -> None:
            while not done.is_set():
                event = {"event": "pageView", "properties": {"n": len(sent)}}
                answer = gateway.beacon(tracked, event).json()
                assert answer["results"][0]["result"] == "stored"
                sent.append(answer["uuid"])

        sender = threading.Thread(target=send)
        sender.start()
        try:
            with change(gateway) as db:
                retention.keep(db, tracked.list_id, "page view", 30)
            cut = clock.now_ms() - 30 * DAY_MS
            until(
                lambda: (
                    not ask(gateway, f"select count(*) from events where happened_at_ms < {cut}")
                )
            )
            until(lambda: ask(gateway, "select done_at_ms from duties where name = 'retention'"))
        finally:
            done.set()
            sender.join()
        assert ask(gateway, "select count(*) from events") == len(sent) > 0
        assert ask(gateway, "select count(*) from visitors") == len(set(sent))
        assert not ask(gateway, "select count(*) from contexts where properties like '%/old%'")
        with contextlib.closing(connect(gateway.settings.db)) as db:
            assert db.execute("pragma foreign_key_check").fetchall() == []
            assert db.execute("pragma integrity_check").fetchone()[0] == "ok"


@pytest.mark.slow
def test_it_stops_in_the_middle_when_the_server_does_and_goes_on_with_the_next(
    tmp_path: Path,
) -> None:
    with running_gateway(tmp_path) as gateway:
        tracked = gateway.new_list()
        add_old_events(gateway, tracked, 20_000)
        with change(gateway) as db:
            retention.keep(db, tracked.list_id, "page view", 30)
        until(lambda: ask(gateway, "select count(*) from events") < 20_000)
    left = ask(gateway, "select count(*) from events")
    assert 0 < left < 20_000
    with running_gateway(tmp_path) as gateway:
        until(lambda: ask(gateway, "select count(*) from events") == 0)


@pytest.mark.slow
def test_what_a_deleted_list_held_goes(tmp_path: Path) -> None:
    """Also one that was deleted while nobody served the file."""
    with running_gateway(tmp_path) as gateway:
        first, second = gateway.new_list(), gateway.new_list()
        for tracked in (first, second):
            gateway.beacon(tracked, {"event": "pageView"})
        assert gateway.call("lists.delete", first, Lists=str(first.list_id)).json()["Success"]
        until(lambda: not ask(gateway, f"select count(*) from lists where id = {first.list_id}"))
    with contextlib.closing(open_database(gateway.settings.db)) as db:
        lists.bury(db, second.list_id, clock.now_ms())
    with running_gateway(tmp_path) as gateway:
        until(lambda: not ask(gateway, "select count(*) from lists"))
        assert not ask(gateway, "select count(*) from events")


@pytest.mark.slow
def test_what_comes_is_counted_for_the_catalog(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it, once, while more comes; and what another process left is taken up."""
    with running_gateway(tmp_path, rate_limits=False) as gateway:
        tracked = gateway.new_list()
        add_old_events(gateway, tracked, 3_000)
    monkeypatch.setattr(janitor, "COUNT_S", 0.05)
    with running_gateway(tmp_path, rate_limits=False) as gateway:
        for number in range(50):
            gateway.beacon(tracked, {"event": "pageView", "properties": {"n": number}})
        counted = "select coalesce(sum(by_tracker), 0) from seen_events"
        until(lambda: ask(gateway, counted) == 3_050)
        assert ask(gateway, "select count from seen_properties where property = 'n'") == 50


def test_an_erasure_that_was_cut_short_is_finished(tmp_path: Path) -> None:
    """By the process that stopped in it once it is back, or by another one."""
    ann = "ann@example.com"
    with running_gateway(tmp_path) as gateway:
        tracked = gateway.new_list()
        answer = gateway.call(
            "event", tracked, Event="identify", UUID=str(uuids.uuid4()), Email=ann
        )
        assert answer.status_code == 200, answer.text
        with change(gateway) as db:
            subscriber = people.subscriber_by_email(db, tracked.list_id, ann)
            erasure.begin(db, Person(tracked.list_id, subscriber), clock.now_ms())
        until(lambda: not ask(gateway, "select count(*) from subscribers"))
        assert gateway.events(tracked) == []
