"""A list's newest events, all of them or those that fit: page by page, each behind an event's id.

What is asked is judged the same way whether an event is found here or just came (`Wanted.fits`). A
page never reads more than so many events, however rare what is asked for may be: it says where to
go on. A person's events and those of few are found by their index. Reads only.
"""

import itertools
import json
import sqlite3
import uuid as uuids
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from gateway.events.event import Properties
from gateway.records import event_log, people
from gateway.records.event_log import StoredEvent
from gateway.records.people import Subscriber, Visitor

ROWS = 50
LOOKS = 25_000  # some 50 ms where pages are asked for
FEW = 20_000  # as many are put in order in some 10 ms
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Wanted:
    """`event` is a name, `who` a person or one browser, `page` what the page's URL has in it,
    without regard to case, `property` a name and `value` the whole of what stands under it. What is
    empty asks for all."""

    event: str = ""
    who: Subscriber | Visitor | None = None
    page: str = ""
    property: str = ""
    value: str = ""

    def fits(self, event: StoredEvent) -> bool:
        return (
            self.event in ("", event.event)
            and self._is_of(event)
            and _is_at(self.page, event.properties)
            and (not self.property or _text_of(event.properties, self.property) == self.value)
        )

    def _is_of(self, event: StoredEvent) -> bool:
        match self.who:
            case Subscriber(email=email):
                return event.email is not None and event.email.casefold() == email.casefold()
            case Visitor(uuid=uuid):
                return event.uuid == str(uuid)
        return True


@dataclass(frozen=True, slots=True)
class Found:
    """Newest first. `older_id`: there may be more before this event; None: there are none.
    `looked_far`: as many as may be were read, and fewer than a page of them fit."""

    events: list[StoredEvent]
    older_id: int | None = None
    looked_far: bool = False


def find_person(db: sqlite3.Connection, list_id: int, said: str) -> Subscriber | Visitor | None:
    """Whom an address, a subscriber's number or a visitor's uuid means on a list."""
    if "@" in said:
        return people.subscriber_by_email(db, list_id, said)
    if said.isascii() and said.isdecimal() and len(said) < 19:
        return people.on_list(db, list_id, int(said))
    try:
        uuid = uuids.UUID(said)
    except ValueError:
        return None
    return people.find_visitor(db, list_id, uuid.bytes)


def newest(
    db: sqlite3.Connection, list_id: int, wanted: Wanted, before_id: int | None = None
) -> Found:
    """A page of the events that fit, of those before this one."""
    before_id = before_id or event_log.ID_MAX
    if wanted.who:
        ids, rest_id = _of_person(db, wanted, before_id)
    elif _are_few(db, list_id, wanted):
        ids, rest_id = _of_few(db, list_id, wanted, before_id), None
    else:
        ids, rest_id = _of_many(db, list_id, wanted, before_id)
    if _asks_for_more(wanted):
        ids = _fitting(db, list_id, ids, wanted)
    found = list(itertools.islice(ids, ROWS + 1))
    is_full = len(found) > ROWS
    older_id = found[ROWS - 1] if is_full else rest_id
    looked_far = not is_full and rest_id is not None
    return Found(event_log.some(db, found[:ROWS]), older_id, looked_far)


def _asks_for_more(wanted: Wanted) -> bool:
    """Than what the first look at ids takes care of."""
    return bool(wanted.page or wanted.property or (wanted.who and wanted.event))


def _of_person(
    db: sqlite3.Connection, wanted: Wanted, before_id: int
) -> tuple[Iterator[int], int | None]:
    """The ids of a person's events, and where to go on behind them if there are more."""
    visitor_ids = [wanted.who.id] if isinstance(wanted.who, Visitor) else []
    if isinstance(wanted.who, Subscriber):
        visitor_ids = people.visitor_ids(db, wanted.who.id)
    most = LOOKS if _asks_for_more(wanted) else ROWS + 1
    ids = list(itertools.islice(event_log.newest_ids(db, visitor_ids, before_id), most))
    return iter(ids), ids[-1] if len(ids) == most else None


