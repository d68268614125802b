"""Fixtures for the commands: run as a user would, on a real file."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def no_settings_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the person who runs the tests has set must not count."""
    for name in [name for name in os.environ if name.startswith("GATEWAY_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def run() -> Run:
    """Run a command; `exit_code`, `stdout` and `stderr` as a shell would see them."""

    def run(*arguments: object, **variables: str) -> Result:
        return CliRunner().invoke(
            main,
            [str(argument) for argument in arguments],
            env={f"GATEWAY_{name}": text for name, text in variables.items()},
            catch_exceptions=False,
        )

    return run


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gateway.db"


@pytest.fixture
def made(run: Run, path: Path) -> dict[str, Any]:
    """What `init --json` said of the database at `path`."""
    result = run("init", "--db", path, "--json")
    assert result.exit_code == 0, result.output
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer
