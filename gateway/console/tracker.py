"""The Event Tracker of a list: what goes into the site's pages, whether events come from there, and
the list's settings. The check of a site is `check`; it shows its findings on this page.
"""

import dataclasses
import json
import sqlite3
import zoneinfo
from collections.abc import AsyncIterator, Sequence
from functools import cache
from typing import Any

from starlette.responses import Response

from gateway.console.entry import Page
from gateway.console.installation import Finding
from gateway.console.rendering import Missing, done, instant, render
from gateway.console.visit import Visit
from gateway.edge.streams import SIGN_OF_LIFE, START, last_id_of, message
from gateway.edge.tracker import snippet
from gateway.errors import Problem, Refused
from gateway.records import event_log, lists
from gateway.records.event_log import StoredEvent
from gateway.records.lists import SubscriberList

NAME_CHARS_MAX = 200
ORIGINS_MAX = 100

NO_NAME = Problem(1, f"Give the list a name of at most {NAME_CHARS_MAX} characters.")
MANY_ORIGINS = Problem(2, f"A list has at most {ORIGINS_MAX} allowed origins.")
NO_MODE = Problem(3, f"How identify is trusted is one of: {', '.join(lists.IDENTIFY_MODES)}.")
NO_PRIVACY = Problem(4, f"The privacy policy is one of: {', '.join(lists.PRIVACY)}.")
NO_CURRENCY = Problem(5, "Write the currency as three letters, such as EUR.")
NO_ZONE = Problem(6, "Choose one of the time zones.")


async def show(visit: Visit) -> Response:
    return await page(visit)


async def change(visit: Visit) -> Response:
    try:
        wanted = _wanted(visit)
    except Refused as refused:
        return await page(visit, refused=refused)

    def write(db: sqlite3.Connection) -> None:
        found = lists.owned(db, visit.of_list.id, visit.account.id)
        if found is None:
            raise Missing("There is no such list in your account.")
        lists.change(db, dataclasses.replace(found, **wanted))

    await visit.services.writer.write(write)
    pasted = wanted["privacy"] == visit.of_list.privacy
    also = "" if pasted else " The snippet has changed with the privacy policy: paste it again."
    return done(visit, visit.to("tracker"), f"The settings are saved.{also}")


async def show_secret(visit: Visit) -> Response:
    """A POST, so that it is in no history and no log of addresses."""
    return await page(visit, secret=visit.of_list.secret)


async def follow(visit: Visit) -> Response:
    """The last event as it comes, for the page's status: server-sent, from what the page showed."""
    seen = last_id_of(visit.request)
    if seen is None and visit.query.has("after"):
        seen = visit.query.whole("after")

    async def messages() -> AsyncIterator[bytes]:
        yield START
        async for events in visit.events(after_id=seen):
            if events:
                yield message(events[-1].id, json.dumps(_told(visit, events[-1])).encode())
            else:
                yield SIGN_OF_LIFE

    return visit.streams.response(messages())


async def page(
    visit: Visit,
    *,
    refused: Refused | None = None,
    secret: str = "",
    address: str = "",
    findings: Sequence[Finding] = (),
    wrong_address: Refused | None = None,
) -> Response:
    """The page; after a form was refused with all that was typed."""
    found, signing = visit.of_list, visit.services.signing

    def read(db: sqlite3.Connection) -> tuple[int, StoredEvent | None]:
        return event_log.last_id(db), event_log.newest_of_list(db, found.id)

    last_id, newest = await visit.services.reader.read(read)
    user, own = signing.user_tracker_id(found.account_id), signing.list_tracker_id(found.id)
    consent = visit.query.text("consent") == "required"
    problem = refused or wrong_address
    return render(
        visit,
        "tracker.html",
        status=problem.status if problem else 200,
        refused=refused,
        user_tracker_id=user,
        list_tracker_id=own,
        consent=consent,
        snippet=snippet(visit.services.settings, user, own, privacy=found.privacy, consent=consent),
        told=_told(visit, newest) if newest else None,
        stream=visit.to("tracker", "stream", after=last_id),
        typed=_typed(visit) if refused else _as_typed(found),
        zones=time_zones(),
        secret=secret,
        address=address or _first(found.allowed_origins),
        findings=findings,
        wrong_address=wrong_address,
    )


@cache
def time_zones() -> tuple[str, ...]:
    """By name, UTC first."""
    names = zoneinfo.available_timezones() - {"UTC", "localtime", "Factory"}
    return ("UTC", *sorted(names))


def _told(visit: Visit, event: StoredEvent) -> dict[str, str]:
    """What the status says of an event: texts, by the names the page's script knows them by."""
    said = event.properties
    browser, system = said.get("$browser"), said.get("$os")
    return {
        "when": instant(event.received_at_ms, visit.zone),
        "event": event.event,
        "page": _text(said.get("$current_url")),
        "browser": f"{_text(browser)} on {_text(system)}" if browser else f"none: {event.source}",
    }


def _text(value: object) -> str:
    return value if isinstance(value, str) and value else "\N{EN DASH}"


def _wanted(visit: Visit) -> dict[str, Any]:
    """The settings that the form says. Raises Refused with all that is wrong with them."""
    typed = _typed(visit)
    checks: Sequence[tuple[Problem, bool]] = (
        (NO_NAME, 0 < len(typed["name"]) <= NAME_CHARS_MAX),
        (NO_MODE, typed["identify_mode"] in lists.IDENTIFY_MODES),
        (NO_PRIVACY, typed["privacy"] in lists.PRIVACY),
        (NO_CURRENCY, len(typed["currency"]) == 3 and typed["currency"].isascii()),
        (NO_CURRENCY, typed["currency"].isalpha()),
        (NO_ZONE, typed["time_zone"] in time_zones()),
    )
    problems = list(dict.fromkeys(problem for problem, holds in checks if not holds))
    origins: list[str] = []
    for line in typed["origins"].split():
        try:
            origins.append(lists.origin_of(line))
        except Refused as refused:
            problems += refused.problems
    if len(origins) > ORIGINS_MAX:
        problems.append(MANY_ORIGINS)
    if problems:
        raise Refused(*problems)
    del typed["origins"]
    return {**typed, "allowed_origins": tuple(dict.fromkeys(origins))}


def _typed(visit: Visit) -> dict[str, str]:
    form = visit.form
    return {
        "name": form.text("name"),
        "origins": form.text("origins"),
        "identify_mode": form.text("identify_mode"),
        "privacy": form.text("privacy"),
        "currency": form.text("currency").upper(),
        "time_zone": form.text("time_zone"),
    }


def _as_typed(found: SubscriberList) -> dict[str, str]:
    """The settings as the form has them."""
    return {
        "name": found.name,
        "origins": "\n".join(found.allowed_origins),
        "identify_mode": found.identify_mode,
        "privacy": found.privacy,
        "currency": found.currency,
        "time_zone": found.time_zone,
    }


def _first(texts: Sequence[str]) -> str:
    return texts[0] if texts else ""


PAGES = (
    Page("/lists/{list_id:int}/tracker", show=show, act=change),
    Page("/lists/{list_id:int}/tracker/secret", act=show_secret),
    Page("/lists/{list_id:int}/tracker/stream", show=follow),
)
