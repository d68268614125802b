"""What was refused, kept with its payload and the reason, until it is replayed, too old, or pushed
out. Writes `quarantine`, `quarantine_requests`
and `quarantine_sizes`.

Bounded for each list, in rows and in bytes: the oldest go first, for what matters is what goes
wrong now. An event is kept once, however often it is sent. Nothing is kept of who was erased.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum

import msgspec

from gateway.errors import Problem
from gateway.events.device import NO_HINTS, Hints
from gateway.events.event import Click, Properties
from gateway.events.refusal import Named, Refusal, named_by
from gateway.events.vocabulary import Door
from gateway.records import suppressions
from gateway.settings import Limits

FORMAT = 1  # of `facts`
PAGE_ROWS = 100
PAGE_BYTES = 1_000_000


class Facts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What else a replay needs to know of the request. `agent` is the User-Agent as sent."""

    dsn: str
    server: str
    agent: str = ""
    hints: Hints = NO_HINTS
    sent_at_ms: int | None = None
    human: bool = False
    context: Properties = {}
    click: Click | None = None


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """The request that brought refused events. `visitor` is whom a browser's token proved."""

    list_id: int
    door: Door
    visitor: bytes | None
    received_at_ms: int
    facts: Facts


class Quarantined(msgspec.Struct, frozen=True, kw_only=True):
    """A refused event. `payload` and `facts` are the JSON texts that are kept."""

    id: int
    list_id: int
    door: Door
    visitor: bytes | None
    received_at_ms: int
    unique_id: bytes
    problems: list[Problem]
    payload: str
    facts: str

    @property
    def named(self) -> Named:
        """Whom its payload names."""
        return named_by(self.door, msgspec.json.decode(self.payload))

    @property
    def request(self) -> Request:
        return Request(
            list_id=self.list_id,
            door=self.door,
            visitor=self.visitor,
            received_at_ms=self.received_at_ms,
            facts=msgspec.json.decode(self.facts, type=Facts),
        )


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """A first problem's number, how many events of a list have it, and the newest's message."""

    code: int
    message: str
    events: int


class Fate(Enum):
    """What became of a refused event: it is kept, was kept before, or may not be kept."""

    KEPT = "kept"
    KNOWN = "known"
    ERASED = "erased"


def keep(
    db: sqlite3.Connection, request: Request, refusals: Sequence[Refusal], limits: Limits
) -> tuple[list[Fate], int]:
    """The fate of each, and how many older ones were pushed out."""
    request_id: int | None = None
    fates = []
    for refusal in refusals:
        if _is_erased(db, request, refusal):
            fates.append(Fate.ERASED)
        elif _is_known(db, request.list_id, refusal.unique_id):
            fates.append(Fate.KNOWN)
        else:
            shared_bytes = 0
            if request_id is None:
                request_id, shared_bytes = _add_request(db, request, refusal)
            _add(db, request, request_id, refusal, shared_bytes)
            fates.append(Fate.KEPT)
    return fates, _push_out(db, request.list_id, limits) if request_id else 0


def get(db: sqlite3.Connection, row_id: int) -> Quarantined | None:
    row = db.execute(f"{_SELECT} where q.id = :id", {"id": row_id}).fetchone()
    return _quarantined(row) if row else None


def page(db: sqlite3.Connection, list_id: int | None, after_id: int = 0) -> list[Quarantined]:
    """Those of a list, or of all, that come after this one, oldest first: as many as are read in
    a moment; none when there are no more."""
    of_list = "" if list_id is None else "and q.list_id = :list_id"
    rows = db.execute(
        f"{_SELECT} where q.id > :after_id {of_list} order by q.id limit :rows",
        {"list_id": list_id, "after_id": after_id, "rows": PAGE_ROWS},
    )
    return _in_a_moment(rows)


