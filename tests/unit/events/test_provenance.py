"""What of a stored event's properties is told to be the gateway's own."""

from typing import Any

from gateway.events.event import Enriched
from gateway.events.provenance import added
from tests.unit.builders import enriched, server_call, source


def told(event: Enriched) -> dict[str, str]:
    return added({**event.browser, **event.page, **event.own}, event.door, event.kind)


def of_page(**properties: Any) -> dict[str, str]:
    """By property, where it is said to come from; of a page view of Chrome on Windows."""
    return told(enriched(properties=properties))


def test_what_the_server_knows_of_a_browser_is_the_servers() -> None:
    found = of_page()
    assert found["$browser"] == found["$device_type"] == "read from the browser's headers"
    assert found["$dsn"] == "the address it was sent to"


def test_what_follows_from_an_address_says_so() -> None:
    found = of_page(
        **{
            "$current_url": "https://shop.example/a?utm_source=mail",
            "$referrer": "https://news.example/b",
        }
    )
    assert found["$host"] == found["$pathname"] == "follows from $current_url"
    assert found["$referring_domain"] == "follows from $referrer"
    assert found["utm_source"] == "read from $current_url"
    assert "$current_url" not in found


def test_what_the_sender_said_against_its_address_is_the_senders() -> None:
    found = of_page(
        **{"$current_url": "https://shop.example/a?utm_source=mail", "$pathname": "/virtual"},
        utm_source="elsewhere",
    )
    assert "$host" in found
    assert not {"$pathname", "utm_source"} & {*found}


def test_what_was_taken_out_of_an_address_is_told() -> None:
    found = of_page(**{"$current_url": "https://shop.example/a?token=s3cret"})
    assert "redacted" in found["$current_url"]


def test_the_address_of_an_identify_and_the_name_of_the_tracker_are_told() -> None:
    seen = source(context={"$lib_version": "1"})
    found = told(enriched("identify", seen=seen, email="ann@example.com"))
    assert found["emailAddress"] == "the address it named"
    assert found["$lib"] == "the gateway's own tracker"


def test_of_a_servers_event_only_what_is_surely_the_gateways_is_told() -> None:
    """What it says of a browser is its word."""
    found = told(server_call("paid", external_id="7", properties={"$browser": "Chrome"}))
    assert {*found} == {"$dsn", "$server", "$id"}


def test_what_is_no_text_is_no_address() -> None:
    assert "$host" not in of_page(**{"$current_url": 7, "$referrer": ["x"], "$host": "h"})
