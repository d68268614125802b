"""Webhooks from an event to a real receiver: what arrives, in which order, and what is done about
receivers that fail, hang, redirect, answer without end, or are gone."""

import contextlib
import dataclasses
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway import signatures
from gateway.records import outbox
from gateway.records.outbox import Delivery
from gateway.store.database import connect
from gateway.workers import circuit, courier, poster
from tests.http.management import done
from tests.receiver import OK, Received, Receiver, receiving, status
from tests.support import RunningGateway, Tracked, metrics, running_gateway, until

pytestmark = pytest.mark.slow

ANN, EVE = "ann@example.com", "eve@example.com"


@pytest.fixture(scope="module")
def posted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """A gateway that may post to this machine, and is quick to try again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(circuit, "BACKOFF_MS", 100)
        patch.setattr(circuit, "BACKOFF_MS_MAX", 1_000)
        patch.setattr(circuit, "PAUSE_MS", 100)
        patch.setattr(circuit, "PAUSE_MS_MAX", 1_000)
        patch.setattr(courier, "LOOK_S", 0.02)
        patch.setattr(courier, "GIVE_UP_S", 0.1)
        patch.setattr(poster, "TIMEOUT_S", 1.0)
        with running_gateway(
            tmp_path_factory.mktemp("webhooks"),
            rate_limits=False,
            webhook_hosts_allowed=("127.0.0.1",),
        ) as running:
            yield running


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@dataclasses.dataclass(frozen=True)
class Posting:
    """A list of a gateway, and a journey on it that posts every `cart` to a receiver."""

    gateway: RunningGateway
    tracked: Tracked
    journey_id: int
    action_id: int
    secret: str

    def cart(self, email: str = ANN, n: int = 0) -> None:
        said = self.gateway.call(
            "event", self.tracked, Event="cart", Email=email, Properties={"n": n}
        )
        assert said.status_code == 200, said.text

    def deliveries(self) -> list[Delivery]:
        with contextlib.closing(connect(self.gateway.settings.db, read_only=True)) as db:
            return [
                each
                for state in outbox.State
                for each in outbox.of_journey(db, self.journey_id, state)
            ]

    def states(self) -> set[str]:
        return {each.state.name for each in self.deliveries()}

    def call(self, name: str, **parameters: Any) -> Any:
        return done(self.gateway, self.tracked, name, JourneyID=self.journey_id, **parameters)


def journey(gateway: RunningGateway, url: str, **parameters: Any) -> Posting:
    tracked = gateway.new_list()
    made = done(
        gateway, tracked, "journey.create", Name="After the cart", Trigger_Value="cart",
        Trigger="WebsiteEvent_customEvent", Trigger_ListID=tracked.list_id,
    )["JourneyID"]  # fmt: skip
    actions = [{"Action": "Webhook", "ActionParameters": {"URL": url, **parameters}}]
    said = done(gateway, tracked, "journey.actions.update", JourneyID=made, Actions=actions)
    done(gateway, tracked, "journey.enable", JourneyID=made)
    [action] = said["Actions"]
    secret = action["ActionParameters"]["Secret"]
    return Posting(gateway, tracked, made, action["ActionID"], secret)


# -- what arrives ---------------------------------------------------------------------------


def test_it_arrives_signed_in_both_ways_with_the_owner_s_headers_and_keys(
    posted: RunningGateway, receiver: Receiver
) -> None:
    own = {"Headers": {"X-Own": "yes"}, "Payload": {"to": "%Subscriber:EmailAddress%"}}
    made = journey(posted, receiver.url("/in?x=1"), SignatureHeader="X-Signed", **own)
    made.cart(n=7)
    [received] = until(lambda: receiver.received)
    assert received.path == "/in?x=1"
    assert received.headers["x-own"] == "yes"
    assert received.headers["content-type"] == "application/json"
    assert (received.said["to"], received.event) == (ANN, 7)
    now_s = int(time.time_ns() // 10**9)
    given = (made.secret, "X-Signed", received.headers, received.body, now_s)
    assert signatures.fault(*given) is None
    assert "X-Signed" in (
        signatures.fault(
            made.secret, "X-Signed", {**received.headers, "x-signed": "0"}, received.body, now_s
        )
        or ""
    )
    until(lambda: made.states() == {"DELIVERED"})


def test_for_a_day_after_a_rotation_the_secret_before_is_valid_too(
    posted: RunningGateway, receiver: Receiver
) -> None:
    made = journey(posted, receiver.url())
    secret = made.call("journey.actions.rotate", ActionID=made.action_id)["Secret"]
    made.cart()
    [received] = until(lambda: receiver.received)
    said = received.headers["webhook-signature"].split(" ")
    sent = (received.headers["webhook-id"], int(received.headers["webhook-timestamp"]))
    assert said == [
        signatures.standard(each, *sent, received.body) for each in (secret, made.secret)
    ]
    assert received.headers["x-octeth-signature"] == signatures.plain(secret, received.body)


def test_what_is_delivered_keeps_no_body_and_is_counted(
    posted: RunningGateway, receiver: Receiver
) -> None:
    made = journey(posted, receiver.url())
    before = metrics(posted.url)
    made.cart()
    until(lambda: made.states() == {"DELIVERED"})
    [delivery] = made.deliveries()
    assert (delivery.body, delivery.attempts, delivery.outcome) == ("", 1, "200")
    after = metrics(posted.url)
    for name in ("gateway_webhook_deliveries_total", "gateway_webhook_lag_seconds_count"):
        series = (name, "delivered") if name.endswith("total") else (name,)
        assert after[series] == before.get(series, 0) + 1
    assert after["gateway_webhooks_waiting",] == 0


def test_a_profile_shows_the_journeys_a_person_is_in_and_those_that_are_done(
    posted: RunningGateway, receiver: Receiver
) -> None:
    made = journey(posted, receiver.url())
    receiver.answer = lambda _: status(500)
    made.cart()

    def shown() -> Any:
        said = done(posted, made.tracked, "subscriber.get", EmailAddress=ANN)
        return said["SubscriberJourneys"]

    [entry] = shown()["InProgress"]
    assert (entry["JourneyID"], entry["RelActionID"]) == (made.journey_id, made.action_id)
    assert (entry["CurrentStep"], entry["TotalSteps"]) == (0, 1)
    receiver.answer = lambda _: OK
    until(lambda: shown()["Completed"])
    assert shown()["InProgress"] == []


# -- receivers that are not well ------------------------------------------------------------


def test_what_fails_is_posted_again_under_the_same_id_until_it_arrives(
    posted: RunningGateway, receiver: Receiver
) -> None:
    made = journey(posted, receiver.url())
    receiver.answer = lambda _: OK if len(receiver.received) == 3 else status(500)
    made.cart()
    until(lambda: made.states() == {"DELIVERED"})
    assert len(receiver.received) == 3
    assert len({*receiver.ids}) == 1
    [delivery] = made.deliveries()
    assert delivery.attempts == 3


BAD: dict[str, tuple[bytes | None, str]] = {
    "fails": (status(503), "503"),
    "refuses": (status(401), "401"),
    "hangs": (None, "no answer in time"),
    "closes half-way": (b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf", "half-way"),
    "closes at once": (b"", "half-way"),
    "speaks no HTTP": (b"220 smtp ready\r\n\r\n", "can be read"),
    "redirects": (status(302, "location: /elsewhere"), "302"),
    "redirects for good": (status(308, "location: http://169.254.169.254/"), "308"),
}


@pytest.mark.parametrize("how", BAD)
def test_a_receiver_that_does_not_take_it_gets_it_again(
    posted: RunningGateway, receiver: Receiver, how: str
) -> None:
    """And is never followed anywhere."""
    answer, said = BAD[how]
    made = journey(posted, receiver.url("/in"))
    receiver.answer = lambda _: answer
    made.cart()
    until(lambda: said in made.deliveries()[0].outcome)
    receiver.answer = lambda _: OK
    until(lambda: made.states() == {"DELIVERED"})
    assert {each.path for each in receiver.received} == {"/in"}


def test_of_an_answer_without_end_only_so_much_is_read(
    posted: RunningGateway, receiver: Receiver
) -> None:
    """The status stands; a hundred megabytes do not come in."""
    long = b"HTTP/1.1 202 Accepted\r\ncontent-length: 104857600\r\n\r\n" + b"x" * 104_857_600
    made = journey(posted, receiver.url())
    receiver.answer = lambda _: long
    made.cart()
    until(lambda: made.states() == {"DELIVERED"})
    assert receiver.sent < 8 * 1024 * 1024  # what sockets hold


def test_one_that_asks_for_a_pause_gets_it(posted: RunningGateway, receiver: Receiver) -> None:
    made = journey(posted, receiver.url())
    receiver.answer = lambda _: status(429, "retry-after: 3600")
    made.cart()
    until(lambda: made.deliveries()[0].attempts == 1)
    [delivery] = made.deliveries()
    assert delivery.due_at_ms is not None
    assert delivery.due_at_ms >= delivery.written_at_ms + 3_600_000
    made.cart(EVE)
    until(lambda: len(made.deliveries()) == 2)
    assert len(receiver.received) == 1


def test_one_that_is_gone_gets_nothing_more_until_it_is_written_anew(
    posted: RunningGateway, receiver: Receiver
) -> None:
    made = journey(posted, receiver.url())
    receiver.answer = lambda _: status(410)
    made.cart(n=1)
    made.cart(n=2)
    until(lambda: made.states() == {"DEAD"} and len(made.deliveries()) == 2)
    receiver.answer = lambda _: OK
    made.cart(n=3)
    assert {each.outcome for each in made.deliveries()} == {outbox.GONE}
    assert len(receiver.received) == 1
    action = {"ActionID": made.action_id, "Action": "Webhook"}
    parameters = {"URL": receiver.url("/new")}
    made.call("journey.actions.update", Actions=[{**action, "ActionParameters": parameters}])
    assert made.call("journey.deliveries.replay")["Replayed"] == 3
    until(lambda: made.states() == {"DELIVERED"})
    assert [each.event for each in receiver.received[1:]] == [1, 2, 3]


def test_an_endpoint_that_fails_again_and_again_is_left_alone_and_others_are_not(
    posted: RunningGateway, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(circuit, "PAUSE_MS", 3_600_000)
    monkeypatch.setattr(circuit, "PAUSE_MS_MAX", 3_600_000)
    ill, well = journey(posted, receiver.url("/ill")), journey(posted, receiver.url("/well"))
    receiver.answer = lambda received: OK if received.path == "/well" else status(500)
    for n in range(circuit.FAILURES):
        ill.cart(f"{n}@example.com")
    until(lambda: sum(each.attempts for each in ill.deliveries()) >= circuit.FAILURES)
    tried = [each.path for each in receiver.received].count("/ill")
    ill.cart("late@example.com")
    well.cart()
    until(lambda: well.states() == {"DELIVERED"})
    assert [each.path for each in receiver.received].count("/ill") == tried


# -- order ----------------------------------------------------------------------------------


def test_a_subscriber_s_deliveries_arrive_in_order_and_hold_up_nobody_else_s(
    posted: RunningGateway, receiver: Receiver
) -> None:
    made = journey(posted, receiver.url())

    def answer(received: Received) -> bytes:
        is_first = received.event == 1 and receiver.ids.count(received.headers["webhook-id"]) < 3
        return status(500) if is_first else OK

    receiver.answer = answer
    for n in (1, 2, 3):
        made.cart(ANN, n)
    made.cart(EVE, 4)
    until(lambda: made.states() == {"DELIVERED"})
    assert [each.event for each in receiver.received if each.event != 4] == [1, 1, 1, 2, 3]


# -- dead letters ---------------------------------------------------------------------------


def test_dead_letters_are_listed_and_replayed(posted: RunningGateway, receiver: Receiver) -> None:
    made = journey(posted, receiver.url())
    receiver.answer = lambda _: status(500)
    made.cart(n=1)
    made.cart(n=2)
    until(lambda: receiver.received)  # else it may be given up before it was ever tried
    with contextlib.closing(sqlite3.connect(posted.settings.db, timeout=10)) as db:
        db.execute("update outbox set give_up_at_ms = 1, due_at_ms = null where state = 0")
        db.commit()
    until(lambda: made.states() == {"DEAD"})
    listed = made.call("journey.deliveries", RecordsPerRequest=1)
    [first] = listed["Deliveries"]
    assert "24 hours" in first["Outcome"]
    assert listed["After"] == first["DeliveryID"]
    receiver.answer, before = lambda _: OK, {*receiver.ids}
    assert made.call("journey.deliveries.replay", Deliveries=first["DeliveryID"])["Replayed"] == 1
    until(lambda: made.states() == {"DELIVERED", "DEAD"})
    assert made.call("journey.deliveries.replay")["Replayed"] == 1
    until(lambda: made.states() == {"DELIVERED"})
    assert first["WebhookID"] in {*receiver.ids} & before


# -- where it may not go --------------------------------------------------------------------


@pytest.mark.parametrize("url", ["http://127.0.0.1:{}/", "https://localhost:{}/"])
def test_a_private_address_is_never_connected_to_however_it_got_there(
    posted: RunningGateway, receiver: Receiver, url: str, tmp_path: Path
) -> None:
    """Written while it was allowed, or behind a name."""
    made = journey(posted, receiver.url() if "127" in url else url.format(receiver.port))
    if "127" in url:
        with contextlib.closing(sqlite3.connect(posted.settings.db, timeout=10)) as db:
            address = f"https://127.0.0.2:{receiver.port}/"
            db.execute("update webhooks set url = ? where id = ?", (address, made.action_id))
            db.commit()
    made.cart()
    until(lambda: "private" in made.deliveries()[0].outcome)
    assert receiver.received == []