def newest(
    db: sqlite3.Connection, list_id: int, *, before_id: int, code: int | None, rows: int
) -> list[Quarantined]:
    """Those of a list that came before this one, newest first, refused for this reason or for any:
    as many as are read in a moment."""
    of_reason = "" if code is None else "and json_extract(q.problems, '$[0].code') = :code"
    found = db.execute(
        f"{_SELECT} where q.list_id = :list_id and q.id < :before_id {of_reason}"
        " order by q.id desc limit :rows",
        {"list_id": list_id, "before_id": before_id, "code": code, "rows": rows},
    )
    return _in_a_moment(found)


def reasons(db: sqlite3.Connection, list_id: int) -> list[Reason]:
    """Why a list's events are here, by their first problem; the most frequent first."""
    rows = db.execute(
        """select json_extract(problems, '$[0].code') as code, max(id),
                  json_extract(problems, '$[0].message') as message, count(*) as events
           from quarantine where list_id = :list_id group by code order by events desc, code""",
        {"list_id": list_id},
    )
    return [Reason(code=row["code"], message=row["message"], events=row["events"]) for row in rows]


def size(db: sqlite3.Connection) -> tuple[int, int]:
    """How many events are in quarantine, of all lists, and how many bytes."""
    row = db.execute(
        "select coalesce(sum(rows), 0), coalesce(sum(bytes), 0) from quarantine_sizes"
    ).fetchone()
    return row[0], row[1]


def each(db: sqlite3.Connection, list_id: int | None) -> Iterator[Quarantined]:
    """All of a list, or all there are, oldest first, a page of them in memory at a time."""
    after_id = 0
    while found := page(db, list_id, after_id):
        yield from found
        after_id = found[-1].id


def remove(db: sqlite3.Connection, row_ids: Iterable[int]) -> int:
    """Take these out, and the requests of which that leaves nothing. How many there were."""
    removed = db.execute(
        """delete from quarantine where id in (select value from json_each(:ids))
           returning list_id, request_id, bytes""",
        {"ids": json.dumps(list(row_ids))},
    ).fetchall()
    db.execute(
        """delete from quarantine_requests as r where id in (select value from json_each(:ids))
               and not exists (select 1 from quarantine where request_id = r.id)""",
        {"ids": json.dumps([row["request_id"] for row in removed])},
    )
    for row in removed:
        _resize(db, row["list_id"], rows=-1, size=-row["bytes"])
    return len(removed)


def remove_visitor(db: sqlite3.Connection, list_id: int, visitor: bytes) -> int:
    """Take out what one browser sent."""
    rows = db.execute(
        """select q.id from quarantine_requests r join quarantine q on q.request_id = r.id
           where r.list_id = :list_id and r.visitor = :visitor""",
        {"list_id": list_id, "visitor": visitor},
    )
    return remove(db, [row["id"] for row in rows])


def has_old(db: sqlite3.Connection, before_ms: int) -> bool:
    """Whether something was received before that instant."""
    row = db.execute(
        "select 1 from quarantine_requests where received_at_ms < :before_ms limit 1",
        {"before_ms": before_ms},
    )
    return row.fetchone() is not None


def remove_old(db: sqlite3.Connection, before_ms: int, rows: int = PAGE_ROWS) -> int:
    """Take out some of what was received before that instant, of all lists. How many: 0 at the
    end."""
    found = db.execute(
        """select q.id from quarantine_requests r join quarantine q on q.request_id = r.id
           where r.received_at_ms < :before_ms order by r.received_at_ms limit :rows""",
        {"before_ms": before_ms, "rows": rows},
    )
    return remove(db, [row["id"] for row in found])


def _in_a_moment(rows: sqlite3.Cursor) -> list[Quarantined]:
    """The first of them, until their texts become many."""
    found, size = [], 0
    for row in rows:
        found.append(_quarantined(row))
        size += len(row["payload"]) + len(row["facts"])
        if size > PAGE_BYTES:
            break
    rows.close()
    return found


