"""`gateway backup` and `gateway restore`: the database and its secret, there and back."""

import contextlib
import re
import shlex
import shutil
from pathlib import Path

import click

from gateway import clock
from gateway.cli.progress import progress
from gateway.cli.support import (
    Command,
    WrongCall,
    db_option,
    failure,
    hint,
    json_option,
    require_database,
    show,
)
from gateway.settings import Settings, from_environment
from gateway.store import copies
from gateway.store.copies import Contents
from gateway.store.database import connect
from gateway.store.migrations import migrate


@click.command(cls=Command)
@click.argument("target", metavar="PATH", type=click.Path(path_type=Path, dir_okay=False))
@db_option
@click.option(
    "--overwrite", is_flag=True, envvar="GATEWAY_OVERWRITE", help="Over a backup that is there."
)
@json_option
def backup(target: Path, db: Path | None, overwrite: bool, as_json: bool) -> None:
    """Copy the database, while it is served too, and check the copy.

    The secret that signs tokens is copied beside it (PATH.secret): without it, every browser,
    snippet and mail link would be a stranger's. Who has both can sign as you: keep them safe.
    """
    settings = from_environment(db=db)
    require_database(settings)
    secret = _secret_of(settings.db)
    for path in (target, _secret_of(target)):
        if path.exists() and not overwrite:
            raise failure(f"{path} is there already. Name another, or say --overwrite.")
    with progress("Copying and checking") as report:
        contents = copies.copy(settings.db, target, progress=report)
    kept = None
    if not settings.secret and secret.exists():
        kept = _secret_of(target)
        _copy_secret(secret, kept)
    elif not settings.secret:
        hint(f"There is no {secret} yet, so no secret is in this backup.")
    else:
        hint("The secret is not in this backup, for GATEWAY_SECRET has it: keep that yourself.")
    show(_facts("backup", target, contents, kept), as_json)


@click.command(cls=Command)
@click.argument("source", metavar="BACKUP", type=click.Path(path_type=Path, dir_okay=False))
@db_option
@click.option(
    "--yes",
    is_flag=True,
    envvar="GATEWAY_YES",
    help="In the place of the database that is there, which is kept under another name.",
)
@json_option
def restore(source: Path, db: Path | None, yes: bool, as_json: bool) -> None:
    """Put a backup in the database's place, checked, and brought up to this gateway's schema.

    Nothing changes unless all of it can be done. No gateway may be serving the database.
    """
    settings = from_environment(db=db)
    path = settings.db
    if not source.is_file():
        raise failure(f"There is no backup {source}.")
    if path.exists() and not yes:
        raise WrongCall(f"{path} is there already. To put the backup in its place, say --yes.")
    kept = Path(f"{path}.replaced-{re.sub('[-:]|[.].*', '', clock.iso(clock.now_ms()))}Z")
    with copies.draft_of(path) as draft:
        with progress("Copying and checking") as report:
            copies.write(source, draft, progress=report)
        _migrate(draft)
        contents = copies.check(draft, thorough=False)
        replaced = path.exists()
        copies.replace(path, draft, kept)
    secret = _restore_secret(settings, source, kept)
    facts = _facts("db", path, contents, secret)
    show(facts | ({"replaced": str(kept)} if replaced else {}), as_json)
    if not as_json:
        hint(f"Next: gateway serve --db {shlex.quote(str(path))}")


def _migrate(draft: Path) -> None:
    """No copy is needed: the backup is one."""
    with contextlib.closing(connect(draft)) as connection:
        migrate(connection)
        connection.execute("pragma journal_mode = delete")  # one file again, to be renamed


def _restore_secret(settings: Settings, source: Path, kept: Path) -> Path | None:
    """The backup's goes with it; the one it replaces stays with what it was the secret of."""
    path, came = _secret_of(settings.db), _secret_of(source)
    if settings.secret:
        hint("GATEWAY_SECRET is set, so that is the secret, as it must be that of the backup.")
        return None
    if not came.exists():
        hint(
            f"There is no {came}. Tokens in browsers, snippets and mails are good only with the "
            f"secret they were signed with: see that it is in {path} or GATEWAY_SECRET."
        )
        return None
    if path.exists():
        path.rename(_secret_of(kept))
    _copy_secret(came, path)
    return path


def _copy_secret(source: Path, target: Path) -> None:
    """Whole or not at all, for its owner only."""
    with copies.draft_of(target) as draft:
        shutil.copyfile(source, draft)
        draft.replace(target)


def _secret_of(db: Path) -> Path:
    return Path(f"{db}.secret")


def _facts(name: str, path: Path, contents: Contents, secret: Path | None) -> dict[str, object]:
    return {
        name: str(path),
        "secret": str(secret) if secret else None,
        "bytes": path.stat().st_size,
        "schema": contents.schema,
        **contents.counts,
    }
