"""Every knob, and how it is turned."""

import dataclasses
import multiprocessing
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from gateway.cli import main
from gateway.errors import SettingsError
from gateway.settings import (
    CLI_VARIABLES,
    Limits,
    Settings,
    from_environment,
    secrets_of,
    shown,
)

PLAIN = [field for field in dataclasses.fields(Settings) if field.name != "limits"]
SECRET = "a secret of enough characters"

# A value other than the default for each setting: as text, and as read.
CHOSEN: dict[str, tuple[str, Any]] = {
    "db": ("/data/x.db", Path("/data/x.db")),
    "host": ("0.0.0.0", "0.0.0.0"),
    "port": ("9000", 9000),
    "workers": ("4", 4),
    "secret": (f"{SECRET}, {SECRET}2", (SECRET, f"{SECRET}2")),
    "public_url": ("https://track.example.com/", "https://track.example.com"),
    "beacon_path": ("/collect", "/collect"),
    "tracker_path": ("/t.js", "/t.js"),
    "pixel_path": ("/i.gif", "/i.gif"),
    "webhook_hosts_allowed": ("127.0.0.1, hooks.local", ("127.0.0.1", "hooks.local")),
    "trusted_proxies": ("10.0.0.0/8, 127.0.0.1", ("10.0.0.0/8", "127.0.0.1")),
    "rate_limits": ("off", False),
    "link_days": ("7", 7),
    "drain_s": ("0", 0),
    "session_hours": ("1", 1),
    "log_level": ("debug", "debug"),
    "metrics_token": (SECRET, SECRET),
}


def options(command: click.Command, path: str = "gateway") -> Iterator[tuple[str, click.Option]]:
    """Every option of the CLI, with the command it belongs to."""
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            yield path, parameter
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from options(inner, f"{path} {name}")


def test_nothing_set_is_all_defaults() -> None:
    assert from_environment({"PATH": "/bin"}) == Settings()


@pytest.mark.parametrize("field", PLAIN, ids=lambda field: field.name)
def test_every_setting_has_its_variable(field: dataclasses.Field[Any]) -> None:
    text, value = CHOSEN[field.name]
    settings = from_environment({f"GATEWAY_{field.name.upper()}": text})
    assert settings == dataclasses.replace(Settings(), **{field.name: value})
    assert settings != Settings()


@pytest.mark.parametrize("field", dataclasses.fields(Limits), ids=lambda field: field.name)
def test_every_limit_has_its_variable(field: dataclasses.Field[Any]) -> None:
    settings = from_environment({f"GATEWAY_{field.name.upper()}": " 7 "})
    assert settings.limits == dataclasses.replace(Limits(), **{field.name: 7})


def test_every_knob_says_what_it_is_for() -> None:
    for field in [*PLAIN, *dataclasses.fields(Limits)]:
        assert field.metadata["help"].endswith("."), field.name


def test_a_flag_goes_over_its_variable_and_one_not_given_does_not() -> None:
    settings = from_environment({"GATEWAY_PORT": "1", "GATEWAY_HOST": "h"}, port=2, host=None)
    assert (settings.port, settings.host) == (2, "h")


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("GATEWAY_PROT", "GATEWAY_PORT"),
        ("GATEWAY_PUBLICURL", "GATEWAY_PUBLIC_URL"),
        ("GATEWAY_RATE_LIMIT", "GATEWAY_RATE_LIMITS"),
        ("GATEWAY_PROPERTY_MAX", "GATEWAY_PROPERTIES_MAX"),
    ],
)
def test_a_variable_nobody_knows_is_refused_and_the_nearest_named(name: str, nearest: str) -> None:
    """A misspelt setting must not quietly keep its default."""
    with pytest.raises(SettingsError, match=rf"{name} is no setting\. Did you mean {nearest}\?"):
        from_environment({name: "1"})


