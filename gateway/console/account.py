"""What is the account's own: its password, where it is signed in, and its API keys."""

import asyncio
import sqlite3

from starlette.responses import Response

from gateway import clock
from gateway.console.entry import Page
from gateway.console.rendering import Missing, done, render
from gateway.console.visit import Visit, link
from gateway.errors import Problem, Refused
from gateway.events.device import device_of
from gateway.records import accounts, keys, sessions

PASSWORD_CHARS_MIN = 10
PASSWORD_CHARS_MAX = 1_000
NOTE_CHARS_MAX = 200

WRONG_PASSWORD = Problem(1, "That is not your password.")
SHORT_PASSWORD = Problem(2, f"A new password needs at least {PASSWORD_CHARS_MIN} characters.")
LONG_PASSWORD = Problem(3, f"A password has at most {PASSWORD_CHARS_MAX} characters.")
NO_NOTE = Problem(4, f"Say what the key is for, in at most {NOTE_CHARS_MAX} characters.")
NO_SCOPE = Problem(5, f"A key may {', '.join(keys.SCOPES)}: choose one.")


async def show(visit: Visit) -> Response:
    return _page(visit)


async def change_password(visit: Visit) -> Response:
    """Ends all other sessions: who knew the old password is out."""
    old, new = visit.form.raw("password"), visit.form.raw("new_password")
    problems = [SHORT_PASSWORD] * (len(new) < PASSWORD_CHARS_MIN)
    problems += [LONG_PASSWORD] * (len(new) > PASSWORD_CHARS_MAX)
    reader, writer = visit.services.reader, visit.services.writer
    if not await reader.read(accounts.sign_in, visit.account.email, old):
        problems.append(WRONG_PASSWORD)
    if problems:
        return _page(visit, Refused(*problems))
    password_hash = await asyncio.to_thread(accounts.hashed, new)

    def change(db: sqlite3.Connection) -> None:
        account = accounts.change_password(db, visit.account.id, password_hash)
        sessions.keep_only(db, account.id, visit.session.id, account.password_fingerprint)

    await writer.write(change)
    return done(
        visit, link("account"), "Your password is changed, and you are signed out elsewhere."
    )


async def end_session(visit: Visit) -> Response:
    session_id = visit.number("session_id")
    if not await visit.services.writer.write(
        lambda db: sessions.end(db, visit.account.id, session_id)
    ):
        raise Missing("There is no such session: it may have ended already.")
    return done(visit, link("account"), "That session is ended.")


async def create_key(visit: Visit) -> Response:
    """The key is on the answer itself, once: it is nowhere else, and in no URL."""
    note, scope = visit.form.text("note"), visit.form.text("scope")
    problems = [NO_NOTE] * (not 0 < len(note) <= NOTE_CHARS_MAX)
    problems += [NO_SCOPE] * (scope not in keys.SCOPES)
    if problems:
        return _page(visit, Refused(*problems))
    now_ms = clock.now_ms()
    _, text = await visit.services.writer.write(
        lambda db: keys.create(db, visit.account.id, note, now_ms, scope=scope)
    )
    return _page(visit, new_key=text)


async def revoke_key(visit: Visit) -> Response:
    key_id, now_ms = visit.number("key_id"), clock.now_ms()
    if not await visit.services.writer.write(
        lambda db: keys.revoke(db, visit.account.id, key_id, now_ms)
    ):
        raise Missing("There is no such key to revoke.")
    return done(
        visit, link("account"), "The key is revoked: what still uses it is answered with 401."
    )


def _page(visit: Visit, refused: Refused | None = None, new_key: str = "") -> Response:
    reader = visit.services.reader
    return render(
        visit,
        "account.html",
        status=refused.status if refused else 200,
        refused=refused,
        new_key=new_key,
        keys=reader.look_up(keys.of_account, visit.account.id),
        scopes=keys.SCOPES,
        sessions=reader.look_up(sessions.of_account, visit.account.id, clock.now_ms()),
        device_of=device_of,
    )


PAGES = (
    Page("/account", show=show),
    Page("/account/password", act=change_password),
    Page("/account/sessions/{session_id:int}/end", act=end_session),
    Page("/account/keys", act=create_key),
    Page("/account/keys/{key_id:int}/revoke", act=revoke_key),
)
