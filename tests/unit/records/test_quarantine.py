"""What was refused is kept once, within its bounds, and of nobody who was erased."""

import dataclasses
import json
import sqlite3
import uuid as uuids
from typing import Any

import pytest

from gateway.errors import InvalidEvent, Problem
from gateway.events import refusal
from gateway.events.device import Hints
from gateway.events.event import Click
from gateway.events.refusal import Refusal
from gateway.events.vocabulary import Door
from gateway.records import lists, quarantine, suppressions
from gateway.records.quarantine import Facts, Fate, Request
from gateway.settings import Limits
from tests.unit.builders import ACCOUNT_ID, LIST_ID, NOW_MS, visitor

LIMITS = Limits()
ERROR = InvalidEvent(Problem(7, "Invalid email parameter."))
FACTS = Facts(dsn="http://g/e", server="g")


def request(
    list_id: int = LIST_ID, *, number: int = 1, at_ms: int = NOW_MS, **facts: Any
) -> Request:
    return Request(
        list_id=list_id,
        door=Door.TRACKER,
        visitor=visitor(number).bytes,
        received_at_ms=at_ms,
        facts=Facts(dsn="http://g/e", server="g", **facts),
    )


def refused(event_id: object = None, **said: Any) -> Refusal:
    return refusal.of_browser({"id": event_id, "event": "x", **said}, ERROR)


def keep(
    db: sqlite3.Connection, *refusals: Refusal, limits: Limits = LIMITS, **of: Any
) -> list[Fate]:
    return quarantine.keep(db, request(**of), refusals, limits)[0]


def ids(db: sqlite3.Connection, list_id: int = LIST_ID) -> list[Any]:
    """The sender's ids of what is kept, oldest first."""
    return [json.loads(kept.payload)["id"] for kept in quarantine.each(db, list_id)]


def count(db: sqlite3.Connection, table: str) -> int:
    return int(db.execute(f"select count(*) from {table}").fetchone()[0])


def bounded(rows: int = 1_000, size: int = 10**9) -> Limits:
    return dataclasses.replace(LIMITS, quarantine_rows_max=rows, quarantine_bytes_max=size)


def test_an_event_is_kept_with_its_payload_its_problems_and_its_request(
    db: sqlite3.Connection,
) -> None:
    click = Click(subscriber_id=5, campaign="spring", token_digest=b"t" * 16, address_digest=b"a")
    sent = request(
        agent="A browser", hints=Hints(mobile=True), sent_at_ms=7, human=True,
        context={"$current_url": "https://a.example"}, click=click,
    )  # fmt: skip
    event = refused("a", properties={"ü": [1]})
    assert quarantine.keep(db, sent, [event], LIMITS) == ([Fate.KEPT], 0)
    [kept] = quarantine.page(db, LIST_ID)
    assert kept == quarantine.get(db, kept.id)
    assert (kept.payload, kept.problems) == (event.payload, list(ERROR.problems))
    assert (kept.unique_id, kept.request) == (event.unique_id, sent)


def test_events_of_one_request_share_what_is_known_of_it(db: sqlite3.Connection) -> None:
    """Five hundred bad events with one large context must not write it five hundred times."""
    keep(db, *(refused() for _ in range(500)), context={"a": "x" * 100_000})
    assert (count(db, "quarantine"), count(db, "quarantine_requests")) == (500, 1)
    size = db.execute("select sum(bytes) from quarantine").fetchone()[0]
    assert 100_000 < size < 200_000


def test_an_event_is_kept_once_however_often_it_is_sent(db: sqlite3.Connection) -> None:
    assert keep(db, refused("a"), refused("a")) == [Fate.KEPT, Fate.KNOWN]
    assert keep(db, refused("a"), refused("b")) == [Fate.KNOWN, Fate.KEPT]
    assert keep(db, refused("a")) == [Fate.KNOWN]
    assert ids(db) == ["a", "b"]
    assert count(db, "quarantine_requests") == 2


