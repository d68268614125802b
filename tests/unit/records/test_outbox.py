"""What is owed: in order for each person and endpoint, bounded, given up and replayed."""

import pytest

from gateway.records import outbox, webhooks
from gateway.records.outbox import GIVE_UP_MS, KEPT_MS, Attempted, Delivery, State
from gateway.records.webhooks import Webhook
from tests.unit.records.journeying import journey
from tests.unit.records.shop import NOON_MS, Shop

ANN, EVE = "ann@example.com", "eve@example.com"
ALL = 10**9


@pytest.fixture
def hook(shop: Shop) -> Webhook:
    [made] = webhooks.of_journey(shop.db, journey(shop).id)
    return made


def owe(shop: Shop, hook: Webhook, email: str = ANN, event_id: int = 1, most: int = ALL) -> None:
    person = shop.person(email).id
    outbox.write(shop.db, hook, person, event_id, "{}", now_ms=NOON_MS, backlog_max=most)


def due(shop: Shop, hook: Webhook, now_ms: int = NOON_MS, *taken: int) -> list[Delivery]:
    return outbox.due(shop.db, hook.id, now_ms, 100, taken)


def test_the_next_of_a_person_is_due_when_the_one_in_front_has_ended(
    shop: Shop, hook: Webhook
) -> None:
    for event_id in (1, 2, 3):
        owe(shop, hook, ANN, event_id)
    owe(shop, hook, EVE, 4)
    first, other = due(shop, hook)
    assert (first.event_id, other.event_id) == (1, 4)
    outbox.settle(shop.db, [Attempted(first, "500", again_at_ms=NOON_MS + 10)], NOON_MS)
    assert [each.event_id for each in due(shop, hook)] == [4]
    outbox.settle(shop.db, [Attempted(first, "200", delivered=True)], NOON_MS)
    assert [each.event_id for each in due(shop, hook)] == [2, 4]
    [second] = [each for each in due(shop, hook) if each.event_id == 2]
    outbox.settle(shop.db, [Attempted(second, "given up")], NOON_MS)
    assert [each.event_id for each in due(shop, hook)] == [3, 4]


def test_another_endpoint_waits_for_nobody(shop: Shop, hook: Webhook) -> None:
    [other] = webhooks.of_journey(shop.db, journey(shop).id)
    owe(shop, hook)
    owe(shop, other)
    assert len(due(shop, hook)) == len(due(shop, other)) == 1
    assert {each.id for each in outbox.endpoints(shop.db, NOON_MS)} == {hook.id, other.id}


def test_what_is_taken_is_not_taken_twice(shop: Shop, hook: Webhook) -> None:
    owe(shop, hook)
    [delivery] = due(shop, hook)
    assert due(shop, hook, NOON_MS, delivery.id) == []


def test_what_waits_for_too_long_is_given_up_and_lets_the_next_go_on(
    shop: Shop, hook: Webhook
) -> None:
    for event_id in (1, 2):
        owe(shop, hook, ANN, event_id)
    shop.db.execute("update outbox set give_up_at_ms = give_up_at_ms + 1 where event_id = 2")
    assert outbox.give_up(shop.db, 100, NOON_MS + GIVE_UP_MS) == 1
    assert [each.event_id for each in due(shop, hook, NOON_MS + GIVE_UP_MS)] == [2]


def test_when_too_much_waits_what_comes_is_a_dead_letter(shop: Shop, hook: Webhook) -> None:
    for event_id in range(5):
        owe(shop, hook, f"{event_id}@example.com", event_id, most=3)
    dead = outbox.newest(shop.db, [hook.id], [State.DEAD], rows=10)
    assert [each.event_id for each in dead] == [4]
    assert "wait already" in dead[0].outcome


def test_a_replay_queues_up_behind_what_waits(shop: Shop, hook: Webhook) -> None:
    owe(shop, hook, ANN, 1)
    [first] = due(shop, hook)
    outbox.settle(shop.db, [Attempted(first, "given up")], NOON_MS)
    owe(shop, hook, ANN, 2)
    assert outbox.replay(shop.db, [first], NOON_MS) == 1
    assert outbox.replay(shop.db, [first], NOON_MS) == 0
    assert [each.event_id for each in due(shop, hook)] == [2]


