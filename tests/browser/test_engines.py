"""The served bytes, cross-origin over HTTP, in the other engines: WebKit and Firefox."""

import os
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from tests.browser.engines import ENGINES, Engine, missing
from tests.browser.pages import ANSWERED, LOST, Relay, names
from tests.browser.sites import Site
from tests.support import RunningGateway, until

STORED = "Object.keys(localStorage).filter(name => name.startsWith('octeth_out')).length"


@pytest.fixture(scope="module", params=ENGINES)
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    """One browser for all tests of this file, each on a site, and so with a list, of its own."""
    wanted = missing(request.param)
    if wanted and os.environ.get("CI"):
        pytest.fail(f"{request.param} is not there: {wanted}")
    if wanted:
        pytest.skip(f"{request.param} is not there: {wanted}")
    with ENGINES[request.param](tmp_path_factory.mktemp(request.param)) as started:
        yield started


@pytest.fixture(autouse=True)
def forgotten(request: pytest.FixtureRequest, engine: Engine) -> Iterator[None]:
    """The sites of all tests share an origin: each leaves nothing to the next."""
    yield
    engine.evaluate("oct.optOut()")
    engine.evaluate("localStorage.clear()")
    engine.evaluate("sessionStorage.clear()")
    # WebKit's library takes a cookie for a part of an address, as if that were a domain.
    for domain in ("", "1", "0.1", "0.0.1", "127.0.0.1"):
        engine.evaluate(f"document.cookie = 'octeth_choice=;path=/;Max-Age=0;domain={domain}'")
    engine.goto("about:blank")


def open_and_wait(engine: Engine, url: str) -> None:
    engine.goto(url)
    until(lambda: engine.evaluate(f"!!({ANSWERED})"), seconds=20)


def test_a_page_view_is_stored_with_what_the_browser_knows(
    gateway: RunningGateway, site: Site, engine: Engine
):
    open_and_wait(engine, site.url + "shoes?utm_source=mail&token=1")
    [event] = gateway.events(site.tracked)
    said = event.properties
    assert said["$current_url"].endswith("/shoes?utm_source=mail&token=redacted")
    assert said["$pathname"].endswith("/shoes")
    assert said["$viewport_width"] == engine.evaluate("innerWidth")
    assert said["$lib"] == "gateway-js"
    assert said["$os"] == "Linux"


def test_calls_are_events_of_one_visitor_across_pages(
    gateway: RunningGateway, site: Site, engine: Engine
):
    open_and_wait(engine, site.url)
    engine.evaluate("oct.eventI('ada@example.com', {firstName: 'Ada'})")
    engine.evaluate("oct.eventC('1', 'Order', 9.5)")
    until(lambda: len(names(gateway, site)) == 3)
    open_and_wait(engine, site.url + "next")
    events = gateway.events(site.tracked)
    assert Counter(event.event for event in events) == Counter(
        ["pageView", "identify", "conversion", "pageView"]
    )
    assert len({event.uuid for event in events}) == 1
    assert {event.email for event in events} == {"ada@example.com"}


def test_events_of_the_moment_a_page_goes_away_arrive_once(
    gateway: RunningGateway, site: Site, engine: Engine
):
    open_and_wait(engine, site.url)
    engine.evaluate("[1, 2, 3].forEach(n => oct.eventT('parting' + n))")
    engine.goto(site.url + "next")
    until(lambda: len(names(gateway, site)) >= 5)
    until(lambda: engine.evaluate(f"{STORED} === 0"))
    assert Counter(names(gateway, site)) == Counter(
        ["pageView", "pageView", "parting1", "parting2", "parting3"]
    )


def test_what_was_lost_on_the_way_goes_again_from_the_next_page(
    gateway: RunningGateway, relayed: Site, relay: Relay, engine: Engine
):
    open_and_wait(engine, relayed.url)
    relay.bodies.clear()
    relay.plan += [LOST] * 2
    engine.evaluate("oct.eventC('1', 'lost', 1)")
    until(lambda: relay.bodies)
    relay.plan.clear()
    engine.goto(relayed.url + "next")
    until(lambda: "conversion" in names(gateway, relayed))
    until(lambda: engine.evaluate(f"{STORED} === 0"))
    tabs = {event["tab"] for event in relay.events}
    assert len(tabs) == 1
    assert len({event["id"] for event in relay.events}) == 2


def test_nothing_happens_before_consent(gateway: RunningGateway, site: Site, engine: Engine):
    engine.goto(site.page("ask", attributes='data-consent="required"'))
    until(lambda: engine.evaluate("!!window.oct?.uuid"))
    engine.evaluate("oct.eventT('before')")
    assert engine.evaluate("document.cookie + Object.keys(localStorage)") == ""
    engine.evaluate("oct.consent(true)")
    until(lambda: len(names(gateway, site)) == 2)


def test_elements_and_views_of_an_application_count_by_attributes_alone(
    gateway: RunningGateway, site: Site, engine: Engine
):
    body = '<button data-oct-event="pressed" data-oct-size="41">Press</button>'
    open_and_wait(engine, site.page("app", attributes="data-spa", body=body))
    until(lambda: engine.evaluate("history.pushState.toString().includes('apply')"))
    engine.evaluate("document.querySelector('button').click()")
    engine.evaluate("history.pushState(0, '', 'second')")
    until(lambda: len(names(gateway, site)) == 3)
    assert sorted(names(gateway, site)) == ["pageView", "pageView", "pressed"]


def test_the_widest_cookie_the_browser_takes_is_found(
    gateway: RunningGateway, new_site: Callable[..., Site], engine: Engine
):
    site = new_site()
    url = site.url.replace("127.0.0.1", "www.site.localhost")
    open_and_wait(engine, url)
    assert "octethUUID=" in engine.evaluate("document.cookie")
    assert "octeth_seed=" in engine.evaluate("document.cookie")
