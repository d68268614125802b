"""The check of a site: one of its pages is fetched through the guard, and what `installation` finds
is shown on the tracker's page. So often a minute for an account, and only so many at once.
"""

from starlette.responses import Response

from gateway.console import installation, tracker
from gateway.console.entry import Page
from gateway.console.installation import Expected, Finding, Tracker
from gateway.console.visit import Visit
from gateway.edge.limits import RateLimit
from gateway.edge.scripts import bodies, version
from gateway.errors import Problem, RateLimited, Refused
from gateway.records import scripts
from gateway.services import Services
from gateway.targets import fault_of_page
from gateway.workers import markup
from gateway.workers.fetcher import Fetch, Fetcher
from gateway.workers.frames import Wanted

ADDRESS_CHARS_MAX = 2_000
CHECKS_A_MINUTE = 10
MINUTE_S = 60


class InstallationCheck:
    def __init__(self, services: Services) -> None:
        settings = services.settings
        self._hosts_allowed = frozenset(host.lower() for host in settings.webhook_hosts_allowed)
        self._fetcher = Fetcher(settings.webhook_hosts_allowed)
        self._limit = RateLimit(CHECKS_A_MINUTE, MINUTE_S, enabled=settings.rate_limits)
        self.pages = (
            Page("/lists/{list_id:int}/tracker/check", show=_to_the_form, act=self.check),
        )

    async def check(self, visit: Visit) -> Response:
        typed = visit.form.text("address")
        try:
            address = self._judged(typed)
            self._limit.take(str(visit.account.id))
        except RateLimited as error:
            refused = Refused(Problem(2, str(error)))
            response = await tracker.page(visit, address=typed, wrong_address=refused)
            response.status_code = error.status
            response.headers["retry-after"] = str(error.retry_after_s)
            return response
        except Refused as refused:
            return await tracker.page(visit, address=typed, wrong_address=refused)
        async with self._fetcher.fetching() as fetch:
            findings = await _look(visit, fetch, address)
        return await tracker.page(visit, address=address, findings=findings)

    def _judged(self, typed: str) -> str:
        """The address that is meant. Raises Refused."""
        address = typed if "://" in typed else f"https://{typed}"
        fault = fault_of_page(address, self._hosts_allowed)
        if len(address) > ADDRESS_CHARS_MAX:
            fault = f"an address of at most {ADDRESS_CHARS_MAX} characters"
        if fault:
            raise Refused(Problem(1, f"Write {fault}."))
        return address


async def _look(visit: Visit, fetch: Fetch, address: str) -> list[Finding]:
    fetched = await fetch(Wanted(address, markup.TYPES))
    findings = list(installation.of_fetch(fetched))
    if fetched.markup is None or any(each.kind == "bad" for each in findings):
        return findings
    services = visit.services
    expected = Expected(services.settings, services.signing, visit.of_list, visit.lists)
    page = installation.Page(fetched, fetched.markup)
    found = page.trackers(expected)
    served = Tracker()
    if found:
        served = await _served(visit, fetch, page.absolute(found[0].src), expected)
    return [*findings, *installation.of_page(page, expected, served)]


async def _served(visit: Visit, fetch: Fetch, url: str, expected: Expected) -> Tracker:
    """What stands at a tracker's address: here it is known, elsewhere it is fetched."""
    if expected.is_own(url):
        named = expected.version_of(url)
        body = None if named is None else _own(visit, named)
        return Tracker(body or b"", known=body is not None)
    there = await fetch(Wanted(url, installation.SCRIPT_TYPES))
    fault = there.fault or ("" if there.body else f"no script, but an answer {there.status}")
    known = there.body in bodies().values()
    return Tracker(there.body, known, fault)


def _own(visit: Visit, named: str) -> bytes | None:
    name = named or version()
    return bodies().get(name) or visit.services.reader.look_up(scripts.find, name)


async def _to_the_form(visit: Visit) -> Response:
    return await tracker.page(visit)
