"""What `gateway doctor` makes of the facts: each check is facts in, one finding out, nothing read
or changed. The facts are gathered in `doctor`."""

import shlex
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from urllib.parse import urlsplit

from gateway import clock
from gateway.edge.seen import NOBODYS_ADDRESS, Seen
from gateway.edge.sites import Reach, is_this_machine, reach
from gateway.records.lists import SubscriberList
from gateway.settings import Settings, shown
from gateway.store.migrations import Standing

MIB = 1024**2
WAL_MIB_MAX = 64  # SQLite empties it at 4 MiB, unless somebody reads on and on
DISK_MIB_LEAST, DISK_MIB_GOOD = 200, 2_048
OPEN_FILES_GOOD = 4_096  # each connection is one
SECRET_CHARS_GOOD = 32
CLOCK_MS = 60_000
NAME_CHARS = 30
OF_SERVE_ONLY = ("host", "port", "workers", "log_level")  # flags of `serve` that change no finding


class Status(Enum):
    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """`todo` is what to do about it, for all that is not ok."""

    check: str
    status: Status
    said: str
    todo: str = ""


def ok(check: str, said: str) -> Finding:
    return Finding(check, Status.OK, said)


def warning(check: str, said: str, todo: str) -> Finding:
    return Finding(check, Status.WARNING, said, todo)


def problem(check: str, said: str, todo: str) -> Finding:
    return Finding(check, Status.PROBLEM, said, todo)


# -- the database -----------------------------------------------------------------------------


def schema(standing: Standing) -> Finding:
    newest = standing.applied[-1] if standing.applied else "none"
    if standing.unknown:
        return problem("schema", f"{newest}: made by a newer gateway", "Upgrade the gateway.")
    if standing.pending:
        todo = "The next `gateway serve` brings it up to date; keep a copy before."
        return warning("schema", f"{newest}, behind {standing.pending[-1]}", todo)
    return ok("schema", newest)


def integrity(quick_check: Sequence[str]) -> Finding:
    if list(quick_check) == ["ok"]:
        return ok("integrity", "quick check ok")
    faults = f"damaged: {quick_check[0]}" + ", and more" * (len(quick_check) > 1)
    return problem("integrity", faults, "Stop the gateway, copy the file, restore a backup.")


def files(file_bytes: int, wal_bytes: int, journal_mode: str) -> Finding:
    said = f"{size(file_bytes)}, log {size(wal_bytes)}, journal {journal_mode}"
    if journal_mode != "wal":
        return warning(
            "file", said, "`gateway serve` sets it to WAL; nothing else should unset it."
        )
    if wal_bytes > WAL_MIB_MAX * MIB:
        todo = "Something reads for so long that the log is never emptied: end it, or restart."
        return warning("file", said, todo)
    return ok("file", said)


def disk(free_bytes: int) -> Finding:
    said = f"{size(free_bytes)} left"
    todo = "Make room, or move the database: on a full disk no event is taken."
    if free_bytes < DISK_MIB_LEAST * MIB:
        return problem("disk", said, todo)
    return warning("disk", said, todo) if free_bytes < DISK_MIB_GOOD * MIB else ok("disk", said)


# -- this machine -----------------------------------------------------------------------------


def secret_setting(secrets: Sequence[str]) -> Finding:
    return _secret(secrets, "from GATEWAY_SECRET")


def secret_in_file(secrets: Sequence[str], path: Path, mode: int) -> Finding:
    """`mode`: of the file; nobody but its owner should read it."""
    if mode & 0o077:
        said = f"{path.name} can be read by others (mode {mode & 0o777:04o})"
        return problem("secret", said, f"chmod 600 {shlex.quote(str(path))}")
    return _secret(secrets, f"from {path.name}, mode {mode & 0o777:04o}")


def secret_missing(path: Path) -> Finding:
    todo = "`gateway serve` makes one; if there was one, put it back, or all tokens are void."
    return warning("secret", f"no {path.name} yet, and no GATEWAY_SECRET", todo)


