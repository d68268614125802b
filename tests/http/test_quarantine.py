"""What cannot be taken is kept with the reason, whichever door it came to, before that is said."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest

from gateway.records import suppressions
from gateway.settings import Limits
from gateway.store.database import open_database, transaction
from tests.http.test_envelopes import locked_by_another_process
from tests.support import RunningGateway, Tracked, metrics, running_gateway, until

BAD = {"id": "bad", "event": "identify", "email": "nobody"}
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def payloads(gateway: RunningGateway, tracked: Tracked) -> list[Any]:
    return [json.loads(kept.payload) for kept in gateway.quarantined(tracked)]


def results(answer: Any) -> list[Any]:
    assert answer.status_code == 200, answer.text
    return list(answer.json()["results"])


def test_a_browser_hears_that_an_event_is_rejected_and_it_is_kept(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    """Rejected, so that the tracker takes it out of its outbox: it would be no better next time."""
    answer = gateway.beacon(tracked, {"id": "good", "event": "x"}, BAD, 5, context={"a": 1})
    good, bad, number = results(answer)
    assert good == {"id": "good", "result": "stored"}
    assert bad == {"id": "bad", "result": "rejected", "reason": "Invalid email parameter."}
    assert number["result"] == "rejected"
    kept = gateway.quarantined(tracked)
    assert [json.loads(each.payload) for each in kept] == [BAD, 5]
    assert [each.code for each in kept[0].problems] == [7]
    request = kept[0].request
    assert request.facts.context == {"a": 1}
    assert "Chrome/120" in request.facts.agent
    [stored] = gateway.events(tracked)
    assert stored.uuid == answer.json()["uuid"]
    assert request.visitor
    assert request.visitor.hex() == stored.uuid.replace("-", "")
    assert request.received_at_ms == stored.received_at_ms


def test_what_the_pixel_refuses_is_kept(gateway: RunningGateway, tracked: Tracked) -> None:
    given = {"list": tracked.list_tracker_id, "event": "conversion", "id": "p", "product": "mug"}
    answer = gateway.client.get("/p.gif", params=given)
    assert answer.headers["x-gateway-result"].startswith("rejected; Missing conversion-id")
    [kept] = gateway.quarantined(tracked)
    assert kept.door.name == "PIXEL"
    assert json.loads(kept.payload)["properties"] == {"product": "mug"}


def test_what_a_server_is_refused_is_kept_without_its_key(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    answer = gateway.call("event", tracked, Event="identify", EventID="e", Properties={"a": 1})
    assert answer.status_code == 422
    assert answer.json()["Errors"] == [{"Code": 6, "Message": "Missing email parameter."}]
    [kept] = gateway.quarantined(tracked)
    assert json.loads(kept.payload) == {
        "event": "identify",
        "eventid": "e",
        "properties": {"a": 1},
    }
    assert kept.door.name == "API"


@pytest.mark.parametrize("list_id", ["another's", 999_999, None])
def test_what_names_no_list_of_the_caller_s_is_kept_nowhere(
    gateway: RunningGateway, tracked: Tracked, list_id: object
) -> None:
    other = gateway.new_list()
    named = other.list_id if list_id == "another's" else list_id
    assert gateway.call("event", tracked, ListID=named, Event="identify").status_code == 422
    assert gateway.quarantined(tracked) == gateway.quarantined(other) == []


def test_a_retry_is_answered_the_same_and_kept_once(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    said = [results(gateway.beacon(tracked, BAD)) for _ in range(3)]
    assert said[0] == said[1] == said[2]
    calls = [gateway.call("event", tracked, Event=" ", EventID="e-1") for _ in range(3)]
    assert {call.status_code for call in calls} == {422}
    assert len(gateway.quarantined(tracked)) == 2


def test_no_token_of_the_browser_is_kept(gateway: RunningGateway, tracked: Tracked) -> None:
    """Not even where the event stands in one object with them, nor its cookie."""
    token = gateway.beacon(tracked, {"event": "x"}).json()["visitor"]
    body = {
        "list": tracked.list_tracker_id,
        "user": tracked.user_tracker_id,
        "visitor": token,
        "seed": "s33d",
        "pr": token,
        **BAD,
        "properties": {"$email_hmac": token, "$current_url": f"https://a.example/?token={token}"},
    }
    headers = {"cookie": f"oct={token}", "authorization": f"Bearer {token}"}
    assert gateway.client.post("/e", json=body, headers=headers).status_code == 200
    [kept] = gateway.quarantined(tracked)
    for secret in (token, "s33d", tracked.list_tracker_id, tracked.user_tracker_id):
        assert secret not in kept.payload + kept.facts


@pytest.mark.parametrize("policy", ["off", "cookieless", "ignore"])
def test_a_visitor_s_wish_holds_for_what_is_refused_too(
    gateway: RunningGateway, tracked: Tracked, policy: str
) -> None:
    gateway.set_privacy(tracked, policy)
    [said] = results(gateway.beacon(tracked, BAD, headers={"sec-gpc": "1"}))
    if policy == "off":
        assert said == {"id": "bad", "result": "dropped", "reason": "opted out"}
        assert gateway.quarantined(tracked) == []
    else:
        assert said["result"] == "rejected"
        assert payloads(gateway, tracked) == [BAD]


def test_a_crawler_fills_no_quarantine(gateway: RunningGateway, tracked: Tracked) -> None:
    [said] = results(gateway.beacon(tracked, BAD, headers={"user-agent": GOOGLEBOT}))
    assert said == {"id": "bad", "result": "dropped", "reason": "bot"}
    assert gateway.quarantined(tracked) == []


def test_who_tries_an_event_out_is_told_what_is_wrong_and_leaves_nothing(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    [said] = results(gateway.beacon(tracked, BAD | {"isTest": True}))
    assert said == {"id": "bad", "result": "rejected", "reason": "Invalid email parameter."}
    answer = gateway.call("event", tracked, Event="identify", isTest=True)
    assert (answer.status_code, answer.json()["Errors"][0]["Code"]) == (422, 6)
    assert gateway.quarantined(tracked) == []


def test_nothing_is_kept_of_who_was_erased(gateway: RunningGateway, tracked: Tracked) -> None:
    digest = suppressions.email_digest("ann@example.com")
    with contextlib.closing(open_database(gateway.settings.db)) as db, transaction(db):
        suppressions.add(db, tracked.list_id, digest, 1)
    bad = {"id": "a", "event": " ", "email": "ann@example.com"}
    assert results(gateway.beacon(tracked, bad)) == [
        {"id": "a", "result": "dropped", "reason": "erased"}
    ]
    assert gateway.call("event", tracked, Event=" ", Email="ann@example.com").status_code == 422
    assert gateway.quarantined(tracked) == []


def test_beyond_the_bound_the_newest_are_kept(tmp_path: Path) -> None:
    with running_gateway(tmp_path, limits=Limits(quarantine_rows_max=3)) as own:
        tracked = own.new_list()
        for number in range(3):
            own.beacon(tracked, BAD | {"id": f"{number}"}, BAD | {"id": f"{number}+"})
        assert [payload["id"] for payload in payloads(own, tracked)] == ["1+", "2", "2+"]


def test_what_can_be_kept_nowhere_is_to_be_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the file is locked a refusal would be the last that anybody hears of an event."""
    monkeypatch.setattr("gateway.store.database.LOCK_WAIT_S", 0.1)
    with running_gateway(tmp_path) as own:
        tracked = own.new_list()
        with locked_by_another_process(own.settings.db):
            [said] = results(own.beacon(tracked, BAD))
            assert (said["id"], said["result"]) == ("bad", "retry")
            answer = own.call("event", tracked, Event=" ")
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            given = {"list": tracked.list_tracker_id, "event": " "}
            pixel = own.client.get("/p.gif", params=given)
            assert pixel.headers["x-gateway-result"].startswith("retry")
        assert own.quarantined(tracked) == []
        assert results(own.beacon(tracked, BAD))[0]["result"] == "rejected"
        assert payloads(own, tracked) == [BAD]


def test_what_nobody_replayed_in_time_goes_and_is_counted(tmp_path: Path) -> None:
    """By the clock, not only when something new comes in."""
    with running_gateway(tmp_path) as own:
        tracked = own.new_list()
        own.beacon(tracked, BAD, 5)
        assert len(own.quarantined(tracked)) == 2
    with running_gateway(tmp_path, limits=Limits(quarantine_days=0)) as later:
        until(lambda: later.quarantined(tracked) == [])
        until(lambda: metrics(later.url).get(("gateway_quarantine_evicted_total", "old")) == 2)
