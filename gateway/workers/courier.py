"""Delivers what the outbox owes, one server process at a time, for as long as the server runs.

What is due is read, posted, and what became of it written down, in that order: a process that is
killed between the last two posts once more, with the same id, and none is ever lost. Which process
it is, a lock on a file beside the database tells: the system takes it from one that ends however
it ends, and another goes on within a second.
"""

import asyncio
import email.utils
import logging
import os
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from gateway import clock
from gateway.errors import Overloaded
from gateway.records import outbox, webhooks
from gateway.records.outbox import Attempted, Delivery
from gateway.records.webhooks import Webhook
from gateway.services import Services
from gateway.workers.circuit import Circuit, backoff_ms
from gateway.workers.frames import Answer, Job
from gateway.workers.poster import Poster

try:
    import fcntl
except ImportError:  # Windows, where one process is all there is
    fcntl = None  # type: ignore[assignment] # as tested below

LOOK_S = 0.1
LOCK_S = 1.0
GIVE_UP_S = 60.0
GIVE_UP_ROWS = 200  # a transaction's
TOGETHER, TOGETHER_ALL = 64, 512  # attempts under way at one endpoint, and at all
RETRY_AFTER_MS_MAX = 86_400_000
STATUS_GONE = 410

log = logging.getLogger(__name__)


class Courier:
    """Make it on the event loop; it starts at once."""

    def __init__(self, services: Services) -> None:
        settings = services.settings
        self._reader, self._writer = services.reader, services.writer
        self._tally = services.tally
        self._poster = Poster(settings.webhook_hosts_allowed)
        self._lock = Path(f"{settings.db}.courier")
        self._circuits: defaultdict[str, Circuit] = defaultdict(Circuit)
        self._busy: Counter[str] = Counter()  # attempts under way, by URL
        self._taken: set[int] = set()  # deliveries, until it is written how they went
        self._ended: list[Attempted] = []
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Leave off: what is under way is posted once more by whoever goes on."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._poster.stop()
        with suppress(Overloaded):
            await self._settle()

    async def _run(self) -> None:
        try:
            handle = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            log.error("webhooks are not delivered: %s: %s", self._lock, error.strerror)
            return
        try:
            while not _takes_lock(handle):  # noqa: ASYNC110 - of a file: nobody can tell us
                await asyncio.sleep(LOCK_S)
            if await self._reader.read(webhooks.are_any):
                await self._poster.start()  # ahead of the first that is due
            await asyncio.gather(
                _for_ever(self._deliver, LOOK_S), _for_ever(self._give_up, GIVE_UP_S)
            )
        finally:
            os.close(handle)

    async def _deliver(self) -> None:
        """Write down how attempts went, and begin what is due, as far as there is room."""
        await self._settle()
        now_ms = clock.now_ms()
        for webhook in await self._reader.read(outbox.endpoints, now_ms):
            room = min(
                self._circuits[webhook.url].room(now_ms, TOGETHER) - self._busy[webhook.url],
                TOGETHER_ALL - len(self._taken),
            )
            if room > 0:
                taken = list(self._taken)
                due = await self._reader.read(outbox.due, webhook.id, now_ms, room, taken)
                await self._poster.start()
                for delivery in due:
                    self._begin(webhook, delivery, now_ms)

    def _begin(self, webhook: Webhook, delivery: Delivery, now_ms: int) -> None:
        self._taken.add(delivery.id)
        self._busy[webhook.url] += 1
        job = Job(
            id=delivery.id,
            url=webhook.url,
            headers=dict(webhook.headers),
            body=delivery.body.encode(),
            delivery_id=delivery.delivery_id,
            signature_header=webhook.signature_header,
            secrets=webhook.secrets(now_ms),
        )
        self._poster.post(job, partial(self._answered, webhook.url, delivery))

    def _answered(self, url: str, delivery: Delivery, answer: Answer) -> None:
        self._busy[url] -= 1
        self._note(self._circuits[url], delivery, answer, clock.now_ms())

    def _note(self, circuit: Circuit, delivery: Delivery, answer: Answer, now_ms: int) -> None:
        attempted = judge(delivery, answer, now_ms)
        self._ended.append(attempted)
        if attempted.delivered:
            circuit.succeeded()
            self._tally.delivered((now_ms - delivery.written_at_ms) / 1000)
        else:
            circuit.failed(now_ms)
            circuit.pause(now_ms + retry_after_ms(answer.retry_after, now_ms))
            self._tally.undelivered("failed" if attempted.again_at_ms else "dead")

    async def _settle(self) -> None:
        """What could not be written stays taken, and is tried again with the next."""
        ended = self._ended[:]
        if not ended:
            return
        # No row that anybody remembers is changed, so that others may go on remembering.
        now_ms = clock.now_ms()
        await self._writer.write(partial(outbox.settle, attempts=ended, now_ms=now_ms), adds=True)
        del self._ended[: len(ended)]
        for each in ended:
            self._taken.discard(each.delivery.id)
        for webhook_id in {each.delivery.webhook_id for each in ended if each.gone}:
            await self._writer.write(partial(webhooks.close, webhook_id=webhook_id, now_ms=now_ms))
            log.info("webhook closed: its endpoint is gone webhook=%d", webhook_id)

    async def _give_up(self) -> None:
        """Give up what waited too long, or for an endpoint that is gone."""
        for step in (outbox.give_up, outbox.give_up_gone):
            work = partial(step, rows=GIVE_UP_ROWS, now_ms=clock.now_ms())
            while await self._writer.write(work, adds=True):
                pass


def judge(delivery: Delivery, answer: Answer, now_ms: int) -> Attempted:
    """What comes after an attempt: nothing where it was delivered, another one, or giving up."""
    if answer.status is not None and 200 <= answer.status < 300:
        return Attempted(delivery, str(answer.status), delivered=True)
    said = answer.fault or str(answer.status)
    if answer.status == STATUS_GONE:
        return Attempted(delivery, outbox.GONE, gone=True)
    pause_ms = max(backoff_ms(delivery.attempts + 1), retry_after_ms(answer.retry_after, now_ms))
    if now_ms + pause_ms >= delivery.give_up_at_ms:
        return Attempted(delivery, f"not delivered within 24 hours; last: {said}")
    return Attempted(delivery, said, again_at_ms=now_ms + pause_ms)


def retry_after_ms(said: str, now_ms: int) -> int:
    """`Retry-After` in seconds or as a date; 0 for none that can be read."""
    if said.isascii() and said.isdecimal():
        pause_ms = int(said[:9]) * 1000
    else:
        try:
            pause_ms = int(email.utils.parsedate_to_datetime(said).timestamp() * 1000) - now_ms
        except (ValueError, OverflowError):
            return 0
    return min(max(pause_ms, 0), RETRY_AFTER_MS_MAX)


async def _for_ever(work: Callable[[], Awaitable[None]], pause_s: float) -> None:
    """Nothing that fails ends it."""
    while True:
        try:
            await work()
        except (Overloaded, sqlite3.OperationalError) as error:
            log.info("webhooks put off: %s", error)
        except Exception:
            log.exception("webhooks failed")
        await asyncio.sleep(pause_s)


def _takes_lock(handle: int) -> bool:
    if fcntl is None:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
