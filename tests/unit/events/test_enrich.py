"""From what a sender said to an event ready to be recorded."""

import uuid as uuids
from typing import Any

import pytest

from gateway.events.device import Device
from gateway.events.enrich import caused_id, happened_at, unique_id
from gateway.events.event import Enriched
from tests.unit.builders import DESKTOP, LIST_ID, NOW_MS, enriched, server_call, source, visitor

SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000


def said(event: Enriched) -> dict[str, Any]:
    return event.browser | event.page | event.own


class TestWhatTheServerKnows:
    def test_it_goes_over_what_the_sender_claims(self) -> None:
        claims = {
            "$browser": "Netscape", "$browser_version": "4", "$os": "BeOS", "$device": "toaster",
            "$device_type": "mobile", "$dsn": "https://evil.example", "$server": "evil.example",
            "$uuid": "x", "$list_id": 99, "$sent_at": "yesterday",
        }  # fmt: skip
        event = enriched(properties=claims, seen=source(context=claims))
        assert event.browser == DESKTOP.properties() | {
            "$dsn": "https://track.example.com/e",
            "$server": "track.example.com",
        }
        assert (event.page, event.own, event.list_id) == ({}, {}, LIST_ID)

    def test_a_claim_stands_where_it_knows_nothing(self) -> None:
        """An API call says nothing of the visitor's browser: its sender may."""
        event = server_call("x", properties={"$browser": "Firefox", "$os": "Linux"})
        assert event.browser["$browser"] == "Firefox"
        assert event.browser["$os"] == "Linux"

    def test_a_proven_visitor_goes_over_a_named_one(self) -> None:
        event = enriched(uuid=str(visitor(2)), seen=source(visitor=visitor(1)))
        assert event.uuid == visitor(1).bytes
        assert server_call("x", uuid=str(visitor(2))).uuid == visitor(2).bytes
        assert server_call("x").uuid is None

    def test_an_event_s_own_word_goes_over_what_was_said_for_all(self) -> None:
        """A page that changes its address without loading again."""
        seen = source(context={"$current_url": "https://a.example/1", "$lib": "tracker"})
        event = enriched(properties={"$current_url": "https://a.example/2"}, seen=seen)
        assert event.page["$current_url"] == "https://a.example/2"
        assert event.browser["$lib"] == "tracker"


class TestDerivedFromUrls:
    @pytest.mark.parametrize(
        ("url", "host", "pathname"),
        [
            ("https://shop.example/cart?x=1#y", "shop.example", "/cart"),
            ("https://shop.example", "shop.example", "/"),
            ("https://shop.example:8443/a/b", "shop.example:8443", "/a/b"),
            ("https://user:secret@shop.example/", "shop.example", "/"),
            ("https://[::1]:8001/a", "[::1]:8001", "/a"),
            ("https://shop.example/caf%C3%A9", "shop.example", "/caf%C3%A9"),
            ("/only/a/path", None, "/only/a/path"),
            ("https://[::1", None, None),
            ("", None, None),
            (None, None, None),
            (7, None, None),
            (["https://shop.example/"], None, None),
        ],
    )
    def test_host_and_pathname_are_the_page_s(
        self, url: Any, host: str | None, pathname: str | None
    ) -> None:
        page = enriched(properties={"$current_url": url}).page
        assert (page.get("$host"), page.get("$pathname")) == (host, pathname)

    @pytest.mark.parametrize(
        ("referrer", "domain"),
        [
            ("https://www.search.example/?q=x", "www.search.example"),
            ("https://Search.Example:8443/", "search.example"),
            ("android-app://com.example.mail/", "com.example.mail"),
            ("", None),
            ("https://[", None),
            (None, None),
        ],
    )
    def test_the_referring_domain_is_the_referrer_s(
        self, referrer: Any, domain: str | None
    ) -> None:
        page = enriched(properties={"$referrer": referrer}).page
        assert page.get("$referring_domain") == domain

    def test_what_the_sender_gave_is_kept(self) -> None:
        given = {
            "$current_url": "https://shop.example/a",
            "$referrer": "https://search.example/",
            "$host": "h",
            "$pathname": "/p",
            "$referring_domain": "r",
        }
        assert enriched(properties=given).page == given

    def test_null_counts_as_absent(self) -> None:
        given = {"$current_url": "https://shop.example/a", "$host": None, "$pathname": None}
        page = enriched(properties=given).page
        assert (page["$host"], page["$pathname"]) == ("shop.example", "/a")


