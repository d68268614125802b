"""`gateway quarantine`: refused events are looked at, and taken once the reason is gone."""

import contextlib
import dataclasses
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.records import lists, suppressions
from gateway.settings import Limits
from gateway.store.database import open_database, transaction
from tests.cli.conftest import Run
from tests.support import CHROME, RunningGateway, Tracked, running_gateway

LONG = "x" * 100


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[RunningGateway]:
    """Values may be 50 bytes long, until the operator thinks better of it."""
    with running_gateway(tmp_path, limits=Limits(value_bytes_max=50)) as running:
        yield running


@pytest.fixture
def refusing(strict: RunningGateway) -> Tracked:
    """A list of it."""
    return strict.new_list()


@pytest.fixture
def quarantine(run: Run, strict: RunningGateway) -> Any:
    """Run a command of the family; answers its exit code and what it said as JSON."""

    def command(*arguments: object, **variables: str) -> tuple[int, Any]:
        done = run("quarantine", *arguments, "--json", "--db", strict.settings.db, **variables)
        return done.exit_code, json.loads(done.stdout) if done.stdout else done.stderr

    return command


def replayed(row_id: int, result: str, reason: str | None = None) -> dict[str, object]:
    return {"id": row_id, "result": result, "reason": reason}


def test_what_is_there_is_listed_and_shown(
    run: Run, strict: RunningGateway, refusing: Tracked, quarantine: Any
) -> None:
    strict.beacon(refusing, {"id": "a", "event": "x\x1b[2J", "properties": {"\x1b": LONG}})
    other = strict.new_list()
    strict.call("event", other, Event="identify")
    _, rows = quarantine("ls")
    assert [(row["id"], row["list_id"], row["door"], row["event"]) for row in rows] == [
        (1, refusing.list_id, "tracker", "x�[2J"),
        (2, other.list_id, "api", "identify"),
    ]
    assert rows[1]["problems"] == "6: Missing email parameter."
    assert quarantine("ls", "--list", other.list_id)[1] == rows[1:]
    assert quarantine("ls", LIST=str(other.list_id))[1] == rows[1:]
    _, shown = quarantine("show", 1)
    assert shown["payload"]["properties"] == {"\x1b": LONG}
    assert shown["request"]["agent"] == CHROME
    for command in (("ls",), ("show", 1)):
        text = run("quarantine", *command, "--db", strict.settings.db).stdout
        assert "\x1b" not in text
        assert "longer than 50 bytes" in text


def test_a_replay_stores_the_event_as_received_when_it_was(
    strict: RunningGateway, refusing: Tracked, quarantine: Any
) -> None:
    """As if it had been taken: of the same visitor, browser, page and instant."""
    page = {"$current_url": "https://shop.example/mug", "$pageTitle": "Mug"}
    bad = {"id": str(uuid.uuid4()), "event": "x", "properties": {"a": LONG}}
    good = {"id": "good", "event": "y"}
    answer = strict.beacon(refusing, bad, good, context=page, headers={"sec-ch-ua-mobile": "?1"})
    assert [each["result"] for each in answer.json()["results"]] == ["rejected", "stored"]
    assert quarantine("replay", 1, VALUE_BYTES_MAX="200") == (0, [replayed(1, "stored")])
    stored, event = strict.events(refusing)
    assert event.event_id == bad["id"]
    assert event.properties.pop("a") == LONG
    same = ("uuid", "received_at_ms", "happened_at_ms", "sent_at_ms", "source", "properties")
    assert [getattr(event, name) for name in same] == [getattr(stored, name) for name in same]
    assert event.properties["$device_type"] == "mobile"
    assert quarantine("ls") == (0, [])
    retry = strict.beacon(refusing, bad | {"properties": {}}).json()["results"]
    assert retry[0]["result"] == "duplicate"


def test_a_server_s_event_is_replayed_to_whom_it_names(
    strict: RunningGateway, refusing: Tracked, quarantine: Any
) -> None:
    visitor = str(uuid.uuid4())
    properties = {"a": LONG, "$user_agent": CHROME}
    said = {"Event": "paid", "UUID": visitor, "Email": "ann@example.com", "ID": "crm-1"}
    assert strict.call("event", refusing, **said, Properties=properties).status_code == 422
    assert quarantine("replay", 1, VALUE_BYTES_MAX="200") == (0, [replayed(1, "stored")])
    paid, identify = strict.events(refusing)
    assert (paid.event, identify.event) == ("paid", "identify")
    assert (paid.uuid, paid.email, paid.source) == (visitor, "ann@example.com", "api")
    assert (paid.properties["$id"], paid.properties["$browser"]) == ("crm-1", "Chrome")


def test_a_conversion_is_credited_to_the_click_it_came_with(
    run: Run, strict: RunningGateway, refusing: Tracked, quarantine: Any
) -> None:
    """Though the link's token is not kept."""
    strict.call("event", refusing, Event="x", Email="ann@example.com")
    made = run(
        "link", "--db", strict.settings.db, "--list", refusing.list_id, "--email",
        "ann@example.com", "--campaign", "spring", "--url", "https://shop.example/", "--json",
    )  # fmt: skip
    order = {"conversion-id": "o-1", "conversion-name": LONG, "conversion-value": 5}
    strict.beacon(
        refusing,
        {"id": "c", "event": "conversion", "properties": order},
        pr=json.loads(made.stdout)["pr"],
        human=True,
    )
    assert quarantine("replay", 1, VALUE_BYTES_MAX="200") == (0, [replayed(1, "stored")])
    assert [(row.campaign, row.revenue) for row in strict.revenue(refusing)] == [("spring", 5)]


