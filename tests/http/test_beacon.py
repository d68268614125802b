"""`POST /e`: what browsers send, and the result each event gets."""

import json
import uuid
from typing import Any

import pytest

from gateway import clock
from tests.support import CHROME, RunningGateway, Tracked

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/17.1 Mobile/15E148 Safari/604.1"
)
IPAD = (
    "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/16.6 Mobile/15E148 Safari/604.1"
)
ANDROID = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/120.0.0.0 Mobile Safari/537.36"
)
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def results(gateway: RunningGateway, tracked: Tracked, *events: Any, **more: Any) -> list[Any]:
    answer = gateway.beacon(tracked, *events, **more)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["results"])


def test_a_batch_is_answered_event_by_event_in_order(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    """One that cannot be read does not cost the others."""
    bad = {"id": "b", "event": "identify", "email": "nobody"}
    answer = gateway.beacon(
        tracked, {"id": "a", "event": "pageView"}, bad, {"id": "c", "event": "x"}, 5
    )
    said = answer.json()
    assert said.keys() == {"uuid", "visitor", "results"}
    assert said["results"][0] == {"id": "a", "result": "stored"}
    assert said["results"][2] == {"id": "c", "result": "stored"}
    rejected, unreadable = said["results"][1], said["results"][3]
    assert (rejected["id"], rejected["result"]) == ("b", "rejected")
    assert rejected["reason"] == "Invalid email parameter."
    assert (unreadable["id"], unreadable["result"]) == (None, "rejected")
    assert unreadable["reason"]
    stored = gateway.events(tracked)
    assert [event.event for event in stored] == ["pageView", "x"]
    assert {event.uuid for event in stored} == {said["uuid"]}
    assert {event.source for event in stored} == {"tracker"}


def test_one_event_may_stand_at_the_top_level(gateway: RunningGateway, tracked: Tracked) -> None:
    body = {"list": tracked.list_tracker_id, "id": "one", "event": "x", "properties": {"a": 1}}
    answer = gateway.client.post("/e", content=json.dumps(body))
    assert answer.json()["results"] == [{"id": "one", "result": "stored"}]
    [stored] = gateway.events(tracked)
    assert (stored.event, stored.properties["a"]) == ("x", 1)


def test_an_event_sent_again_is_a_duplicate_and_changes_nothing(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    event = {"id": str(uuid.uuid4()), "event": "identify", "email": "ann@example.com"}
    assert [r["result"] for r in results(gateway, tracked, event, event)] == ["stored", "duplicate"]
    assert [r["result"] for r in results(gateway, tracked, event)] == ["duplicate"]
    assert len(gateway.events(tracked)) == 1


def test_a_crawlers_event_is_dropped_for_being_a_bots(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    headers = {"user-agent": GOOGLEBOT}
    said = results(gateway, tracked, {"id": "a", "event": "pageView"}, headers=headers)
    assert said == [{"id": "a", "result": "dropped", "reason": "bot"}]
    assert gateway.events(tracked) == []


def test_a_test_event_is_dropped_for_being_one(gateway: RunningGateway, tracked: Tracked) -> None:
    event = {"id": "a", "event": "x", "properties": {"isTest": True}}
    assert results(gateway, tracked, event) == [{"id": "a", "result": "dropped", "reason": "test"}]
    assert gateway.events(tracked) == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("", 400),
        ("nonsense", 400),
        ('{"events": [', 400),
        ("[]", 422),
        ("5", 422),
        ("{}", 422),
        ('{"list": LIST, "events": []}', 422),
        ('{"list": LIST, "events": "x"}', 422),
        ('{"list": LIST, "events": null}', 422),
        ('{"list": LIST, "v": 2, "event": "x"}', 422),
        ('{"list": 5, "event": "x"}', 422),
    ],
)
def test_only_when_no_event_can_be_read_is_the_answer_a_4xx(
    gateway: RunningGateway, tracked: Tracked, body: str, status: int
) -> None:
    body = body.replace("LIST", json.dumps(tracked.list_tracker_id))
    answer = gateway.client.post("/e", content=body, headers={"origin": "https://shop.example"})
    assert answer.status_code == status
    assert answer.json()["Errors"][0]["Message"]
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"


def test_a_batch_may_have_500_events_and_not_one_more(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    batch = [{"event": "x"}] * 500
    assert len(results(gateway, tracked, *batch)) == 500
    assert gateway.beacon(tracked, *batch, {"event": "x"}).status_code == 422
    assert len(gateway.events(tracked)) == 500


# -- whose snippet --------------------------------------------------------------------------


@pytest.mark.parametrize("forged", ["1", "x.y", "", "MQ.AAAA", "user"])
def test_a_forged_list_tracker_id_is_refused(
    gateway: RunningGateway, tracked: Tracked, forged: str
) -> None:
    token = tracked.user_tracker_id if forged == "user" else forged
    answer = gateway.beacon(tracked, {"event": "x"}, list=token)
    assert answer.status_code == 422
    assert answer.json()["Errors"][0]["Code"] >= 1001
    assert gateway.events(tracked) == []


@pytest.mark.parametrize("forged", ["foreign", "list", "x.y"])
def test_a_user_tracker_id_that_does_not_go_with_the_list_is_refused(
    gateway: RunningGateway, tracked: Tracked, forged: str
) -> None:
    other = gateway.new_list()
    tokens = {"foreign": other.user_tracker_id, "list": tracked.list_tracker_id}
    answer = gateway.beacon(tracked, {"event": "x"}, user=tokens.get(forged, forged))
    assert answer.status_code == 422
    assert gateway.events(tracked) == []


# -- what is stored -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("agent", "hints", "browser", "os", "device", "device_type"),
    [
        (CHROME, {}, "Chrome", "Windows", "Other", "desktop"),
        (IPHONE, {}, "Mobile Safari", "iOS", "iPhone", "mobile"),
        (IPAD, {}, "Mobile Safari", "iOS", "iPad", "tablet"),
        (ANDROID, {}, "Chrome Mobile", "Android", "K", "mobile"),
        (ANDROID, {"model": '"Pixel 8"'}, "Chrome Mobile", "Android", "Pixel 8", "mobile"),
        (CHROME, {"mobile": "?1"}, "Chrome", "Windows", "Other", "mobile"),
        ("MyFridge/1.0", {"platform": '"Tizen"'}, "Other", "Tizen", "Other", "other"),
    ],
)
def test_browser_system_and_device_are_the_servers_word_over_the_pages(
    gateway: RunningGateway,
    tracked: Tracked,
    agent: str,
    hints: dict[str, str],
    browser: str,
    os: str,
    device: str,
    device_type: str,
) -> None:
    names = ("$browser", "$os", "$device", "$device_type", "$browser_version", "$uuid", "$list_id")
    claims = dict.fromkeys(names, "a lie")
    headers = {"user-agent": agent, **{f"sec-ch-ua-{name}": word for name, word in hints.items()}}
    event = {"event": "x", "properties": claims}
    answer = gateway.beacon(tracked, event, headers=headers, context=claims).json()
    [stored] = gateway.events(tracked)
    assert [stored.properties[name] for name in names[:4]] == [browser, os, device, device_type]
    assert stored.properties["$uuid"] == answer["uuid"]
    assert stored.properties["$list_id"] == tracked.list_id
    assert stored.properties["$server"] == "127.0.0.1"


def test_the_context_holds_for_all_events_and_an_events_own_word_goes_over_it(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    context = {
        "$current_url": "https://shop.example/a?b",
        "$referrer": "https://search.example/q",
        "$screen_width": 1280,
        "$pageTitle": "A",
    }
    own = {"event": "x", "properties": {"$pageTitle": "B"}}
    gateway.beacon(tracked, {"event": "x"}, own, context=context)
    first, second = (event.properties for event in gateway.events(tracked))
    assert (first["$pageTitle"], second["$pageTitle"]) == ("A", "B")
    assert (first["$pathname"], first["$host"]) == ("/a", "shop.example")
    assert first["$referring_domain"] == "search.example"
    assert second["$screen_width"] == 1280
    assert first["$browser_language"] is None


def test_a_browser_cannot_state_the_senders_instant_of_receipt_or_a_clock_that_is_off(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    """A clock an hour slow: what happened 5 s before sending happened 5 s before receipt."""
    sent_at = clock.now_ms() - 3_600_000
    gateway.beacon(tracked, {"event": "x", "at": sent_at - 5_000}, sent_at=sent_at)
    [stored] = gateway.events(tracked)
    assert stored.sent_at_ms == sent_at
    assert stored.received_at_ms - stored.happened_at_ms == 5_000


def test_only_a_server_may_say_whose_visitor_or_id_an_event_is(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    known = gateway.call("event", tracked, Event="x", ID="user-1").json()["uuid"]
    answer = gateway.beacon(
        tracked, {"event": "x", "uuid": known, "UUID": known, "ID": "user-1"}, uuid=known
    )
    assert answer.json()["uuid"] != known
    assert "user-1" not in answer.text


def test_events_after_a_change_of_address_belong_to_the_new_person(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    answer = gateway.beacon(
        tracked,
        {"event": "first"},
        {"event": "identify", "email": "ann@example.com"},
        {"event": "hers"},
        {"event": "identify", "email": "bob@example.com"},
        {"event": "his"},
    ).json()
    owner = {
        event.event: event.email for event in gateway.events(tracked) if event.kind == "custom"
    }
    assert owner == {
        "first": "ann@example.com",
        "hers": "ann@example.com",
        "his": "bob@example.com",
    }
    gateway.beacon(tracked, {"event": "later"}, visitor=answer["visitor"])
    assert gateway.events(tracked)[-1].email == "bob@example.com"


# -- CORS -----------------------------------------------------------------------------------


def test_any_page_with_the_snippet_may_read_the_answer(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    headers = {"origin": "https://any.example"}
    answer = gateway.beacon(tracked, {"event": "x"}, headers=headers)
    assert answer.headers["access-control-allow-origin"] == "https://any.example"
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert "origin" in answer.headers["vary"].lower()


def test_a_preflight_is_answered(gateway: RunningGateway) -> None:
    headers = {
        "origin": "https://any.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
    }
    answer = gateway.client.options("/e", headers=headers)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "https://any.example"
    assert answer.headers["access-control-allow-methods"] == "POST"
    assert answer.headers["access-control-allow-headers"] == "content-type"
    assert answer.headers["access-control-allow-credentials"] == "true"
