"""A list, people on it and browsers, and events that go down the real river into real SQLite."""

import hashlib
import sqlite3
import uuid as uuids
from typing import Any

from gateway.events.device import Device
from gateway.events.enrich import Source, enrich
from gateway.events.event import Click, Event, Trust
from gateway.events.vocabulary import Door
from gateway.ingest.record import Receipt, record
from gateway.records import accounts, lists, people
from gateway.records.people import Subscriber, Visitor
from gateway.settings import Limits
from gateway.store.database import savepoint

SITE = "https://shop.example"
NOON_MS = 1_767_268_800_000  # 2026-01-01T12:00:00Z
DAY_MS = 86_400_000


class Shop:
    """Time passes by a second with every event unless it is said when it happened."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db
        self.now_ms = NOON_MS
        account = accounts.create(db, "shop@example.com", "correct horse", NOON_MS)
        self.account_id = account.id
        self.list_id = lists.create(db, account.id, "Shop", (), NOON_MS).id
        self._browsers = 0

    def browser(self) -> uuids.UUID:
        """A fresh one, its uuid the same in every run."""
        self._browsers += 1
        return uuids.uuid5(uuids.NAMESPACE_URL, f"browser-{self._browsers}")

    def person(self, email: str) -> Subscriber:
        return people.subscribe(self.db, self.list_id, email, NOON_MS)

    def visitor(self, browser: uuids.UUID) -> Visitor:
        found = people.find_visitor(self.db, self.list_id, browser.bytes)
        assert found is not None
        return found

    def bound(self, browser: uuids.UUID) -> tuple[int | None, int | None]:
        """Whom a browser is bound to, and how."""
        visitor = self.visitor(browser)
        return visitor.subscriber_id, visitor.bound_by

    def click(
        self, subscriber: Subscriber, campaign: str = "spring", address: str = "192.0.2.1"
    ) -> Click:
        """The recipient's link, opened at this network address."""
        token = f"{subscriber.id}:{campaign}".encode()
        return Click(
            subscriber_id=subscriber.id,
            campaign=campaign,
            token_digest=hashlib.blake2b(token, digest_size=16).digest(),
            address_digest=hashlib.blake2b(address.encode(), digest_size=16).digest(),
        )

    def send(
        self,
        name: str,
        browser: uuids.UUID | None = None,
        *,
        page: str | None = "/",
        click: Click | None = None,
        human: bool = False,
        at_ms: int | None = None,
        happened_at_ms: int | None = None,
        door: Door = Door.TRACKER,
        trust: Trust = Trust.CREATE,
        properties: dict[str, Any] | None = None,
        **said: Any,
    ) -> Receipt:
        """One event, received `at_ms`; `said` are the other facts of `Event`, such as email."""
        self.now_ms = at_ms if at_ms is not None else self.now_ms + 1_000
        source = Source(
            list_id=self.list_id,
            door=door,
            device=Device(),
            dsn="http://gateway.example/e",
            server="gateway.example",
            received_at_ms=self.now_ms,
            visitor=browser,
            click=click,
            human=human,
            context={"$current_url": SITE + page} if page else {},
        )
        event = Event(name=name, properties=properties or {}, at_ms=happened_at_ms, **said)
        with savepoint(self.db):
            return record(self.db, enrich(event, source, trust), Limits())

    def view(self, browser: uuids.UUID, page: str = "/", **more: Any) -> Receipt:
        return self.send("pageView", browser, page=page, **more)

    def identify(self, browser: uuids.UUID | None, email: str, **more: Any) -> Receipt:
        return self.send(
            "identify", browser, email=email, properties={"emailAddress": email}, **more
        )

    def buy(self, browser: uuids.UUID, order: str, value: float = 10, **more: Any) -> Receipt:
        extra = more.pop("properties", {})
        said = {"conversion-id": order, "conversion-name": "Order", "conversion-value": value}
        return self.send("conversion", browser, properties=said | extra, **more)
