"""`gateway person`, `gateway identity`, `gateway link`: who somebody is, why, and their rights."""

import asyncio
import contextlib
import re
import sqlite3
import sys
import uuid as uuids
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO, TypeVar

import click

from gateway import clock
from gateway.cli.support import (
    Command,
    Group,
    WrongCall,
    a_list,
    account_option,
    all_lists,
    an_account,
    db_option,
    failure,
    json_option,
    list_option,
    printable,
    reading,
    require_database,
    safe_json,
    show,
    show_rows,
    writing,
)
from gateway.edge.links import with_token
from gateway.records import bindings, erasure, lists, people, rights
from gateway.records.bindings import Binding
from gateway.records.rights import Name, Person
from gateway.settings import Settings, from_environment, secrets_of
from gateway.signing import Attribution, Signing
from gateway.store.database import open_database, transaction

T = TypeVar("T")

person_group = Group("person", help="A person's rights: what is held of them, and forgetting it.")
identity_group = Group("identity", help="Why a browser belongs to whom it does.")


def named(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say who is meant, and where."""
    for option in (
        account_option,
        list_option,
        db_option,
        click.option(
            "--subscriber", "subscriber_id", type=int, envvar="GATEWAY_SUBSCRIBER", help="Its id."
        ),
        click.option("--external-id", envvar="GATEWAY_EXTERNAL_ID", help="Your own id for them."),
        click.option("--uuid", envvar="GATEWAY_UUID", help="A browser of theirs."),
        click.option("--email", envvar="GATEWAY_EMAIL", help="Their address."),
    ):
        command = option(command)
    return command


@person_group.command("find")
@named
@json_option
def person_find(db: Path | None, as_json: bool, **who: Any) -> None:
    """Who somebody is, on one list or on all lists of the account."""
    with reading(from_environment(db=db)) as connection:
        found = _found(connection, who)
        rows = [_row(connection, person) for person in found]
    show_rows(rows, as_json)


@person_group.command("export")
@named
@click.option(
    "--output",
    envvar="GATEWAY_OUTPUT",
    type=click.File("w", lazy=False),
    default="-",
    help="A file, or - for standard output.",
)
def person_export(db: Path | None, output: TextIO, **who: Any) -> None:
    """Write everything held of somebody, as one JSON document."""
    with reading(from_environment(db=db)) as connection:
        connection.execute("begin")  # one snapshot, however long it takes
        for piece in rights.document(connection, _found(connection, who), clock.now_ms()):
            output.write(safe_json(piece))


@person_group.command("erase")
@named
@click.option("--yes", is_flag=True, envvar="GATEWAY_YES", help="Do not ask.")
@json_option
def person_erase(db: Path | None, yes: bool, as_json: bool, **who: Any) -> None:
    """Forget somebody, for good, and keep them from coming back. There is no undo.

    What was cut short is gone on with by a gateway that serves the file, or by running it again.
    """
    settings = from_environment(db=db)
    with reading(settings) as connection:
        found = _found(connection, who)
        rows = [_row(connection, person) for person in found]
    if len(rights.addresses(found)) > 1:
        raise failure("Several people match: name one of them with --email.")
    if not yes:
        _ask(rows)
    show_rows([_erase(settings, person) for person in found], as_json)


@identity_group.command("show")
@click.argument("who")
@list_option
@db_option
@json_option
def identity_show(who: str, list_id: int | None, db: Path | None, as_json: bool) -> None:
    """Tell the story of a browser (WHO: its uuid) or of a person (WHO: an address)."""
    with reading(from_environment(db=db)) as connection:
        known = [list_id] if list_id is not None else all_lists(connection)
        story = [entry for each in known for entry in _story(connection, each, who)]
    if not story:
        raise failure(f"Nothing was ever bound under {who}.")
    if as_json:
        show_rows([_facts(entry) for entry in story], as_json)
    else:
        click.echo("\n".join(_told(entry) for entry in story))


@identity_group.command("undo")
@click.argument("binding_id", type=int)
@db_option
@json_option
def identity_undo(binding_id: int, db: Path | None, as_json: bool) -> None:
    """Take one binding back, exactly. The newest of a browser goes first."""
    with writing(from_environment(db=db)) as connection:
        made = bindings.undo(connection, binding_id, clock.now_ms())
    if as_json:
        show(_facts(made), as_json)
    else:
        click.echo(_told(made))


@click.command(cls=Command)
@click.option("--list", "list_id", type=int, required=True, envvar="GATEWAY_LIST", help="List id.")
@click.option("--email", required=True, envvar="GATEWAY_EMAIL", help="The recipient's address.")
@click.option("--campaign", required=True, envvar="GATEWAY_CAMPAIGN", help="What it is part of.")
@click.option("--url", required=True, envvar="GATEWAY_URL", help="Where the link leads.")
@db_option
@json_option
def link(list_id: int, email: str, campaign: str, url: str, db: Path | None, as_json: bool) -> None:
    """Make a recipient's link: whoever opens it is this subscriber, come by this campaign."""
    settings = from_environment(db=db)
    with reading(settings) as connection:
        owner = a_list(connection, list_id).account_id
        subscriber = people.subscriber_by_email(connection, list_id, email)
    if subscriber is None:
        raise failure(f"{email} is not on list {list_id}.")
    minted = Attribution(owner, list_id, subscriber.id, campaign, clock.now_ms() // 1000)
    token = Signing(secrets_of(settings)).attribution_token(minted)
    whole = with_token(url, token)
    if as_json:
        show({"pr": token, "link": whole}, as_json)
    else:
        click.echo(whole)


def _name(who: dict[str, Any]) -> Name:
    """Raises WrongCall unless exactly one of the options is there."""
    given = [who[key] for key in ("email", "uuid", "external_id", "subscriber_id")]
    if sum(value is not None for value in given) != 1:
        raise WrongCall("Say who: one of --email, --uuid, --external-id and --subscriber.")
    if who["uuid"] is None:
        return Name(who["email"], who["external_id"], None, who["subscriber_id"])
    uuid = _uuid(who["uuid"])
    if uuid is None:
        raise WrongCall("--uuid: write 8-4-4-4-12 hexadecimal digits.")
    return Name(uuid=uuid)


def _found(connection: sqlite3.Connection, who: dict[str, Any]) -> list[Person]:
    name = _name(who)
    if who["list_id"] is not None:
        list_ids = [a_list(connection, who["list_id"]).id]
    else:
        owner = an_account(connection, who["account"])
        list_ids = [each.id for each in lists.of_account(connection, owner.id)]
    found = rights.find(connection, list_ids, name)
    if not found:
        raise failure("Nobody is held under that name.")
    return found


def _row(connection: sqlite3.Connection, person: Person) -> dict[str, object]:
    subscriber = person.subscriber
    browsers = [people.uuid_text(row["uuid"]) for row in rights.visitors(connection, person)]
    return {
        "list_id": person.list_id,
        "subscriber_id": subscriber.id if subscriber else None,
        "email": subscriber.email if subscriber else None,
        "external_id": subscriber.external_id if subscriber else None,
        "browsers": " ".join(browsers),
    }


def on_terminal() -> bool:
    return sys.stdin.isatty()


def _ask(rows: list[dict[str, object]]) -> None:
    if not on_terminal():
        raise WrongCall("Nobody is here to confirm it: say --yes.")
    for row in rows:
        said = printable(f"list {row['list_id']}: {row['email'] or row['browsers']}")
        click.echo(said, err=True)
    click.confirm("Forget this person for good?", abort=True, err=True)


def _erase(settings: Settings, person: Person) -> dict[str, object]:
    """Each chunk is a transaction of its own, so that a serving gateway hardly waits."""
    require_database(settings)
    with contextlib.closing(open_database(settings.db)) as connection:

        async def run(fn: Callable[[sqlite3.Connection], T]) -> T:
            with transaction(connection):
                return fn(connection)

        receipt = asyncio.run(erasure.erase(run, person, clock.now_ms()))
    counts = {name: count for name, count in receipt.counts.items() if count}
    return {
        "erasure_id": receipt.id,
        "list_id": receipt.list_id,
        "erased_at": clock.iso(receipt.at_ms),
        "counts": counts,
        "digest": receipt.digest,
    }


def _story(connection: sqlite3.Connection, list_id: int, who: str) -> list[Binding]:
    uuid = _uuid(who)
    if uuid is not None:
        return bindings.of_visitor(connection, list_id, uuid)
    subscriber = people.subscriber_by_email(connection, list_id, who)
    return bindings.of_subscriber(connection, subscriber.id) if subscriber else []


def _uuid(text: str) -> bytes | None:
    return uuids.UUID(text).bytes if _UUID.fullmatch(text) else None


_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


def _told(entry: Binding) -> str:
    """One line of the story: when, what, which browser, from whom to whom, and why."""
    why = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in entry.evidence.items())
    if entry.undoes:
        why = f"takes back #{entry.undoes}"
    undone = f"  (taken back by #{entry.undone_by})" if entry.undone_by else ""
    change = f"{entry.before or 'nobody'} -> {entry.after or 'nobody'}"
    at = clock.iso(entry.at_ms)
    line = f"#{entry.id}  {at}  {entry.visitor}  {entry.cause:<8}  {change}  {why}{undone}"
    return printable(line)


def _facts(entry: Binding) -> dict[str, object]:
    return {
        "id": entry.id,
        "at": clock.iso(entry.at_ms),
        "cause": entry.cause,
        "visitor": entry.visitor,
        "before": entry.before,
        "after": entry.after,
        "evidence": entry.evidence,
        "undoes": entry.undoes,
        "undone_by": entry.undone_by,
    }
