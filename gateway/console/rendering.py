"""How a page is made and sent: the templates, what they may call, the headers it goes with.

Every text is escaped by the templates; scripts and styles run only with the page's own nonce, so
that markup which got into a page all the same does nothing.
"""

import datetime
import math
import secrets
from pathlib import Path
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse, RedirectResponse, Response

from gateway.console import assets
from gateway.console.visit import ROOT, Visit, link
from gateway.errors import GatewayError

NOTICE_COOKIE = "gateway_notice"
NOTICE_S = 30
NOTHING = "\N{EN DASH}"
HUGE = 1e15  # from here on a number has more digits than it says anything by

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class Missing(GatewayError):
    """There is nothing at this address, or nothing for this account."""

    status = code = 404
    log_level = 20


def render(visit: Visit, template: str, *, status: int = 200, **context: object) -> Response:
    """A page for somebody who is signed in. Templates also have what `_tools` names."""
    response = _page(template, visit.nonce, status, visit.zone, {"visit": visit, **context})
    if visit.notice:
        response.delete_cookie(NOTICE_COOKIE, path=ROOT)
    return response


def piece(visit: Visit, template: str, **context: object) -> str:
    """A part of a page by itself, for a script to put where it belongs."""
    tools = _tools(visit.zone)
    return _templates.get_template(template).render(**tools, visit=visit, **context)


def render_open(template: str, *, status: int = 200, **context: object) -> Response:
    """A page for anybody."""
    zone = ZoneInfo("UTC")
    return _page(template, secrets.token_urlsafe(16), status, zone, {"visit": None, **context})


def done(visit: Visit, path: str, notice: str = "") -> Response:
    """After an action: on to a page, which says what was done."""
    response = RedirectResponse(path, 303)
    if notice:
        response.set_cookie(
            NOTICE_COOKIE,
            visit.services.signing.notice(notice),
            max_age=NOTICE_S,
            path=ROOT,
            httponly=True,
            samesite="lax",
        )
    return response


def error_page(error: GatewayError) -> Response:
    """What went wrong, as a page; it says no more than the error may."""
    response = render_open("error.html", status=error.status, error=error)
    retry_after_s = getattr(error, "retry_after_s", None)
    if retry_after_s is not None:
        response.headers["retry-after"] = str(retry_after_s)
    return response


def _page(
    template: str, nonce: str, status: int, zone: ZoneInfo, context: dict[str, object]
) -> Response:
    html = _templates.get_template(template).render(nonce=nonce, **_tools(zone), **context)
    return HTMLResponse(html, status, _headers(nonce))


def _headers(nonce: str) -> dict[str, str]:
    return {
        "content-security-policy": (
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; "
            "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
            "frame-ancestors 'none'"
        ),
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
    }


def _tools(zone: ZoneInfo) -> dict[str, object]:
    """What templates may call besides their own: spelling, always the same way."""

    def when(instant_ms: int | None) -> str | Markup:
        """An instant to the second, in the zone of the list; a dash for none."""
        if instant_ms is None:
            return NOTHING
        at = datetime.datetime.fromtimestamp(instant_ms / 1000, zone)
        return Markup('<time datetime="{}">{}</time>').format(
            at.isoformat(timespec="milliseconds"), instant(instant_ms, zone)
        )

    def day(instant_ms: int | None) -> str:
        if instant_ms is None:
            return NOTHING
        return datetime.datetime.fromtimestamp(instant_ms / 1000, zone).strftime("%Y-%m-%d")

    return {
        "when": when,
        "day": day,
        "number": number,
        "money": money,
        "percent": percent,
        "link": link,
        "assets": assets,
    }


def instant(instant_ms: int, zone: ZoneInfo) -> str:
    """To the second, as `when` shows it: for what a script puts into a page."""
    at = datetime.datetime.fromtimestamp(instant_ms / 1000, zone)
    return at.strftime("%Y-%m-%d %H:%M:%S")


def number(value: float) -> str:
    """`12,345`, or with as many digits behind the point as say something, two at most."""
    if not math.isfinite(value):
        return NOTHING
    if abs(value) >= HUGE:
        return f"{value:.3g}"
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"


def money(value: float | None, currency: str) -> str:
    if value is None or not math.isfinite(value):
        return NOTHING
    amount = f"{value:.3g}" if abs(value) >= HUGE else f"{value:,.2f}"
    return f"{amount} {currency}".strip()


def percent(part: float, whole: float) -> str:
    """`12 %`; a dash where there is no whole."""
    if not whole:
        return NOTHING
    share = 100 * part / whole
    return f"{share:.1f} %" if 0 < share < 10 else f"{share:.0f} %"
