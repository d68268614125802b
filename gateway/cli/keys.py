"""`gateway key`: API keys."""

from pathlib import Path

import click

from gateway import clock
from gateway.cli.support import (
    Group,
    account_option,
    an_account,
    db_option,
    failure,
    json_option,
    reading,
    show,
    show_rows,
    writing,
)
from gateway.records import keys
from gateway.settings import from_environment

key_group = Group("key", help="API keys. A key is shown once, when it is made.")


@key_group.command("create")
@click.option("--note", envvar="GATEWAY_NOTE", default="", help="What the key is for.")
@click.option(
    "--scope",
    envvar="GATEWAY_SCOPE",
    type=click.Choice(keys.SCOPES),
    default="admin",
    show_default=True,
    help="How far it reaches: read; write, which is events and people too, and enough for a shop's"
    " server; admin, which is everything.",
)
@db_option
@account_option
@json_option
def key_create(note: str, scope: str, db: Path | None, account: str | None, as_json: bool) -> None:
    """Make an API key."""
    with writing(from_environment(db=db)) as connection:
        owner = an_account(connection, account)
        key, text = keys.create(connection, owner.id, note, clock.now_ms(), scope=scope)
    show({"key_id": key.id, "api_key": text, "note": key.note, "scope": scope}, as_json)


@key_group.command("revoke")
@click.argument("key_id", type=int)
@db_option
@account_option
def key_revoke(key_id: int, db: Path | None, account: str | None) -> None:
    """End a key: from now on it opens nothing."""
    with writing(from_environment(db=db)) as connection:
        owner = an_account(connection, account)
        if not keys.revoke(connection, owner.id, key_id, clock.now_ms()):
            raise failure(f"There is no key {key_id} to revoke. See `gateway key ls`.")
    click.echo(f"Key {key_id} is revoked.")


@key_group.command("ls")
@db_option
@account_option
@json_option
def key_ls(db: Path | None, account: str | None, as_json: bool) -> None:
    """The keys of an account, by their last characters."""
    with reading(from_environment(db=db)) as connection:
        found = keys.of_account(connection, an_account(connection, account).id)
    show_rows(
        [
            {
                "key_id": key.id,
                "ends_in": key.hint,
                "note": key.note,
                "scope": key.scope,
                "created_at": clock.iso(key.created_at_ms),
                "revoked_at": clock.iso(key.revoked_at_ms) if key.revoked_at_ms else None,
            }
            for key in found
        ],
        as_json,
    )
