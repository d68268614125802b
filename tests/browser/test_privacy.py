"""What a visitor has not allowed does not happen: in the page, and again at the server."""

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.pages import ANSWERED, Relay, names, open_and_wait, wait_for_names
from tests.browser.sites import Site
from tests.support import RunningGateway, until

TRACES = "Object.keys(localStorage).concat(Object.keys(sessionStorage)).concat(document.cookie)"
SIGNAL = "Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})"
STARTED = "window.oct && !!oct.uuid"


def test_nothing_is_sent_or_kept_until_there_is_consent_and_nothing_is_lost_by_waiting(
    gateway: RunningGateway, site: Site, page: Page
):
    posted = []
    page.on("request", lambda request: request.method == "POST" and posted.append(request.url))
    page.goto(site.page("ask", attributes='data-consent="required"') + "?pr=token")
    page.wait_for_function(STARTED)
    page.evaluate("oct.eventT('before'); dispatchEvent(new Event('pagehide'))")
    page.wait_for_load_state("networkidle")
    assert posted == []
    assert [trace for trace in page.evaluate(TRACES) if trace] == []
    page.evaluate("oct.consent(true)")
    wait_for_names(gateway, site, "pageView", "before")
    page.wait_for_function(ANSWERED)
    assert "oempro_pr=token" in page.evaluate("document.cookie")


def test_consent_once_given_is_remembered_and_can_be_taken_back(
    gateway: RunningGateway, site: Site, page: Page
):
    url = site.page("ask", attributes='data-consent="required"')
    page.goto(url)
    page.wait_for_function(STARTED)
    page.evaluate("oct.consent(true)")
    page.wait_for_function(ANSWERED)
    open_and_wait(page, url)
    assert names(gateway, site) == ["pageView", "pageView"]
    page.evaluate("oct.consent(false); oct.eventC('1', 'refused', 1)")
    assert page.evaluate("document.cookie") == "octeth_choice=0"
    page.goto(url + "?later")
    page.wait_for_function(STARTED)
    page.wait_for_load_state("networkidle")
    assert names(gateway, site) == ["pageView", "pageView"]


def test_a_stub_call_of_consent_made_before_the_script_arrives_counts(
    gateway: RunningGateway, site: Site, page: Page
):
    attributes = 'data-consent="required"'
    page.goto(site.page("early", attributes=attributes, body="<script>oct.consent(true)</script>"))
    wait_for_names(gateway, site, "pageView")


def test_who_opts_out_is_left_alone_until_opting_in(
    gateway: RunningGateway, site: Site, page: Page
):
    open_and_wait(page, site.url)
    page.evaluate("oct.eventT('pending'); oct.optOut(); oct.eventT('never')")
    assert [trace for trace in page.evaluate(TRACES) if trace] == [
        "octeth_choice", "octeth_seed", "oempro_pr", "octethUUID", "octeth_choice=0",
    ] or "octethUUID=" not in page.evaluate("document.cookie")  # fmt: skip
    page.goto(site.url + "next")
    page.wait_for_function(STARTED)
    page.evaluate("oct.optIn(); oct.eventC('1', 'again', 1)")
    wait_for_names(gateway, site, "pageView", "conversion")
    first, second = gateway.events(site.tracked)
    assert first.uuid != second.uuid


def test_who_comes_after_a_logout_is_somebody_else_and_what_was_before_stays_with_the_first(
    gateway: RunningGateway, relayed: Site, relay: Relay, page: Page
):
    open_and_wait(page, relayed.url + "?pr=campaign")
    page.evaluate("oct.eventI('ada@example.com')")
    until(lambda: "identify" in names(gateway, relayed))
    relay.plan.append((503, {"retry-after": "1"}))
    page.evaluate("oct.eventC('1', 'before', 1)")
    until(lambda: not relay.plan)
    page.evaluate("oct.reset(); oct.eventT('after')")
    until(lambda: {"conversion", "after"} <= set(names(gateway, relayed)))
    by_name = {event.event: event for event in gateway.events(relayed.tracked)}
    assert by_name["conversion"].uuid == by_name["identify"].uuid
    assert by_name["after"].uuid != by_name["identify"].uuid
    assert by_name["after"].email is None
    assert "oempro_pr=campaign" not in page.evaluate("document.cookie")
    page.wait_for_function(ANSWERED)
    open_and_wait(page, relayed.url + "later")
    assert gateway.events(relayed.tracked)[-1].uuid == by_name["after"].uuid


@pytest.mark.parametrize("policy", ["off", "cookieless"])
def test_a_browser_that_asks_not_to_be_tracked_leaves_no_trace(
    gateway: RunningGateway, site: Site, page: Page, policy: str
):
    page.add_init_script(SIGNAL)
    page.goto(site.page(policy, attributes=f'data-privacy="{policy}"'))
    page.wait_for_function(STARTED)
    page.evaluate("oct.eventT('more')")
    if policy == "cookieless":
        wait_for_names(gateway, site, "pageView", "more")
        assert len({event.uuid for event in gateway.events(site.tracked)}) == 1
    page.wait_for_load_state("networkidle")
    assert [trace for trace in page.evaluate(TRACES) if trace] == []
    assert len(names(gateway, site)) == {"off": 0, "cookieless": 2}[policy]


def test_a_list_that_ignores_the_wish_takes_the_events(
    gateway: RunningGateway, site: Site, page: Page
):
    page.add_init_script(SIGNAL)
    open_and_wait(page, site.url)
    assert names(gateway, site) == ["pageView"]


@pytest.mark.parametrize("header", ["sec-gpc", "dnt"])
def test_the_server_holds_the_policy_whatever_the_page_does(
    gateway: RunningGateway, site: Site, browser: Browser, header: str
):
    """Such as a page whose snippet is older than the policy."""
    gateway.set_privacy(site.tracked, "off")
    context = browser.new_context(extra_http_headers={header: "1"})
    page = context.new_page()
    with page.expect_response(lambda response: response.url.endswith("/e")) as answered:
        page.goto(site.url)
    [result] = answered.value.json()["results"]
    assert (result["result"], result["reason"]) == ("dropped", "opted out")
    assert names(gateway, site) == []
    context.close()


def test_secrets_and_addresses_in_a_pages_url_do_not_leave_the_page(
    gateway: RunningGateway, relayed: Site, relay: Relay, context: BrowserContext, page: Page
):
    query = "?utm_source=mail&reset_token=s3cret&to=ada%40example.com#code=12345"
    page.goto(relayed.url + query)
    page.wait_for_function(ANSWERED)
    page.evaluate("location.href = 'next'")
    until(lambda: len(relay.bodies) > 1)
    text = str(relay.bodies)
    for secret in ("s3cret", "ada%40", "12345"):
        assert secret not in text
    assert "utm_source=mail" in text
    assert "reset_token=redacted" in text
    first = gateway.events(relayed.tracked)[0]
    assert first.properties["utm_source"] == "mail"