def _is_known(db: sqlite3.Connection, list_id: int, unique_id: bytes) -> bool:
    row = db.execute(
        "select 1 from quarantine where list_id = :list_id and unique_id = :unique_id",
        {"list_id": list_id, "unique_id": unique_id},
    )
    return row.fetchone() is not None


def _is_erased(db: sqlite3.Connection, request: Request, refusal: Refusal) -> bool:
    named = refusal.named
    digests = [suppressions.visitor_digest(uuid) for uuid in (request.visitor, named.uuid) if uuid]
    if named.email:
        digests.append(suppressions.email_digest(named.email))
    if named.external_id:
        digests.append(suppressions.external_id_digest(named.external_id))
    return any(suppressions.holds(db, request.list_id, digest) for digest in digests)


def _add_request(db: sqlite3.Connection, request: Request, refusal: Refusal) -> tuple[int, int]:
    """Its id and its size."""
    facts = msgspec.json.encode(request.facts)
    made = db.execute(
        """insert into quarantine_requests
               (list_id, door, visitor, received_at_ms, format, facts)
           values (:list_id, :door, :visitor, :received_at_ms, :format, :facts) returning id""",
        {
            "list_id": request.list_id,
            "door": int(request.door),
            "visitor": request.visitor or refusal.named.uuid,
            "received_at_ms": request.received_at_ms,
            "format": FORMAT,
            "facts": facts.decode(),
        },
    )
    return int(made.fetchone()["id"]), len(facts)


def _add(
    db: sqlite3.Connection, request: Request, request_id: int, refusal: Refusal, shared_bytes: int
) -> None:
    problems = msgspec.json.encode(refusal.problems)
    size = len(refusal.payload.encode()) + len(problems) + shared_bytes
    db.execute(
        """insert into quarantine (list_id, request_id, unique_id, payload, problems, bytes)
           values (:list_id, :request_id, :unique_id, :payload, :problems, :bytes)""",
        {
            "list_id": request.list_id,
            "request_id": request_id,
            "unique_id": refusal.unique_id,
            "payload": refusal.payload,
            "problems": problems.decode(),
            "bytes": size,
        },
    )
    _resize(db, request.list_id, rows=1, size=size)


def _push_out(db: sqlite3.Connection, list_id: int, limits: Limits) -> int:
    """Make the list's quarantine fit its bounds again: the oldest go. How many went."""
    held = db.execute(
        "select rows, bytes from quarantine_sizes where list_id = :list_id", {"list_id": list_id}
    ).fetchone()
    rows, size = (
        held["rows"] - limits.quarantine_rows_max,
        held["bytes"] - limits.quarantine_bytes_max,
    )
    oldest = db.execute(
        "select id, bytes from quarantine where list_id = :list_id order by id",
        {"list_id": list_id},
    )
    going = []
    while rows > 0 or size > 0:
        row = oldest.fetchone()
        going.append(row["id"])
        rows, size = rows - 1, size - row["bytes"]
    oldest.close()
    return remove(db, going) if going else 0


def _resize(db: sqlite3.Connection, list_id: int, *, rows: int, size: int) -> None:
    db.execute(
        """insert into quarantine_sizes (list_id, rows, bytes) values (:list_id, :rows, :bytes)
           on conflict do update set rows = rows + excluded.rows, bytes = bytes + excluded.bytes""",
        {"list_id": list_id, "rows": rows, "bytes": size},
    )


_SELECT = """
    select q.id, q.list_id, r.door, r.visitor, r.received_at_ms, q.unique_id, q.problems,
           q.payload, r.facts
    from quarantine q join quarantine_requests r on r.id = q.request_id"""


def _quarantined(row: sqlite3.Row) -> Quarantined:
    return Quarantined(
        id=row["id"],
        list_id=row["list_id"],
        door=Door(row["door"]),
        visitor=row["visitor"],
        received_at_ms=row["received_at_ms"],
        unique_id=row["unique_id"],
        problems=msgspec.json.decode(row["problems"], type=list[Problem]),
        payload=row["payload"],
        facts=row["facts"],
    )
