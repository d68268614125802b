"""The reference's sample catalog, reproduced from real input on a fresh list."""

from playwright.sync_api import Page

from tests.browser.sites import Site
from tests.support import RunningGateway, until

STANDARD = {
    "$browser", "$browser_language", "$browser_version", "$current_url", "$device", "$device_type",
    "$dsn", "$host", "$lib", "$lib_version", "$list_id", "$os", "$pathname", "$referrer",
    "$referring_domain", "$screen_height", "$screen_width", "$sent_at", "$server", "$uuid",
    "$viewport_height", "$viewport_width",
}  # fmt: skip
IMPORTED = "number-of-subscribers-imported"


def test_a_page_view_an_identify_and_the_samples_test_event_give_its_three_arrays(
    gateway: RunningGateway, site: Site, page: Page
):
    page.goto(site.url)
    page.evaluate("oct.eventP('/x')")
    page.evaluate("oct.eventI('ada@example.com', {firstName: 'Ada', lastName: 'Lovelace'})")
    until(lambda: "identify" in [event.event for event in gateway.events(site.tracked)])
    sample = {"id": "user-id-2006", "email": "2006@test.com", "properties": {IMPORTED: 100}}
    gateway.call("event", site.tracked, event="test", **sample)

    catalog = gateway.call("website_events.properties", site.tracked).json()

    assert catalog["ListID"] == str(site.tracked.list_id)
    assert catalog["Properties"] == {
        "identify": sorted(
            STANDARD
            | {
                "$id",
                "$pageTitle",
                "$page_title",
                "emailAddress",
                "firstName",
                "lastName",
                IMPORTED,
            }
        ),
        "pageView": sorted(STANDARD | {"$pageTitle", "url"}),
        "test": sorted(STANDARD | {"$id", "$page_title", IMPORTED}),
    }
