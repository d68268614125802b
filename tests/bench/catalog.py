"""How soon a long history is counted for the catalog, what ingest feels of it, and how soon its
pages are there.

    python -m tests.bench.catalog [--events 1000000] [--names 10000]

A gateway in a process of its own takes a thousand events a second, ten in a beacon, on a file with
so many page views that were never counted: each beacon's wait is measured, while they are counted
and when only what comes is. Two more lists have so many names in their catalogs, of few events
and of many; their pages are opened, and searched.
"""

import argparse
import asyncio
import contextlib
import json
import re
import sqlite3
import statistics
import tempfile
import time
import uuid as uuids
from pathlib import Path

import httpx

from gateway import clock
from gateway.events.device import Device
from gateway.events.enrich import Source, enrich
from gateway.events.event import Event
from gateway.events.vocabulary import STANDARD_PROPERTIES, Door
from gateway.ingest.record import record
from gateway.records import accounts, lists
from gateway.settings import Limits, Settings, secrets_of
from gateway.signing import Signing
from gateway.store.database import connect, open_database, transaction
from tests.bench.history import add_page_views
from tests.bench.retention import Sender, Waits
from tests.bench.serving import serving
from tests.support import CHROME, PASSWORD, free_port

VISITORS = 20_000
EVENTS_A_BEACON, BEACONS = 10, 100
STEADY_S = 30
OPENINGS = 9
STANDARD = len(STANDARD_PROPERTIES)
PER_EVENT = {"few events of many properties": 200, "many events of one property": STANDARD + 1}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--events", type=int, default=1_000_000)
    arguments.add_argument("--names", type=int, default=10_000)
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(db=Path(folder) / "gateway.db", port=free_port())
        body, many = _history(settings, chosen.events, chosen.names)
        with serving(settings):
            asyncio.run(_measure(settings, body))
            _open_pages(settings, many)


class Batches(Sender):
    """Sends ten events in each beacon."""

    def _request(self) -> bytes:
        tab = uuids.uuid4().int % 2**48
        events = [
            {"event": "pageView", "properties": {"n": number}, "tab": tab, "seq": number + 1}
            for number in range(EVENTS_A_BEACON)
        ]
        said = self._body | {"seed": uuids.uuid4().hex, "events": events}
        body = json.dumps(said).encode()
        head = (
            "POST /e HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\n"
            f"User-Agent: {CHROME}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


async def _measure(settings: Settings, body: dict[str, object]) -> None:
    sender = Batches(settings, body, BEACONS)
    sending = asyncio.create_task(sender.run())
    with contextlib.closing(connect(settings.db, read_only=True)) as db:
        begun, first, most = time.perf_counter(), _uncounted(db), 2 * EVENTS_A_BEACON * BEACONS * 10
        while _uncounted(db) > most:  # noqa: ASYNC110 - happens in another process
            await asyncio.sleep(0.2)
        took_s = time.perf_counter() - begun
        print(f"counting {first:,}: {took_s:.0f} s, {first / took_s:,.0f} a second; {sender.waits}")
        sender.waits, lags = Waits(), []
        for _ in range(STEADY_S):
            await asyncio.sleep(1)
            lags.append(_uncounted(db))
        print(f"steady: at most {max(lags):,} events behind; {sender.waits}")
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)


def _open_pages(settings: Settings, many: dict[str, int]) -> None:
    with contextlib.closing(connect(settings.db, read_only=True)) as db:
        while _uncounted(db):
            time.sleep(0.2)
    url = f"http://127.0.0.1:{settings.port}"
    with httpx.Client(base_url=url, trust_env=False, headers={"origin": url}) as client:
        form = {"email": "owner@example.com", "password": PASSWORD}
        assert client.post("/console/sign-in", data=form).status_code == 303
        first = "/console/lists/1/catalog"
        [event] = set(re.findall(f"{first}/\\d+", client.get(first).text))
        pages = {"of page views": first, "of one event": event}
        for shape, list_id in many.items():
            pages[shape] = f"/console/lists/{list_id}/catalog"
            pages[f"{shape}, searched"] = f"/console/lists/{list_id}/catalog?q=99"
        pages["what was lost"] = "/console/lists/1/quarantine/loss?days=30"
        for name, path in pages.items():
            print(f"{name}: {_median_ms(client, path):.0f} ms")


def _median_ms(client: httpx.Client, path: str) -> float:
    took = []
    for _ in range(OPENINGS):
        begun = time.perf_counter()
        answer = client.get(path)
        took.append((time.perf_counter() - begun) * 1000)
        assert answer.status_code == 200, answer.text
    return statistics.median(took)


def _uncounted(db: sqlite3.Connection) -> int:
    row = db.execute("select (select max(id) from events) - event_id from seen_upto")
    return int(row.fetchone()[0])


def _history(
    settings: Settings, events: int, names: int
) -> tuple[dict[str, object], dict[str, int]]:
    signing = Signing(secrets_of(settings))
    now_ms = clock.now_ms()
    with contextlib.closing(open_database(settings.db)) as db:
        with transaction(db):
            account = accounts.create(db, "owner@example.com", PASSWORD, now_ms)
            made = lists.create(db, account.id, "A list", (), now_ms)
            many = {
                shape: lists.create(db, account.id, shape, (), now_ms).id for shape in PER_EVENT
            }
            for shape, list_id in many.items():
                _add_names(db, list_id, names, PER_EVENT[shape])
        add_page_views(db, made.id, [uuids.uuid4() for _ in range(VISITORS)], events)
    tokens = {
        "user": signing.user_tracker_id(account.id),
        "list": signing.list_tracker_id(made.id),
    }
    return {"v": 1, **tokens}, many


def _add_names(db: sqlite3.Connection, list_id: int, names: int, per_event: int) -> None:
    """So many names in the list's catalog, the standard ones among them."""
    source = Source(
        list_id=list_id,
        door=Door.API,
        device=Device(),
        dsn="https://track.example/api/v1/event",
        server="track.example",
        received_at_ms=clock.now_ms(),
        visitor=uuids.uuid4(),
    )
    for number in range(names // per_event):
        own = per_event - STANDARD
        for start in range(0, own, 100):
            said = {f"property {number} {n}": n for n in range(start, min(start + 100, own))}
            event = Event(name=f"event {number}", properties=said, uuid=str(source.visitor))
            record(db, enrich(event, source), Limits())


if __name__ == "__main__":
    main()
