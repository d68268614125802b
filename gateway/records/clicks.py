"""Click-throughs: a recipient's link, opened in a browser. Writes `clicks`.

A click is provisional until a sign of a person: a second page of the site, an identify, or the
tracker having seen trusted input or five visible seconds (`human`). Scanners that follow a mail's
links, and even run the page's script, show none of these. Many recipients' links opened from one
address in a short time mark each other, and a marked click never binds by itself.
"""

import hashlib
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.events.event import Enriched, Trust
from gateway.events.vocabulary import Door, Kind
from gateway.records import people
from gateway.records.people import Visitor

BURST_MS = 10 * 60_000
BURST_RECIPIENTS = 5


@dataclass(frozen=True, slots=True)
class NotedClick:
    id: int
    subscriber_id: int
    campaign: str
    landing_digest: bytes
    confirmed: bool
    marked: bool


@dataclass(frozen=True, slots=True)
class Opened:
    """A link that was opened: `email` is whom it was sent to, `uuid` the browser. `confirmed_by` is
    the sign of a person; `marked`: one of a burst, which is nobody's."""

    id: int
    campaign: str
    uuid: str
    email: str
    clicked_at_ms: int
    confirmed_at_ms: int | None
    confirmed_by: str | None
    marked: bool


def note(db: sqlite3.Connection, event: Enriched, visitor: Visitor) -> int | None:
    """Keep the event's click, once per visitor and token. The subscriber whose click this event
    has just confirmed; None when it confirmed none."""
    if event.click is None:
        return None
    known = _find(db, visitor.id, event.click.token_digest)
    if known is None:
        known = _add(db, event, visitor)
        if known is None:
            return None
        sign = _sign_of_a_person(event, first=True, landing_digest=known.landing_digest)
    else:
        sign = _sign_of_a_person(event, first=False, landing_digest=known.landing_digest)
    if known.confirmed or known.marked or sign is None:
        return None
    return confirm(db, known, sign, event.received_at_ms)


def confirm_latest(
    db: sqlite3.Connection, visitor_id: int, token_digest: bytes, now_ms: int
) -> int | None:
    """The tracker saw a person on the page, with no event to tell it by. As `note`."""
    known = _find(db, visitor_id, token_digest)
    if known is None or known.confirmed or known.marked:
        return None
    return confirm(db, known, "human", now_ms)


def confirm(db: sqlite3.Connection, click: NotedClick, sign: str, now_ms: int) -> int:
    db.execute(
        "update clicks set confirmed_at_ms = :now_ms, confirmed_by = :sign where id = :id",
        {"id": click.id, "now_ms": now_ms, "sign": sign},
    )
    return click.subscriber_id


def latest(
    db: sqlite3.Connection, visitor: Visitor, happened_at_ms: int, window_ms: int
) -> int | None:
    """The last valid click before an instant, by this browser or by the person it is bound to."""
    row = db.execute(
        """select id, clicked_at_ms from (
               select id, clicked_at_ms, marked from clicks where visitor_id = :visitor_id
               union all
               select id, clicked_at_ms, marked from clicks where subscriber_id = :subscriber_id)
           where marked = 0 and clicked_at_ms between :earliest and :latest
           order by clicked_at_ms desc, id desc limit 1""",
        {
            "visitor_id": visitor.id,
            "subscriber_id": visitor.subscriber_id,
            "earliest": happened_at_ms - window_ms,
            "latest": happened_at_ms,
        },
    ).fetchone()
    return int(row["id"]) if row else None


def opened(db: sqlite3.Connection, click_id: int) -> Opened:
    [found] = _opened(db, "k.id = :id", {"id": click_id})
    return found


def opened_at(db: sqlite3.Connection, visitor_id: int, at_ms: int) -> list[Opened]:
    """What this browser opened with the event that happened at an instant."""
    where = "k.visitor_id = :visitor_id and clicked_at_ms = :at_ms"
    return _opened(db, where, {"visitor_id": visitor_id, "at_ms": at_ms})[::-1]


def up_to(
    db: sqlite3.Connection, visitor_id: int, subscriber_id: int | None, until_ms: int, *, rows: int
) -> list[Opened]:
    """The clicks before an instant, valid or not, by a browser or by a person; newest first."""
    where = """k.id in (select id from clicks where visitor_id = :visitor_id
        union all select id from clicks where subscriber_id = :subscriber_id)
        and clicked_at_ms <= :until_ms"""
    values = {"visitor_id": visitor_id, "subscriber_id": subscriber_id, "until_ms": until_ms}
    return _opened(db, where, values, rows)


def last_before(db: sqlite3.Connection, visitor: Visitor, at_ms: int) -> Opened | None:
    """The last link opened before an instant, valid or not, by this browser or by the person it
    is bound to."""
    found = up_to(db, visitor.id, visitor.subscriber_id, at_ms, rows=1)
    return found[0] if found else None


