"""`gateway webhooks` and `gateway journey`, and a server that is killed while it delivers."""

import contextlib
import json
import signal
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway import clock, signatures
from gateway.events.vocabulary import Kind
from gateway.records import journeys, outbox, webhooks
from gateway.records.journeys import Journey
from gateway.records.webhooks import Webhook
from gateway.store.database import connect, transaction
from tests.cli.conftest import Run
from tests.receiver import receiving
from tests.support import free_port, gateway_process, until, wait_until_it_answers

pytestmark = pytest.mark.slow

EACH = 12  # events before each kill


@contextlib.contextmanager
def database(path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(connect(path)) as db:
        yield db


def journey(path: Path, made: dict[str, Any], url: str) -> Webhook:
    """One that waits for `cart`; what it runs."""
    with database(path) as db, transaction(db):
        account_id = db.execute("select account_id from lists").fetchone()[0]
        wanted = Journey(
            id=0, account_id=account_id, list_id=made["list_id"], name="After the cart",
            enabled=True, kind=Kind.CUSTOM, value="cart",
        )  # fmt: skip
        created = journeys.create(db, wanted, clock.now_ms())
        [hook] = webhooks.replace(db, created.id, [Webhook(0, created.id, url)], clock.now_ms())
    return hook


def cart(url: str, made: dict[str, Any], n: int) -> bool:
    """Whether the event was acknowledged."""
    body = {
        "APIKey": made["api_key"], "ListID": made["list_id"], "Event": "cart", "EventID": f"e-{n}",
        "Email": f"{n % 3}@example.com", "Properties": {"n": n},
    }  # fmt: skip
    try:
        answer = httpx.post(f"{url}/api/v1/event", json=body, trust_env=False, timeout=5)
    except httpx.TransportError:
        return False
    return answer.status_code == 200


def test_a_server_that_is_killed_again_and_again_delivers_every_event_it_acknowledged(
    path: Path, made: dict[str, Any]
) -> None:
    """At least once, each under one id, and each person's in order."""
    acknowledged: list[int] = []

    def all_arrived() -> bool:
        return {*acknowledged} <= {each.event for each in receiver.received}

    with receiving(delay_s=0.02) as receiver:
        journey(path, made, receiver.url())
        for place in range(3):
            port = free_port()
            url = f"http://127.0.0.1:{port}"
            arguments = ("serve", "--db", str(path), "--port", str(port))
            with gateway_process(*arguments, WEBHOOK_HOSTS_ALLOWED="127.0.0.1") as process:
                wait_until_it_answers(f"{url}/readyz", process)
                sent = range(place * EACH, place * EACH + EACH)
                acknowledged += [n for n in sent if cart(url, made, n)]
                if place < 2:
                    process.send_signal(signal.SIGKILL)
                    process.wait()
                else:
                    until(all_arrived)
        assert len(acknowledged) == 3 * EACH
        ids = {(each.event, each.headers["webhook-id"]) for each in receiver.received}
        assert len(ids) == 3 * EACH
        for person in range(3):
            theirs = [each.event for each in receiver.received if each.event % 3 == person]
            assert list(dict.fromkeys(theirs)) == sorted({*theirs})


def test_of_several_server_processes_one_delivers_and_another_goes_on_when_it_ends(
    path: Path, made: dict[str, Any]
) -> None:
    with receiving() as receiver, contextlib.ExitStack() as stack:
        journey(path, made, receiver.url())
        servers = []
        for _ in range(2):
            port = free_port()
            arguments = ("serve", "--db", str(path), "--port", str(port))
            process = stack.enter_context(
                gateway_process(*arguments, WEBHOOK_HOSTS_ALLOWED="127.0.0.1")
            )
            wait_until_it_answers(f"http://127.0.0.1:{port}/readyz", process)
            servers.append((process, f"http://127.0.0.1:{port}"))
        (first, _), (_, url) = servers
        assert cart(url, made, 1)
        until(lambda: [each.event for each in receiver.received] == [1])
        first.send_signal(signal.SIGKILL)
        assert cart(url, made, 2)
        until(lambda: [each.event for each in receiver.received][-1] == 2)
        assert len({*receiver.ids}) == 2


# -- commands -------------------------------------------------------------------------------


@pytest.fixture
def dead(path: Path, made: dict[str, Any]) -> int:
    """A dead letter, by its number."""
    hook = journey(path, made, "https://hooks.example/")
    with database(path) as db, transaction(db):
        row = db.execute(
            "insert into subscribers (list_id, email, email_key, created_at_ms)"
            " values (?, 'ann@example.com', 'ann@example.com', 1) returning id",
            (made["list_id"],),
        )
        subscriber_id = row.fetchone()[0]
        closed = Webhook(hook.id, hook.journey_id, hook.url, gone_at_ms=1)
        outbox.write(db, closed, subscriber_id, 1, "{}", now_ms=clock.now_ms(), backlog_max=9)
        return int(db.execute("select id from outbox").fetchone()[0])


def test_dead_letters_are_listed_and_replayed(run: Run, path: Path, dead: int) -> None:
    [row] = json.loads(run("webhooks", "ls", "--db", path, "--json").stdout)
    assert (row["id"], row["outcome"]) == (dead, outbox.GONE)
    said = json.loads(run("webhooks", "replay", dead, "--db", path, "--json").stdout)
    assert said == {"replayed": 1}
    assert json.loads(run("webhooks", "ls", "--db", path, "--json").stdout) == []
    waiting = run("webhooks", "ls", "--state", "waiting", "--db", path, "--json").stdout
    assert [each["id"] for each in json.loads(waiting)] == [dead]


def test_all_of_a_journey_is_replayed_at_once(run: Run, path: Path, dead: int) -> None:
    said = run("webhooks", "replay", "--all", "--journey", 1, "--db", path, "--json")
    assert json.loads(said.stdout) == {"replayed": 1}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [((), 2), (("--all",), 2), (("1", "--journey", "1"), 2), (("99",), 1),
     (("--all", "--journey", "99"), 1)],
)  # fmt: skip
def test_what_cannot_be_replayed_is_said(
    run: Run, path: Path, dead: int, arguments: tuple[str, ...], code: int
) -> None:
    result = run("webhooks", "replay", *arguments, "--db", path)
    assert result.exit_code == code
    assert "replay" in result.output or "There is no" in result.output


