"""`gateway list`: lists and their snippets."""

import dataclasses
import re
from pathlib import Path

import click

from gateway import clock
from gateway.cli.support import (
    Group,
    WrongCall,
    a_list,
    account_option,
    all_lists,
    an_account,
    db_option,
    json_option,
    list_facts,
    reading,
    show,
    show_rows,
    writing,
)
from gateway.records import event_log, lists
from gateway.records.lists import SubscriberList
from gateway.settings import from_environment

privacy_option = click.option(
    "--privacy",
    envvar="GATEWAY_PRIVACY",
    type=click.Choice(lists.PRIVACY),
    help="What to do with visitors whose browser sends GPC or DNT. Of a new list: ignore.",
)

list_group = Group("list", help="Lists of subscribers and their snippets.")


@list_group.command("create")
@click.argument("name")
@db_option
@account_option
@click.option(
    "--origin",
    "origins",
    multiple=True,
    envvar="GATEWAY_ORIGIN",
    help="A site whose browsers may use the gateway's own cookie.",
)
@privacy_option
@json_option
def list_create(
    name: str,
    db: Path | None,
    account: str | None,
    origins: tuple[str, ...],
    privacy: str | None,
    as_json: bool,
) -> None:
    """Make a list and show its snippet."""
    settings = from_environment(db=db)
    with writing(settings) as connection:
        owner = an_account(connection, account)
        made = lists.create(connection, owner.id, name, origins, clock.now_ms())
        made = dataclasses.replace(made, privacy=privacy or made.privacy)
        lists.change(connection, made)
    show(list_facts(settings, made), as_json)


@list_group.command("show")
@click.argument("list_id", type=int)
@click.option(
    "--secret",
    "with_secret",
    is_flag=True,
    envvar="GATEWAY_SHOW_SECRET",
    help="Also what the site's server signs addresses with, for verified identify.",
)
@click.option(
    "--nonce",
    envvar="GATEWAY_NONCE",
    default="",
    help="Write it into the snippet, for a site whose Content-Security-Policy wants one.",
)
@db_option
@json_option
def list_show(list_id: int, with_secret: bool, nonce: str, db: Path | None, as_json: bool) -> None:
    """Show a list's ids, its snippet, its settings and how many events it has."""
    settings = from_environment(db=db)
    with reading(settings) as connection:
        found = a_list(connection, list_id)
        count = event_log.count(connection, found.id)
    facts = list_facts(settings, found, nonce) | _chosen(found) | {"events": count}
    show(facts | ({"secret": found.secret} if with_secret else {}), as_json)


@list_group.command("set")
@click.argument("list_id", type=int)
@click.option(
    "--identify-mode",
    type=click.Choice(lists.IDENTIFY_MODES),
    envvar="GATEWAY_IDENTIFY_MODE",
    help="What an address from a browser may do: create a subscriber, bind only to one who is on"
    " the list, or either but verified by your server.",
)
@click.option(
    "--origin",
    "origins",
    multiple=True,
    envvar="GATEWAY_ORIGIN",
    help="A site whose browsers may use the gateway's own cookie; instead of those there were.",
)
@click.option(
    "--currency",
    envvar="GATEWAY_CURRENCY",
    help="Of conversions that name none, such as EUR.",
)
@privacy_option
@db_option
@json_option
def list_set(
    list_id: int,
    identify_mode: str | None,
    origins: tuple[str, ...],
    currency: str | None,
    privacy: str | None,
    db: Path | None,
    as_json: bool,
) -> None:
    """Change a list; what is not said stays. The snippet carries the privacy policy: where that
    has changed, paste it again."""
    if currency is not None and not _CURRENCY.fullmatch(currency):
        raise WrongCall(f"--currency: {currency!r} is no currency: write three letters, as EUR.")
    with writing(from_environment(db=db)) as connection:
        found = a_list(connection, list_id)
        changed = dataclasses.replace(
            found,
            identify_mode=identify_mode or found.identify_mode,
            allowed_origins=tuple(map(lists.origin_of, origins)) or found.allowed_origins,
            currency=(currency or found.currency).upper(),
            privacy=privacy or found.privacy,
        )
        lists.change(connection, changed)
    show({"list_id": changed.id} | _chosen(changed), as_json)


_CURRENCY = re.compile(r"[A-Za-z]{3}")


def _chosen(found: SubscriberList) -> dict[str, object]:
    return {
        "identify_mode": found.identify_mode,
        "allowed_origins": " ".join(found.allowed_origins),
        "currency": found.currency,
        "privacy": found.privacy,
    }


@list_group.command("ls")
@db_option
@json_option
def list_ls(db: Path | None, as_json: bool) -> None:
    """All lists."""
    with reading(from_environment(db=db)) as connection:
        found = [a_list(connection, list_id) for list_id in all_lists(connection)]
    show_rows(
        [
            {
                "list_id": each.id,
                "name": each.name,
                "allowed_origins": " ".join(each.allowed_origins),
                "created_at": clock.iso(each.created_at_ms),
            }
            for each in found
        ],
        as_json,
    )
