"""`gateway init`: a database with an account, a key and a list."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from gateway.signing import Signing
from tests.cli.conftest import Run
from tests.support import running_gateway

KEYS = [
    "db",
    "account",
    "password",
    "api_key",
    "list_id",
    "user_tracker_id",
    "list_tracker_id",
    "snippet",
]


def test_as_json_it_answers_exactly_the_documented_facts(run: Run, path: Path) -> None:
    result = run("init", "--db", path, "--account", "me@example.com", "--list", "News", "--json")
    assert result.exit_code == 0
    assert result.stderr == ""
    said = json.loads(result.stdout)
    assert list(said) == KEYS
    assert (said["db"], said["account"], said["list_id"]) == (str(path), "me@example.com", 1)
    assert said["user_tracker_id"] in said["snippet"]
    assert said["list_tracker_id"] in said["snippet"]
    assert said["api_key"] not in said["snippet"]


def test_as_text_it_shows_the_same_facts_and_what_comes_next(run: Run, path: Path) -> None:
    result = run("init", "--db", path)
    assert result.exit_code == 0
    for name in KEYS:
        assert f"\n{name}" in "\n" + result.stdout
    assert str(path) in result.stdout
    assert "<script" in result.stdout
    assert f"gateway serve --db {path}" in result.stderr


def test_what_it_made_works(path: Path, made: dict[str, Any]) -> None:
    with running_gateway(path.parent) as gateway:
        login = {"Username": made["account"], "Password": made["password"]}
        assert gateway.client.post("/api/v1/user.login", json=login).json()["Success"] is True
        call = {"APIKey": made["api_key"], "ListID": made["list_id"], "Event": "x"}
        assert gateway.client.post("/api/v1/event", json=call).status_code == 200
        beacon = {"user": made["user_tracker_id"], "list": made["list_tracker_id"], "event": "x"}
        assert gateway.client.post("/e", json=beacon).status_code == 200


def test_the_secret_is_made_beside_the_database_for_the_owners_eyes_only(
    path: Path, made: dict[str, Any]
) -> None:
    secret = Path(f"{path}.secret")
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert len(secret.read_text().strip()) >= 32


def test_a_secret_of_ones_own_signs_the_ids_and_no_file_is_made(run: Run, path: Path) -> None:
    result = run("init", "--db", path, "--json", SECRET="a secret of sixteen or more")
    said = json.loads(result.stdout)
    signing = Signing(["a secret of sixteen or more"])
    assert signing.read_list_tracker_id(said["list_tracker_id"]) == said["list_id"]
    assert not Path(f"{path}.secret").exists()


def test_neither_the_password_nor_the_key_is_in_the_file(path: Path, made: dict[str, Any]) -> None:
    kept = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert made["account"].encode() in kept
    assert made["password"].encode() not in kept
    assert made["api_key"].encode() not in kept


def test_a_second_init_says_what_is_there_and_what_to_do(
    run: Run, path: Path, made: dict[str, Any]
) -> None:
    """And changes nothing."""
    before = run("list", "ls", "--db", path, "--json").stdout
    result = run("init", "--db", path)
    assert result.exit_code == 1
    assert made["account"] in result.stderr
    assert "gateway list create" in result.stderr
    assert "gateway key create" in result.stderr
    assert result.stdout == ""
    assert run("list", "ls", "--db", path, "--json").stdout == before


def test_another_account_may_join(run: Run, path: Path, made: dict[str, Any]) -> None:
    result = run("init", "--db", path, "--account", "second@example.com", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["list_id"] == made["list_id"] + 1


def test_every_option_has_its_variable(run: Run, path: Path) -> None:
    result = run(
        "init",
        DB=str(path),
        ACCOUNT="me@example.com",
        LIST_NAME="News",
        ORIGIN="https://a.example https://b.example",
        JSON="1",
        PUBLIC_URL="https://track.example.com/",
    )
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert said["account"] == "me@example.com"
    assert 'src="https://track.example.com/tracker.' in said["snippet"]
    [listed] = json.loads(run("list", "ls", "--db", path, "--json").stdout)
    assert listed["name"] == "News"
    assert listed["allowed_origins"] == "https://a.example https://b.example"


@pytest.mark.parametrize(
    ("arguments", "variables", "exit_code", "words"),
    [
        (["--account", "nobody"], {}, 2, ["--account", "nobody"]),
        (["--origin", "shop.example"], {}, 2, ["shop.example", "https://"]),
        (["--db", "/no/such/folder/g.db"], {}, 2, ["/no/such/folder/g.db"]),
        ([], {"PUBLIC_ULR": "x"}, 2, ["GATEWAY_PUBLIC_ULR", "GATEWAY_PUBLIC_URL"]),
        ([], {"PUBLIC_URL": "track.example.com"}, 2, ["GATEWAY_PUBLIC_URL", "https://"]),
        ([], {"SECRET": "short"}, 2, ["GATEWAY_SECRET", "16"]),
        (["--nonsense"], {}, 2, ["--nonsense"]),
    ],
)
def test_what_is_wrong_is_said_in_one_line_with_what_to_write(
    run: Run,
    path: Path,
    arguments: list[str],
    variables: dict[str, str],
    exit_code: int,
    words: list[str],
) -> None:
    result = run("init", "--db", path, *arguments, **variables)
    assert result.exit_code == exit_code
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in result.stderr


def test_a_file_that_is_no_database_is_left_alone(run: Run, path: Path) -> None:
    path.write_text("a letter to my mother, " * 100)
    result = run("init", "--db", path)
    assert result.exit_code == 2
    assert str(path) in result.stderr
    assert path.read_text().startswith("a letter")
