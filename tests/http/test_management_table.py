"""The table of commands against the public reference, whose facts are kept in a file of their own:
every management call is there, with its parameters, its codes and its messages to the letter."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.edge.commands.command import Command, Envelope
from gateway.edge.commands.table import COMMANDS
from tests.support import RunningGateway, Tracked

FACTS: dict[str, Any] = json.loads(Path(__file__).with_name("management_calls.json").read_text())
OURS = (
    "revenue.get", "attribution.create", "segment.count", "segment.subscribers",
    "journey.actions.rotate", "journey.deliveries", "journey.deliveries.replay",
)  # fmt: skip
MANAGEMENT = [*FACTS, *OURS]


def by_command(
    gateway: RunningGateway, tracked: Tracked, command: str, **parameters: Any
) -> httpx.Response:
    return gateway.client.post(
        f"/api.php?Command={command}", json={"APIKey": tracked.api_key, **parameters}
    )


def by_path(
    gateway: RunningGateway, tracked: Tracked, command: str, **parameters: Any
) -> httpx.Response:
    return gateway.client.post(f"/api/v1/{command}", json={"APIKey": tracked.api_key, **parameters})


@pytest.mark.parametrize("name", FACTS)
def test_the_codes_and_messages_are_those_of_the_reference(name: str) -> None:
    codes = {str(code): message for code, message in COMMANDS[name].codes.items()}
    assert codes == FACTS[name]["codes"]


@pytest.mark.parametrize("name", FACTS)
def test_every_documented_parameter_is_known(name: str) -> None:
    documented = {*FACTS[name]["required"], *FACTS[name]["optional"]}
    assert documented <= {*COMMANDS[name].parameters}


@pytest.mark.parametrize("name", FACTS)
def test_what_the_reference_requires_is_required(name: str) -> None:
    required = [each for each in COMMANDS[name].required if "/" not in each]
    assert sorted(required) == sorted(FACTS[name]["required"])


@pytest.mark.parametrize("name", MANAGEMENT)
def test_the_messages_for_what_is_missing_are_among_the_documented(name: str) -> None:
    command = COMMANDS[name]
    for problem in command.required.values():
        assert command.codes[problem.code] == problem.message


@pytest.mark.parametrize("ask", [by_command, by_path])
@pytest.mark.parametrize("name", [name for name in MANAGEMENT if COMMANDS[name].required])
def test_a_call_without_parameters_names_all_that_is_missing(
    gateway: RunningGateway, tracked: Tracked, name: str, ask: Any
) -> None:
    answer = ask(gateway, tracked, name)
    assert answer.status_code == 200
    missing = sorted(COMMANDS[name].required.values(), key=lambda problem: problem.code)
    assert answer.json() == {
        "Success": False,
        "ErrorCode": [problem.code for problem in missing],
        "ErrorText": [problem.message for problem in missing],
    }


@pytest.mark.parametrize("name", MANAGEMENT)
def test_nobody_without_a_key_or_session_gets_in(gateway: RunningGateway, name: str) -> None:
    answer = gateway.client.post(f"/api/v1/{name}", json={})
    assert answer.status_code == 401
    assert answer.json()["ErrorCode"] == 99998


@pytest.mark.parametrize("name", [n for n in MANAGEMENT if "GET" in COMMANDS[n].methods])
def test_reads_answer_to_get_as_to_post(
    gateway: RunningGateway, tracked: Tracked, name: str
) -> None:
    query = {
        "APIKey": tracked.api_key,
        "ListID": str(tracked.list_id),
        "SubscriberListID": str(tracked.list_id),
        "SubscriberSegment": "All",
        "Operator": "and",
        "EmailAddress": "nobody@example.com",
        "SubscriberID": "999999",
    }
    got = gateway.client.get(f"/api/v1/{name}", params=query).json()
    posted = gateway.client.post(f"/api/v1/{name}", json=query).json()
    for answer in (got, posted):
        answer.get("UserInfo", {}).pop("LastActivityDateTime", None)
        for key in answer.get("APIKeys", ()):
            key.update(LastUsedAt=None, LastUsedIP=None, RequestCount=None)
    assert got == posted


@pytest.mark.parametrize("name", [n for n in MANAGEMENT if "GET" not in COMMANDS[n].methods])
def test_what_changes_something_is_refused_to_get(gateway: RunningGateway, name: str) -> None:
    answer = gateway.client.get(f"/api/v1/{name}")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


def test_calls_with_a_spelling_of_their_own_answer_to_it(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    made = gateway.client.post(
        "/api/v1/user.apikey", json={"APIKey": tracked.api_key, "Note": "by path"}
    )
    assert made.json()["Success"] is True
    listed = gateway.client.get("/api/v1/user.apikeys", params={"APIKey": tracked.api_key})
    assert "by path" in [key["Note"] for key in listed.json()["APIKeys"]]


def test_every_row_of_the_table_is_whole() -> None:
    for name, command in COMMANDS.items():
        assert isinstance(command, Command)
        assert name == command.name == name.lower()
        for required in command.required:
            assert {*required.split("/")} <= {*command.parameters}, name
        if name in MANAGEMENT:
            assert command.envelope is Envelope.SUCCESS
