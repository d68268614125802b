"""The way into every page: who is signed in, whether a write comes from our own page, which list.

A page is its path and one or two handlers: `show` answers GET, `act` answers POST. Deny unless
allowed: without a session there is the sign-in page, another account's list is answered like one
that does not exist, and a POST that does not say it comes from our own origin is refused.
"""

import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from gateway import clock
from gateway.console.rendering import NOTICE_COOKIE, Missing, error_page
from gateway.console.visit import ROOT, Fields, Visit, link
from gateway.edge.problems import log_refusal, request_line
from gateway.edge.requests import Headers, client_address, headers_of, read_body, text
from gateway.edge.streams import Streams
from gateway.errors import BodyUnreadable, Forbidden, GatewayError
from gateway.records import accounts, lists, sessions
from gateway.records.accounts import Account
from gateway.records.event_log import ID_MAX
from gateway.records.lists import SubscriberList
from gateway.records.sessions import SignedIn
from gateway.services import Services

log = logging.getLogger(__name__)

COOKIE = "gateway_console"
FORM = "application/x-www-form-urlencoded"
PROLONG_MS = 600_000  # a session that is used is prolonged this often at most
HOUR_MS = 3_600_000

Handler = Callable[[Visit], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Page:
    """`path` is below /console; `{list_id:int}` in it is looked up before the handler runs."""

    path: str
    show: Handler | None = None
    act: Handler | None = None


class Entry:
    """The endpoint of one page."""

    def __init__(self, services: Services, streams: Streams, page: Page) -> None:
        self._services = services
        self._streams = streams
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except GatewayError as error:
            log_refusal(scope, error, error.status)
            response = error_page(error)
        except Exception:
            log.exception("%s -> 500", request_line(scope))
            response = error_page(GatewayError())
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        ids = [each for each in request.path_params.values() if isinstance(each, int)]
        if max(ids, default=0) > ID_MAX:  # SQLite takes none
            raise Missing("There is no such page.")
        handlers = {"GET": self._page.show, "HEAD": self._page.show, "POST": self._page.act}
        handler = handlers.get(request.method)
        if handler is None:
            allowed = ", ".join(name for name, each in handlers.items() if each)
            return Response(status_code=405, headers={"allow": allowed})
        headers = headers_of(request.scope)
        form = Fields({})
        if request.method == "POST":
            require_own_origin(self._services, headers)
            form = await read_form(self._services, request, headers)
        known = self._signed_in(request)
        if known is None:
            return RedirectResponse(link("sign-in", next=_next(request)), 303)
        account, session = known
        await self._prolong(session)
        return await handler(self._visit(request, account, session, form))

    def _visit(self, request: Request, account: Account, session: SignedIn, form: Fields) -> Visit:
        reader = self._services.reader
        list_id = request.path_params.get("list_id")
        found: SubscriberList | None = None
        if list_id is not None:
            found = reader.look_up(lists.owned, list_id, account.id)
            if found is None:
                raise Missing("There is no such list in your account.")
        said = request.cookies.get(NOTICE_COOKIE, "")
        return Visit(
            services=self._services,
            streams=self._streams,
            request=request,
            signed_in=lambda: self._signed_in(request) is not None,
            account=account,
            session=session,
            nonce=secrets.token_urlsafe(16),
            query=Fields.read(request.url.query),
            form=form,
            list=found,
            lists=reader.look_up(lists.of_account, account.id),
            notice=self._services.signing.read_notice(said) if said else "",
        )

    def _signed_in(self, request: Request) -> tuple[Account, SignedIn] | None:
        said = request.cookies.get(COOKIE)
        secret = self._services.signing.read_console_token(said) if said else None
        if secret is None:
            return None
        reader = self._services.reader
        session = reader.look_up(sessions.find, secret, clock.now_ms())
        account = session and reader.look_up(accounts.get, session.account_id)
        if session and account and account.password_fingerprint == session.fingerprint:
            return account, session
        return None

    async def _prolong(self, session: SignedIn) -> None:
        now_ms = clock.now_ms()
        if now_ms - session.seen_at_ms > PROLONG_MS:
            lasts_ms = self._services.settings.session_hours * HOUR_MS
            await self._services.writer.write(
                lambda db: sessions.prolong(db, session.id, now_ms, lasts_ms)
            )


def require_own_origin(services: Services, headers: Headers) -> None:
    """A write must come from a page of ours. Browsers say so by themselves: in Sec-Fetch-Site
    where we are trustworthy to them (https), in Origin always. Raises Forbidden."""
    site = text(headers, b"sec-fetch-site")
    origin = text(headers, b"origin")
    ours = {text(headers, b"host").lower(), urlsplit(services.settings.base_url).netloc}
    try:
        same = urlsplit(origin).netloc.lower() in ours and bool(origin)
    except ValueError:
        same = False
    if not (same and site in ("", "same-origin")):
        raise Forbidden("This was not sent from a page of the console: open it and try again.")


async def read_form(services: Services, request: Request, headers: Headers) -> Fields:
    """The fields of a form that was posted. Raises what `read_body` does."""
    limits = services.settings.limits
    body = await read_body(
        headers,
        request.receive,
        bytes_max=limits.body_server_bytes_max,
        timeout_s=limits.body_timeout_s,
    )
    if body and text(headers, b"content-type").partition(";")[0].strip().lower() != FORM:
        raise BodyUnreadable(f"Send the form as {FORM}.")
    return Fields.read(body.decode("ascii", "replace"))


def address_of(services: Services, request: Request) -> str:
    """Where a request came from."""
    headers = headers_of(request.scope)
    return client_address(request.scope, headers, services.settings.trusted_proxies)


def _next(request: Request) -> str:
    """The page to show after signing in: the one asked for, if it is one to look at."""
    if request.method != "GET" or request.url.path == ROOT + "/":
        return ""
    query = f"?{request.url.query}" if request.url.query else ""
    return request.url.path + query
