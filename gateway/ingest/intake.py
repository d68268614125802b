"""The door to the river: events in, receipts out, each on disk before its receipt.

One call is one item of the writer: its events are recorded in order, so that one that cannot be
recorded does not cost the others.
"""

import asyncio
import copy
import logging
import sqlite3
import uuid as uuids
from collections.abc import Callable, Sequence
from functools import partial

import msgspec

from gateway.events.event import Click, Enriched
from gateway.events.vocabulary import Door
from gateway.ingest.facts import Seen
from gateway.ingest.plain import PlainRun
from gateway.ingest.record import Outcome, Receipt, Result, record
from gateway.ingest.tally import Tally
from gateway.records import identity
from gateway.records.recall import Recall
from gateway.records.suppressions import Erased
from gateway.settings import Limits
from gateway.store.database import savepoint
from gateway.store.writer import Writer

log = logging.getLogger(__name__)

Submission = tuple[Sequence[Enriched], Seen | None]
Then = Callable[[list[Outcome], BaseException | None], None]


class _Rehearsed(Exception):
    """Carries a test event's receipt out of a savepoint that is thereby undone."""

    def __init__(self, receipt: Receipt) -> None:
        self.receipt = receipt


class Intake:
    """`submit` is the one way in for every door."""

    def __init__(self, writer: Writer, limits: Limits, tally: Tally) -> None:
        self._writer = writer
        self._limits = limits
        self._tally = tally
        self._recall = Recall()

    def uncounted(self) -> "Intake":
        """The same door, where events are not counted as they end; for those that were received
        before. What it remembers of rows stays one thing."""
        made = copy.copy(self)
        made._tally = Tally()
        return made

    def submit(self, events: Sequence[Enriched], seen: Seen | None, then: Then) -> None:
        """Have `then(outcomes, error)` called with an outcome an event, in order: its receipt, or
        what kept just this one from being stored.

        The error is Overloaded when none could be written, Stale when `seen` is not so any more.
        Raises Overloaded when there is no room to wait in.
        """
        dropped = {
            place: reason
            for place, event in enumerate(events)
            if (reason := _reason_to_drop(event))
        }
        kept = events
        if dropped:
            kept = [event for place, event in enumerate(events) if place not in dropped]
        ended = partial(self._ended, events, dropped, then)
        if kept:
            self._writer.submit_to(self._record_all, (kept, seen), ended, adds=True)
        else:
            ended([], None)

    def _ended(
        self,
        events: Sequence[Enriched],
        dropped: dict[int, str],
        then: Then,
        outcomes: list[Outcome],
        error: BaseException | None,
    ) -> None:
        if error is not None:
            return then([], error)
        for place, reason in dropped.items():  # in order, so that each comes to its own place
            outcomes.insert(place, _dropped(events[place], reason))
        for event, outcome in zip(events, outcomes, strict=True):
            if isinstance(outcome, Receipt):
                self._tally.ended(event.door, outcome.result.value, outcome.reason)
            else:
                self._tally.deferred(event.door, "fault")
        return then(outcomes, None)

    async def accept(self, events: Sequence[Enriched], seen: Seen | None = None) -> list[Outcome]:
        """As `submit`; its error is raised."""
        future: asyncio.Future[list[Outcome]] = asyncio.get_running_loop().create_future()

        def settle(outcomes: list[Outcome], error: BaseException | None) -> None:
            if not future.done():  # else its caller went away; what was written stands
                future.set_exception(error) if error else future.set_result(outcomes)

        self.submit(events, seen, settle)
        return await future

    def confirm_click(
        self, list_id: int, visitor: uuids.UUID, click: Click, now_ms: int, then: Then
    ) -> None:
        """The tracker saw a person on a page that a click led to, and has no event to say it by."""

        def confirm(db: sqlite3.Connection) -> list[Outcome]:
            identity.confirm_click(db, list_id, visitor.bytes, click.token_digest, now_ms)
            return []

        self._writer.submit(confirm, then)

    def _record_all(
        self, db: sqlite3.Connection, submissions: Sequence[Submission]
    ) -> list[list[Outcome]]:
        """Everything that goes into one commit, in order; each in its own list of outcomes."""
        self._recall.up_to(self._writer.epoch)
        run = PlainRun(db, self._recall)
        answers = []
        for events, seen in submissions:
            if seen:
                seen.check(db, self._recall)
            answers.append(self._record(db, events, run))
        run.store()
        return answers

    def _record(
        self, db: sqlite3.Connection, events: Sequence[Enriched], run: PlainRun
    ) -> list[Outcome]:
        moved: dict[bytes | None, bytes] = {}  # whom a browser has become in this very beacon
        outcomes: list[Outcome] = []
        for sent in events:
            known = moved and sent.uuid in moved
            event = msgspec.structs.replace(sent, uuid=moved[sent.uuid]) if known else sent
            if run.take(event, outcomes):
                continue
            run.store()  # what came before is in the tables before what may look at them
            outcome = self._record_one(db, event)
            if isinstance(outcome, Receipt) and outcome.goes_on_as:
                moved[sent.uuid] = uuids.UUID(outcome.goes_on_as).bytes
            outcomes.append(outcome)
        return outcomes

    def _record_one(self, db: sqlite3.Connection, event: Enriched) -> Outcome:
        try:
            with savepoint(db):
                receipt = record(db, event, self._limits, self._recall)
                if event.test:
                    raise _Rehearsed(receipt)
        except _Rehearsed as rehearsed:
            self._recall.forget()
            return _tested(rehearsed.receipt)
        except Erased:
            self._recall.forget()
            return _dropped(event, "erased")
        except Exception as error:
            if not db.in_transaction or isinstance(error, sqlite3.OperationalError):
                raise  # the file, not this event
            self._recall.forget()
            log.exception(
                "event not stored list=%d event_id=%s", event.list_id, event.unique_id.hex()
            )
            return error
        return receipt


def reason_to_drop(door: Door, opted_out: bool, device_type: object) -> str | None:
    """Crawlers that run a page's script are no visitors; what a server says of one is its word."""
    if opted_out:
        return "opted out"
    return "bot" if door is not Door.API and device_type == "bot" else None


def _reason_to_drop(event: Enriched) -> str | None:
    return reason_to_drop(event.door, event.opted_out, event.browser.get("$device_type"))


def _dropped(event: Enriched, reason: str | None) -> Receipt:
    uuid = str(uuids.UUID(bytes=event.uuid)) if event.uuid else ""
    return Receipt(result=Result.DROPPED, uuid=uuid, reason=reason)


def _tested(receipt: Receipt) -> Receipt:
    return Receipt(
        result=Result.DROPPED,
        uuid=receipt.uuid,
        external_id=receipt.external_id,
        identify_event_sent=receipt.identify_event_sent,
        reason="test",
    )