def _secret(secrets: Sequence[str], where: str) -> Finding:
    count = "1 secret" if len(secrets) == 1 else f"{len(secrets)} secrets, the last one signs,"
    shortest = min(map(len, secrets), default=0)
    said = f"{count} {where}, {shortest} characters" + " or more" * (len(secrets) > 1)
    if shortest < 16:
        return problem("secret", said, "Each secret needs 16 characters or more.")
    if shortest < SECRET_CHARS_GOOD:
        todo = f"Append one of {SECRET_CHARS_GOOD} characters or more; drop the short one later."
        return warning("secret", said, todo)
    return ok("secret", said)


def rate_limits(settings: Settings) -> Finding:
    if not settings.rate_limits:
        return warning("rate limits", "off", "Unset GATEWAY_RATE_LIMITS: it is for load tests.")
    zero = [name for name, text in shown(settings).items() if "_per_" in name and text == "0"]
    if zero:
        todo = "0 means no limit: " + ", ".join(f"GATEWAY_{name.upper()}" for name in zero)
        return warning("rate limits", f"on, but {len(zero)} of them", todo)
    if settings.workers > 1:
        return ok("rate limits", f"on, each of {settings.workers} workers counts for itself")
    return ok("rate limits", "on")


def open_files(most: int | None, whose: str) -> Finding:
    if most is None or most < 0:
        return ok("open files", "no limit")
    said = f"{most:,} at once ({whose})"
    if most < OPEN_FILES_GOOD:
        todo = "Each connection is one: ulimit -n 65536, or LimitNOFILE=65536 for systemd."
        return warning("open files", said, todo)
    return ok("open files", said)


def sqlite(version: str = sqlite3.sqlite_version) -> Finding:
    if tuple(map(int, version.split("."))) < (3, 37):
        return problem("SQLite", version, "Use a Python whose SQLite is 3.37 or newer.")
    return ok("SQLite", version)


def clock_now(now_ms: int, newest_ms: int | None) -> Finding:
    """`newest_ms`: when the newest event was received, which cannot lie ahead."""
    said = clock.iso(now_ms)[:19] + "Z"
    if newest_ms is not None and newest_ms > now_ms + CLOCK_MS:
        ahead = ago(newest_ms - now_ms)
        todo = "Have the machine keep time (timedatectl set-ntp true)."
        return problem("clock", f"{said}, {ahead} before the newest event was received", todo)
    return ok("clock", said)


# -- the way to the gateway -------------------------------------------------------------------


def not_asked(url: str) -> Finding:
    todo = "It answers only to who has the secret: ask where it is, or with GATEWAY_SECRET."
    return warning("gateway", f"{url} was not asked", todo)


def unreachable(url: str, why: str) -> Finding:
    todo = "Start it, or set GATEWAY_PUBLIC_URL to where it answers, and ask again."
    return warning("gateway", f"{url} does not answer: {why}", todo)


def answered_wrongly(url: str, status: int) -> Finding:
    if status == 401:
        said = f"{url} runs with another secret, or another clock"
        todo = "Give both the same GATEWAY_DB and GATEWAY_SECRET as the server has."
    elif 300 <= status < 400:
        said = f"{url} redirects"
        todo = "Set GATEWAY_PUBLIC_URL to the address it leads to: beacons follow no redirect."
    else:
        said = f"{url} answers {status}"
        todo = "Have the proxy hand on /api/v1/ to this version of the gateway."
    return problem("gateway", said, todo)


def running(settings: Settings, seen: Seen) -> Finding:
    ours = shown(settings)
    other = sorted(
        name for name, text in seen.settings.items()
        if name not in OF_SERVE_ONLY and ours.get(name) != text
    )  # fmt: skip
    if other:
        names = ", ".join(f"GATEWAY_{name.upper()}" for name in other)
        todo = f"Ask with the settings the server has: {names}"
        return warning("gateway", f"{settings.base_url} runs with other settings", todo)
    return ok("gateway", f"{settings.base_url} answers")


