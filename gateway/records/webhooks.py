"""Webhooks: what journeys run, a URL to post to and a secret to sign with. Writes `webhooks`.

A secret is shown when it is made and never again. Rotated, the one before is valid besides for a
day, so that a receiver can change over at its own time.
"""

import json
import secrets
import sqlite3
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway import signatures

SIGNATURE_HEADER = "X-Octeth-Signature"
OVERLAP_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Webhook:
    """`headers` and `payload` are the journey's owner's own, the latter with merge tags in it."""

    id: int
    journey_id: int
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    payload: Mapping[str, Any] = field(default_factory=dict)
    signature_header: str = SIGNATURE_HEADER
    secret: str = field(default="", repr=False)
    secret_before: str = field(default="", repr=False)
    before_until_ms: int = 0
    gone_at_ms: int | None = None

    def secrets(self, now_ms: int) -> tuple[str, ...]:
        """Those that are valid now, the newest first."""
        both = self.secret_before and now_ms < self.before_until_ms
        return (self.secret, self.secret_before) if both else (self.secret,)


def of_journey(db: sqlite3.Connection, journey_id: int) -> list[Webhook]:
    """In the order they are run."""
    rows = db.execute(
        """select * from webhooks where journey_id = :journey_id and removed_at_ms is null
           order by place""",
        {"journey_id": journey_id},
    )
    return [_webhook(row) for row in rows]


def get(db: sqlite3.Connection, webhook_id: int) -> Webhook | None:
    row = db.execute(
        "select * from webhooks where id = :id and removed_at_ms is null", {"id": webhook_id}
    ).fetchone()
    return _webhook(row) if row else None


def are_any(db: sqlite3.Connection) -> bool:
    row = db.execute("select 1 from webhooks where removed_at_ms is null limit 1").fetchone()
    return row is not None


def replace(
    db: sqlite3.Connection, journey_id: int, wanted: Sequence[Webhook], now_ms: int
) -> list[Webhook]:
    """Make a journey's webhooks these. One with the id of one that is there changes it, and what
    was gone is there again; all others get a secret. What is not among them is removed."""
    known = {each.id for each in of_journey(db, journey_id)}
    kept = [_write(db, each, place, known) for place, each in enumerate(wanted)]
    gone = known - {each.id for each in kept}
    db.executemany(
        "update webhooks set removed_at_ms = :now_ms where id = :id",
        [{"id": each, "now_ms": now_ms} for each in gone],
    )
    return of_journey(db, journey_id)


def rotate(db: sqlite3.Connection, webhook_id: int, now_ms: int) -> str:
    """The new secret."""
    secret = new_secret()
    db.execute(
        """update webhooks set secret_before = secret, secret = :secret, before_until_ms = :until_ms
           where id = :id""",
        {"id": webhook_id, "secret": secret, "until_ms": now_ms + OVERLAP_MS},
    )
    return secret


def close(db: sqlite3.Connection, webhook_id: int, now_ms: int) -> None:
    """Its endpoint says that it is gone."""
    db.execute(
        "update webhooks set gone_at_ms = :now_ms where id = :id",
        {"id": webhook_id, "now_ms": now_ms},
    )


def new_secret() -> str:
    return signatures.PREFIX + b64encode(secrets.token_bytes(32)).decode()


def _write(db: sqlite3.Connection, webhook: Webhook, place: int, known: set[int]) -> Webhook:
    values = {
        "id": webhook.id,
        "journey_id": webhook.journey_id,
        "place": place,
        "url": webhook.url,
        "headers": json.dumps(dict(webhook.headers)),
        "payload": json.dumps(dict(webhook.payload)),
        "signature_header": webhook.signature_header,
        "secret": new_secret(),
    }
    if webhook.id in known:
        row = db.execute(
            """update webhooks set place = :place, url = :url, headers = :headers,
                   payload = :payload, signature_header = :signature_header, gone_at_ms = null
               where id = :id returning *""",
            values,
        )
    else:
        row = db.execute(
            """insert into webhooks (journey_id, place, url, headers, payload, signature_header,
                   secret, secret_before, before_until_ms)
               values (:journey_id, :place, :url, :headers, :payload, :signature_header, :secret,
                   '', 0) returning *""",
            values,
        )
    return _webhook(row.fetchone())


def _webhook(row: sqlite3.Row) -> Webhook:
    return Webhook(
        row["id"],
        row["journey_id"],
        row["url"],
        json.loads(row["headers"]),
        json.loads(row["payload"]),
        row["signature_header"],
        row["secret"],
        row["secret_before"],
        row["before_until_ms"],
        row["gone_at_ms"],
    )
