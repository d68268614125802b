"""What a person did with the list itself: joined it, opened its links, bought, left. Read-only."""

import sqlite3
from dataclasses import dataclass

ROWS_MAX = 500


@dataclass(frozen=True, slots=True)
class Activity:
    """`campaign` is whose link it was, or was credited to."""

    type: str
    campaign: str | None
    at_ms: int


def of_subscriber(db: sqlite3.Connection, subscriber_id: int) -> list[Activity]:
    """Newest first, at most ROWS_MAX. Clicks that may have been a scanner's are not told."""
    rows = db.execute(
        """select 'Subscription' as type, null as campaign, created_at_ms as at_ms
               from subscribers where id = :id
           union all
           select 'Unsubscription', null, unsubscribed_at_ms
               from subscribers where id = :id and unsubscribed_at_ms is not null
           union all
           select 'Click', campaign, clicked_at_ms
               from clicks where subscriber_id = :id and marked = 0
           union all
           select 'Conversion', campaign, happened_at_ms
               from visitors join conversions on conversions.visitor_id = visitors.id
               left join clicks on clicks.id = click_id
               where visitors.subscriber_id = :id
           order by at_ms desc limit :rows""",
        {"id": subscriber_id, "rows": ROWS_MAX},
    )
    return [Activity(row["type"], row["campaign"], row["at_ms"]) for row in rows]