def addresses(plain: Seen, claiming: Seen) -> Finding:
    """Where visitors come from, by two requests: one as it is, and one that claims in its headers
    to come from nobody's address."""
    if plain.forwarded and not plain.trusted:
        said = f"all visitors count as one: the proxy {plain.peer} is not trusted"
        return problem("addresses", said, f"GATEWAY_TRUSTED_PROXIES={plain.peer}")
    if not plain.forwarded:
        return _addresses_without_proxy(plain)
    if claiming.address != NOBODYS_ADDRESS:
        return ok("addresses", f"as proxy {plain.peer} says; claims change nothing")
    if plain.address == plain.peer:
        said = f"this machine is itself a trusted proxy ({plain.peer}), so claims cannot be tried"
        return warning("addresses", said, "Ask from a machine that comes the way visitors do.")
    said = "anybody can claim any address"
    todo = (
        "Have the proxy append to X-Forwarded-For (nginx: $proxy_add_x_forwarded_for) and let "
        "GATEWAY_TRUSTED_PROXIES name nothing but proxies."
    )
    return problem("addresses", said, todo)


def _addresses_without_proxy(plain: Seen) -> Finding:
    if not plain.settings.get("trusted_proxies"):
        return ok("addresses", "no proxy in between; claims change nothing")
    said = "proxies are trusted, but none was in between just now"
    todo = "Set GATEWAY_PUBLIC_URL to what visitors use; unset GATEWAY_TRUSTED_PROXIES without one."
    return warning("addresses", said, todo)


def scheme(base_url: str, seen: Seen) -> Finding:
    said_host, own = seen.host.lower(), urlsplit(base_url)
    if own.scheme == "https" and not seen.https:
        todo = "Have the proxy set X-Forwarded-Proto and name it in GATEWAY_TRUSTED_PROXIES."
        return problem("https", "arrives as http, so the cookie would not be Secure", todo)
    if said_host != own.netloc.lower():
        todo = "Have the proxy hand on the host (nginx: proxy_set_header Host $host)."
        return problem("https", f"arrives for the host {said_host or 'nobody'}", todo)
    if own.scheme == "http" and not is_this_machine(own.hostname or ""):
        todo = "Put a proxy with a certificate in front, and set GATEWAY_PUBLIC_URL."
        return warning("https", "not used: keys and addresses travel in the open", todo)
    return ok("https", f"arrives as {own.scheme}, for {said_host}")


# -- lists ------------------------------------------------------------------------------------


def list_events(found: SubscriberList, newest_ms: int | None, now_ms: int) -> Finding:
    check, name = f"list {found.id}", found.name[:NAME_CHARS]
    if newest_ms is None:
        todo = f"Paste its snippet into a page: gateway list show {found.id}"
        return warning(check, f"{name}: waiting for the first event", todo)
    return ok(check, f"{name}: last event {ago(max(now_ms - newest_ms, 0))} ago")


def list_cookies(found: SubscriberList, base_url: str) -> Iterator[Finding]:
    check = f"list {found.id}"
    if not found.allowed_origins:
        todo = f"gateway list set {found.id} --origin https://your.site, for a cookie that lasts."
        yield warning(check, f"{Reach.PAGE.value}: no origins allowed", todo)
    for origin in found.allowed_origins:
        made = reach(base_url, origin)
        said = f"{origin}: {made.value}"
        if made is Reach.NOWHERE:
            todo = "Set GATEWAY_PUBLIC_URL to the gateway's address, and paste the snippet again."
            yield warning(check, said, todo)
        elif made is Reach.BLOCKED:
            yield problem(check, said, "Serve the gateway over https; set GATEWAY_PUBLIC_URL.")
        elif made is Reach.PAGE:
            todo = "It lasts 7 days in Safari. Serve both over https for the gateway's cookie."
            yield warning(check, said, todo)
        else:
            yield ok(check, said)


# -- words ------------------------------------------------------------------------------------


def size(count: int) -> str:
    """`12 B`, `3.4 MiB`: short enough for a table."""
    if count < 1024:
        return f"{count} B"
    amount, unit = count / 1024, "KiB"
    for larger in ("MiB", "GiB", "TiB"):
        if amount < 1024:
            break
        amount, unit = amount / 1024, larger
    return f"{amount:.1f} {unit}"


def ago(span_ms: int) -> str:
    """`3 minutes`: the largest unit that fits."""
    for seconds, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")):
        count = span_ms // (seconds * 1000)
        if count:
            return f"{count:,} {unit}" + "s" * (count > 1)
    return "a moment"
