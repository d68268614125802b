"""Every knob, once: its name, unit, default and what it is for. Read from `GATEWAY_*` at start.

`Limits` is the one table of bounds; the table in ARCHITECTURE.md is made from it and a test
holds the two equal. A variable nobody knows is an error that names the nearest one, so that a
misspelt setting never silently keeps its default.
"""

import contextlib
import dataclasses
import difflib
import ipaddress
import os
import secrets as random_secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gateway.errors import SettingsError

PREFIX = "GATEWAY_"


def knob(default: Any, help: str) -> Any:
    """A setting with its default and the sentence `--help` and the docs show for it."""
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what one sender may send. Units last in each name."""

    body_browser_bytes_max: int = knob(262_144, "Largest beacon body.")
    body_server_bytes_max: int = knob(1_048_576, "Largest body of a server's API call.")
    body_timeout_s: int = knob(10, "Longest wait for a request's whole body.")
    headers_max: int = knob(100, "Most headers of a request.")
    headers_bytes_max: int = knob(65_536, "Largest request line and headers.")
    headers_timeout_s: int = knob(5, "Longest wait for a request's whole headers.")
    idle_timeout_s: int = knob(65, "Longest wait for the next request, or for an answer's reader.")
    connections_max: int = knob(10_000, "Open connections; one more closes the longest idle one.")
    requests_max: int = knob(500, "Requests in work before others get 503.")
    unfinished_bytes_max: int = knob(67_108_864, "What all requests under way may hold together.")
    batch_events_max: int = knob(500, "Most events in one beacon.")
    event_name_chars_max: int = knob(200, "Longest event name.")
    properties_max: int = knob(100, "Most properties on one event.")
    property_name_chars_max: int = knob(200, "Longest property name.")
    value_bytes_max: int = knob(8_192, "Longest text value, in UTF-8.")
    nesting_max: int = knob(5, "Deepest nesting of objects and arrays in a property.")
    url_chars_max: int = knob(4_096, "Longest URL in a standard property.")
    catalog_names_max: int = knob(10_000, "Most property names kept in one list's catalog.")
    event_calls_per_minute: int = knob(5_000, "`event` calls a minute of one API key.")
    read_calls_per_minute: int = knob(100, "Read calls a minute of one API key.")
    write_calls_per_minute: int = knob(1_000, "Other calls a minute of one API key.")
    login_calls_per_minute: int = knob(10, "Sign-in attempts a minute of one address.")
    wrong_keys_per_minute: int = knob(
        30, "Calls a minute of one address whose key or session opens nothing."
    )
    beacon_events_per_minute: int = knob(3_000, "Events a minute from browsers at one address.")
    identify_events_per_hour: int = knob(30, "Identifies an hour from browsers at one address.")
    queue_items_max: int = knob(10_000, "Writes waiting for the disk before callers get 503.")
    commit_items_max: int = knob(500, "Most writes that share one commit.")
    click_days: int = knob(30, "Days after a click in which a conversion is its campaign's.")
    live_streams_max: int = knob(100, "Open live event streams.")
    quarantine_rows_max: int = knob(10_000, "Refused events kept of a list; the oldest go first.")
    quarantine_bytes_max: int = knob(67_108_864, "Size of the refused events kept of a list.")
    quarantine_days: int = knob(14, "Days a refused event is kept for a replay.")
    webhook_backlog_max: int = knob(
        100_000, "Deliveries written since the oldest that waits, before new ones are dead letters."
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator chose. Build it with `from_environment`."""

    db: Path = knob(Path("gateway.db"), "The SQLite file.")
    host: str = knob("127.0.0.1", "Address to listen on.")
    port: int = knob(8000, "Port to listen on.")
    workers: int = knob(1, "Server processes sharing the file.")
    secret: tuple[str, ...] = knob(
        (), "Signing secrets, newest last, separated by commas. Empty: kept beside the database."
    )
    public_url: str = knob(
        "", "What snippets point to, such as https://track.example.com. Empty: host and port."
    )
    beacon_path: str = knob("/e", "Where the tracker posts.")
    tracker_path: str = knob("/tracker.js", "Where the tracker is served.")
    pixel_path: str = knob("/p.gif", "Where the pixel is served.")
    trusted_proxies: tuple[str, ...] = knob(
        (), "Networks whose X-Forwarded-For and X-Forwarded-Proto are believed."
    )
    rate_limits: bool = knob(True, "off: no rate limits, for load tests.")
    link_days: int = knob(365, "How long after its making a link's `pr` token can be clicked.")
    drain_s: int = knob(1, "Told to stop by SIGTERM: seconds it still serves, /readyz saying 503.")
    session_hours: int = knob(24, "How long a sign-in lasts.")
    log_level: str = knob("info", "debug, info, warning or error.")
    metrics_token: str = knob(
        "", "Bearer token that opens /metrics. Empty: it opens to this machine's own addresses."
    )
    webhook_hosts_allowed: tuple[str, ...] = knob(
        (),
        "Hosts that webhooks may go to by http, and that these and checks of a site reach at "
        "addresses that are not public.",
    )
    limits: Limits = field(default_factory=Limits)

    @property
    def base_url(self) -> str:
        """The gateway's address as browsers reach it, without a final slash."""
        return self.public_url or f"http://{self.host}:{self.port}"


# Variables that belong to one CLI command only; the commands name them, a test holds them equal.
CLI_VARIABLES = (
    "ACCOUNT", "ALL", "CAMPAIGN", "CURRENCY", "DAYS", "EMAIL", "EXTERNAL_ID", "FOLLOW", "FORMAT",
    "IDENTIFY_MODE", "JSON", "LIST", "LIST_NAME", "NONCE", "NOTE", "ORIGIN", "OUTPUT", "PRIVACY",
    "RECENT", "SHOW_SECRET", "SITE_PORT", "SUBSCRIBER", "URL", "UUID", "YES",
    "JOURNEY", "LISTEN_PORT", "SIGNATURE_HEADER", "STATE", "WEBHOOK_SECRET",
    "DRY_RUN", "KIND", "OVERWRITE", "SCOPE",
)  # fmt: skip


