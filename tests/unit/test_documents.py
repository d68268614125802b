"""What the documents say is what the code does."""

import re
import shlex
from pathlib import Path

import click
import pytest

from gateway.cli import main
from tests import settings_tables

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text()


def block(marker: str) -> str:
    """The code block after a marker comment of the README."""
    return README.split(f"<!-- {marker} -->")[1].split("```")[1].partition("\n")[2].strip()


def test_the_tables_of_settings_and_limits_are_those_of_the_code():
    assert settings_tables.written() == settings_tables.tables()


def test_the_first_two_commands_are_one_line_each():
    for marker in ("the demo command", "the test command"):
        assert len(block(marker).splitlines()) == 1


def test_every_command_of_the_readme_is_called_rightly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parsed as a terminal would have it, without being run."""
    monkeypatch.chdir(tmp_path)
    for line in re.findall(r"^gateway .*$", README, re.MULTILINE):
        words = shlex.split(line, comments=True)[1:]
        command: click.Command = main
        while isinstance(command, click.Group):
            name = words.pop(0)
            command = command.get_command(click.Context(command), name)
            assert command is not None, name
        with command.make_context(line, words):
            pass


def test_the_api_example_is_accepted_as_printed(gateway, tracked):
    body = re.search(r"-d '(.*)'", block("the API example"), re.DOTALL).group(1)
    answer = gateway.client.post(
        "/api/v1/event",
        content=body.replace('"ListID": 1', f'"ListID": {tracked.list_id}'),
        headers={"authorization": f"Bearer {tracked.api_key}"},
    )
    assert answer.json()["status"] == "success"


def test_no_link_of_the_documents_leads_nowhere():
    for name in ("README.md", "ARCHITECTURE.md", "CHANGELOG.md"):
        for target in re.findall(r"\]\(([^)#:]+)", (ROOT / name).read_text()):
            assert (ROOT / target).exists(), f"{name}: {target}"