@pytest.mark.parametrize("name", ["GATEWAY_", "GATEWAY_LIMITS", "GATEWAY_X"])
def test_even_one_that_is_near_nothing_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} is no setting"):
        from_environment({name: "1"})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PORT", "http"), ("PORT", ""), ("PORT", "-1"), ("PORT", "80.5"), ("WORKERS", "two"),
        ("RATE_LIMITS", "perhaps"), ("RATE_LIMITS", ""), ("PUBLIC_URL", "track.example.com"),
        ("PUBLIC_URL", "ftp://track.example.com"), ("PUBLIC_URL", "https://"),
        ("BEACON_PATH", "e"), ("TRACKER_PATH", ""), ("PIXEL_PATH", "p.gif"), ("SECRET", "short"),
        ("SECRET", f"{SECRET},short"), ("TRUSTED_PROXIES", "10.0.0.0/8,proxy.example"),
        ("LOG_LEVEL", "loud"), ("METRICS_TOKEN", "short"), ("PROPERTIES_MAX", "many"),
        ("COMMIT_ITEMS_MAX", "0"), ("QUEUE_ITEMS_MAX", "0"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_used_is_refused_by_the_name_of_its_variable(
    name: str, text: str
) -> None:
    with pytest.raises(SettingsError, match=f"GATEWAY_{name}"):
        from_environment({f"GATEWAY_{name}": text})


@pytest.mark.parametrize(
    ("text", "value"),
    [("on", True), ("TRUE", True), ("1", True), ("yes", True), ("off", False), ("No", False)],
)
def test_a_switch_is_on_or_off(text: str, value: bool) -> None:
    assert from_environment({"GATEWAY_RATE_LIMITS": text}).rate_limits is value


def test_snippets_point_to_the_public_address_or_to_host_and_port() -> None:
    assert from_environment({"GATEWAY_PORT": "9"}).base_url == "http://127.0.0.1:9"
    chosen = from_environment({"GATEWAY_PUBLIC_URL": "https://t.example//"})
    assert chosen.base_url == "https://t.example"


class TestCommandLine:
    def test_every_option_has_a_variable_that_the_settings_know(self) -> None:
        """So that whatever a flag says can be said in the environment."""
        known = {field.name.upper() for field in (*PLAIN, *dataclasses.fields(Limits))}
        found = [
            (path, option.opts, option.envvar)
            for path, option in options(main)
            if not {"--help", "--version"} & set(option.opts)
        ]
        assert len(found) > 20
        for path, flags, variable in found:
            assert isinstance(variable, str), f"{path} {flags} has no variable"
            name = variable.removeprefix("GATEWAY_")
            assert name in known | set(CLI_VARIABLES), f"{path} {flags}: {variable}"

    def test_variables_of_commands_only_are_named_and_no_others(self) -> None:
        used = {str(option.envvar).removeprefix("GATEWAY_") for _, option in options(main)}
        settings = {field.name.upper() for field in PLAIN}
        assert used - settings - {"None"} == set(CLI_VARIABLES)

    def test_they_do_not_upset_the_settings(self) -> None:
        given = {f"GATEWAY_{name}": "x" for name in CLI_VARIABLES}
        assert from_environment(given) == Settings()


class TestSecret:
    def test_one_is_made_once_beside_the_database_for_its_owner_only(self, tmp_path: Path) -> None:
        settings = Settings(db=tmp_path / "gateway.db")
        made = secrets_of(settings)
        file = tmp_path / "gateway.db.secret"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert made == secrets_of(settings) == (file.read_text().strip(),)
        assert len(made[0]) >= 32
        assert list(tmp_path.iterdir()) == [file]

    def test_two_gateways_have_different_ones(self, tmp_path: Path) -> None:
        one, other = (secrets_of(Settings(db=tmp_path / name)) for name in ("a.db", "b.db"))
        assert one != other

    def test_the_setting_s_goes_first_and_makes_no_file(self, tmp_path: Path) -> None:
        settings = Settings(db=tmp_path / "gateway.db", secret=(SECRET,))
        assert secrets_of(settings) == (SECRET,)
        assert list(tmp_path.iterdir()) == []

    def test_a_file_may_hold_several_newest_last(self, tmp_path: Path) -> None:
        (tmp_path / "gateway.db.secret").write_text(f"{SECRET}\n\n {SECRET}2 \n")
        assert secrets_of(Settings(db=tmp_path / "gateway.db")) == (SECRET, f"{SECRET}2")

    def test_an_empty_file_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "gateway.db.secret").write_text("\n")
        with pytest.raises(
            SettingsError, match=r"secret is empty\. Delete it, or set GATEWAY_SECRET"
        ):
            secrets_of(Settings(db=tmp_path / "gateway.db"))

    def test_a_folder_that_cannot_be_written_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match=r"Set GATEWAY_SECRET or make the folder"):
            secrets_of(Settings(db=tmp_path / "nowhere" / "gateway.db"))

    def test_processes_that_start_together_end_up_with_the_same(self, tmp_path: Path) -> None:
        settings = Settings(db=tmp_path / "gateway.db")
        with multiprocessing.get_context("spawn").Pool(2) as pool:
            found = pool.map(secrets_of, [settings] * 2, chunksize=1)
        assert len(set(found)) == 1
        assert len(list(tmp_path.iterdir())) == 1


def test_settings_as_shown_are_read_back_as_they_were_but_for_the_secrets() -> None:
    """What the doctor compares is what an operator writes."""
    chosen = Settings(**{name: value for name, (_, value) in CHOSEN.items()})
    written = shown(chosen)
    assert not [text for text in written.values() if SECRET in text]
    read = from_environment({f"GATEWAY_{name.upper()}": text for name, text in written.items()})
    assert read == dataclasses.replace(
        chosen, secret=(), metrics_token="", public_url=read.public_url
    )