def from_environment(environment: Mapping[str, str] = os.environ, **overrides: Any) -> Settings:
    """Settings from `GATEWAY_*`, `overrides` (the CLI's flags, None meaning not given) on top.

    Raises SettingsError naming the variable and what to write instead.
    """
    given = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(PREFIX)
    }
    plain = {f.name: f for f in dataclasses.fields(Settings) if f.name != "limits"}
    limits = {f.name: f for f in dataclasses.fields(Limits)}
    _refuse_unknown(given, {*plain, *limits, *(name.lower() for name in CLI_VARIABLES)})
    values = {
        name: _read(name, given[name], plain[name].default) for name in plain if name in given
    }
    values |= {name: value for name, value in overrides.items() if value is not None}
    bounds = {
        name: _read(name, given[name], limits[name].default) for name in limits if name in given
    }
    return _checked(Settings(**values, limits=Limits(**bounds)))


def secrets_of(settings: Settings) -> tuple[str, ...]:
    """The signing secrets: the setting's, else the file beside the database, made once (mode 0600).

    Written whole under another name and then linked, so that two processes starting together
    end up with the same one.
    """
    if settings.secret:
        return settings.secret
    path = secret_file(settings)
    if not path.exists():
        try:
            _make_secret(path)
        except OSError as error:
            raise SettingsError(
                f"Cannot write the secret file {path}: {error.strerror}. "
                "Set GATEWAY_SECRET or make the folder writable."
            ) from error
    lines = tuple(line.strip() for line in path.read_text().splitlines() if line.strip())
    if not lines:
        raise SettingsError(f"The secret file {path} is empty. Delete it, or set GATEWAY_SECRET.")
    return lines


def secret_file(settings: Settings) -> Path:
    """Where the secret is kept while no setting says it."""
    return Path(f"{settings.db}.secret")


def shown(settings: Settings) -> dict[str, str]:
    """Every setting and limit but the secrets, as it would be written in its variable."""
    values = {field.name: getattr(settings, field.name) for field in dataclasses.fields(settings)}
    values |= dataclasses.asdict(values.pop("limits")) | {"db": settings.db.absolute()}
    del values["secret"], values["metrics_token"]
    return {name: _written(value) for name, value in values.items()}


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _make_secret(path: Path) -> None:
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(random_secrets.token_urlsafe(32) + "\n")
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()


def _refuse_unknown(given: Mapping[str, str], known: Collection[str]) -> None:
    for name in given:
        if name not in known:
            nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
            raise SettingsError(
                f"{PREFIX}{name.upper()} is no setting. Did you mean {PREFIX}{nearest[0].upper()}?"
            )


def _read(name: str, text: str, default: Any) -> Any:
    variable = PREFIX + name.upper()
    if isinstance(default, bool):
        if text.lower() in ("on", "true", "1", "yes"):
            return True
        if text.lower() in ("off", "false", "0", "no"):
            return False
        raise SettingsError(f"{variable}={text!r}: write on or off.")
    if isinstance(default, int):
        if not text.strip().isdecimal():
            raise SettingsError(f"{variable}={text!r}: write a whole number, such as {default}.")
        return int(text)
    if isinstance(default, tuple):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if isinstance(default, Path):
        return Path(text)
    return text.strip()


def _checked(settings: Settings) -> Settings:
    for name in ("beacon_path", "tracker_path", "pixel_path"):
        if not getattr(settings, name).startswith("/"):
            raise SettingsError(f"{PREFIX}{name.upper()} must start with a slash.")
    if settings.public_url:
        parts = urlsplit(settings.public_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SettingsError(
                f"{PREFIX}PUBLIC_URL={settings.public_url!r}: "
                "write a whole address, such as https://track.example.com."
            )
        settings = dataclasses.replace(settings, public_url=settings.public_url.rstrip("/"))
    if any(len(secret) < 16 for secret in settings.secret):
        raise SettingsError(f"{PREFIX}SECRET: each secret needs at least 16 characters.")
    if settings.metrics_token and len(settings.metrics_token) < 16:
        raise SettingsError(f"{PREFIX}METRICS_TOKEN: it needs at least 16 characters.")
    if settings.log_level not in ("debug", "info", "warning", "error"):
        raise SettingsError(f"{PREFIX}LOG_LEVEL: write debug, info, warning or error.")
    _check_numbers(settings)
    _check_networks(settings.trusted_proxies)
    return settings


def _check_numbers(settings: Settings) -> None:
    limits = settings.limits
    for name, value, least, most in (
        ("port", settings.port, 0, 65_535),
        ("workers", settings.workers, 1, 1_000),
        ("queue_items_max", limits.queue_items_max, 1, 10**9),
        ("commit_items_max", limits.commit_items_max, 1, 10**9),
        ("connections_max", limits.connections_max, 1, 10**9),
        ("requests_max", limits.requests_max, 1, 10**9),
    ):
        if not least <= value <= most:
            raise SettingsError(f"{PREFIX}{name.upper()}={value}: write {least} to {most}.")


def _check_networks(networks: tuple[str, ...]) -> None:
    for network in networks:
        try:
            ipaddress.ip_network(network, strict=False)
        except ValueError as error:
            raise SettingsError(
                f"{PREFIX}TRUSTED_PROXIES: {network!r} is no network, such as 10.0.0.0/8."
            ) from error
