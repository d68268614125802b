"""`gateway doctor`: one screen, nothing changed, and the running gateway asked as visitors ask."""

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.cli.doctor import LISTS_MAX
from gateway.settings import Settings, shown
from gateway.store.database import open_database
from tests import hostile
from tests.cli.conftest import Run
from tests.support import RunningGateway, free_port, free_socket, running_gateway, serving

Told = dict[str, dict[str, str]]
Ask = Callable[..., Told]


@pytest.fixture
def ask(run: Run) -> Ask:
    """The findings by what they are about; of several about one list, one of the worst."""

    def ask(path: Path, exit_code: int = 0, **variables: str) -> Told:
        result = run("doctor", "--db", path, "--json", **variables)
        assert result.exit_code == exit_code, result.output
        order = ["ok", "warning", "problem"]
        findings = sorted(json.loads(result.stdout), key=lambda each: order.index(each["status"]))
        return {finding["check"]: finding for finding in findings}

    return ask


@pytest.fixture
def nowhere() -> dict[str, str]:
    """Settings of a gateway that does not run."""
    return {"PORT": str(free_port())}


def test_of_a_new_database_nothing_is_a_problem(
    run: Run, path: Path, made: dict[str, Any], ask: Ask, nowhere: dict[str, str]
) -> None:
    """It only waits: for the gateway to run and for the first event."""
    told = ask(path, **nowhere)
    waiting = {check for check, finding in told.items() if finding["status"] != "ok"}
    assert waiting == {"gateway", "list 1"}


def test_it_changes_nothing(path: Path, made: dict[str, Any], run: Run) -> None:
    before = {file.name: digest(file) for file in path.parent.iterdir()}
    run("doctor", "--db", path)
    after = {file.name: digest(file) for file in path.parent.iterdir()}
    left = after.keys() - before.keys()
    assert left <= {"gateway.db-wal", "gateway.db-shm"}
    assert {name: after[name] for name in before} == before


def test_it_makes_neither_a_database_nor_a_secret(ask: Ask, path: Path) -> None:
    told = ask(path, exit_code=1)
    assert told["database"]["status"] == "problem"
    assert f"gateway init --db {path}" in told["database"]["todo"]
    assert (told["secret"]["status"], told["gateway"]["status"]) == ("warning", "warning")
    assert list(path.parent.iterdir()) == []


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_every_line_of_the_screen_fits_80_columns_and_says_what_to_do(
    run: Run, path: Path, nowhere: dict[str, str]
) -> None:
    result = run("doctor", "--db", path, **nowhere)
    assert result.exit_code == 1
    assert all(len(line) <= 80 for line in result.stdout.splitlines())
    assert len(result.stdout.splitlines()) <= 24
    assert "gateway init" in result.stdout
    assert result.stdout.splitlines()[-1].startswith("1 problem, ")


def test_a_damaged_file_is_a_problem(path: Path, made: dict[str, Any], ask: Ask) -> None:
    with contextlib.closing(open_database(path)) as db:
        db.execute("pragma wal_checkpoint(truncate)")
        page, pages = (db.execute(f"pragma {name}").fetchone()[0]
                       for name in ("page_size", "page_count"))  # fmt: skip
    with path.open("r+b") as file:
        file.seek(page * (pages - 1))
        file.write(b"\xff" * page)
    assert ask(path, exit_code=1)["integrity"]["status"] == "problem"


def test_a_file_that_is_no_database_is_a_problem(tmp_path: Path, ask: Ask) -> None:
    path = tmp_path / "notes.db"
    path.write_text("Not a database at all. " * 100)
    told = ask(path, exit_code=1)
    assert "not a database" in told["integrity"]["said"]


def test_whatever_is_missing_or_cannot_be_used_is_a_finding_and_no_traceback(
    tmp_path: Path, made: dict[str, Any], path: Path, ask: Ask, nowhere: dict[str, str]
) -> None:
    """A folder that is not there, a secret that is empty, too short, or a folder."""
    assert ask(tmp_path / "no" / "where.db", exit_code=1)["database"]["status"] == "problem"
    secret = Path(f"{path}.secret")
    for text in ("", "short\n"):
        secret.write_text(text)
        told = ask(path, exit_code=1, **nowhere)
        assert (told["secret"]["status"], told["gateway"]["status"]) == ("problem", "warning")
    secret.unlink()
    secret.mkdir()
    assert ask(path, exit_code=1, **nowhere)["secret"]["status"] == "problem"


def test_a_secret_that_others_can_read_is_a_problem(
    path: Path, made: dict[str, Any], ask: Ask, nowhere: dict[str, str]
) -> None:
    secret = Path(f"{path}.secret")
    secret.chmod(0o644)
    told = ask(path, exit_code=1, **nowhere)
    assert told["secret"]["todo"] == f"chmod 600 {secret}"
    secret.chmod(0o600)
    secret.write_text(secret.read_text() + "n" * 43 + "\n")
    assert ask(path, **nowhere)["secret"]["said"].startswith("2 secrets")
    assert ask(path, SECRET="s" * 40, **nowhere)["secret"]["said"].endswith("40 characters")


