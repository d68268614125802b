"""For people who do not write JavaScript: attributes become events, and a console that explains."""

from playwright.sync_api import Page

from tests.browser.pages import names, open_and_wait, wait_for_names
from tests.browser.sites import Site
from tests.support import RunningGateway, until

LOADED = "window.oct && oct.more && document.querySelector('script[src*=more]').tracker"
BODY = """
<button data-oct-event="add_to_cart" data-oct-product-id="101" data-oct-colour="red">
  <span id="inner">Add</span></button>
<a id="out" href="https://elsewhere.example/page?secret=1">Out</a>
<a id="same" href="#top">Here</a>
<a id="file" href="/files/Report.PDF?v=2">Report</a>
<a id="mail" href="mailto:ada@example.com">Mail</a>
<form id="newsletter" action="/subscribe?x=1"><input name="email" value="ada@example.com">
  <button>Send</button></form>
<script>document.addEventListener('click', (event) => {
  if (event.target.closest('a')) { event.preventDefault(); }
  event.stopPropagation();
}, true);
document.addEventListener('submit', (event) => event.preventDefault());</script>
"""


def opened(site: Site, page: Page, attributes: str, body: str = BODY) -> None:
    open_and_wait(page, site.page("shop", attributes=attributes, body=body))
    page.wait_for_function(LOADED)
    page.wait_for_load_state("networkidle")


def test_a_click_on_an_element_that_says_what_it_means_is_an_event(
    gateway: RunningGateway, site: Site, page: Page
):
    """No attribute on the script tag: the element on the page is what asks for the second file."""
    opened(site, page, "")
    page.click("#inner")
    wait_for_names(gateway, site, "pageView", "add_to_cart")
    said = gateway.events(site.tracked)[1].properties
    assert (said["product_id"], said["colour"]) == ("101", "red")


def test_links_out_and_files_count_when_asked_for_and_say_no_more_than_where_to(
    gateway: RunningGateway, site: Site, page: Page
):
    opened(site, page, "data-outbound data-downloads")
    for link in ("#out", "#same", "#mail", "#file"):
        page.click(link)
    wait_for_names(gateway, site, "pageView", "outbound_click", "file_download")
    _, out, file = gateway.events(site.tracked)
    assert out.properties["link_url"] == "https://elsewhere.example/page"
    assert out.properties["link_domain"] == "elsewhere.example"
    assert file.properties["file_extension"] == "pdf"


def test_middle_clicks_count_and_right_clicks_do_not(
    gateway: RunningGateway, site: Site, page: Page
):
    opened(site, page, "data-outbound")
    page.click("#out", button="right")
    page.click("#out", button="middle")
    page.evaluate("oct.eventC('1', 'last', 1)")
    until(lambda: "conversion" in names(gateway, site))
    assert names(gateway, site).count("outbound_click") == 1


def test_a_form_that_is_sent_counts_and_nothing_that_was_typed_leaves_the_page(
    gateway: RunningGateway, site: Site, page: Page
):
    opened(site, page, "data-forms")
    page.click("form button")
    wait_for_names(gateway, site, "pageView", "form_submit")
    event = gateway.events(site.tracked)[1]
    assert event.properties["form_id"] == "newsletter"
    assert event.properties["form_action"] == "/subscribe"
    assert "ada@" not in str(event)


def test_nothing_is_counted_that_was_not_asked_for(gateway: RunningGateway, site: Site, page: Page):
    opened(site, page, "data-elements")
    for link in ("#out", "#file", "form button"):
        page.click(link)
    page.evaluate("oct.eventC('1', 'last', 1)")
    wait_for_names(gateway, site, "pageView", "conversion")


def test_the_console_says_what_was_sent_and_what_was_not_and_why(
    gateway: RunningGateway, site: Site, page: Page
):
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    url = site.page("debug", attributes='data-consent="required"') + "?oct_debug"
    page.goto(url)
    page.wait_for_function(LOADED)
    page.wait_for_load_state("networkidle")
    page.evaluate("oct.eventT('held'); oct.consent(true)")
    page.wait_for_function("!!oct.uuid()")
    page.evaluate("oct.optOut(); oct.eventT('refused')")
    text = "\n".join(said)
    assert "pageView held until there is consent" in text
    assert "answered" in text
    assert "refused not sent: the visitor does not want it" in text


def test_without_being_asked_it_says_nothing(site: Site, page: Page):
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    open_and_wait(page, site.url)
    assert said == []