def test_lists_have_nothing_to_do_with_each_other(db: sqlite3.Connection) -> None:
    other = lists.create(db, ACCOUNT_ID, "Other", (), NOW_MS).id
    assert keep(db, refused("a")) == keep(db, refused("a"), list_id=other) == [Fate.KEPT]
    keep(db, refused("b"), list_id=other, limits=bounded(rows=1))
    assert (ids(db), ids(db, other)) == (["a"], ["b"])


# The bounds.


def test_beyond_its_rows_the_oldest_go(db: sqlite3.Connection) -> None:
    limits = bounded(rows=3)
    for event_id in "abc":
        assert quarantine.keep(db, request(), [refused(event_id)], limits)[1] == 0
    assert quarantine.keep(db, request(), [refused("d"), refused("e")], limits)[1] == 2
    assert ids(db) == ["c", "d", "e"]


def test_beyond_its_bytes_the_oldest_go(db: sqlite3.Connection) -> None:
    for event_id in "abc":
        keep(db, refused(event_id, properties={"a": "x" * 1_000}), limits=bounded(size=3_500))
    assert ids(db) == ["a", "b", "c"]
    keep(db, refused("d", properties={"a": "x" * 2_000}), limits=bounded(size=3_500))
    assert ids(db) == ["c", "d"]


def test_the_size_of_a_request_counts_once_and_in_bytes(db: sqlite3.Connection) -> None:
    keep(db, refused("a"), refused("b"), context={"ü": "ü" * 100})
    rows = db.execute("select bytes, payload, problems from quarantine order by id").fetchall()
    facts = db.execute("select facts from quarantine_requests").fetchone()["facts"]
    own = [len((row["payload"] + row["problems"]).encode()) for row in rows]
    assert [row["bytes"] for row in rows] == [own[0] + len(facts.encode()), own[1]]


def test_a_request_goes_with_the_last_of_its_events(db: sqlite3.Connection) -> None:
    keep(db, refused("a"), refused("b"))
    first, second = [kept.id for kept in quarantine.each(db, LIST_ID)]
    assert quarantine.remove(db, [first, first, 999]) == 1
    assert count(db, "quarantine_requests") == 1
    assert quarantine.remove(db, [second]) == 1
    assert count(db, "quarantine_requests") == 0


@pytest.mark.parametrize("bounds", [{"rows": 0}, {"size": 10}])
def test_where_nothing_fits_nothing_stays(db: sqlite3.Connection, bounds: dict[str, int]) -> None:
    limits = bounded(**bounds)
    assert quarantine.keep(db, request(), [refused("a")], limits) == ([Fate.KEPT], 1)
    assert (count(db, "quarantine"), count(db, "quarantine_requests")) == (0, 0)


def test_the_id_of_an_event_that_is_gone_never_becomes_another_s(db: sqlite3.Connection) -> None:
    keep(db, refused("a"))
    [kept] = quarantine.each(db, LIST_ID)
    quarantine.remove(db, [kept.id])
    keep(db, refused("b"))
    assert quarantine.get(db, kept.id) is None


def test_what_is_old_goes_a_bounded_number_at_a_time(db: sqlite3.Connection) -> None:
    for age in range(5):
        keep(db, refused(str(age)), at_ms=NOW_MS - age)
    assert quarantine.remove_old(db, NOW_MS - 1, rows=2) == 2
    assert quarantine.remove_old(db, NOW_MS - 1, rows=2) == 1
    assert quarantine.remove_old(db, NOW_MS - 1, rows=2) == 0
    assert ids(db) == ["0", "1"]


def test_its_size_is_known_without_counting(db: sqlite3.Connection) -> None:
    """And right, however events come and go."""
    other = lists.create(db, ACCOUNT_ID, "Other", (), NOW_MS).id
    for number in range(20):
        limits = bounded(rows=5 + number % 3, size=1_500)
        keep(db, refused(number % 13), refused(), number=number, limits=limits, at_ms=number)
        keep(db, refused(), list_id=other, number=number)
    quarantine.remove(db, [kept.id for kept in quarantine.each(db, LIST_ID)][:2])
    quarantine.remove_visitor(db, LIST_ID, visitor(19).bytes)
    quarantine.remove_old(db, 3)
    counted = db.execute(
        "select list_id, count(*), sum(bytes) from quarantine group by list_id order by list_id"
    ).fetchall()
    known = db.execute("select * from quarantine_sizes order by list_id").fetchall()
    assert [tuple(row) for row in known] == [tuple(row) for row in counted]
    assert len(known) == 2
    assert quarantine.size(db) == (sum(r[1] for r in counted), sum(r[2] for r in counted))


