"""Lists of subscribers, each owned by one account. Writes the table `lists`.

`allowed_origins` are the sites whose browsers may use the gateway's own cookie; the events of
any site that carries the list's snippet are taken.
"""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from gateway.errors import Problem, Refused


@dataclass(frozen=True, slots=True)
class SubscriberList:
    id: int
    account_id: int
    name: str
    allowed_origins: tuple[str, ...]
    created_at_ms: int
    privacy: str = "ignore"


PRIVACY = ("ignore", "cookieless", "off")
"""What a list does with visitors whose browser asks not to be tracked (GPC, DNT)."""


def create(
    db: sqlite3.Connection, account_id: int, name: str, origins: Sequence[str], now_ms: int
) -> SubscriberList:
    """Raises Refused for an origin that is none."""
    row = db.execute(
        """insert into lists (account_id, name, allowed_origins, created_at_ms)
           values (:account_id, :name, :allowed_origins, :now_ms) returning *""",
        {
            "account_id": account_id,
            "name": name,
            "allowed_origins": json.dumps([origin_of(text) for text in origins]),
            "now_ms": now_ms,
        },
    ).fetchone()
    return _list(row)


def set_privacy(db: sqlite3.Connection, list_id: int, privacy: str) -> None:
    """`privacy` is one of PRIVACY. Snippets carry it too: they have to be pasted again."""
    db.execute(
        "update lists set privacy = :privacy where id = :id", {"id": list_id, "privacy": privacy}
    )


def get(db: sqlite3.Connection, list_id: int) -> SubscriberList | None:
    row = db.execute("select * from lists where id = :id", {"id": list_id}).fetchone()
    return _list(row) if row else None


def of_account(db: sqlite3.Connection, account_id: int) -> list[SubscriberList]:
    rows = db.execute(
        "select * from lists where account_id = :account_id order by id", {"account_id": account_id}
    )
    return [_list(row) for row in rows]


def owned(db: sqlite3.Connection, list_id: int, account_id: int) -> SubscriberList | None:
    """The list, if it is this account's; another's is as if it did not exist."""
    found = get(db, list_id)
    return found if found and found.account_id == account_id else None


def origin_of(text: str) -> str:
    """`https://shop.example` as browsers spell an origin. Raises Refused for what is none."""
    parts = urlsplit(text.strip().lower())
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
        row["privacy"],
    )