def test_what_is_still_refused_says_why_and_stays(
    strict: RunningGateway, refusing: Tracked, quarantine: Any
) -> None:
    strict.beacon(refusing, {"id": "a", "event": "x", "properties": {"a": LONG}}, 5)
    code, rows = quarantine("replay", "--all", "--list", refusing.list_id, VALUE_BYTES_MAX="50")
    assert code == 1
    assert rows == [
        replayed(1, "refused", "Property a is longer than 50 bytes: shorten it."),
        replayed(2, "refused", "An event must be a JSON object."),
    ]
    assert len(quarantine("ls")[1]) == 2
    code, rows = quarantine("replay", ALL="1", LIST=str(refusing.list_id), VALUE_BYTES_MAX="200")
    assert (code, rows[0]) == (1, replayed(1, "stored"))
    assert [row["id"] for row in quarantine("ls")[1]] == [2]


def test_all_of_a_list_is_replayed_in_order_and_nothing_of_another(
    strict: RunningGateway, refusing: Tracked, quarantine: Any
) -> None:
    other = strict.new_list()
    events = [{"event": f"event-{n}", "properties": {"a": LONG}} for n in range(250)]
    for tracked in (other, refusing):
        strict.beacon(tracked, *events)
    code, rows = quarantine("replay", "--all", "--list", refusing.list_id, VALUE_BYTES_MAX="200")
    assert (code, len(rows)) == (0, 250)
    names = [event.event for event in strict.events(refusing)]
    assert names == [f"event-{n}" for n in range(250)]
    assert strict.events(other) == []
    assert len(strict.quarantined(other)) == 250


def test_what_was_stored_meanwhile_or_may_not_be_leaves_too(
    strict: RunningGateway, refusing: Tracked, quarantine: Any
) -> None:
    """Sent again in a better shape; or of somebody erased since then."""
    bad = {"event": "x", "properties": {"a": LONG}}
    strict.beacon(refusing, bad | {"id": "a"})
    strict.beacon(refusing, bad | {"id": "a", "properties": {}})
    strict.beacon(refusing, bad | {"id": "b", "email": "ann@example.com"})
    with contextlib.closing(open_database(strict.settings.db)) as db, transaction(db):
        digest = suppressions.email_digest("ann@example.com")
        suppressions.add(db, refusing.list_id, digest, 1)
    code, rows = quarantine("replay", "--all", "--list", refusing.list_id, VALUE_BYTES_MAX="200")
    assert (code, rows) == (0, [replayed(1, "duplicate"), replayed(2, "dropped", "erased")])
    assert quarantine("ls") == (0, [])
    assert len(strict.events(refusing)) == 1


def test_an_event_without_an_id_is_stored_once_though_its_replay_was_cut_short(
    run: Run, strict: RunningGateway, refusing: Tracked, quarantine: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Stored, but not taken out: the next replay finds it."""
    strict.beacon(refusing, {"event": "x", "properties": {"a": LONG}})
    with monkeypatch.context() as patch:
        patch.setattr("gateway.records.quarantine.remove", lambda db, row_ids: 0)
        quarantine("replay", 1, VALUE_BYTES_MAX="200")
    assert len(quarantine("ls")[1]) == 1
    assert quarantine("replay", 1, VALUE_BYTES_MAX="200") == (0, [replayed(1, "duplicate")])
    assert len(strict.events(refusing)) == 1


def test_an_address_is_believed_no_further_than_the_list_says_now(
    strict: RunningGateway, refusing: Tracked, quarantine: Any
) -> None:
    """The proof of a verified identify is a secret and not kept: it binds nobody."""
    said = {"event": "identify", "email": "ann@example.com", "properties": {"a": LONG}}
    strict.beacon(refusing, said)
    with contextlib.closing(open_database(strict.settings.db)) as db, transaction(db):
        found = lists.get(db, refusing.list_id)
        assert found
        lists.change(db, dataclasses.replace(found, identify_mode="verified"))
    assert quarantine("replay", 1, VALUE_BYTES_MAX="200") == (0, [replayed(1, "stored")])
    [event] = strict.events(refusing)
    assert event.email is None


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("show", 99), 1, "no event 99"),
        (("replay", 99), 1, "no event 99"),
        (("replay",), 2, "--all --list N"),
        (("replay", "--all"), 2, "--all --list N"),
        (("replay", 1, "--all", "--list", 1), 2, "--all --list N"),
        (("replay", 1, "--list", 1), 2, "--all --list N"),
        (("replay", "--all", "--list", 99), 1, "no list 99"),
        (("ls", "--list", 99), 1, "no list 99"),
    ],
)
def test_what_cannot_be_done_is_said(
    quarantine: Any, refusing: Tracked, arguments: tuple[object, ...], code: int, says: str
) -> None:
    exit_code, said = quarantine(*arguments)
    assert exit_code == code
    assert says in said