_NAMES = """
    select id from event_names where list_id = :list_id and (:event = '' or name = :event)"""


def _are_few(db: sqlite3.Connection, list_id: int, wanted: Wanted) -> bool:
    """Whether the list has few events, or few of the name that is asked for."""
    row = db.execute(
        f"""select count(*) from (
                select 1 from events indexed by events_by_name where name_id in ({_NAMES})
                limit :most)""",  # noqa: S608 - a text of ours
        {"list_id": list_id, "event": wanted.event, "most": FEW},
    ).fetchone()
    return int(row[0]) < FEW


def _of_few(db: sqlite3.Connection, list_id: int, wanted: Wanted, before_id: int) -> Iterator[int]:
    """By the names' index, put in order."""
    rows = db.execute(
        f"""select id from events indexed by events_by_name
            where name_id in ({_NAMES}) and id < :before_id order by id desc""",  # noqa: S608
        {"list_id": list_id, "event": wanted.event, "before_id": before_id},
    )
    return (row["id"] for row in rows)


def _of_many(
    db: sqlite3.Connection, list_id: int, wanted: Wanted, before_id: int
) -> tuple[Iterator[int], int | None]:
    """From the newest down, among so many of all lists; and where to go on behind them."""
    before_id = min(before_id, event_log.last_id(db) + 1)
    floor_id = before_id - LOOKS
    rows = db.execute(
        f"""select id from events
            where id < :before_id and id >= :floor_id and +list_id = :list_id
                and (:event = '' or +name_id in ({_NAMES}))
            order by id desc""",  # noqa: S608 - a text of ours; `+`: by no other index
        {"list_id": list_id, "event": wanted.event, "before_id": before_id, "floor_id": floor_id},
    )
    first_id = db.execute("select min(id) from events").fetchone()[0]
    rest_id = floor_id if first_id is not None and first_id < floor_id else None
    return (row["id"] for row in rows), rest_id


def _fitting(
    db: sqlite3.Connection, list_id: int, ids: Iterator[int], wanted: Wanted
) -> Iterator[int]:
    """Those of the name, the page and the property that are asked for. What a page or a browser
    says that many events have is looked at once."""
    judged: dict[int, _Judged] = {}

    def judge(context_id: int) -> _Judged:
        if context_id not in judged:
            said = _context(db, context_id)
            judged[context_id] = _is_at(wanted.page, said), _text_of(said, wanted.property)
        return judged[context_id]

    while chunk := list(itertools.islice(ids, CHUNK)):
        rows = db.execute(
            f"""select id, page_id, browser_id, properties from events
                where id in (select value from json_each(:ids))
                    and (:event = '' or +name_id in ({_NAMES}))
                order by id desc""",  # noqa: S608 - a text of ours
            {"list_id": list_id, "event": wanted.event, "ids": json.dumps(chunk)},
        )
        for row in rows:
            is_there, said = judge(row["page_id"])
            if not is_there:
                continue
            if wanted.property:
                said = said if said is not None else judge(row["browser_id"])[1]
                if said is None:
                    said = _text_of(msgspec.json.decode(row["properties"]), wanted.property)
                if said != wanted.value:
                    continue
            yield row["id"]


_Judged = tuple[bool, str | None]
"""Whether a context is of the page that is asked for, and what it says under the property."""


def _context(db: sqlite3.Connection, context_id: int) -> Properties:
    row = db.execute("select properties from contexts where id = ?", (context_id,)).fetchone()
    found: Properties = msgspec.json.decode(row["properties"])
    return found


def _text_of(properties: Properties, name: str) -> str | None:
    """What stands under a name, as text; of anything but text, its JSON. None for nothing."""
    value = properties.get(name)
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()


def _is_at(page: str, properties: Properties) -> bool:
    url = str(properties.get("$current_url") or properties.get("url") or "")
    return page.casefold() in url.casefold()
