"""Lists of subscribers, each owned by one account. Writes the table `lists`.

`allowed_origins` are the sites whose browsers may use the gateway's own cookie; the events of
any site that carries the list's snippet are taken.
"""

import hashlib
import hmac
import json
import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from gateway.errors import Problem, Refused
from gateway.events.event import Event, Trust

IDENTIFY_MODES = ("create", "bind only", "verified")
ORDERS = {"listid": "id", "name": "lower(name)", "createdon": "created_at_ms"}


@dataclass(frozen=True, slots=True)
class SubscriberList:
    """`identify_mode` is create, bind only or verified; `options` are the settings we keep and
    give back, but do not act on. `time_zone` is an IANA name: whose days figures are counted in."""

    id: int
    account_id: int
    name: str
    allowed_origins: tuple[str, ...]
    created_at_ms: int
    archived_at_ms: int | None
    currency: str
    identify_mode: str
    secret: str
    options: dict[str, Any]
    privacy: str
    time_zone: str


PRIVACY = ("ignore", "cookieless", "off")
"""What a list does with visitors whose browser asks not to be tracked (GPC, DNT)."""


def create(
    db: sqlite3.Connection, account_id: int, name: str, origins: Sequence[str], now_ms: int
) -> SubscriberList:
    """Raises Refused for an origin that is none."""
    row = db.execute(
        """insert into lists (account_id, name, allowed_origins, secret, created_at_ms)
           values (:account_id, :name, :allowed_origins, :secret, :now_ms) returning *""",
        {
            "account_id": account_id,
            "name": name,
            "allowed_origins": json.dumps([origin_of(text) for text in origins]),
            "secret": secrets.token_hex(32),
            "now_ms": now_ms,
        },
    ).fetchone()
    return _list(row)


def get(db: sqlite3.Connection, list_id: int) -> SubscriberList | None:
    row = db.execute(
        "select * from lists where id = :id and deleted_at_ms is null", {"id": list_id}
    ).fetchone()
    return _list(row) if row else None


def of_account(db: sqlite3.Connection, account_id: int) -> list[SubscriberList]:
    rows = db.execute(
        """select * from lists where account_id = :account_id and deleted_at_ms is null
           order by id""",
        {"account_id": account_id},
    )
    return [_list(row) for row in rows]


def search(
    db: sqlite3.Connection,
    account_id: int,
    *,
    text: str,
    archived: bool | None,
    order: str,
    descending: bool,
    rows: int,
    offset: int,
) -> tuple[list[SubscriberList], int]:
    """A page of an account's lists whose name has `text` in it, and how many there are in all.

    `archived`: those only, or the others only; None for both. `order` is one of ORDERS.
    """
    values = {"account_id": account_id, "text": text, "archived": archived}
    where = """where account_id = :account_id and deleted_at_ms is null
        and (:text = '' or instr(lower(name), lower(:text)) > 0)
        and (:archived is null or (archived_at_ms is not null) = :archived)"""
    direction = "desc" if descending else "asc"
    found = db.execute(
        f"select * from lists {where} order by {ORDERS[order]} {direction}, id {direction}"  # noqa: S608 - texts of this file
        " limit :rows offset :offset",
        values | {"rows": rows, "offset": offset},
    )
    total = db.execute(f"select count(*) from lists {where}", values)  # noqa: S608 - as above
    return [_list(row) for row in found], int(total.fetchone()[0])


def owned(db: sqlite3.Connection, list_id: int, account_id: int) -> SubscriberList | None:
    """The list, if it is this account's; another's is as if it did not exist."""
    found = get(db, list_id)
    return found if found and found.account_id == account_id else None


def trust_of(found: SubscriberList, event: Event) -> Trust:
    """What an address from one of this list's browsers may do.

    `create` subscribes it, `bind only` finds who is on the list, and `verified` asks for the
    HMAC-SHA256 of the address with the list's secret, which only the site's own server can make.
    """
    if found.identify_mode == "create":
        return Trust.CREATE
    if found.identify_mode == "bind only":
        return Trust.BIND
    address = event.email or event.external_id or ""
    expected = hmac.new(found.secret.encode(), address.encode(), hashlib.sha256).hexdigest()
    vouched = hmac.compare_digest(expected.encode(), (event.proof or "").lower().encode())
    return Trust.CREATE if vouched else Trust.NONE


def change(db: sqlite3.Connection, found: SubscriberList) -> None:
    """Write a list's facts over the ones it had."""
    db.execute(
        """update lists set name = :name, allowed_origins = :allowed_origins,
               archived_at_ms = :archived_at_ms, currency = :currency,
               identify_mode = :identify_mode, privacy = :privacy, time_zone = :time_zone,
               options = :options
           where id = :id""",
        {
            "id": found.id,
            "name": found.name,
            "allowed_origins": json.dumps([origin_of(text) for text in found.allowed_origins]),
            "archived_at_ms": found.archived_at_ms,
            "currency": found.currency,
            "identify_mode": found.identify_mode,
            "privacy": found.privacy,
            "time_zone": found.time_zone,
            "options": json.dumps(found.options),
        },
    )


def bury(db: sqlite3.Connection, list_id: int, now_ms: int) -> None:
    """From now on the list is as if it did not exist; `removal` takes away what it held."""
    db.execute(
        "update lists set deleted_at_ms = :now_ms where id = :id", {"id": list_id, "now_ms": now_ms}
    )


def buried(db: sqlite3.Connection) -> list[int]:
    """The deleted lists that something is left of."""
    rows = db.execute("select id from lists where deleted_at_ms is not null order by id")
    return [row["id"] for row in rows]


def origin_of(text: str) -> str:
    """`https://shop.example` as browsers spell an origin. Raises Refused for what is none."""
    try:
        parts = urlsplit(text.strip().lower())
    except ValueError:  # a bracket without its other one
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path not in ("", "/"):
        raise Refused(Problem(1002, f"{text!r} is no origin: write it as https://shop.example."))
    return f"{parts.scheme}://{parts.netloc}"


def _list(row: sqlite3.Row) -> SubscriberList:
    return SubscriberList(
        row["id"],
        row["account_id"],
        row["name"],
        tuple(json.loads(row["allowed_origins"])),
        row["created_at_ms"],
        row["archived_at_ms"],
        row["currency"],
        row["identify_mode"],
        row["secret"],
        json.loads(row["options"]),
        row["privacy"],
        row["time_zone"],
    )
