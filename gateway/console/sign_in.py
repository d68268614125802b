"""Signing in with an account's password, and out again.

Attempts are counted by address together with those of the API. The cookie goes to the console's
pages only, is out of reach of scripts, and is sent along from other sites for looking only (Lax).
"""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway import clock
from gateway.console.entry import (
    COOKIE,
    HOUR_MS,
    address_of,
    read_form,
    require_own_origin,
)
from gateway.console.rendering import error_page, render_open
from gateway.console.visit import ROOT, Fields, link
from gateway.edge.commands.command import Rate
from gateway.edge.entrance import Entrance
from gateway.edge.problems import log_refusal
from gateway.edge.requests import headers_of, is_https
from gateway.errors import GatewayError, RateLimited
from gateway.records import accounts, sessions
from gateway.records.accounts import Account
from gateway.services import Services

WRONG = "The email address or the password is wrong."


class SignIn:
    def __init__(self, services: Services, entrance: Entrance) -> None:
        self._services = services
        self._entrance = entrance

    async def page(self, request: Request) -> Response:
        query = Fields.read(request.url.query)
        if request.method != "POST":
            return _form(next_page=query.text("next"))
        try:
            return await self._take(request)
        except RateLimited as error:
            response = _form(str(error), status=error.status)
            response.headers["retry-after"] = str(error.retry_after_s)
            return response
        except GatewayError as error:
            log_refusal(request.scope, error, error.status)
            return error_page(error)

    async def out(self, request: Request) -> Response:
        try:
            require_own_origin(self._services, headers_of(request.scope))
            await self._end(request)
        except GatewayError as error:
            log_refusal(request.scope, error, error.status)
            return error_page(error)
        response = RedirectResponse(link("sign-in"), 303)
        response.delete_cookie(COOKIE, path=ROOT)
        return response

    async def _take(self, request: Request) -> Response:
        headers = headers_of(request.scope)
        require_own_origin(self._services, headers)
        form = await read_form(self._services, request, headers)
        self._entrance.admit(Rate.LOGIN, request.scope, headers, {}, anybody=True)
        email, password = form.text("email"), form.raw("password")
        account = await self._services.reader.read(accounts.sign_in, email, password)
        next_page = form.text("next")
        if account is None:
            return _form(WRONG, email=email, next_page=next_page, status=422)
        return await self._open(request, account, next_page)

    async def _open(self, request: Request, account: Account, next_page: str) -> Response:
        services, headers = self._services, headers_of(request.scope)
        lasts_ms = services.settings.session_hours * HOUR_MS
        secret = await services.writer.write(
            lambda db: sessions.open_session(
                db,
                account.id,
                account.password_fingerprint,
                agent=headers.get(b"user-agent", b"").decode("latin-1"),
                address=address_of(services, request),
                now_ms=clock.now_ms(),
                lasts_ms=lasts_ms,
            )
        )
        response = RedirectResponse(_inside(next_page), 303)
        response.set_cookie(
            COOKIE,
            services.signing.console_token(secret),
            path=ROOT,
            httponly=True,
            samesite="lax",
            secure=is_https(request.scope, headers, services.settings.trusted_proxies),
        )
        return response

    async def _end(self, request: Request) -> None:
        said = request.cookies.get(COOKIE)
        secret = self._services.signing.read_console_token(said) if said else None
        session = secret and self._services.reader.look_up(sessions.find, secret, clock.now_ms())
        if session:
            await self._services.writer.write(
                lambda db: sessions.end(db, session.account_id, session.id)
            )


def _form(
    problem: str = "", *, email: str = "", next_page: str = "", status: int = 200
) -> Response:
    return render_open(
        "sign_in.html", status=status, problem=problem, email=email, next_page=next_page
    )


def _inside(path: str) -> str:
    """Only to a page of the console: a link to the sign-in page must not lead elsewhere."""
    ours = path.startswith(f"{ROOT}/") and "//" not in path and "\\" not in path
    return path if ours and path.isprintable() else f"{ROOT}/"
