"""On pages that are strict, locked down or hostile: it works, or the page feels nothing."""

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.pages import ANSWERED, names, open_and_wait, wait_for_names
from tests.browser.sites import Site
from tests.support import RunningGateway, until

LOADED = "!!window.oct?.more && !!document.querySelector('script[src*=more]').tracker"


def policy(gateway: RunningGateway, site: Site, connect: str) -> dict[str, str]:
    return {
        "content-security-policy": "default-src 'none'; script-src 'nonce-r4nd0m'; "
        f"img-src {gateway.url}; connect-src {connect}"
    }


def test_it_works_under_a_strict_content_security_policy(
    gateway: RunningGateway, site: Site, page: Page
):
    """Both files and the stub run by the nonce alone."""
    strict = Site(site.url, site.tracked, with_nonce(site), site.pages)
    headers = policy(gateway, site, gateway.url)
    body = '<button data-oct-event="pressed">Press</button>'
    page.goto(strict.page("strict", attributes="data-elements", headers=headers, body=body))
    until(lambda: page.evaluate(LOADED))  # waiting in the page would take an eval
    page.wait_for_load_state("networkidle")
    page.click("button")
    wait_for_names(gateway, site, "pageView", "pressed")


def with_nonce(site: Site) -> str:
    return site.snippet.replace("<script", '<script nonce="r4nd0m"')


def test_a_policy_that_blocks_it_is_not_felt(gateway: RunningGateway, site: Site, page: Page):
    headers = {"content-security-policy": "script-src 'self'"}
    page.goto(site.page("blocked", headers=headers))
    assert page.text_content("body") == "Hello"
    assert names(gateway, site) == []


def test_a_changed_script_is_not_run(gateway: RunningGateway, site: Site, page: Page):
    """The snippet's hash keeps the page safe from a gateway that has been broken into."""
    page.route(
        "**/tracker.*",
        lambda route: route.fulfill(
            body="window.broken = true", headers={"access-control-allow-origin": "*"}
        ),
    )
    page.goto(site.url)
    page.wait_for_load_state("networkidle")
    assert page.evaluate("window.broken") is None
    assert page.text_content("body") == "Hello"


def test_it_works_in_a_sandboxed_frame_without_any_storage(
    gateway: RunningGateway, site: Site, page: Page
):
    inner = site.page("inner")
    frame = f'<iframe sandbox="allow-scripts" src="{inner}"></iframe>'
    page.goto(site.page("outer", body=frame))
    until(lambda: len(names(gateway, site)) == 2)
    framed = page.frames[1]
    framed.wait_for_function(ANSWERED)
    framed.evaluate("oct.eventC('1', 'framed', 1)")
    until(lambda: "conversion" in names(gateway, site))
    by_name = {}
    for event in gateway.events(site.tracked):
        by_name.setdefault(event.properties["$pathname"].rpartition("/")[2], set()).add(event.uuid)
    assert len(by_name["inner"]) == 1


def test_it_works_with_storage_blocked(gateway: RunningGateway, site: Site, page: Page):
    page.add_init_script(
        "for (const name of ['localStorage', 'sessionStorage']) {"
        "Object.defineProperty(window, name, {get() { throw new DOMException('no') }}) }"
        "Object.defineProperty(document, 'cookie', {get() { return '' }, set() {}})"
    )
    open_and_wait(page, site.url)
    page.evaluate("oct.eventC('1', 'c', 1)")
    wait_for_names(gateway, site, "pageView", "conversion")
    assert len({event.uuid for event in gateway.events(site.tracked)}) == 1


def test_it_works_with_storage_full(gateway: RunningGateway, site: Site, page: Page):
    page.add_init_script(
        "Storage.prototype.setItem = () => { throw new DOMException('full') };"
        "Object.defineProperty(window, 'localStorage', {value: new Proxy({}, "
        "{set() { throw new DOMException('full') }})})"
    )
    open_and_wait(page, site.url)
    page.evaluate("oct.eventC('1', 'c', 1)")
    wait_for_names(gateway, site, "pageView", "conversion")


@pytest.mark.parametrize(
    "before",
    [
        "Object.prototype.toJSON = function () { return 'mine' }",
        "Array.prototype.toJSON = function () { return 'mine' }",
        "Object.prototype.extra = function () {}",
        "window.fetch = () => { throw new Error('mine') }",
        "window.AbortSignal = undefined",
        "delete Navigator.prototype.locks",
        "Math.random = () => 0",
        "window.oct = Object.freeze({})",
        "window.oct = 5",
        "Date.prototype.toJSON = () => { throw new Error('mine') }",
        "window.event = null; window.name = 'oct'; window.status = 'x'",
    ],
)
def test_whatever_the_page_has_done_to_its_globals_it_feels_nothing(
    gateway: RunningGateway, site: Site, page: Page, before: str
):
    """The fixture fails the test for any error on the page."""
    page.goto(site.page("hostile", before=f"<script>{before}</script>"))
    page.wait_for_load_state("networkidle")
    page.evaluate("typeof oct.eventT == 'function' && oct.eventT('x', {now: new Date(0)})")
    assert page.text_content("body") == "Hello"


def test_an_element_named_like_the_object_does_no_harm(
    gateway: RunningGateway, site: Site, page: Page
):
    open_and_wait(page, site.page("named", before='<form id="oct"></form>'))
    assert names(gateway, site) == ["pageView"]


def test_the_cookie_is_set_as_wide_as_the_browser_allows(
    gateway: RunningGateway, browser, new_site
):
    """A visitor of www. is the same on shop., without the server's help."""
    site = new_site()
    port = site.url.split(":")[2].split("/")[0]
    context: BrowserContext = browser.new_context()
    path = site.url.partition("//")[2].partition("/")[2]
    page = context.new_page()
    for label in ("www", "shop"):
        open_and_wait(page, f"http://{label}.site.localhost:{port}/{path}")
    assert len({event.uuid for event in gateway.events(site.tracked)}) == 1
    kept = {(cookie["name"], cookie["domain"]) for cookie in context.cookies()}
    assert ("octethUUID", ".site.localhost") in kept
    context.close()
