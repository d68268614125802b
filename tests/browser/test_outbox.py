"""No event is lost when the page goes away: each waits in the browser until it was answered."""

import json
from collections import Counter

from playwright.sync_api import BrowserContext, Page

from tests.browser.pages import LOST, Relay, names, open_and_wait, wait_for_names
from tests.browser.sites import Site
from tests.support import RunningGateway, until

STORED = "Object.keys(localStorage).filter(name => name.startsWith('octeth_out'))"


def test_events_that_were_not_answered_go_again_from_the_next_page(
    gateway: RunningGateway, site: Site, context: BrowserContext, page: Page
):
    open_and_wait(page, site.url)
    context.route("**/e", lambda route: route.abort())
    page.evaluate("oct.eventT('offline')")
    page.wait_for_function(f"{STORED}.length == 1")
    page.goto(site.url + "next")
    context.unroute("**/e")
    page.goto(site.url + "last")
    until(lambda: len(names(gateway, site)) == 4)
    assert Counter(names(gateway, site)) == Counter(["pageView"] * 3 + ["offline"])
    page.wait_for_function(f"{STORED}.length == 0")


def test_an_event_sent_twice_is_stored_once(
    gateway: RunningGateway, relayed: Site, relay: Relay, page: Page
):
    """The page leaves before it hears the answer: the next one asks again under the same id."""
    open_and_wait(page, relayed.url)
    page.evaluate("oct.eventT('parting'); setTimeout(() => location.search = '?next')")
    until(lambda: [event["event"] for event in relay.events].count("parting") == 2)
    page.wait_for_function(f"location.search && {STORED}.length == 0")
    ids = [event["id"] for event in relay.events if event["event"] == "parting"]
    assert len(set(ids)) == 1
    assert Counter(names(gateway, relayed)) == Counter(["pageView", "parting", "pageView"])


def test_what_a_closed_tab_left_behind_is_sent_by_another(
    gateway: RunningGateway, site: Site, context: BrowserContext
):
    closing = context.new_page()
    open_and_wait(closing, site.url)
    context.route("**/e", lambda route: route.abort())
    closing.evaluate("oct.eventT('left behind')")
    closing.wait_for_function(f"{STORED}.length == 1")
    closing.close()
    context.unroute("**/e")
    context.new_page().goto(site.url + "other")
    until(lambda: "left behind" in names(gateway, site))
    seen = [(event.event, event.uuid) for event in gateway.events(site.tracked)]
    assert len({uuid for _, uuid in seen}) == 1


def test_a_tab_does_not_send_what_another_one_is_about_to(
    gateway: RunningGateway, relayed: Site, relay: Relay, context: BrowserContext
):
    first, second = context.new_page(), context.new_page()
    open_and_wait(first, relayed.url)
    relay.plan.append((503, {"retry-after": "30"}))
    first.evaluate("oct.eventC('1', 'mine', 1)")
    until(lambda: not relay.plan)
    relay.bodies.clear()
    open_and_wait(second, relayed.url + "second")
    second.evaluate("oct.eventC('2', 'its own', 2)")
    until(lambda: "conversion" in names(gateway, relayed))
    assert [event["event"] for event in relay.events] == ["pageView", "conversion"]
    assert "mine" in first.evaluate(f"{STORED}.map(name => localStorage[name]).join()")


def test_what_nobody_has_looked_after_for_a_minute_is_taken_over(
    gateway: RunningGateway, site: Site, context: BrowserContext, page: Page
):
    """Its page crashed, or sleeps: it had no time to give its events away."""
    open_and_wait(page, site.url)
    context.route("**/e", lambda route: route.abort())
    page.evaluate("oct.eventT('crashed')")
    page.wait_for_function(f"{STORED}.length == 1")
    page.evaluate(
        f"""() => {{ const [name] = {STORED};
        window.kept = [name, Date.now() - 61e3 + localStorage[name].slice(13)]; }}"""
    )
    name, text = page.evaluate("kept")
    page.close()
    context.unroute("**/e")
    other = context.new_page()
    other.add_init_script(f"localStorage[{json.dumps(name)}] ??= {json.dumps(text)}")
    other.goto(site.url + "other")
    until(lambda: "crashed" in names(gateway, site))


def test_the_outbox_keeps_the_newest_two_hundred_events(
    site: Site, context: BrowserContext, page: Page
):
    open_and_wait(page, site.url)
    context.route("**/e", lambda route: route.abort())
    page.evaluate("for (let n = 0; n < 250; n++) oct.eventT('n' + n)")
    kept = page.evaluate(f"JSON.parse(localStorage[{STORED}[0]].slice(13)).map(e => e.event.event)")
    assert kept == [f"n{number}" for number in range(50, 250)]


