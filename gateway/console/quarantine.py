"""What was refused of a list's events and why, taking it once more, and what was lost on the way.

A replay goes down the doors' own river; what is still refused stays where it is.
"""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import msgspec
from starlette.responses import Response

from gateway import clock
from gateway.console.entry import Page
from gateway.console.rendering import Missing, done, number, render
from gateway.console.visit import Visit
from gateway.errors import InvalidEvent
from gateway.events.device import device_of
from gateway.ingest.replay import Replay
from gateway.records import ledger, quarantine
from gateway.records.event_log import ID_MAX
from gateway.records.ledger import Loss
from gateway.records.quarantine import Quarantined, Reason
from gateway.services import Services

EVENTS = 50  # a page
NAME_CHARS = 120  # shown of an event name, which may be what was too long
JSON_CHARS = 50_000  # shown of a payload
REPLAYS_MAX = 10_000  # by one press of a button
TOGETHER = 20  # replays that may share a commit; reading them holds up the loop
DAYS = (1, 7, 30)
DAY_MS = 86_400_000
LOSS_EVENTS = 50_000  # read for what was lost, of all lists; more would take too long
NEWEST = ID_MAX

GONE = "There is no such event in quarantine: it was replayed or removed, or it was too old."


class Row(NamedTuple):
    kept: Quarantined
    name: str | None


async def show(visit: Visit) -> Response:
    code = visit.query.whole("reason", -1)
    before_id = visit.query.whole("before") or NEWEST
    reasons, found = await visit.services.reader.read(
        _look, visit.of_list.id, before_id, None if code < 0 else code
    )
    return render(
        visit,
        "quarantine.html",
        reasons=reasons,
        total=sum(reason.events for reason in reasons),
        chosen=None if code < 0 else code,
        rows=[Row(kept, _name(kept)) for kept in found],
        is_first=before_id == NEWEST,
        older=found[-1].id if _has_older(found) else None,
        days=visit.services.settings.limits.quarantine_days,
    )


async def show_one(visit: Visit) -> Response:
    kept = _of_list(visit)
    facts = kept.request.facts
    device = device_of(facts.agent, facts.hints)
    payload, is_cut = _indented(kept.payload)
    context, _ = _indented(msgspec.json.encode(facts.context).decode())
    return render(
        visit,
        "quarantine_event.html",
        kept=kept,
        name=_name(kept),
        facts=facts,
        device=device,
        payload=payload,
        is_cut=is_cut,
        context=context if facts.context else "",
    )


async def replay_one(visit: Visit) -> Response:
    """Back to the list if it left the quarantine, else to where its problems are told."""
    kept = _of_list(visit)
    results = await _replay(visit, [kept])
    stays = results["refused"] > 0
    return done(visit, visit.to("quarantine", *[kept.id] * stays), _told(results))


async def replay_all(visit: Visit) -> Response:
    """All that were refused for a reason, oldest first."""
    code = visit.form.whole("reason", -1)
    results: Counter[str] = Counter()
    after_id, tried = 0, 0
    read = visit.services.reader.read
    while tried < REPLAYS_MAX:
        page = await read(quarantine.page, visit.of_list.id, after_id)
        if not page:
            break
        after_id = page[-1].id
        meant = [kept for kept in page if kept.problems[0].code == code][: REPLAYS_MAX - tried]
        tried += len(meant)
        results += await _replay(visit, meant)
    if not tried:
        raise Missing("Nothing in quarantine has that reason any more.")
    return done(visit, visit.to("quarantine"), _told(results))


async def remove(visit: Visit) -> Response:
    kept = _of_list(visit)
    await visit.services.writer.write(partial(quarantine.remove, row_ids=[kept.id]))
    return done(visit, visit.to("quarantine"), "The event is removed.")


