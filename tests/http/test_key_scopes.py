"""How far a key reaches: `read`, `write`, `admin`. Which call needs which, and that it is held."""

import contextlib
import dataclasses

import httpx
import pytest

from gateway import clock
from gateway.edge.commands.table import COMMANDS
from gateway.records import keys
from gateway.store.database import open_database, transaction
from tests.http.management import done, refused
from tests.support import PASSWORD, RunningGateway, Tracked

READ = {
    "customfields.get", "event.explain", "journey.deliveries", "journey.get", "journey.list",
    "list.get", "lists.get", "person.find", "revenue.get", "segment.count", "segment.subscribers",
    "segments.get", "subscriber.exists", "subscriber.get", "subscriber.get.activity",
    "subscribers.get", "subscribers.search", "user.current", "website_events.properties",
}  # fmt: skip
WRITE = {
    "attribution.create", "event", "segment.create", "segment.update", "segments.copy",
    "segments.delete", "subscriber.create", "subscriber.unsubscribe", "subscriber.update",
    "subscribers.delete",
}  # fmt: skip
ADMIN = {
    "customfield.create", "customfield.update", "customfields.delete", "journey.actions.rotate",
    "journey.actions.update", "journey.clone", "journey.create", "journey.delete",
    "journey.deliveries.replay", "journey.disable", "journey.enable", "journey.update",
    "list.archive", "list.create", "list.unarchive", "list.update", "lists.delete",
    "person.erase", "person.export", "user.apikey.create", "user.apikey.delete",
    "user.apikey.list",
}  # fmt: skip
OPEN = {"user.login"}
REACH = {"read": READ, "write": READ | WRITE, "admin": READ | WRITE | ADMIN}


@pytest.fixture(scope="module", params=keys.SCOPES)
def reaching(request: pytest.FixtureRequest, gateway: RunningGateway) -> tuple[str, Tracked]:
    """A scope, and a list whose key reaches so far."""
    return request.param, with_key(gateway, gateway.new_list(), request.param)


def with_key(gateway: RunningGateway, tracked: Tracked, scope: str) -> Tracked:
    with contextlib.closing(open_database(gateway.settings.db)) as db, transaction(db):
        _, text = keys.create(db, tracked.account_id, scope, clock.now_ms(), scope=scope)
    return dataclasses.replace(tracked, api_key=text)


def test_every_command_has_its_scope() -> None:
    """A new one is put into a table here by somebody who has thought about it."""
    assert {name for name, command in COMMANDS.items() if command.open} == OPEN
    scopes = {name: command.scope for name, command in COMMANDS.items() if not command.open}
    assert scopes == {
        **dict.fromkeys(READ, "read"),
        **dict.fromkeys(WRITE, "write"),
        **dict.fromkeys(ADMIN, "admin"),
    }


@pytest.mark.parametrize("name", sorted(REACH["admin"]))
def test_a_key_opens_what_it_reaches_and_nothing_else(
    gateway: RunningGateway, reaching: tuple[str, Tracked], name: str
) -> None:
    """By both spellings of a call; a session opens everything."""
    scope, tracked = reaching
    call = {"APIKey": tracked.api_key}
    for path in (f"/api/v1/{name}", f"/api.php?Command={name}"):
        answer = gateway.client.post(path, json=call)
        assert answer.status_code != 401
        assert (answer.status_code != 403) == (name in REACH[scope]), answer.text


@pytest.mark.parametrize(
    ("method", "path"), sorted(command.rest for command in COMMANDS.values() if command.rest)
)
def test_a_spelling_of_its_own_is_no_way_around(
    gateway: RunningGateway, reaching: tuple[str, Tracked], method: str, path: str
) -> None:
    """`POST /api/v1/journey` is `journey.create`, and needs what that needs."""
    scope, tracked = reaching
    [name] = [each.name for each in COMMANDS.values() if each.rest == (method, path)]
    headers = {"authorization": f"Bearer {tracked.api_key}"}
    answer = gateway.client.request(method, f"/api/v1/{path}", headers=headers)
    assert (answer.status_code != 403) == (name in REACH[scope]), answer.text


def test_what_is_refused_says_which_key_would_do(gateway: RunningGateway, tracked: Tracked) -> None:
    """And nothing was done, nor kept for a replay."""
    reader = with_key(gateway, tracked, "read")
    answer = gateway.call("event", reader, Event="x")
    assert answer.status_code == 403
    said = answer.json()
    assert said["ErrorCode"] == 403
    assert "may read only" in str(said)
    assert "may write" in str(said)
    assert gateway.events(tracked) == []
    assert gateway.quarantined(tracked) == []


@pytest.mark.parametrize("spelling", ["/api/v1/event?x=1", "/api.php?Command=event.track"])
def test_the_slower_ways_to_the_event_call_hold_it_too(
    gateway: RunningGateway, tracked: Tracked, spelling: str
) -> None:
    """A query string takes a request off the short way."""
    reader = with_key(gateway, tracked, "read")
    body = {"APIKey": reader.api_key, "ListID": tracked.list_id, "Event": "x"}
    assert gateway.client.post(spelling, json=body).status_code == 403
    assert gateway.events(tracked) == []


def test_a_session_may_do_all(gateway: RunningGateway, tracked: Tracked) -> None:
    """It is the owner."""
    login = {"Username": tracked.account, "Password": PASSWORD}
    session = gateway.client.post("/api/v1/user.login", json=login).json()["SessionID"]
    answer = gateway.client.post("/api/v1/user.apikey.list", json={"SessionID": session})
    assert answer.json()["Success"] is True


def test_a_list_shows_its_secret_to_who_may_change_it(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    """With it addresses are vouched for; the rest of the list may be read."""
    secrets = {
        scope: done(gateway, with_key(gateway, tracked, scope), "list.get")["List"][
            "IdentifySecret"
        ]
        for scope in keys.SCOPES
    }
    assert secrets["read"] is secrets["write"] is None
    assert len(secrets["admin"]) == 64


def test_a_read_key_opens_the_live_stream(gateway: RunningGateway, tracked: Tracked) -> None:
    """To look at events is to read."""
    gateway.call("event", tracked, Event="x")
    reader = with_key(gateway, tracked, "read")
    parameters = {"ListID": tracked.list_id, "APIKey": reader.api_key}
    with gateway.client.stream("GET", "/api/v1/event.stream", params=parameters) as answer:
        assert answer.status_code == 200


def test_a_key_is_made_with_a_scope_by_the_api(gateway: RunningGateway, tracked: Tracked) -> None:
    """Admin where none is named, as keys always were; what is no scope is refused."""
    made = done(gateway, tracked, "user.apikey.create", Note="crm", Scope="Read")
    assert made["APIKey"]["Scope"] == "read"
    text = made["APIKey"]["APIKey"]
    body = {"APIKey": text, "Note": "x"}
    assert gateway.client.post("/api/v1/user.apikey.create", json=body).status_code == 403
    assert done(gateway, tracked, "user.apikey.create", Note="old")["APIKey"]["Scope"] == "admin"
    assert refused(gateway, tracked, "user.apikey.create", Note="x", Scope="all") == [1003]


def test_the_document_tells_what_each_call_needs(gateway: RunningGateway) -> None:
    """In words a reader of the reference sees."""
    document = httpx.get(f"{gateway.url}/openapi.json", trust_env=False).json()
    said = document["paths"]["/api/v1/person.erase"]["post"]
    assert "Needs a key that may `admin`." in said["description"]
    assert "403" in said["responses"]
    assert "403" not in document["paths"]["/api/v1/user.login"]["post"]["responses"]
