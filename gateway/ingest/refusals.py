"""What becomes of an event that cannot be taken: it is kept in quarantine, on disk before anybody
is answered, or dropped for the reasons that a good one of the same request would be.

The river's side arm: doors hand in here what they could not read, and `Intake` what they could.
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from gateway.events.device import AGENT_CHARS_MAX, NO_HINTS, Hints
from gateway.events.enrich import Source
from gateway.events.refusal import Refusal, scrubbed
from gateway.ingest.intake import reason_to_drop
from gateway.ingest.tally import Tally
from gateway.records import quarantine
from gateway.records.quarantine import Facts, Fate, Request
from gateway.settings import Limits
from gateway.store.writer import Writer


class Ending(NamedTuple):
    """How a refused event ended: quarantined, dropped, or as a duplicate of one that was."""

    outcome: str
    reason: str


class Refusals:
    """`take` is the one way in, for every door."""

    def __init__(self, writer: Writer, limits: Limits, tally: Tally) -> None:
        self._writer = writer
        self._limits = limits
        self._tally = tally

    async def take(
        self,
        source: Source,
        refusals: Sequence[Refusal],
        agent: str = "",
        hints: Hints = NO_HINTS,
    ) -> list[Ending]:
        """The ending of each, in order. Raises Overloaded when nothing could be kept."""
        unwanted = reason_to_drop(source.door, source.opted_out, source.device.device_type)
        reasons = [unwanted or ("test" if refusal.test else None) for refusal in refusals]
        wanted = [each for each, reason in zip(refusals, reasons, strict=True) if not reason]
        kept = iter(await self._keep(_request(source, agent, hints), wanted) if wanted else ())
        endings = [
            Ending("dropped", reason) if reason else _ending(refusal, next(kept))
            for refusal, reason in zip(refusals, reasons, strict=True)
        ]
        for ending in endings:
            self._tally.ended(source.door, *ending)
        return endings

    async def _keep(self, request: Request, refusals: Sequence[Refusal]) -> list[Fate]:
        fates, evicted = await self._writer.write(
            partial(quarantine.keep, request=request, refusals=refusals, limits=self._limits)
        )
        self._tally.evicted("full", evicted)
        return fates


def _request(source: Source, agent: str, hints: Hints) -> Request:
    return Request(
        list_id=source.list_id,
        door=source.door,
        visitor=source.visitor.bytes if source.visitor else None,
        received_at_ms=source.received_at_ms,
        facts=Facts(
            dsn=source.dsn,
            server=source.server,
            agent=agent[:AGENT_CHARS_MAX],
            hints=hints,
            sent_at_ms=source.sent_at_ms,
            human=source.human,
            context=scrubbed(source.context),
            click=source.click,
        ),
    )


def _ending(refusal: Refusal, fate: Fate) -> Ending:
    if fate is Fate.KEPT:
        return Ending("quarantined", refusal.reason)
    if fate is Fate.KNOWN:
        return Ending("duplicate", "quarantined before")
    return Ending("dropped", "erased")