def test_journeys_are_listed_and_say_why_they_did_not_fire(
    run: Run, path: Path, made: dict[str, Any], dead: int
) -> None:
    [row] = json.loads(run("journey", "ls", "--db", path, "--json").stdout)
    assert (row["name"], row["waits_for"], row["value"]) == ("After the cart", "custom", "cart")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with gateway_process("serve", "--db", str(path), "--port", str(port)) as process:
        wait_until_it_answers(f"{url}/readyz", process)
        assert cart(url, made, 1)
        body = {"APIKey": made["api_key"], "ListID": made["list_id"], "Event": "x", "EventID": "x"}
        httpx.post(f"{url}/api/v1/event", json=body, trust_env=False)
    for event, fired in (("e-1", True), ("x", False), ("1", True)):
        [said] = json.loads(run("journey", "explain", event, "--db", path, "--json").stdout)
        assert said["fired"] is fired, event
    assert run("journey", "explain", "no such", "--db", path).exit_code == 1


def test_the_receiver_shows_what_arrives_and_whether_it_is_signed_right() -> None:
    secret, port = webhooks.new_secret(), free_port()
    url = f"http://127.0.0.1:{port}"
    body = b'{"text": "hello"}'
    now_s = int(time.time_ns() // 10**9)
    signed = signatures.signed_headers((secret,), "X-Octeth-Signature", "msg_1", body, now_s)
    arguments = ("webhooks", "listen", "--port", str(port), "--json")
    with gateway_process(*arguments, WEBHOOK_SECRET=secret) as process:
        wait_until_it_answers(url, process)
        right = httpx.post(f"{url}/in", content=body, headers=signed, trust_env=False)
        wrong = httpx.post(f"{url}/in", content=b"{}", headers=signed, trust_env=False)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=10)
    assert (right.status_code, wrong.status_code) == (204, 401)
    first, second = (json.loads(line) for line in output.splitlines() if line.startswith("{"))
    assert (first["signature"], first["body"]) == ("right", {"text": "hello"})
    assert first["webhook_id"] == "msg_1"
    assert second["signature"].startswith("WRONG")


def test_a_secret_that_is_none_is_refused(run: Run) -> None:
    assert run("webhooks", "listen", "--secret", "hello").exit_code == 2
