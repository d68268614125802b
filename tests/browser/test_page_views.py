"""A page view is a page that somebody saw: once, under the title and the path it had."""

from playwright.sync_api import Page

from tests.browser.pages import names, open_and_wait, wait_for_names
from tests.browser.sites import Site
from tests.support import RunningGateway, until

HIDE = """Object.defineProperty(document, 'hidden', {value: true, configurable: true});"""
SHOW = """delete document.hidden; document.dispatchEvent(
    new Event('visibilitychange', {bubbles: true}))"""
SETTLED = "() => new Promise(done => setTimeout(done, 400))"


def paths(gateway: RunningGateway, site: Site) -> list[str]:
    events = gateway.events(site.tracked)
    return [event.properties["$pathname"].rpartition("/")[2] for event in events]


def test_a_page_in_the_background_is_counted_when_it_is_first_seen(
    gateway: RunningGateway, site: Site, page: Page
):
    page.add_init_script(HIDE)
    page.goto(site.url)
    page.wait_for_function("window.oct && !!oct.uuid")
    page.evaluate("oct.eventC('1', 'in the dark', 1)")
    wait_for_names(gateway, site, "conversion")
    page.evaluate(SHOW)
    wait_for_names(gateway, site, "conversion", "pageView")
    page.evaluate(SHOW + "; oct.eventC('2', 'last', 1)")
    wait_for_names(gateway, site, "conversion", "pageView", "conversion")


def test_a_page_drawn_ahead_of_its_visit_says_nothing_until_it_is_visited(
    gateway: RunningGateway, site: Site, page: Page
):
    page.add_init_script(
        "if (location.pathname.endsWith('ahead')) {"
        "Object.defineProperty(document, 'prerendering', {value: true, configurable: true}) }"
    )
    page.goto(site.url + "ahead")
    page.wait_for_load_state("networkidle")
    page.evaluate("oct.eventT('while waiting')")
    assert page.evaluate("!oct.uuid")
    page.evaluate("document.dispatchEvent(new Event('prerenderingchange'))")
    wait_for_names(gateway, site, "while waiting", "pageView")


def test_a_page_that_comes_back_from_the_browsers_memory_counts_and_says_so(
    gateway: RunningGateway, site: Site, page: Page
):
    open_and_wait(page, site.url)
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))")
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    wait_for_names(gateway, site, "pageView", "pageView")
    first, second = gateway.events(site.tracked)
    assert "$restored" not in first.properties
    assert second.properties["$restored"] is True


def test_a_view_told_by_the_page_itself_for_its_own_address_is_not_told_twice(
    gateway: RunningGateway, site: Site, page: Page
):
    body = "<script>oct.eventP(location.href, {by: 'hand'}); oct.eventP('/virtual')</script>"
    page.goto(site.page("manual", body=body))
    page.wait_for_function("window.oct && !!oct.uuid")
    page.evaluate("oct.eventC('1', 'last', 1)")
    wait_for_names(gateway, site, "pageView", "pageView", "conversion")
    by_hand, virtual, _ = gateway.events(site.tracked)
    assert by_hand.properties["by"] == "hand"
    assert virtual.properties["url"] == "/virtual"


def test_a_view_told_for_another_address_does_not_stand_in_for_the_pages_own(
    gateway: RunningGateway, site: Site, page: Page
):
    page.goto(site.page("other", body="<script>oct.eventP('/virtual')</script>"))
    wait_for_names(gateway, site, "pageView", "pageView")


def test_an_application_in_one_page_has_a_view_for_each_path(
    gateway: RunningGateway, site: Site, page: Page
):
    """pushState and popstate on a changed path; never replaceState, never the same path again."""
    open_and_wait(page, site.page("start", attributes="data-spa"))
    page.wait_for_function("history.pushState.toString().includes('apply')")
    page.evaluate(
        "history.pushState(0, '', 'shoes'); document.title = 'early';"
        "setTimeout(() => { document.title = 'Shoes' }, 50)"
    )
    until(lambda: len(paths(gateway, site)) == 2)
    page.evaluate("history.pushState(0, '', 'shoes?size=41')")
    page.evaluate("history.replaceState(0, '', 'replaced')")
    page.evaluate(SETTLED)
    page.evaluate("history.pushState(0, '', 'socks')")
    until(lambda: len(paths(gateway, site)) == 3)
    page.evaluate("history.go(-2)")
    until(lambda: len(paths(gateway, site)) == 4)
    assert paths(gateway, site) == ["start", "shoes", "socks", "shoes"]
    assert gateway.events(site.tracked)[1].properties["$pageTitle"] == "Shoes"


def test_a_manual_view_suppresses_the_automatic_one_of_the_same_path(
    gateway: RunningGateway, site: Site, page: Page
):
    open_and_wait(page, site.page("start", attributes="data-spa"))
    page.wait_for_function("history.pushState.toString().includes('apply')")
    page.evaluate("history.pushState(0, '', 'shoes'); oct.eventP(location.href, {by: 'hand'})")
    page.evaluate(SETTLED)
    page.evaluate("oct.eventC('1', 'last', 1)")
    wait_for_names(gateway, site, "pageView", "pageView", "conversion")


def test_a_path_that_is_left_before_its_title_settled_was_a_visit_too(
    gateway: RunningGateway, site: Site, page: Page
):
    open_and_wait(page, site.page("start", attributes="data-spa"))
    page.wait_for_function("history.pushState.toString().includes('apply')")
    page.evaluate("history.pushState(0, '', 'brief'); history.pushState(0, '', 'next')")
    until(lambda: len(paths(gateway, site)) == 3)
    assert paths(gateway, site) == ["start", "brief", "next"]


def test_without_the_attribute_a_changed_path_is_the_pages_own_business(
    gateway: RunningGateway, site: Site, page: Page
):
    requested = []
    page.on("request", lambda request: requested.append(request.url))
    open_and_wait(page, site.url)
    page.evaluate("history.pushState(0, '', 'shoes')")
    page.evaluate(SETTLED)
    page.evaluate(SHOW + "; oct.eventC('1', 'last', 1)")
    wait_for_names(gateway, site, "pageView", "conversion")
    assert not [url for url in requested if ".more." in url]
    assert names(gateway, site).count("pageView") == 1
