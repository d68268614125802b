"""The async door to the river: events in, receipts out, each on disk before its receipt.

One call is one item of the writer: its events are recorded in order, each in a savepoint of its
own, so that one that cannot be recorded does not cost the others.
"""

import logging
import sqlite3
import uuid as uuids
from collections.abc import Sequence

import msgspec

from gateway.events.event import Click, Enriched
from gateway.events.vocabulary import Door
from gateway.ingest.record import Receipt, Result, record
from gateway.ingest.tally import Tally
from gateway.records import identity
from gateway.records.suppressions import Erased
from gateway.settings import Limits
from gateway.store.database import savepoint
from gateway.store.writer import Writer

log = logging.getLogger(__name__)

Outcome = Receipt | Exception


class _Rehearsed(Exception):
    """Carries a test event's receipt out of a savepoint that is thereby undone."""

    def __init__(self, receipt: Receipt) -> None:
        self.receipt = receipt


class Intake:
    """`accept` is the one way in for every door."""

    def __init__(self, writer: Writer, limits: Limits, tally: Tally) -> None:
        self._writer = writer
        self._limits = limits
        self._tally = tally

    async def accept(self, events: Sequence[Enriched]) -> list[Outcome]:
        """An outcome an event, in order: its receipt, or what kept just this one from being stored.

        Raises Overloaded when none of them could be written.
        """
        reasons = [_reason_to_drop(event) for event in events]
        kept = [event for event, reason in zip(events, reasons, strict=True) if not reason]
        outcomes = iter(await self._writer.write(lambda db: self._record(db, kept)) if kept else ())
        ended = [
            _dropped(event, reason) if reason else next(outcomes)
            for event, reason in zip(events, reasons, strict=True)
        ]
        self._count(events, ended)
        return ended

    def _count(self, events: Sequence[Enriched], outcomes: Sequence[Outcome]) -> None:
        for event, outcome in zip(events, outcomes, strict=True):
            if isinstance(outcome, Receipt):
                self._tally.ended(event.door, outcome.result.value, outcome.reason)
            else:
                self._tally.deferred(event.door, "fault")

    async def confirm_click(
        self, list_id: int, visitor: uuids.UUID, click: Click, now_ms: int
    ) -> None:
        """The tracker saw a person on a page that a click led to, and has no event to say it by."""
        await self._writer.write(
            lambda db: identity.confirm_click(
                db, list_id, visitor.bytes, click.token_digest, now_ms
            )
        )

    def _record(self, db: sqlite3.Connection, events: Sequence[Enriched]) -> list[Outcome]:
        moved: dict[bytes | None, bytes] = {}  # whom a browser has become in this very beacon
        outcomes = []
        for sent in events:
            uuid = moved.get(sent.uuid, sent.uuid)
            outcome = self._record_one(db, msgspec.structs.replace(sent, uuid=uuid))
            if isinstance(outcome, Receipt) and outcome.goes_on_as:
                moved[sent.uuid] = uuids.UUID(outcome.goes_on_as).bytes
            outcomes.append(outcome)
        return outcomes

    def _record_one(self, db: sqlite3.Connection, event: Enriched) -> Outcome:
        try:
            with savepoint(db):
                receipt = record(db, event, self._limits)
                if event.test:
                    raise _Rehearsed(receipt)
        except _Rehearsed as rehearsed:
            return _tested(rehearsed.receipt)
        except Erased:
            return _dropped(event, "erased")
        except Exception as error:
            if not db.in_transaction or isinstance(error, sqlite3.OperationalError):
                raise  # the file, not this event
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


def _dropped(event: Enriched, reason: str) -> Receipt:
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