def test_no_secret_is_ever_shown(
    run: Run, path: Path, made: dict[str, Any], nowhere: dict[str, str]
) -> None:
    text = Path(f"{path}.secret").read_text().strip()
    for flags in ([], ["--json"]):
        result = run("doctor", "--db", path, *flags, **nowhere)
        assert text not in result.output


def test_a_screen_has_so_many_lists_and_json_has_all(
    run: Run, path: Path, made: dict[str, Any], ask: Ask, nowhere: dict[str, str]
) -> None:
    for number in range(LISTS_MAX):
        run("list", "create", f"List {number}", "--db", path)
    assert "1 more: gateway doctor --json" in run("doctor", "--db", path, **nowhere).stdout
    assert f"list {LISTS_MAX + 1}" in ask(path, **nowhere)


def test_a_list_s_name_commands_no_terminal_and_is_no_markup(
    run: Run, path: Path, made: dict[str, Any], nowhere: dict[str, str]
) -> None:
    with contextlib.closing(open_database(path)) as db:
        name = "[bold red]markup[/]\x1b[2J\n" + hostile.EVERYTHING
        db.execute("update lists set name = ?", (name,))
    result = run("doctor", "--db", path, **nowhere)
    assert all(line.isprintable() for line in result.stdout.split("\n"))
    assert "[bold red]markup[/]" in result.stdout
    assert len(result.stdout.splitlines()) < 30


# -- a running gateway ------------------------------------------------------------------------


@contextlib.contextmanager
def proxy(gateway: RunningGateway, appends: bool, keeps_host: bool = True) -> Iterator[str]:
    """A proxy in front of it as operators set them up: visitors come to it from 203.0.113.9."""

    async def forward(request: Request) -> Response:
        headers = {name: text for name, text in request.headers.items() if name != "host"}
        if keeps_host:
            headers["host"] = request.headers["host"]
        claimed = headers.get("x-forwarded-for")
        if appends or not claimed:
            headers["x-forwarded-for"] = ", ".join(filter(None, [claimed, "203.0.113.9"]))
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(gateway.url + request.url.path, headers=headers)
        return Response(answer.content, answer.status_code)

    sock = free_socket()
    with serving(Starlette(routes=[Route("/{path:path}", forward)]), sock):
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"


def settings_of(gateway: RunningGateway, url: str = "") -> dict[str, str]:
    """The variables that a gateway's operator would have set."""
    said, usual = shown(gateway.settings), shown(Settings())
    variables = {name.upper(): text for name, text in said.items() if text != usual[name]}
    return variables | ({"PUBLIC_URL": url} if url else {})


def test_asked_directly_all_is_well(tmp_path: Path, ask: Ask) -> None:
    with running_gateway(tmp_path) as gateway:
        gateway.new_list(["http://127.0.0.1:1234"])
        told = ask(gateway.settings.db, **settings_of(gateway))
    assert {told[check]["status"] for check in ("gateway", "addresses", "https")} == {"ok"}
    assert "the gateway" in told["open files"]["said"]


@pytest.mark.parametrize(
    ("trusted", "appends", "status", "word"),
    [
        (("127.0.0.0/8",), True, "ok", "claims change nothing"),
        ((), True, "problem", "GATEWAY_TRUSTED_PROXIES=127.0.0.1"),
        (("127.0.0.0/8",), False, "problem", "anybody can claim any address"),
    ],
)
def test_through_a_proxy_it_tells_whether_addresses_arrive(
    tmp_path: Path, ask: Ask, trusted: tuple[str, ...], appends: bool, status: str, word: str
) -> None:
    """From what the gateway saw of two requests that went the way visitors go."""
    with (
        running_gateway(tmp_path, trusted_proxies=trusted) as gateway,
        proxy(gateway, appends) as url,
    ):
        variables = settings_of(gateway, url)
        told = ask(gateway.settings.db, exit_code=int(status == "problem"), **variables)
    assert told["addresses"]["status"] == status
    assert word in told["addresses"]["said"] + told["addresses"]["todo"]
    assert told["https"]["status"] == "ok"


def test_through_a_proxy_that_drops_the_host_it_tells_so(tmp_path: Path, ask: Ask) -> None:
    with (
        running_gateway(tmp_path, trusted_proxies=("127.0.0.0/8",)) as gateway,
        proxy(gateway, appends=True, keeps_host=False) as url,
    ):
        told = ask(gateway.settings.db, exit_code=1, **settings_of(gateway, url))
    assert "Host $host" in told["https"]["todo"]


def test_it_tells_when_the_server_has_other_settings_or_another_secret(
    tmp_path: Path, ask: Ask
) -> None:
    with running_gateway(tmp_path, rate_limits=False) as gateway:
        port = {"PORT": str(gateway.settings.port)}
        told = ask(gateway.settings.db, **port)
        assert "GATEWAY_RATE_LIMITS" in told["gateway"]["todo"]
        told = ask(gateway.settings.db, exit_code=1, SECRET="another" * 7, **port)
        assert "another secret" in told["gateway"]["said"]


def test_it_tells_when_the_last_event_came(tmp_path: Path, ask: Ask) -> None:
    with running_gateway(tmp_path) as gateway:
        tracked = gateway.new_list(["http://127.0.0.1:1234"])
        gateway.call("event", tracked, Event="x")
        told = ask(gateway.settings.db, **settings_of(gateway))
    assert told[f"list {tracked.list_id}"]["status"] == "ok"