class TestClock:
    @pytest.mark.parametrize(
        ("at", "sent", "happened"),
        [
            pytest.param(None, None, 0, id="no clock: now"),
            pytest.param(None, -5 * HOUR, 0, id="no instant: now"),
            pytest.param(-2 * HOUR, None, -2 * HOUR, id="no sending: believed"),
            pytest.param(-MINUTE, -SECOND, -MINUTE, id="a clock that is right"),
            pytest.param(-MINUTE, -30 * SECOND, -MINUTE, id="30 s behind: believed"),
            pytest.param(-MINUTE, 30 * SECOND, -MINUTE, id="30 s ahead: believed"),
            pytest.param(-MINUTE, -30_001, -MINUTE + 30_001, id="more than 30 s behind: corrected"),
            pytest.param(MINUTE, 30_001, MINUTE - 30_001, id="more than 30 s ahead: corrected"),
            pytest.param(5 * HOUR - SECOND, 5 * HOUR, -SECOND, id="hours ahead: corrected"),
            pytest.param(-9 * HOUR - SECOND, -9 * HOUR, -SECOND, id="hours behind: corrected"),
            pytest.param(23 * HOUR, 0, 23 * HOUR, id="23 h ahead: believed"),
            pytest.param(23 * HOUR + 1, 0, 0, id="more than 23 h ahead: now"),
            pytest.param(25 * HOUR, None, 0, id="tomorrow without sending: now"),
            pytest.param(29 * HOUR, 5 * HOUR, 0, id="still 24 h ahead once corrected: now"),
        ],
    )
    def test_an_instant_is_told_by_the_server_s_clock(
        self, at: int | None, sent: int | None, happened: int
    ) -> None:
        """All relative to when the gateway received it."""
        at_ms = None if at is None else NOW_MS + at
        sent_at_ms = None if sent is None else NOW_MS + sent
        assert happened_at(at_ms, sent_at_ms, NOW_MS) == NOW_MS + happened

    def test_a_correction_never_leads_before_1970(self) -> None:
        assert happened_at(0, NOW_MS + HOUR, NOW_MS) == 0

    def test_all_three_instants_are_kept(self) -> None:
        event = enriched(at_ms=NOW_MS - HOUR, seen=source(sent_at_ms=NOW_MS - MINUTE))
        instants = (event.happened_at_ms, event.sent_at_ms, event.received_at_ms)
        assert instants == (NOW_MS - HOUR + MINUTE, NOW_MS - MINUTE, NOW_MS)


class TestDoors:
    def test_only_an_api_event_has_a_page_title_and_an_id_of_its_own(self) -> None:
        """As the reference's catalog shows; the tracker's spelling is `$pageTitle`."""
        event = server_call("test", external_id="user-id-2006")
        assert event.page == {"$page_title": None}
        assert event.own == {"$id": "user-id-2006"}
        tracked = enriched(external_id="a" * 64, properties={"$pageTitle": "Home"})
        assert tracked.page == {"$pageTitle": "Home"}
        assert tracked.own == {}

    def test_an_api_event_without_an_id_has_none_among_its_properties(self) -> None:
        assert "$id" not in said(server_call("test"))

    def test_an_api_event_may_tell_its_page_title(self) -> None:
        assert server_call("x", properties={"$page_title": "Home"}).page == {"$page_title": "Home"}


def test_properties_are_sorted_by_what_they_are_the_same_for() -> None:
    """The browser's and the page's are kept once; only its own are kept with each event."""
    event = enriched(
        properties={"$screen_width": 1280, "url": "/x", "$pageTitle": "Home", "product": "Mug"},
        seen=source(device=Device(), context={"$lib": "tracker", "theme": "dark"}),
    )
    assert event.browser.keys() == {"$screen_width", "$lib", "$dsn", "$server"}
    assert event.page == {"url": "/x", "$pageTitle": "Home"}
    assert event.own == {"product": "Mug", "theme": "dark"}


class TestEventIds:
    def test_a_uuid_in_any_case_is_its_own_16_bytes(self) -> None:
        text = "aae6840b-3b7e-4f95-a9d5-6dbf5da8d84d"
        assert unique_id(text) == unique_id(text.upper()) == uuids.UUID(text).bytes

    def test_other_text_is_told_apart_to_the_letter(self) -> None:
        ids = {unique_id(text) for text in ("order-1", "order-2", "Order-1", "o" * 36, "é", "")}
        assert len(ids) == 6
        assert {len(each) for each in ids} == {16}
        assert unique_id("order-1") == unique_id("order-1")

    def test_no_id_is_a_new_one_every_time(self) -> None:
        assert unique_id(None) != unique_id(None)

    def test_the_identify_an_event_brings_has_the_same_id_at_every_retry(self) -> None:
        assert caused_id(unique_id("order-1")) == caused_id(unique_id("order-1"))
        assert caused_id(unique_id("order-1")) != caused_id(unique_id("order-2"))
        assert caused_id(unique_id("order-1")) != unique_id("order-1")
