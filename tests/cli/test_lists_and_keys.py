"""`gateway list …` and `gateway key …`."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest

from gateway.records import keys
from gateway.store.database import connect
from tests.cli.conftest import Run


def test_a_list_is_made_and_shown_with_its_snippet(
    run: Run, path: Path, made: dict[str, Any]
) -> None:
    result = run(
        "list", "create", "Shop", "--db", path, "--origin", "https://Shop.example", "--json"
    )
    assert result.exit_code == 0
    created = json.loads(result.stdout)
    assert list(created) == ["list_id", "user_tracker_id", "list_tracker_id", "snippet"]
    assert created["user_tracker_id"] == made["user_tracker_id"]
    assert created["list_tracker_id"] != made["list_tracker_id"]
    shown = json.loads(run("list", "show", created["list_id"], "--db", path, "--json").stdout)
    assert shown == shown | created | {"events": 0}


def test_all_lists_are_listed(run: Run, path: Path, made: dict[str, Any]) -> None:
    run("list", "create", "Shop", "--db", path, "--origin", "https://shop.example")
    listed = json.loads(run("list", "ls", "--db", path, "--json").stdout)
    assert [(row["list_id"], row["name"], row["allowed_origins"]) for row in listed] == [
        (1, "My list", ""),
        (2, "Shop", "https://shop.example"),
    ]
    text = run("list", "ls", "--db", path).stdout
    assert "My list" in text
    assert "Shop" in text


def test_a_key_opens_until_it_is_revoked(run: Run, path: Path, made: dict[str, Any]) -> None:
    created = json.loads(run("key", "create", "--note", "crm", "--db", path, "--json").stdout)
    assert list(created) == ["key_id", "api_key", "note", "scope"]
    assert created["note"] == "crm"

    def opens() -> bool:
        with contextlib.closing(connect(path, read_only=True)) as db:
            return keys.find(db, created["api_key"]) is not None

    assert opens()
    result = run("key", "revoke", created["key_id"], "--db", path)
    assert result.exit_code == 0
    assert str(created["key_id"]) in result.stdout
    assert not opens()


def test_keys_are_listed_by_their_last_characters_only(
    run: Run, path: Path, made: dict[str, Any]
) -> None:
    created = json.loads(run("key", "create", "--note", "crm", "--db", path, "--json").stdout)
    run("key", "revoke", 1, "--db", path)
    for as_json in (["--json"], []):
        listed = run("key", "ls", "--db", path, *as_json).stdout
        assert created["api_key"][-4:] in listed
        assert created["api_key"] not in listed
        assert "crm" in listed
    first, second = json.loads(run("key", "ls", "--db", path, "--json").stdout)
    assert first["revoked_at"] is not None
    assert (second["revoked_at"], second["ends_in"]) == (None, created["api_key"][-4:])


def test_a_key_is_made_to_reach_so_far_and_no_further(
    run: Run, path: Path, made: dict[str, Any]
) -> None:
    """Everything, unless said otherwise: what there is goes on to work."""
    for scope in ("read", "write"):
        created = json.loads(run("key", "create", "--scope", scope, "--db", path, "--json").stdout)
        assert created["scope"] == scope
    assert json.loads(run("key", "create", "--db", path, "--json").stdout)["scope"] == "admin"
    listed = json.loads(run("key", "ls", "--db", path, "--json").stdout)
    assert [key["scope"] for key in listed] == ["admin", "read", "write", "admin"]
    assert run("key", "create", "--scope", "all", "--db", path).exit_code == 2


def test_where_there_are_several_accounts_one_says_whose(
    run: Run, path: Path, made: dict[str, Any]
) -> None:
    run("init", "--db", path, "--account", "second@example.com")
    for command in (["list", "create", "x"], ["key", "create"], ["key", "ls"]):
        result = run(*command, "--db", path)
        assert result.exit_code == 2
        assert "--account" in result.stderr
        assert run(*command, "--db", path, "--account", "Second@Example.com").exit_code == 0
        assert run(*command, "--db", path, ACCOUNT="second@example.com").exit_code == 0


def test_one_accounts_key_is_not_anothers_to_revoke(
    run: Run, path: Path, made: dict[str, Any]
) -> None:
    run("init", "--db", path, "--account", "second@example.com")
    result = run("key", "revoke", 1, "--db", path, "--account", "second@example.com")
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("command", "exit_code", "words"),
    [
        (["list", "show", "77"], 1, ["77", "gateway list ls"]),
        (["list", "show", "x"], 2, ["x"]),
        (["list", "create", "x", "--origin", "nonsense"], 2, ["nonsense", "https://"]),
        (["list", "create", "x", "--account", "no@example.com"], 1, ["no@example.com"]),
        (["key", "revoke", "77"], 1, ["77", "gateway key ls"]),
        (["events", "tail", "--no-follow", "--list", "77"], 1, ["77", "gateway list ls"]),
        (["export", "--list", "77"], 1, ["77", "gateway list ls"]),
        (["export"], 2, ["--list"]),
        (["export", "--list", "1", "--format", "xml"], 2, ["xml", "jsonl"]),
        (["nonsense"], 2, ["nonsense"]),
    ],
)
def test_what_cannot_be_done_says_why_and_what_to_do(
    run: Run, path: Path, made: dict[str, Any], command: list[str], exit_code: int, words: list[str]
) -> None:
    result = run(*command, DB=str(path))
    assert result.exit_code == exit_code
    assert "Traceback" not in result.output
    for word in words:
        assert word in result.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["list", "ls"],
        ["list", "show", "1"],
        ["list", "create", "x"],
        ["key", "ls"],
        ["key", "create"],
        ["key", "revoke", "1"],
        ["events", "tail"],
        ["export", "--list", "1"],
        ["serve"],
    ],
)
def test_a_misspelt_path_does_not_become_an_empty_database(
    run: Run, path: Path, command: list[str]
) -> None:
    result = run(*command, "--db", path)
    assert result.exit_code == 2
    assert f"gateway init --db {path}" in result.stderr
    assert not path.exists()
