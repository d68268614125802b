"""The tracker as a site's visitors have it: the served script, cross-origin, in a real browser."""

from collections import Counter

from playwright.sync_api import BrowserContext, Page

from tests.browser.sites import Site
from tests.support import RunningGateway, until


def names(gateway: RunningGateway, site: Site) -> list[str]:
    return [event.event for event in gateway.events(site.tracked)]


def open_and_wait(page: Page, url: str) -> None:
    """Until the gateway has answered for the page view."""
    page.goto(url)
    page.wait_for_function("window.oct && oct.uuid && oct.uuid()")


def test_a_page_view_is_stored_by_itself_with_what_browser_and_server_know(
    gateway: RunningGateway, site: Site, page: Page
):
    open_and_wait(page, site.url + "shoes?utm_source=mail")
    [event] = gateway.events(site.tracked)
    said = event.properties
    assert event.event == "pageView"
    assert event.kind == "page view"
    assert event.source == "tracker"
    assert said["url"] == said["$current_url"] == site.url + "shoes?utm_source=mail"
    assert said["$pathname"].endswith("/shoes")
    assert said["$pageTitle"].startswith("Page of")
    assert "Chrome" in said["$browser"]
    assert said["$os"] == "Linux"
    assert said["$device_type"] == "desktop"
    assert said["$lib"] == "gateway-js"
    assert said["$viewport_width"] == page.evaluate("innerWidth")
    assert said["$sent_at"] is not None


def test_calls_made_before_the_script_arrives_are_replayed_in_order(
    gateway: RunningGateway, site: Site, page: Page
):
    page.route("**/tracker.*", lambda route: (page.evaluate(EARLY_CALLS), route.continue_()))
    page.goto(site.url)
    until(lambda: len(names(gateway, site)) == 4)
    assert names(gateway, site) == ["first", "identify", "second", "pageView"]


EARLY_CALLS = "oct.eventT('first'); oct.eventI('early@example.com'); oct.eventT('second')"


def test_one_browser_is_one_visitor_however_many_pages_race_on_its_first_visit(
    gateway: RunningGateway, site: Site, context: BrowserContext
):
    """Ten pages open at once in a fresh browser, none with a token yet."""
    pages = [context.new_page() for _ in range(10)]
    for number, page in enumerate(pages):
        page.evaluate(f"setTimeout(() => location = '{site.url}race/{number}')")
    until(lambda: len(gateway.events(site.tracked)) == 10)
    events = gateway.events(site.tracked)
    assert len({event.uuid for event in events}) == 1
    assert {event.properties["$pathname"][-1] for event in events} == set("0123456789")


def test_a_visitor_who_comes_back_is_the_same(
    gateway: RunningGateway, site: Site, context: BrowserContext
):
    for path in ("monday", "tuesday"):
        page = context.new_page()
        open_and_wait(page, site.url + path)
        page.close()
    assert len({event.uuid for event in gateway.events(site.tracked)}) == 1


def test_a_forged_cookie_makes_a_new_visitor(
    gateway: RunningGateway, site: Site, context: BrowserContext
):
    """Somebody else's uuid under a made-up signature is worth nothing."""
    open_and_wait(context.new_page(), site.url)
    [first] = gateway.events(site.tracked)
    context.clear_cookies()
    forged = f"{first.uuid}.{'A' * 43}"
    context.add_cookies([{"name": "octethUUID", "value": forged, "url": site.url}])
    page = context.new_page()
    page.add_init_script("localStorage.clear()")
    open_and_wait(page, site.url)
    second = gateway.events(site.tracked)[1]
    assert second.uuid != first.uuid
    kept = {cookie["name"]: cookie["value"] for cookie in context.cookies(site.url)}
    assert kept["octethUUID"].startswith(second.uuid)


def test_identify_binds_the_browser_and_its_past_to_the_person(
    gateway: RunningGateway, site: Site, page: Page
):
    open_and_wait(page, site.url)
    page.evaluate("oct.eventI('Ada@Example.com', {firstName: 'Ada'})")
    until(lambda: "identify" in names(gateway, site))
    view, identify = gateway.events(site.tracked)
    assert view.email == identify.email == "Ada@Example.com"
    assert identify.properties["emailAddress"] == "Ada@Example.com"
    assert identify.properties["firstName"] == "Ada"


def test_events_of_a_page_that_closes_at_once_arrive(
    gateway: RunningGateway, site: Site, page: Page
):
    open_and_wait(page, site.url)
    page.evaluate("for (let n = 0; n < 5; n++) oct.eventT('parting' + n)")
    page.close(run_before_unload=False)
    until(lambda: len(names(gateway, site)) == 6)
    assert Counter(names(gateway, site)) == Counter(
        ["pageView", *(f"parting{n}" for n in range(5))]
    )


def test_a_click_in_a_mail_leaves_its_token_for_thirty_days(site: Site, context: BrowserContext):
    page = context.new_page()
    open_and_wait(page, site.url + "?pr=some-token")
    [cookie] = [kept for kept in context.cookies(site.url) if kept["name"] == "oempro_pr"]
    now = page.evaluate("Date.now() / 1000")
    assert cookie["value"] == "some-token"
    assert abs(cookie["expires"] - now - 30 * 86_400) < 60


def test_a_page_works_as_ever_when_the_script_cannot_be_loaded(
    gateway: RunningGateway, site: Site, page: Page
):
    page.route("**/tracker.*", lambda route: route.abort())
    page.goto(site.url)
    page.evaluate("oct.eventT('into the void'); oct.eventP(); oct.eventI('a@example.com')")
    assert page.text_content("body") == "Hello"
    assert names(gateway, site) == []


def test_the_snippet_pasted_twice_counts_a_page_once(
    gateway: RunningGateway, site: Site, page: Page
):
    open_and_wait(page, site.url + "twice")
    page.evaluate("oct.eventT('last')")
    until(lambda: "last" in names(gateway, site))
    assert names(gateway, site) == ["pageView", "last"]
