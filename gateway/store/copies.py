"""A checked copy of a database file, made while it is in use, and putting one in a file's place.

By `vacuum into`: one snapshot, whatever is written meanwhile (SQLite's backup API would begin anew
with each write of another process), and without the free pages, so that what was deleted is not in
it. It is written under another name and gets its own when it was opened, checked and is on disk.
"""

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import GatewayError
from gateway.store.migrations import schema_of

Progress = Callable[[int, int], None]
"""Told how many bytes are written, and of how many about."""

COUNTED = ("accounts", "lists", "subscribers", "visitors", "events", "conversions")
CACHE_KIB = 65_536  # of a check, which looks up every row in every index
INSTRUCTIONS = 100_000  # of SQLite's machine between two reports of progress


class CopyFailed(GatewayError):
    """No copy was made, or nothing replaced: the message says why, and what to do."""


class Unsound(GatewayError):
    """What is wrong with a file, to be said after its name."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a checked file holds: its newest migration, and how many rows of which table."""

    schema: str
    counts: dict[str, int]


def copy(
    source: Path, target: Path, *, thorough: bool = True, progress: Progress | None = None
) -> Contents:
    """Make `target` a whole copy of `source`; until it is whole, all is as it was.

    `thorough`: every row is looked up in every index. Raises CopyFailed.
    """
    with draft_of(target) as draft:
        contents = write(source, draft, thorough=thorough, progress=progress)
        draft.replace(target)
        _sync(target.parent)
    return contents


@contextlib.contextmanager
def draft_of(target: Path) -> Iterator[Path]:
    """An empty file beside the target, its owner's only; gone in the end if it is still there."""
    draft = target.with_name(f"{target.name}.{os.getpid()}")
    try:
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise CopyFailed(f"Cannot write {draft}: {error.strerror}.") from error
    try:
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def write(
    source: Path, draft: Path, *, thorough: bool = True, progress: Progress | None = None
) -> Contents:
    """As `copy`, into an empty file, which keeps its name. Raises CopyFailed."""
    try:
        with contextlib.closing(_open(source)) as db:
            bytes_all = _bytes_used(db)
            _require_room(draft.parent, bytes_all)
            if progress:
                report = progress
                db.set_progress_handler(
                    lambda: report(draft.stat().st_size, bytes_all), INSTRUCTIONS
                )
            db.execute("vacuum into :draft", {"draft": str(draft)})
        contents = check(draft, thorough=thorough)
        _sync(draft)
    except (sqlite3.Error, OSError) as error:
        raise CopyFailed(f"{source} cannot be copied into {draft.parent}: {error}.") from error
    except Unsound as error:
        raise CopyFailed(f"{source} {error}") from error
    return contents


def check(path: Path, *, thorough: bool = True) -> Contents:
    """What a file holds. Raises Unsound unless it is whole and a gateway's."""
    with contextlib.closing(_open(path)) as db:
        db.execute(f"pragma cache_size = -{CACHE_KIB}")
        pragma = "integrity_check(1)" if thorough else "quick_check(1)"
        said = db.execute(f"pragma {pragma}").fetchone()[0]
        if said != "ok":
            raise Unsound(f"is damaged: {said}.")
        if db.execute("pragma foreign_key_check").fetchone():
            raise Unsound("is damaged: a row points to one that is not there.")
        schema = schema_of(db)
        if schema is None:
            raise Unsound("is no database of a gateway.")
        tables = {row[0] for row in db.execute("select name from sqlite_schema")}
        counts = {
            table: db.execute(f"select count(*) from {table}").fetchone()[0]  # noqa: S608 - ours
            for table in COUNTED
            if table in tables
        }
    return Contents(schema, counts)


def replace(path: Path, draft: Path, kept: Path) -> None:
    """Put a whole file in the place of a database, which is kept under another name.

    Raises CopyFailed when somebody has that open; then nothing has changed.
    """
    if path.exists():
        _require_unused(path)
        draft.chmod(path.stat().st_mode)  # who could open it still can
        path.rename(kept)
    # A log without its file, of a gateway that was killed: it would be applied to the new one.
    with contextlib.suppress(FileNotFoundError):
        Path(f"{path}-wal").rename(f"{kept}-wal")
    Path(f"{path}-shm").unlink(missing_ok=True)
    draft.rename(path)
    _sync(path.parent)


def _require_unused(path: Path) -> None:
    """SQLite gives up a file's write-ahead log only while nobody else has the file open; what was
    in the log is in the file then."""
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as db:
            db.execute("pragma journal_mode = delete")
    except sqlite3.OperationalError as error:
        raise CopyFailed(
            f"{path} is in use ({error}): stop the gateway that serves it, and whatever reads it."
        ) from error
    except sqlite3.DatabaseError as error:
        raise CopyFailed(
            f"{path} is damaged ({error}), so whether a gateway serves it cannot be seen. "
            "Make sure that none does, move the file away, and try again."
        ) from error


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)


def _bytes_used(db: sqlite3.Connection) -> int:
    pages, free, size = (
        db.execute(f"pragma {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def _require_room(folder: Path, bytes_wanted: int) -> None:
    """Before the disk is full: others write to it too."""
    free = shutil.disk_usage(folder).free
    if free < bytes_wanted:
        raise CopyFailed(
            f"A copy needs {bytes_wanted / 2**20:,.0f} MB and {folder} has {free / 2**20:,.0f} MB "
            "free: make room."
        )


def _sync(path: Path) -> None:
    """A file's bytes, or a folder's names, are on disk when this returns."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