def test_the_outbox_keeps_no_more_than_256_kilobytes_and_nothing_older_than_a_week(
    site: Site, context: BrowserContext, page: Page
):
    open_and_wait(page, site.url)
    context.route("**/e", lambda route: route.abort())
    page.evaluate("for (let n = 0; n < 100; n++) oct.eventT('n' + n, {text: 'x'.repeat(5000)})")
    stored = page.evaluate(f"localStorage[{STORED}[0]]")
    assert 200 * 1_024 < 2 * len(stored) <= 256 * 1_024
    assert '"n99"' in stored
    page.evaluate("(() => { const now = Date.now(); Date.now = () => now + 8 * 864e5 })()")
    page.evaluate("oct.eventT('young')")
    kept = page.evaluate(f"JSON.parse(localStorage[{STORED}[0]].slice(13)).map(e => e.event.event)")
    assert kept == ["young"]


def test_a_tab_numbers_its_events_across_its_pages_and_a_duplicated_tab_counts_for_itself(
    relayed: Site, relay: Relay, page: Page
):
    open_and_wait(page, relayed.url)
    open_and_wait(page, relayed.url + "second")
    page.evaluate("oct.eventC('1', 'c', 1)")
    until(lambda: len(relay.events) == 3)
    with page.expect_popup() as opened:  # gets a copy of the session storage, as a duplicate does
        page.evaluate(f"void window.open('{relayed.url}third')")
    opened.value.wait_for_function("window.oct && oct.uuid && oct.uuid()")
    *own, other = [(event["tab"], event["seq"]) for event in relay.events]
    assert [seq for _, seq in own] == [1, 2, 3]
    assert len({tab for tab, _ in own}) == 1
    assert other[1] == 1
    assert other[0] != own[0][0]


def test_the_servers_wish_to_be_left_alone_is_honoured(
    gateway: RunningGateway, relayed: Site, relay: Relay, page: Page
):
    open_and_wait(page, relayed.url)
    relay.bodies.clear()
    relay.plan.append((503, {"retry-after": "1"}))
    page.evaluate("window.began = performance.now(); oct.eventC('1', 'c', 1)")
    wait_for_names(gateway, relayed, "pageView", "conversion")
    waited = page.evaluate("performance.now() - began")
    assert 1_000 <= waited < 3_000
    assert len({event["id"] for event in relay.events}) == 1
    assert len(relay.events) == 2


def test_a_wish_of_hours_is_not_taken_at_its_word(relayed: Site, relay: Relay, page: Page):
    """A proxy that says a day would silence every page that is open."""
    page.add_init_script(
        "const set = setTimeout; window.waits = [];"
        "window.setTimeout = (call, ms) => { waits.push(ms); return set(call, ms) }"
    )
    open_and_wait(page, relayed.url)
    relay.plan.append((429, {"retry-after": "86400"}))
    page.evaluate("waits.length = 0; oct.eventC('1', 'c', 1)")
    page.wait_for_function("waits.some(ms => ms > 20e3)")
    assert page.evaluate("Math.max(...waits)") <= 600_000 * 1.25


def test_a_refusal_that_will_not_get_better_is_not_tried_again(
    gateway: RunningGateway, relayed: Site, relay: Relay, page: Page
):
    open_and_wait(page, relayed.url)
    relay.bodies.clear()
    relay.plan.append((422, {}))
    page.evaluate("oct.eventC('1', 'refused', 1)")
    page.wait_for_function(f"{STORED}.length == 0")
    page.evaluate("oct.eventC('2', 'taken', 2)")
    until(lambda: "conversion" in names(gateway, relayed))
    assert [event["properties"]["conversion-id"] for event in relay.events] == ["1", "2"]


def test_without_any_answer_it_tries_three_times_and_then_waits_to_be_woken(
    gateway: RunningGateway, relayed: Site, relay: Relay, page: Page
):
    page.clock.install()
    open_and_wait(page, relayed.url)
    relay.bodies.clear()
    relay.plan += [LOST] * 50
    page.evaluate("oct.eventC('1', 'c', 1)")
    for tries in (1, 2, 3):
        until(lambda tries=tries: page.clock.run_for(1_000) or len(relay.bodies) >= tries)
    for _ in range(10):
        page.clock.run_for(60_000)
    assert len(relay.bodies) == 3
    relay.plan.clear()
    page.evaluate("dispatchEvent(new Event('online'))")
    until(lambda: page.clock.run_for(1_000) or "conversion" in names(gateway, relayed))


def test_an_image_goes_out_when_nothing_else_can(gateway: RunningGateway, site: Site, page: Page):
    """Such as on a site whose policy lets no script connect, but images load."""
    page.add_init_script(
        "navigator.sendBeacon = () => false; window.fetch = () => Promise.reject(new Error('no'))"
    )
    page.goto(site.url)
    page.wait_for_function("window.oct && !!oct.uuid")
    page.evaluate("oct.eventI('ada@example.com')")
    page.evaluate("dispatchEvent(new Event('pagehide'))")
    until(lambda: names(gateway, site) == ["pageView"])
    page.evaluate("oct.eventT('small', {colour: 'öl'}); dispatchEvent(new Event('pagehide'))")
    until(lambda: "small" in names(gateway, site))
    assert names(gateway, site) == ["pageView", "small"]
