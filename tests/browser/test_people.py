"""Who is who, as it happens in browsers: identify, mail clicks, shared computers, reloads."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page

from gateway import clock
from gateway.records import people
from gateway.settings import secrets_of
from gateway.signing import Attribution, Signing
from gateway.store.database import open_database
from tests.browser.conftest import Site
from tests.browser.test_tracker import open_and_wait
from tests.support import RunningGateway, until

ADA, BOB = "ada@example.com", "bob@example.com"


@pytest.fixture
def mail_link(gateway: RunningGateway, site: Site) -> Callable[[str], str]:
    """The query by which a campaign's mail to this address links to the site."""

    def link(email: str) -> str:
        db = open_database(gateway.settings.db)
        person = people.subscribe(db, site.tracked.list_id, email, clock.now_ms())
        db.close()
        token = Signing(secrets_of(gateway.settings)).attribution_token(
            Attribution(
                account_id=site.tracked.account_id,
                list_id=site.tracked.list_id,
                subscriber_id=person.id,
                campaign="spring",
                minted_at_s=clock.now_ms() // 1000,
            )
        )
        return f"?pr={token}"

    return link


def owners(gateway: RunningGateway, site: Site) -> list[str | None]:
    return [event.email for event in gateway.events(site.tracked)]


def wait_for(gateway: RunningGateway, site: Site, count: int) -> None:
    until(lambda: len(gateway.events(site.tracked)) >= count)


def test_what_somebody_did_before_they_said_who_they_are_is_on_their_profile(
    gateway: RunningGateway, site: Site, page: Page
):
    open_and_wait(page, site.url + "a")
    open_and_wait(page, site.url + "b")
    page.evaluate(f"oct.eventI('{ADA}')")
    wait_for(gateway, site, 3)
    assert owners(gateway, site) == [ADA] * 3


def test_a_mail_click_binds_at_the_sign_of_a_person_and_its_purchase_is_credited(
    gateway: RunningGateway, site: Site, page: Page, mail_link: Callable[[str], str]
):
    open_and_wait(page, site.url + mail_link(ADA))
    assert owners(gateway, site) == [None]
    page.mouse.click(10, 10)
    until(lambda: owners(gateway, site) == [ADA])
    page.evaluate("oct.eventC('order-1', 'Order 1', 50)")
    wait_for(gateway, site, 2)
    revenue = gateway.revenue(site.tracked)
    assert [(line.campaign, line.revenue) for line in revenue] == [("spring", 50.0)]
    assert "identify" not in [event.event for event in gateway.events(site.tracked)]


def test_a_scanner_that_opens_the_link_and_runs_the_script_binds_nobody(
    gateway: RunningGateway, site: Site, page: Page, mail_link: Callable[[str], str]
):
    """It loads the page once, twice, and shows no other sign of life."""
    link = mail_link(ADA)
    open_and_wait(page, site.url + link)
    open_and_wait(page, site.url + link)
    page.evaluate("oct.eventT('scripted'); document.body.click()")
    wait_for(gateway, site, 3)
    assert set(owners(gateway, site)) == {None}


def test_two_people_on_a_shared_computer_keep_their_own_histories(
    gateway: RunningGateway, site: Site, page: Page
):
    open_and_wait(page, site.url + "first")
    page.evaluate(f"oct.eventI('{ADA}')")
    wait_for(gateway, site, 2)
    page.evaluate(f"oct.eventI('{BOB}')")
    wait_for(gateway, site, 3)
    open_and_wait(page, site.url + "second")
    wait_for(gateway, site, 4)
    assert owners(gateway, site) == [ADA, ADA, BOB, BOB]


def test_a_thank_you_page_reloaded_earns_once(gateway: RunningGateway, site: Site, page: Page):
    for visit in range(1, 4):
        open_and_wait(page, site.url + "thank-you")
        page.evaluate("oct.eventC('order-7', 'Order 7', 19.5)")
        wait_for(gateway, site, 2 * visit)
    assert sum(line.revenue for line in gateway.revenue(site.tracked)) == 19.5


def test_the_same_person_in_a_second_browser_joins_their_history(
    gateway: RunningGateway, site: Site, page: Page, browser: Browser
):
    open_and_wait(page, site.url)
    page.evaluate(f"oct.eventI('{ADA}')")
    wait_for(gateway, site, 2)
    phone = browser.new_context()
    other = phone.new_page()
    open_and_wait(other, site.url + "phone")
    other.evaluate(f"oct.eventI('{ADA.upper()}')")
    wait_for(gateway, site, 4)
    phone.close()
    assert owners(gateway, site) == [ADA] * 4
    assert len({event.uuid for event in gateway.events(site.tracked)}) == 2