def _opened(
    db: sqlite3.Connection, where: str, values: Mapping[str, int | None], rows: int = -1
) -> list[Opened]:
    """Newest first."""
    found = db.execute(
        f"""select k.id, campaign, uuid, email, clicked_at_ms, confirmed_at_ms, confirmed_by, marked
            from clicks k
            join visitors v on v.id = k.visitor_id join subscribers s on s.id = k.subscriber_id
            where {where} order by clicked_at_ms desc, k.id desc limit :rows""",  # noqa: S608 - one of the texts above
        {**values, "rows": rows},
    )
    return [
        Opened(
            **{**dict(row), "uuid": people.uuid_text(row["uuid"]), "marked": bool(row["marked"])}
        )
        for row in found
    ]


def by_campaign(
    db: sqlite3.Connection, list_id: int, start_ms: int, stop_ms: int, rows: int
) -> list[tuple[str, int]]:
    """The campaigns whose links were opened most from one instant to before another, and how
    often. Clicks that may have been a scanner's do not count."""
    found = db.execute(
        """select campaign, count(*) as clicks from clicks
           where list_id = :list_id and clicked_at_ms >= :start_ms and clicked_at_ms < :stop_ms
               and marked = 0
           group by campaign order by clicks desc, campaign limit :rows""",
        {"list_id": list_id, "start_ms": start_ms, "stop_ms": stop_ms, "rows": rows},
    )
    return [(row["campaign"], row["clicks"]) for row in found]


def _find(db: sqlite3.Connection, visitor_id: int, token_digest: bytes) -> NotedClick | None:
    row = db.execute(
        "select * from clicks where visitor_id = :visitor_id and token_digest = :token_digest",
        {"visitor_id": visitor_id, "token_digest": token_digest},
    ).fetchone()
    return _click(row) if row else None


def _add(db: sqlite3.Connection, event: Enriched, visitor: Visitor) -> NotedClick | None:
    """None for a token whose subscriber has left the list."""
    click = event.click
    assert click is not None
    there = db.execute(
        "select 1 from subscribers where id = :id and list_id = :list_id",
        {"id": click.subscriber_id, "list_id": event.list_id},
    ).fetchone()
    if there is None:
        return None
    row = db.execute(
        """insert into clicks (list_id, visitor_id, subscriber_id, campaign, token_digest,
               landing_digest, address_digest, clicked_at_ms, marked)
           values (:list_id, :visitor_id, :subscriber_id, :campaign, :token_digest,
               :landing_digest, :address_digest, :clicked_at_ms, :marked) returning *""",
        {
            "list_id": event.list_id,
            "visitor_id": visitor.id,
            "subscriber_id": click.subscriber_id,
            "campaign": click.campaign,
            "token_digest": click.token_digest,
            "landing_digest": _page_digest(event),
            "address_digest": click.address_digest,
            "clicked_at_ms": event.happened_at_ms,
            "marked": int(_mark_burst(db, event)),
        },
    ).fetchone()
    return _click(row)


def _mark_burst(db: sqlite3.Connection, event: Enriched) -> bool:
    """Whether this click is one of a burst from its address; then the earlier ones are marked too,
    so far as they have shown no person yet."""
    click = event.click
    assert click is not None
    span = {
        "list_id": event.list_id,
        "address_digest": click.address_digest,
        "since": event.happened_at_ms - BURST_MS,
    }
    others = db.execute(
        """select count(distinct subscriber_id) from clicks
           where list_id = :list_id and address_digest = :address_digest
               and clicked_at_ms >= :since and subscriber_id != :subscriber_id""",
        span | {"subscriber_id": click.subscriber_id},
    ).fetchone()[0]
    if others + 1 < BURST_RECIPIENTS or event.door is Door.API:
        return False  # a server speaks for many people from one address
    db.execute(
        """update clicks set marked = 1
           where list_id = :list_id and address_digest = :address_digest
               and clicked_at_ms >= :since and confirmed_at_ms is null""",
        span,
    )
    return True


def _sign_of_a_person(event: Enriched, *, first: bool, landing_digest: bytes) -> str | None:
    if event.trust is not Trust.NONE and (event.email or event.kind is Kind.IDENTIFY):
        return "identify"
    if event.human:
        return "human"
    here = _page_digest(event)
    is_second_page = not first and here and landing_digest and here != landing_digest
    return "second page" if is_second_page else None


def _page_digest(event: Enriched) -> bytes:
    """Of the page's address without its query and fragment: the landing page reloaded, or drawn
    again by its own script, is no second page. Empty where the page is not known."""
    url = str(event.page.get("$current_url") or "").partition("#")[0].partition("?")[0]
    return hashlib.blake2b(url.encode(), digest_size=12).digest() if url else b""


def _click(row: sqlite3.Row) -> NotedClick:
    return NotedClick(
        row["id"],
        row["subscriber_id"],
        row["campaign"],
        row["landing_digest"],
        row["confirmed_at_ms"] is not None,
        bool(row["marked"]),
    )