async def show_loss(visit: Visit) -> Response:
    asked = visit.query.whole("days", 7)
    days = asked if asked in DAYS else 7
    losses, since_ms, is_cut = await visit.services.reader.read(_losses, visit.of_list.id, days)
    return render(
        visit,
        "quarantine_loss.html",
        losses=losses,
        made=sum(loss.made for loss in losses),
        stored=sum(loss.stored for loss in losses),
        days=days,
        ranges=DAYS,
        since_ms=since_ms,
        is_cut=is_cut,
        events_max=LOSS_EVENTS,
    )


def _look(
    db: sqlite3.Connection, list_id: int, before_id: int, code: int | None
) -> tuple[list[Reason], list[Quarantined]]:
    found = quarantine.newest(db, list_id, before_id=before_id, code=code, rows=EVENTS)
    return quarantine.reasons(db, list_id), found


def _losses(db: sqlite3.Connection, list_id: int, days: int) -> tuple[list[Loss], int, bool]:
    """With since when, and whether that is later than was asked for."""
    now_ms = clock.now_ms()
    since_ms = now_ms - days * DAY_MS
    after_id, cut_at_ms = ledger.last_before(db, since_ms, LOSS_EVENTS)
    begun_ms = cut_at_ms or since_ms
    found = ledger.loss(db, list_id=list_id, since_ms=begun_ms, now_ms=now_ms, after_id=after_id)
    return found, begun_ms, cut_at_ms is not None


def _of_list(visit: Visit) -> Quarantined:
    """The one in the path. Raises Missing, also where it is another list's."""
    kept = visit.services.reader.look_up(quarantine.get, visit.number("row_id"))
    if kept is None or kept.list_id != visit.of_list.id:
        raise Missing(GONE)
    return kept


async def _replay(visit: Visit, some: Sequence[Quarantined]) -> Counter[str]:
    """How many ended how."""
    river = _river(visit.services)
    results: Counter[str] = Counter()
    for start in range(0, len(some), TOGETHER):
        replays = (_result(river, kept, visit) for kept in some[start : start + TOGETHER])
        results.update(await asyncio.gather(*replays))
    return results


async def _result(river: Replay, kept: Quarantined, visit: Visit) -> str:
    try:
        receipt = await river.replay(kept, visit.of_list)
    except InvalidEvent:
        return "refused"
    return receipt.result.value


def _river(services: Services) -> Replay:
    """The doors' own intake, for what it remembers of rows must stay one thing; but an event that
    is replayed is not received again, so it is not counted again where it ends."""
    return Replay(services.writer, services.intake.uncounted(), services.settings.limits)


def _told(results: Counter[str]) -> str:
    words = {
        "stored": "stored", "duplicate": "stored already", "dropped": "dropped",
        "refused": "still refused",
    }  # fmt: skip
    said = [f"{number(results[each])} {word}" for each, word in words.items() if results[each]]
    return f"Replayed: {', '.join(said)}."


def _name(kept: Quarantined) -> str | None:
    payload = msgspec.json.decode(kept.payload)
    name = payload.get("event") if isinstance(payload, dict) else None
    if not isinstance(name, str) or not name.strip():
        return None
    return name if len(name) <= NAME_CHARS else f"{name[:NAME_CHARS]}…"


def _has_older(found: Sequence[Quarantined]) -> bool:
    """Whether a page ended because it was full."""
    size = sum(len(kept.payload) + len(kept.facts) for kept in found)
    return len(found) == EVENTS or size > quarantine.PAGE_BYTES


def _indented(text: str) -> tuple[str, bool]:
    """JSON for reading, and whether it is cut off."""
    shown: Any = msgspec.json.format(text, indent=2)
    return shown[:JSON_CHARS], len(shown) > JSON_CHARS


PAGES = (
    Page("/lists/{list_id:int}/quarantine", show=show),
    Page("/lists/{list_id:int}/quarantine/replay", act=replay_all),
    Page("/lists/{list_id:int}/quarantine/loss", show=show_loss),
    Page("/lists/{list_id:int}/quarantine/{row_id:int}", show=show_one),
    Page("/lists/{list_id:int}/quarantine/{row_id:int}/replay", act=replay_one),
    Page("/lists/{list_id:int}/quarantine/{row_id:int}/remove", act=remove),
)
