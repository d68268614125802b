"""A quarantined event goes down the river once more: read by today's code and limits, recorded as
received when it first was. It leaves the quarantine when it has ended."""

from functools import partial
from uuid import UUID

import msgspec

from gateway.events import parse
from gateway.events.device import device_of, stated_device
from gateway.events.enrich import Source, enrich
from gateway.events.event import Event, Trust
from gateway.events.vocabulary import Door
from gateway.ingest.intake import Intake
from gateway.ingest.record import Receipt
from gateway.records import lists, quarantine
from gateway.records.lists import SubscriberList
from gateway.records.quarantine import Quarantined, Request
from gateway.settings import Limits
from gateway.store.writer import Writer


class Replay:
    """`replay` may be cut short and run again: the event keeps the id it was quarantined under."""

    def __init__(self, writer: Writer, intake: Intake, limits: Limits) -> None:
        self._writer = writer
        self._intake = intake
        self._limits = limits

    async def replay(self, kept: Quarantined, subscriber_list: SubscriberList) -> Receipt:
        """How it ended. Raises InvalidEvent where it is still refused: then it stays."""
        payload = msgspec.json.decode(kept.payload)
        if kept.door is Door.API:
            event, trust = parse.server_event(payload, self._limits), Trust.CREATE
        else:
            event = parse.browser_event(payload, self._limits)
            trust = lists.trust_of(subscriber_list, event)
        enriched = enrich(event, _source(kept.request, event), trust)
        [outcome] = await self._intake.accept(
            [msgspec.structs.replace(enriched, unique_id=kept.unique_id)]
        )
        if not isinstance(outcome, Receipt):
            raise outcome
        await self._writer.write(partial(quarantine.remove, row_ids=[kept.id]))
        return outcome


def _source(request: Request, event: Event) -> Source:
    facts = request.facts
    by_server = request.door is Door.API
    return Source(
        list_id=request.list_id,
        door=request.door,
        device=stated_device(event.properties)
        if by_server
        else device_of(facts.agent, facts.hints),
        dsn=facts.dsn,
        server=facts.server,
        received_at_ms=request.received_at_ms,
        sent_at_ms=facts.sent_at_ms,
        # Whom a server's event is of, it says itself.
        visitor=UUID(bytes=request.visitor) if request.visitor and not by_server else None,
        click=facts.click,
        human=facts.human,
        context=facts.context,
    )
