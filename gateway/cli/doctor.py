"""`gateway doctor`: one screen that says what is well, what is not, and what to do about it.

Nothing is changed. The running gateway is asked through its public address, for only that way can
be told what its proxies hand on. What the facts mean is in `checkup`.
"""

import contextlib
import json
import shlex
import shutil
import sqlite3
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from urllib.parse import urlsplit

import click
import msgspec

from gateway import clock
from gateway.cli import checkup
from gateway.cli.checkup import Finding, Status
from gateway.cli.support import Command, db_option, json_option, printable
from gateway.edge.seen import NOBODYS_ADDRESS, SEEN_PATH, Seen, open_files_max
from gateway.errors import SettingsError
from gateway.records import event_log, lists
from gateway.records.lists import SubscriberList
from gateway.settings import Settings, from_environment, secret_file, secrets_of
from gateway.signing import Signing
from gateway.store.database import connect
from gateway.store.migrations import standing_of

ANSWER_S = 5.0
ANSWER_BYTES_MAX = 65_536
LISTS_MAX = 8  # more are not one screen; `--json` has them all
COLOURS = {Status.OK: "green", Status.WARNING: "yellow", Status.PROBLEM: "red"}
STATUS_CHARS, CHECK_CHARS = 9, 15  # the columns before what is said


@click.command(cls=Command)
@db_option
@json_option
def doctor(db: Path | None, as_json: bool) -> None:
    """Look at everything: the database, the secret, proxies, cookies, lists, this machine.

    The exit code is 1 when something is a problem; warnings are none.
    """
    settings = from_environment(db=db)
    findings = []
    for finding in _findings(settings, None if as_json else LISTS_MAX):
        findings.append(finding)
        if not as_json:  # as they come: asking the gateway may take a moment
            _show(finding)
    if as_json:
        click.echo(json.dumps([_facts(finding) for finding in findings]))
    else:
        click.echo(f"\n{_summary(findings)}")
    if any(finding.status is Status.PROBLEM for finding in findings):
        click.get_current_context().exit(1)


def _findings(settings: Settings, lists_max: int | None) -> Generator[Finding, None, None]:
    stored = yield from _database(settings.db)
    folder = settings.db.absolute().parent
    if folder.is_dir():
        yield checkup.disk(shutil.disk_usage(folder).free)
    secrets = yield from _secret(settings)
    seen = yield from _gateway(settings, secrets)
    yield checkup.rate_limits(settings)
    most = seen.open_files_max if seen else open_files_max()
    yield checkup.open_files(most, "the gateway" if seen else "this shell")
    yield checkup.sqlite()
    now_ms = clock.now_ms()
    yield checkup.clock_now(now_ms, stored.newest_ms)
    for found, newest_ms in stored.lists[:lists_max]:
        yield checkup.list_events(found, newest_ms, now_ms)
        yield from checkup.list_cookies(found, settings.base_url)
    more = len(stored.lists[lists_max:]) if lists_max else 0
    if more:
        yield checkup.ok("lists", f"{more} more: gateway doctor --json has them")


@dataclass(frozen=True, slots=True)
class Stored:
    """The lists with when their newest event happened, and when any was received last."""

    lists: list[tuple[SubscriberList, int | None]]
    newest_ms: int | None


NOTHING = Stored([], None)


def _database(path: Path) -> Generator[Finding, None, Stored]:
    try:
        if not path.is_file():
            todo = f"gateway init --db {shlex.quote(str(path))}, or name another with --db."
            yield checkup.problem("database", f"there is no {path}", todo)
            return NOTHING
        yield checkup.ok("database", str(path))
        with contextlib.closing(connect(path, read_only=True)) as db:
            standing = standing_of(db)
            yield checkup.schema(standing)
            yield checkup.integrity([row[0] for row in db.execute("pragma quick_check(5)")])
            journal_mode = str(db.execute("pragma journal_mode").fetchone()[0])
            log = Path(f"{path}-wal")
            log_bytes = log.stat().st_size if log.exists() else 0
            yield checkup.files(path.stat().st_size, log_bytes, journal_mode)
            return NOTHING if standing.pending or standing.unknown else _stored(db)
    except (sqlite3.Error, OSError) as error:
        todo = "It must be a gateway's file, and this user must be able to read it and its folder."
        yield checkup.problem("integrity", f"cannot be read: {error}", todo)
        return NOTHING