def test_a_long_quarantine_is_read_whole_and_in_order(db: sqlite3.Connection) -> None:
    """Though a page of it ends early where its events are large."""
    large = {"a": "x" * 400_000}
    for number in range(7):
        keep(db, refused(number, properties=large), *(refused() for _ in range(40)))
    assert len(quarantine.page(db, LIST_ID)) < quarantine.PAGE_ROWS
    found = [kept.id for kept in quarantine.each(db, LIST_ID)]
    assert found == [kept.id for kept in quarantine.each(db, None)] == list(range(1, 7 * 41 + 1))


# Who was erased.


@pytest.mark.parametrize(
    ("digest", "said"),
    [
        (suppressions.visitor_digest(visitor(1).bytes), {}),
        (suppressions.email_digest("ann@example.com"), {"email": "Ann@Example.com"}),
        (suppressions.external_id_digest("0a" * 32), {"email": "0a" * 32}),
    ],
)
def test_nothing_is_kept_of_who_was_erased(
    db: sqlite3.Connection, digest: bytes, said: dict[str, str]
) -> None:
    suppressions.add(db, LIST_ID, digest, NOW_MS)
    assert keep(db, refused("a", **said)) == [Fate.ERASED]
    assert keep(db, refused("a"), number=2) == [Fate.KEPT]
    assert ids(db) == ["a"]


def test_a_server_s_event_of_an_erased_browser_is_not_kept(db: sqlite3.Connection) -> None:
    gone = uuids.uuid4()
    suppressions.add(db, LIST_ID, suppressions.visitor_digest(gone.bytes), NOW_MS)
    call = Request(list_id=LIST_ID, door=Door.API, visitor=None, received_at_ms=NOW_MS, facts=FACTS)
    event = refusal.of_server({"event": "x", "uuid": str(gone)}, ERROR)
    assert quarantine.keep(db, call, [event], LIMITS) == ([Fate.ERASED], 0)


def test_what_a_browser_sent_can_be_taken_out(db: sqlite3.Connection) -> None:
    keep(db, refused("a"), refused("b"))
    keep(db, refused("c"), number=2)
    assert quarantine.remove_visitor(db, LIST_ID, visitor(1).bytes) == 2
    assert ids(db) == ["c"]


def test_the_newest_come_first_and_by_their_reason_if_that_is_asked(db: sqlite3.Connection) -> None:
    other = InvalidEvent(Problem(1006, "Property a is too long."), Problem(7, "Invalid email."))
    keep(db, refused("a"), refused("b"))
    keep(db, refusal.of_browser({"id": "c"}, other), refused("d"))

    def newest(before_id: int = 99, code: int | None = None, rows: int = 9) -> list[Any]:
        found = quarantine.newest(db, LIST_ID, before_id=before_id, code=code, rows=rows)
        return [json.loads(kept.payload)["id"] for kept in found]

    assert newest() == ["d", "c", "b", "a"]
    assert newest(rows=2) == ["d", "c"]
    assert newest(before_id=3) == ["b", "a"]
    assert newest(code=1006) == []
    assert newest(code=7) == ["d", "c", "b", "a"]  # problems stand in the order of their numbers


def test_the_reasons_of_a_list_are_counted_with_the_newest_message(db: sqlite3.Connection) -> None:
    other = lists.create(db, ACCOUNT_ID, "Other", (), NOW_MS)
    for number in range(3):
        error = InvalidEvent(Problem(1006, f"Property {number} is too long."))
        keep(db, refusal.of_browser({"id": f"{number}"}, error))
    keep(db, refused("a"))
    keep(db, refused("b"), list_id=other.id)
    assert [(each.code, each.message, each.events) for each in quarantine.reasons(db, LIST_ID)] == [
        (1006, "Property 2 is too long.", 3),
        (7, "Invalid email parameter.", 1),
    ]
