"""Whatever happens in whatever order, nobody's history ends on somebody else's profile."""

import contextlib
import sqlite3
import uuid as uuids
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gateway.events.enrich import unique_id
from gateway.events.vocabulary import Door
from gateway.records import bindings, event_log
from gateway.records.bindings import By
from gateway.store.database import open_database
from tests.unit.records.shop import Shop

pytestmark = pytest.mark.slow

PEOPLE = ("ann@example.com", "bob@example.com", "cai@example.com")
PAGES = ("/landing", "/shoes", "/cart")


@contextlib.contextmanager
def a_shop(template: sqlite3.Connection) -> Iterator[Shop]:
    """A fresh one for each example."""
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        db.row_factory = sqlite3.Row
        template.backup(db)
        db.execute("pragma foreign_keys = on")
        yield Shop(db)


# One browser and one person: each deed is (what, page, did the tracker see a person).

clicks = st.tuples(st.just("click"), st.sampled_from(PAGES), st.booleans())
deeds = st.one_of(
    clicks,
    st.tuples(st.just("view"), st.sampled_from(PAGES), st.just(False)),
    st.tuples(st.just("identify"), st.sampled_from(PAGES), st.just(False)),
    st.tuples(st.just("server"), st.just("/"), st.just(False)),
)


def happen(shop, browser, ann, number, deed):
    what, page, human = deed
    event_id = f"event {number}"
    if what == "click":
        shop.view(browser, page, click=shop.click(ann), human=human, event_id=event_id)
    elif what == "view":
        shop.view(browser, page, event_id=event_id)
    elif what == "identify":
        shop.identify(browser, ann.email, event_id=event_id)
    else:
        shop.send("paid", browser, email=ann.email, door=Door.API, event_id=event_id)


@given(data=st.data(), done=st.lists(deeds, min_size=1, max_size=6))
@settings(deadline=None)
def test_any_order_of_the_same_deeds_ends_in_the_same_bindings(template, data, done):
    """Of one person in one browser; retried deliveries anywhere change nothing."""
    numbered = list(enumerate(done))
    retried = data.draw(st.lists(st.sampled_from(numbered), max_size=4))
    shuffled = data.draw(st.permutations(numbered + retried))
    ended = []
    for order in (numbered, shuffled):
        with a_shop(template) as shop:
            browser, ann = shop.browser(), shop.person(PEOPLE[0])
            for number, deed in order:
                happen(shop, browser, ann, number, deed)
            ended.append(shop.bound(browser))
    assert ended[0] == ended[1]


class Shoppers(RuleBasedStateMachine):
    """Several people over several browsers, each keeping the token it was last given."""

    template: sqlite3.Connection

    @initialize()
    def open(self):
        self.stack = contextlib.ExitStack()
        self.shop = self.stack.enter_context(a_shop(self.template))
        self.people = [self.shop.person(email) for email in PEOPLE]
        self.tokens = [self.shop.browser() for _ in range(3)]
        self.begun = [{token} for token in self.tokens]  # every token a browser ever had
        self.owner: dict[str, str] = {}  # event id → whose it is, for ever
        self.before: dict[int, dict] = {}  # binding id → what all browsers were before it
        self.sent = 0

    def teardown(self):
        if hasattr(self, "stack"):
            self.stack.close()

    @rule(
        place=st.integers(0, 2),
        who=st.none() | st.integers(0, 2),
        clicked=st.none() | st.integers(0, 2),
        page=st.sampled_from(PAGES),
        human=st.booleans(),
        stale=st.booleans(),
    )
    def browse(self, place, who, clicked, page, human, stale):
        """A page view, with an address or not, with a link or not, perhaps from an old tab."""
        token = min(self.begun[place]) if stale else self.tokens[place]
        receipt = self.send(
            "identify" if who is not None else "pageView",
            browser=token,
            page=page,
            human=human,
            email=None if who is None else PEOPLE[who],
            click=None if clicked is None else self.shop.click(self.people[clicked]),
        )
        self.tokens[place] = type(token)(receipt.uuid)
        self.begun[place].add(self.tokens[place])

    @rule(who=st.integers(0, 2), place=st.none() | st.integers(0, 2))
    def serve(self, who, place):
        """A server says what somebody did, of a browser or of none."""
        browser = None if place is None else self.tokens[place]
        self.send("paid", browser=browser, email=PEOPLE[who], door=Door.API)

    @rule()
    def take_all_back(self):
        """Newest to oldest, each undo restores exactly what was before its entry."""
        standing = self.shop.db.execute(
            """select id from bindings b where undoes is null
                   and not exists (select 1 from bindings u where u.undoes = b.id)
               order by id desc"""
        ).fetchall()
        for row in standing:
            bindings.undo(self.shop.db, row["id"], self.shop.now_ms)
            was = self.before[row["id"]]
            now = self.state()
            assert {key: now[key] for key in was} == was
            assert all(now[key] == (None, None) for key in now.keys() - was.keys())
        self.owner.clear()

    @invariant()
    def everybody_has_their_own_events(self):
        if not hasattr(self, "shop"):
            return
        stored = {e.event_id: e.email for e in event_log.each(self.shop.db, self.shop.list_id)}
        assert {key: stored[key] for key in self.owner} == self.owner

    def send(self, name, **said):
        self.sent += 1
        before, last = self.state(), self.last_binding()
        receipt = self.shop.send(name, event_id=f"event {self.sent}", **said)
        made = self.shop.db.execute("select id from bindings where id > ?", (last,)).fetchall()
        assert len(made) <= 1
        self.before |= {row["id"]: before for row in made}
        if said.get("email"):
            event_id = str(uuids.UUID(bytes=unique_id(f"event {self.sent}")))
            self.owner[event_id] = said["email"]
        self.learn()
        return receipt

    def learn(self):
        """Who identified in a browser owns what it did, and did before anybody was known there."""
        for event in event_log.each(self.shop.db, self.shop.list_id):
            _, by = self.state()[event.uuid]
            if by == By.IDENTIFY:
                self.owner.setdefault(event.event_id, event.email)

    def state(self):
        """Browser → whom it points to, and by what."""
        rows = self.shop.db.execute(
            """select lower(hex(uuid)) as uuid, subscriber_id, bound_by from visitors"""
        )
        return {str(uuids.UUID(row["uuid"])): (row[1], row[2]) for row in rows}

    def last_binding(self):
        return self.shop.db.execute("select coalesce(max(id), 0) from bindings").fetchone()[0]


@pytest.fixture(scope="module", autouse=True)
def kept_template():
    """An empty database of this code's schema for the machine, which takes no fixtures."""
    with contextlib.closing(open_database(":memory:")) as connection:
        Shoppers.template = connection
        yield


Shoppers.TestCase.settings = settings(
    max_examples=100,
    stateful_step_count=25,
    deadline=None,
)
test_no_event_of_one_person_ever_reads_as_anothers = Shoppers.TestCase
