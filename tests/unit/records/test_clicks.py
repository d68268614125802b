"""A click-through is provisional until a sign of a person; a scanner shows none."""

import pytest

from gateway.events.event import Trust
from gateway.events.vocabulary import Door
from gateway.records import identity
from gateway.records.bindings import By

NOBODY = (None, None)


@pytest.fixture
def ann(shop):
    return shop.person("ann@example.com")


def marks(shop):
    rows = shop.db.execute("select marked from clicks order by id").fetchall()
    return [row["marked"] for row in rows]


def test_opening_the_landing_page_alone_binds_nobody(shop, ann):
    browser = shop.browser()
    shop.view(browser, "/landing", click=shop.click(ann))
    assert shop.bound(browser) == NOBODY


def test_a_second_page_binds_to_whom_the_link_was_sent(shop, ann):
    browser = shop.browser()
    shop.view(browser, "/landing", click=shop.click(ann))
    shop.view(browser, "/shoes", click=shop.click(ann))
    assert shop.bound(browser) == (ann.id, By.CLICK)


def test_a_person_seen_on_the_landing_page_binds(shop, ann):
    browser = shop.browser()
    shop.view(browser, "/landing", click=shop.click(ann), human=True)
    assert shop.bound(browser) == (ann.id, By.CLICK)


def test_a_person_seen_after_the_landing_page_was_sent_binds(shop, ann):
    browser, click = shop.browser(), shop.click(ann)
    shop.view(browser, "/landing", click=click)
    identity.confirm_click(shop.db, shop.list_id, browser.bytes, click.token_digest, shop.now_ms)
    assert shop.bound(browser) == (ann.id, By.CLICK)


def test_a_sign_of_a_person_without_a_click_binds_nobody(shop, ann):
    browser, click = shop.browser(), shop.click(ann)
    shop.view(browser, "/landing")
    identity.confirm_click(shop.db, shop.list_id, browser.bytes, click.token_digest, shop.now_ms)
    assert shop.bound(browser) == NOBODY


def test_an_identify_goes_over_the_click(shop, ann):
    browser, bob = shop.browser(), shop.person("bob@example.com")
    shop.view(browser, "/landing", click=shop.click(ann), human=True)
    shop.identify(browser, bob.email, click=shop.click(ann))
    assert shop.bound(browser) == (bob.id, By.IDENTIFY)


def test_an_identify_that_is_not_believed_is_no_sign_of_a_person(shop, ann):
    """A page's script can take the address from the link, and a scanner runs it."""
    browser, click = shop.browser(), shop.click(ann)
    shop.view(browser, "/landing", click=click)
    shop.identify(browser, ann.email, page="/landing", click=click, trust=Trust.NONE)
    assert shop.bound(browser) == NOBODY


def test_a_click_does_not_move_whom_a_browser_is_bound_to(shop, ann):
    browser, bob = shop.browser(), shop.person("bob@example.com")
    shop.identify(browser, bob.email)
    shop.view(browser, "/landing", click=shop.click(ann), human=True)
    assert shop.bound(browser) == (bob.id, By.IDENTIFY)


def test_a_second_click_does_not_move_a_first(shop, ann):
    browser, bob = shop.browser(), shop.person("bob@example.com")
    shop.view(browser, "/landing", click=shop.click(ann), human=True)
    shop.view(browser, "/landing", click=shop.click(bob), human=True)
    assert shop.bound(browser) == (ann.id, By.CLICK)


@pytest.mark.parametrize("again", ["/landing", "/landing?utm=1", "/landing#part"])
def test_a_scanner_that_runs_the_script_of_the_landing_page_binds_nobody(shop, ann, again):
    """However often it loads the page, whatever its script sends."""
    browser, click = shop.browser(), shop.click(ann)
    for _ in range(3):
        shop.view(browser, "/landing", click=click)
        shop.view(browser, again, click=click)
        shop.send("scrolled", browser, page="/landing", click=click)
    assert shop.bound(browser) == NOBODY


def test_a_click_binds_no_sooner_for_a_retry_of_the_same_event(shop, ann):
    browser = shop.browser()
    for page in ("/landing", "/elsewhere"):
        shop.view(browser, page, click=shop.click(ann), event_id="one")
    assert shop.bound(browser) == NOBODY


def test_the_link_of_somebody_who_left_the_list_is_ignored(shop, ann):
    browser, click = shop.browser(), shop.click(ann)
    shop.db.execute("delete from subscribers")
    shop.view(browser, "/landing", click=click, human=True)
    assert shop.bound(browser) == NOBODY
    assert marks(shop) == []


def open_links(shop, count, *, apart_ms=1_000, human=False, **more):
    """So many recipients' links, one after the other, each in a browser of its own."""
    browsers = []
    for number in range(count):
        person = shop.person(f"reader{number}@example.com")
        browsers.append(shop.browser())
        at_ms = shop.now_ms + apart_ms
        shop.view(
            browsers[-1], "/landing", click=shop.click(person), at_ms=at_ms, human=human, **more
        )
    return browsers


def test_five_recipients_links_from_one_address_are_marked_and_never_bind(shop):
    browsers = open_links(shop, 5)
    assert marks(shop) == [1, 1, 1, 1, 1]
    for number, browser in enumerate(browsers):
        person = shop.person(f"reader{number}@example.com")
        shop.view(browser, "/other", click=shop.click(person), human=True)
        assert shop.bound(browser) == NOBODY


def test_four_recipients_links_from_one_address_are_no_burst(shop):
    open_links(shop, 4)
    assert marks(shop) == [0, 0, 0, 0]


def test_one_recipients_links_however_many_are_no_burst(shop, ann):
    for number in range(8):
        shop.view(shop.browser(), "/landing", click=shop.click(ann, f"campaign {number}"))
    assert marks(shop) == [0] * 8


def test_recipients_links_opened_over_a_day_are_no_burst(shop):
    open_links(shop, 8, apart_ms=3 * 60_000)
    assert marks(shop) == [0] * 8


def test_a_person_seen_before_the_burst_keeps_the_binding(shop, ann):
    browser = shop.browser()
    shop.view(browser, "/landing", click=shop.click(ann), human=True)
    open_links(shop, 5)
    assert shop.bound(browser) == (ann.id, By.CLICK)
    assert marks(shop) == [0, 1, 1, 1, 1, 1]


def test_a_server_that_speaks_for_many_people_is_no_burst(shop):
    browsers = open_links(shop, 6, human=True, door=Door.API)
    assert marks(shop) == [0] * 6
    assert all(shop.bound(browser)[1] == By.CLICK for browser in browsers)


def test_a_marked_click_does_not_keep_an_identify_from_binding(shop):
    browser = open_links(shop, 5)[-1]
    shop.identify(browser, "reader4@example.com")
    assert shop.bound(browser) == (shop.person("reader4@example.com").id, By.IDENTIFY)