def _stored(db: sqlite3.Connection) -> Stored:
    rows = db.execute("select id from lists where deleted_at_ms is null order by id")
    found = [each for row in rows.fetchall() if (each := lists.get(db, row["id"]))]
    latest = event_log.latest(db, rows=1)
    return Stored(
        [(each, event_log.last_happened_at_ms(db, each.id)) for each in found],
        latest[0].received_at_ms if latest else None,
    )


def _secret(settings: Settings) -> Generator[Finding, None, tuple[str, ...]]:
    """The secrets there are. None is made, as `secrets_of` would."""
    path = secret_file(settings)
    if settings.secret:
        yield checkup.secret_setting(settings.secret)
        return settings.secret
    try:
        if path.exists():
            secrets = secrets_of(settings)
            yield checkup.secret_in_file(secrets, path, path.stat().st_mode)
            return secrets
    except (OSError, SettingsError) as error:
        todo = "This user and the server's must be able to read it."
        yield checkup.problem("secret", f"{path.name} cannot be used: {error}", todo)
        return ()
    yield checkup.secret_missing(path)
    return ()


def _gateway(settings: Settings, secrets: tuple[str, ...]) -> Generator[Finding, None, Seen | None]:
    """Asks the running gateway twice: as it is, and claiming to come from nobody's address."""
    url = settings.base_url
    try:
        signing = Signing(secrets)
    except ValueError:  # none, or one too short
        yield checkup.not_asked(url)
        return None
    try:
        plain = _ask(url, signing, {})
        claiming = _ask(url, signing, {"x-forwarded-for": NOBODYS_ADDRESS})
    except AnsweredWrongly as error:
        yield checkup.answered_wrongly(url, error.status)
    except (OSError, HTTPException, msgspec.MsgspecError) as error:
        yield checkup.unreachable(url, str(error))
    else:
        yield checkup.running(settings, plain)
        yield checkup.addresses(plain, claiming)
        yield checkup.scheme(url, plain)
        return plain
    return None


class AnsweredWrongly(Exception):
    """What is at the gateway's address has another answer than a gateway's."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def _ask(url: str, signing: Signing, headers: dict[str, str]) -> Seen:
    """Follows no redirect, as no beacon does, and goes through no proxy of this shell's."""
    parts = urlsplit(url)
    make = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = make(parts.hostname or "", parts.port, timeout=ANSWER_S)
    with contextlib.closing(connection):
        shown = {"authorization": f"Bearer {signing.doctor_token()}", **headers}
        connection.request("GET", parts.path + SEEN_PATH, headers=shown)
        answer = connection.getresponse()
        if answer.status != 200:
            raise AnsweredWrongly(answer.status)
        return msgspec.json.decode(answer.read(ANSWER_BYTES_MAX), type=Seen)


def _facts(finding: Finding) -> dict[str, str]:
    return {
        "check": finding.check,
        "status": finding.status.value,
        "said": finding.said,
        "todo": finding.todo,
    }


def _show(finding: Finding) -> None:
    mark = click.style(finding.status.value.ljust(STATUS_CHARS), fg=COLOURS[finding.status])
    click.echo(f"{mark}{finding.check.ljust(CHECK_CHARS)}{_beside(finding.said)}")
    if finding.todo:
        click.secho(" " * (STATUS_CHARS + CHECK_CHARS) + _beside(finding.todo), bold=True)


def _beside(text: str) -> str:
    """Text of the last column, wrapped there."""
    indent = " " * (STATUS_CHARS + CHECK_CHARS)
    width = shutil.get_terminal_size().columns
    return click.wrap_text(printable(text), width, indent, indent).lstrip()


def _summary(findings: list[Finding]) -> str:
    counts = Counter(finding.status for finding in findings)
    parts = [
        f"{counts[status]} {status.value}" + "s" * (counts[status] > 1)
        for status in (Status.PROBLEM, Status.WARNING)
        if counts[status]
    ]
    return ", ".join(parts) + "." if parts else "All is well."