def test_a_late_failure_does_not_bury_a_delivery_that_was_replayed_meanwhile(
    shop: Shop, hook: Webhook
) -> None:
    """Its time was over while the attempt was under way; that it was delivered counts even so."""
    owe(shop, hook)
    [late] = due(shop, hook)
    outbox.give_up(shop.db, 100, NOON_MS + GIVE_UP_MS)
    assert outbox.replay(shop.db, [late], NOON_MS + GIVE_UP_MS) == 1
    for failed in (Attempted(late, "500"), Attempted(late, "500", again_at_ms=NOON_MS)):
        outbox.settle(shop.db, [failed], NOON_MS + GIVE_UP_MS)
        [replayed] = due(shop, hook, NOON_MS + GIVE_UP_MS)
        assert (replayed.state, replayed.due_at_ms) == (State.WAITING, NOON_MS + GIVE_UP_MS)
    outbox.settle(shop.db, [Attempted(late, "200", delivered=True)], NOON_MS + GIVE_UP_MS)
    assert outbox.get(shop.db, late.id).state is State.DELIVERED


def test_what_ended_is_kept_for_a_time_and_what_waits_for_as_long_as_it_does(
    shop: Shop, hook: Webhook
) -> None:
    owe(shop, hook, ANN)
    owe(shop, hook, EVE)
    outbox.settle(shop.db, [Attempted(due(shop, hook)[0], "200", delivered=True)], NOON_MS)
    assert outbox.remove_old(shop.db, 100, NOON_MS + KEPT_MS - 1) == 0
    assert not outbox.has_old(shop.db, NOON_MS + KEPT_MS - 1)
    assert outbox.has_old(shop.db, NOON_MS + KEPT_MS)
    assert outbox.remove_old(shop.db, 100, NOON_MS + KEPT_MS) == 1
    assert outbox.waiting(shop.db, NOON_MS + 5_000) == (1, 5.0)


def test_an_attempt_at_what_was_erased_meanwhile_brings_nothing_back(
    shop: Shop, hook: Webhook
) -> None:
    owe(shop, hook)
    [delivery] = due(shop, hook)
    shop.db.execute("delete from outbox")
    outbox.settle(shop.db, [Attempted(delivery, "500", again_at_ms=NOON_MS)], NOON_MS)
    assert shop.db.execute("select count(*) from outbox").fetchone()[0] == 0


@pytest.mark.parametrize(
    "query",
    [
        "select * from outbox where webhook_id = 1 and due_at_ms <= 5",
        "select min(id) from outbox indexed by outbox_by_subscriber"
        " where subscriber_id = 1 and webhook_id = 1 and state = 0",
        "select min(id) from outbox where webhook_id = 1 and state = 0",
        "select id from outbox where state = 0 and give_up_at_ms <= 5",
        "select id from outbox where ended_at_ms <= 5",
    ],
)
def test_no_question_reads_what_it_does_not_ask_for(shop: Shop, query: str) -> None:
    plan = shop.db.execute(f"explain query plan {query}").fetchall()
    assert all(row["detail"].startswith("SEARCH") for row in plan), [row["detail"] for row in plan]


def test_the_newest_come_first_and_page_by_page(shop: Shop, hook: Webhook) -> None:
    """Over all webhooks and states that are asked for, and no other."""
    [other] = webhooks.of_journey(shop.db, journey(shop).id)
    for event_id in range(6):
        owe(shop, hook if event_id % 2 else other, f"{event_id}@example.com", event_id)
    first = due(shop, hook)[0]
    outbox.settle(shop.db, [Attempted(first, "200", delivered=True)], NOON_MS)

    def shown(**asked: int) -> list[int]:
        found = outbox.newest(shop.db, [hook.id, other.id], [*State], **{"rows": 4, **asked})
        return [each.event_id for each in found]

    assert shown() == [5, 4, 3, 2]
    last = outbox.newest(shop.db, [hook.id, other.id], [*State], rows=4)[-1]
    assert shown(before_id=last.id) == [1, 0]
    delivered = outbox.newest(shop.db, [hook.id, other.id], [State.DELIVERED], rows=4)
    assert [each.id for each in delivered] == [first.id]
    waiting = [outbox.count(shop.db, hook.id, State.WAITING, most) for most in (1, 10)]
    assert waiting == [1, 2]
