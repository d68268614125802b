"""How much one address may send, and which address a request comes from."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gateway.settings import Limits
from tests.support import RunningGateway, Tracked, running_gateway

TRUSTED = ("127.0.0.0/8", "10.0.0.0/8")


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """Behind proxies it trusts; an address may send one event a minute."""
    limits = Limits(beacon_events_per_minute=1)
    folder = tmp_path_factory.mktemp("proxied")
    with running_gateway(folder, trusted_proxies=TRUSTED, limits=limits) as running:
        yield running


def from_hops(gateway: RunningGateway, tracked: Tracked, hops: str) -> httpx.Response:
    return gateway.beacon(tracked, {"event": "x"}, headers={"x-forwarded-for": hops})


def identify(number: int) -> dict[str, str]:
    return {"id": f"i-{number}", "event": "identify", "email": f"person{number}@example.com"}


def test_over_the_limit_of_an_address_the_page_may_read_when_to_come_back(
    proxied: RunningGateway,
) -> None:
    tracked = proxied.new_list()
    headers = {"x-forwarded-for": "198.51.100.1", "origin": "https://shop.example"}
    assert proxied.beacon(tracked, {"event": "x"}, headers=headers).status_code == 200
    answer = proxied.beacon(tracked, {"event": "x"}, headers=headers)
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert "retry-after" in answer.headers["access-control-expose-headers"].lower()
    assert len(proxied.events(tracked)) == 1


def test_behind_a_trusted_proxy_the_address_is_the_right_most_hop_it_does_not_vouch_for(
    proxied: RunningGateway,
) -> None:
    """What a client writes to the left of its own address gets it nowhere."""
    tracked = proxied.new_list()
    assert from_hops(proxied, tracked, "203.0.113.1").status_code == 200
    assert from_hops(proxied, tracked, "203.0.113.2").status_code == 200
    for spoofed in ("203.0.113.1", "192.0.2.9, 203.0.113.1", "192.0.2.8,203.0.113.1, 10.1.2.3"):
        assert from_hops(proxied, tracked, spoofed).status_code == 429


def test_a_proxy_nobody_trusts_is_itself_the_address(tmp_path: Path) -> None:
    with running_gateway(tmp_path, limits=Limits(beacon_events_per_minute=1)) as own:
        tracked = own.new_list()
        assert from_hops(own, tracked, "203.0.113.1").status_code == 200
        assert from_hops(own, tracked, "203.0.113.2").status_code == 429


def test_by_a_trusted_proxys_word_the_browser_came_over_https(proxied: RunningGateway) -> None:
    tracked = proxied.new_list()
    headers = {"x-forwarded-for": "203.0.113.50", "x-forwarded-proto": "https"}
    answer = proxied.beacon(tracked, {"event": "x"}, headers=headers)
    assert "; Secure" in answer.headers["set-cookie"]


def test_by_anybody_elses_word_it_did_not(gateway: RunningGateway, tracked: Tracked) -> None:
    headers = {"x-forwarded-proto": "https"}
    answer = gateway.beacon(tracked, {"event": "x"}, headers=headers)
    assert "Secure" not in answer.headers["set-cookie"]


def test_an_address_may_bind_30_people_an_hour_and_the_rest_are_told_to_come_back(
    tmp_path: Path,
) -> None:
    """An address list could be bombed otherwise. Other events are taken all the same."""
    with running_gateway(tmp_path) as own:
        tracked = own.new_list()
        browsers = [own.beacon(tracked, identify(number)).json() for number in range(30)]
        assert {browser["results"][0]["result"] for browser in browsers} == {"stored"}
        answer = own.beacon(tracked, identify(30), {"id": "x", "event": "x"})
        late, other = answer.json()["results"]
        assert (late["id"], late["result"]) == ("i-30", "retry")
        assert late["reason"]
        assert other == {"id": "x", "result": "stored"}
        assert "person30@example.com" not in {event.email for event in own.events(tracked)}

        again = own.beacon(tracked, identify(0) | {"id": "n"}, visitor=browsers[0]["visitor"])
        assert again.json()["results"][0]["result"] == "stored"
        server = own.call("event", tracked, Event="identify", Email="person30@example.com")
        assert server.status_code == 200


def test_saying_the_same_address_again_in_one_batch_binds_nobody_new(tmp_path: Path) -> None:
    """A site that identifies with every event uses up one binding, not one an event."""
    with running_gateway(tmp_path) as own:
        tracked = own.new_list()
        events = [identify(0) | {"id": f"n-{number}"} for number in range(40)]
        said = own.beacon(tracked, *events).json()["results"]
        assert {result["result"] for result in said} == {"stored"}
