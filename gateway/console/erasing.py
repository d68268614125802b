"""Forgetting a person from the console: asked once more, done beside, followed on a page.

Most people are gone before the answer. What takes longer goes on beside, and where that is cut
short, by the janitor.
"""

import asyncio
import logging
import sqlite3
from dataclasses import dataclass
from functools import partial

from starlette.responses import RedirectResponse, Response

from gateway import clock
from gateway.console import profile
from gateway.console.entry import Page
from gateway.console.rendering import Missing, render
from gateway.console.visit import Visit
from gateway.errors import Overloaded, Problem, Refused
from gateway.records import erasure, people, rights
from gateway.records.erasure import Receipt
from gateway.records.people import Subscriber
from gateway.records.rights import Person
from gateway.services import Services

PATIENCE_S = 1.0

NOT_THE_ADDRESS = Problem(1, "That is not this person's address: write it as it stands here.")

WORDS = {
    "bindings mentioning": "mentions in the journal of others",
    "field_values": "values of fields",
    "outbox": "deliveries",
    "quarantined": "refused events",
    "visitors": "browsers",
}
"""What the counts of a receipt are called, where it is not as they are kept."""

log = logging.getLogger(__name__)

_under_way: set[asyncio.Task[None]] = set()  # the loop itself keeps no task alive


@dataclass(frozen=True, slots=True)
class Asked:
    subscriber: Subscriber
    browsers: int
    is_begun: bool


async def ask(visit: Visit) -> Response:
    return _page(visit, await visit.services.reader.read(_asked, visit))


async def erase(visit: Visit) -> Response:
    asked = await visit.services.reader.read(_asked, visit)
    person = Person(visit.of_list.id, asked.subscriber)
    typed = visit.form.text("address")
    if typed.casefold() != asked.subscriber.email.casefold():
        return _page(visit, asked, typed, Refused(NOT_THE_ADDRESS))
    now_ms = clock.now_ms()
    begin = partial(erasure.begin, person=person, now_ms=now_ms)
    receipt_id = await visit.services.writer.write(begin)
    task = asyncio.create_task(_finish(visit.services, person, receipt_id, now_ms))
    _under_way.add(task)
    task.add_done_callback(_under_way.discard)
    await asyncio.wait({task}, timeout=PATIENCE_S)
    path = visit.to("people", asked.subscriber.id, "erasures", receipt_id)
    return RedirectResponse(path, 303)


async def follow(visit: Visit) -> Response:
    """How far it is: done once the person's own row is gone, which goes last."""
    receipt, is_done = await visit.services.reader.read(_far, visit)
    return render(visit, "erasure.html", receipt=receipt, is_done=is_done, words=WORDS)


async def _finish(services: Services, person: Person, receipt_id: int, now_ms: int) -> None:
    try:
        await erasure.finish(services.writer.write, person, receipt_id, now_ms)
    except Overloaded as error:
        log.warning("erasure put off receipt=%d: %s", receipt_id, error)


def _asked(db: sqlite3.Connection, visit: Visit) -> Asked:
    subscriber = profile.named(db, visit)
    person = Person(subscriber.list_id, subscriber)
    return Asked(subscriber, len(rights.visitors(db, person)), erasure.is_begun(db, person))


def _far(db: sqlite3.Connection, visit: Visit) -> tuple[Receipt, bool]:
    list_id = visit.of_list.id
    receipt = erasure.of_list(db, list_id, visit.number("receipt_id"))
    if receipt is None:
        raise Missing("There is no such receipt on this list.")
    return receipt, people.on_list(db, list_id, visit.number("subscriber_id")) is None


def _page(visit: Visit, asked: Asked, typed: str = "", refused: Refused | None = None) -> Response:
    status = refused.status if refused else 200
    return render(visit, "erase.html", status=status, asked=asked, typed=typed, refused=refused)


PAGES = (
    Page("/lists/{list_id:int}/people/{subscriber_id:int}/erase", show=ask, act=erase),
    Page("/lists/{list_id:int}/people/{subscriber_id:int}/erasures/{receipt_id:int}", show=follow),
)
