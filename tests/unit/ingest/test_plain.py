"""Storing plain events together leaves what recording them one by one leaves: the same tables, and
the same answers."""

import contextlib
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from gateway.events.device import Device
from gateway.events.event import Enriched
from gateway.events.vocabulary import Door
from gateway.ingest.plain import PlainRun
from gateway.ingest.record import Outcome, Receipt, Result, record
from gateway.records import suppressions
from gateway.records.recall import Recall
from gateway.records.suppressions import Erased
from gateway.settings import Limits
from gateway.store.database import open_database, savepoint
from tests.unit.builders import DESKTOP, LIST_ID, NOW_MS, enriched, source, visitor
from tests.unit.ingest.river import TABLES, furnish

LIMITS = Limits(catalog_names_max=75)  # a story may fill it
ERASED_BROWSER = 3
BUYING = {"conversion-id": "1", "conversion-name": "Order", "conversion-value": 5}


@dataclass(frozen=True)
class Said:
    """One event. `number`: its id, for one that may come twice. `ends`: a commit ends with it."""

    name: str
    browser: int
    ends: bool
    door: Door = Door.TRACKER
    number: int | None = None
    email: str | None = None
    external_id: str | None = None
    page: str = "https://a.example/"
    extra: str = "plan"


def seen(said: Said, place: int) -> Enriched:
    by_server = said.door is Door.API
    return enriched(
        said.name,
        event_id=f"event {place}" if said.number is None else f"repeated {said.number}",
        email=said.email,
        external_id=said.external_id if by_server else None,
        properties={said.extra: place} | (BUYING if said.name == "conversion" else {}),
        seen=source(
            door=said.door,
            device=Device() if by_server else DESKTOP,
            visitor=visitor(said.browser),
            received_at_ms=NOW_MS + place,
            context={"$current_url": said.page},
        ),
    )


stories = st.lists(
    st.builds(
        Said,
        name=st.sampled_from(["pageView"] * 8 + ["cart", "identify", "conversion"]),
        browser=st.sampled_from([1, 1, 2, ERASED_BROWSER]),
        ends=st.booleans(),
        door=st.sampled_from([Door.TRACKER] * 4 + [Door.API]),
        number=st.sampled_from([None, None, 1, 2]),
        email=st.sampled_from([None] * 8 + ["ada@example.com", "eve@example.com"]),
        external_id=st.sampled_from([None] * 4 + ["crm-1", "crm-2"]),
        page=st.sampled_from(["https://a.example/", "https://a.example/?utm_source=x"]),
        extra=st.sampled_from(["plan"] * 6 + ["colour", "size", "weight"]),
    ),
    min_size=6,
    max_size=25,
)


@contextlib.contextmanager
def furnished() -> Iterator[sqlite3.Connection]:
    with contextlib.closing(open_database(":memory:")) as db:
        furnish(db)
        digest = suppressions.visitor_digest(visitor(ERASED_BROWSER).bytes)
        suppressions.add(db, LIST_ID, digest, NOW_MS)
        yield db


def recorded(db: sqlite3.Connection, event: Enriched, recall: Recall) -> Outcome:
    """As the intake records what is not plain."""
    try:
        with savepoint(db):
            return record(db, event, LIMITS, recall)
    except Erased:
        recall.forget()
        return Receipt(result=Result.DROPPED, uuid="", reason="erased")


def left(outcomes: list[Outcome], db: sqlite3.Connection) -> str:
    """The answers and all that is in the tables. Of events' ids only the order counts: in a run
    one that is here already leaves a gap. Ids made up on the way are told apart by where they
    come first."""
    ids = [row["id"] for row in db.execute("select id from events order by id")]
    place_of = {event_id: place for place, event_id in enumerate(ids)}
    tables = [
        (name, [_with_places(name, row, place_of) for row in _rows(db, name)])
        for name in (*TABLES, "bindings", "conversions", "suppressions")
    ]
    made: dict[str, str] = {}
    said = "\n".join(map(str, [*outcomes, *tables]))
    return re.sub(UUID, lambda found: made.setdefault(found[0], f"made {len(made)}"), said)


def _rows(db: sqlite3.Connection, table: str) -> list[sqlite3.Row]:
    return db.execute(f"select * from {table} order by 1, 2").fetchall()


def _with_places(table: str, row: sqlite3.Row, place_of: dict[int, int]) -> dict[str, object]:
    points = ("event_id", "caused_by", *["id"] * (table == "events"))
    return {
        name: place_of.get(row[name], "no event") if name in points and row[name] else row[name]
        for name in row.keys()  # noqa: SIM118 - a row is no dict
    }


UUID = r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"


def one_by_one(story: list[Said]) -> str:
    with furnished() as db:
        outcomes = [recorded(db, seen(said, place), Recall()) for place, said in enumerate(story)]
        return left(outcomes, db)


def in_runs(story: list[Said]) -> str:
    with furnished() as db:
        recall = Recall()
        run = PlainRun(db, recall)
        outcomes: list[Outcome] = []
        plain = 0
        for place, said in enumerate(story):
            one = seen(said, place)
            if run.take(one, outcomes):
                plain += 1
            else:
                run.store()
                outcomes.append(recorded(db, one, recall))
            if said.ends:
                run.store()
        run.store()
        event(f"plain ones: {min(plain, 5)}{'+' * (plain >= 5)}")
        return left(outcomes, db)


VIEW = Said("pageView", browser=1, ends=False)
FIRST, SECOND = (Said("pageView", browser, ends=False, number=1) for browser in (1, 2))


@settings(max_examples=100)
@given(stories)
@example([VIEW, VIEW, VIEW])
@example([VIEW, FIRST, FIRST])  # sent again before the first is stored
@example([VIEW, FIRST, SECOND])  # by a browser that must not be made for it
@example([VIEW, Said("pageView", ERASED_BROWSER, ends=False), VIEW])
@example([Said("cart", 1, False, Door.API, external_id="crm-1")] * 2 + [VIEW])
def test_runs_leave_what_one_by_one_leaves(story: list[Said]) -> None:
    """Whoever sends, whatever comes twice, and wherever a commit ends."""
    assert in_runs(story) == one_by_one(story)


def test_a_browser_s_next_pages_are_plain() -> None:
    """Else the test above would hold nothing."""
    with furnished() as db:
        recall = Recall()
        recorded(db, seen(VIEW, 0), recall)
        assert PlainRun(db, recall).take(seen(VIEW, 1), [])
