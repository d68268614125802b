"""`attribution.create` and `revenue.get`: links that tell whose they are, and what they brought."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.http.management import done, refused, subscribe
from tests.support import RunningGateway, Tracked

ANN = "ann@example.com"


def buy(gateway: RunningGateway, tracked: Tracked, order: str, value: float, token: str) -> None:
    properties = {"conversion-id": order, "conversion-name": "o", "conversion-value": value}
    gateway.beacon(tracked, {"event": "pageView"}, pr=token)
    gateway.call(
        "event", tracked, Event="conversion", Email=ANN, Properties={**properties, "pr": token}
    )


def test_a_whole_link_keeps_the_address_and_carries_the_token(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    subscribe(gateway, tracked, ANN)
    given = {"EmailAddress": ANN, "Campaign": "spring"}
    url = "https://shop.example/a?b=c&pr2=1#top"
    said = done(gateway, tracked, "attribution.create", **given, URL=url)
    link = urlsplit(said["Link"])
    assert (link.netloc, link.path, link.fragment) == ("shop.example", "/a", "top")
    assert parse_qs(link.query) == {"b": ["c"], "pr2": ["1"], "pr": [said["Token"]]}


def test_who_opens_a_minted_link_and_shows_to_be_a_person_is_its_recipient(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    subscribe(gateway, tracked, ANN)
    said = done(gateway, tracked, "attribution.create", EmailAddress=ANN, Campaign="spring")
    gateway.beacon(tracked, {"event": "pageView"}, pr=said["Token"], human=True)
    assert [event.email for event in gateway.events(tracked)] == [ANN]


def test_links_are_made_for_many_recipients_at_once(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    ids = [subscribe(gateway, tracked, f"{n}@example.com") for n in range(3)]
    said = done(gateway, tracked, "attribution.create", SubscriberID=ids, Campaign="c")
    assert [link["SubscriberID"] for link in said["Links"]] == ids
    assert len({link["Token"] for link in said["Links"]}) == 3
    emails = [f"{n}@example.com" for n in range(3)]
    by_email = done(gateway, tracked, "attribution.create", EmailAddress=emails, Campaign="c")
    assert [link["SubscriberID"] for link in by_email["Links"]] == ids


@pytest.mark.parametrize(
    ("parameters", "codes"),
    [
        ({"EmailAddress": "nobody@example.com"}, [3]),
        ({"EmailAddress": [ANN, "nobody@example.com"]}, [3]),
        ({"SubscriberID": "x"}, [3]),
        ({"URL": "shop.example"}, [6]),
        ({"URL": "javascript:alert(1)"}, [6]),
        ({"Campaign": "c" * 201}, [7]),
        ({"Campaign": ""}, [5]),
        ({"EmailAddress": ""}, [4]),
        ({"EmailAddress": [ANN] * 1_001}, [1003]),
    ],
)
def test_a_link_that_cannot_be_is_refused(
    gateway: RunningGateway, tracked: Tracked, parameters: dict[str, Any], codes: list[int]
) -> None:
    subscribe(gateway, tracked, ANN)
    given = {"EmailAddress": ANN, "Campaign": "c", **parameters}
    assert refused(gateway, tracked, "attribution.create", **given) == codes


def test_revenue_is_told_by_list_by_campaign_and_by_person(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    subscribe(gateway, tracked, ANN)
    given = {"EmailAddress": ANN, "Campaign": "spring"}
    token = done(gateway, tracked, "attribution.create", **given)["Token"]
    properties = {"conversion-id": "0", "conversion-name": "o", "conversion-value": 1}
    someone = {"Email": "b@example.com", "Properties": properties}
    gateway.call("event", tracked, Event="conversion", **someone)
    buy(gateway, tracked, "1", 20, token)
    buy(gateway, tracked, "2", 22.5, token)
    buy(gateway, tracked, "2", 22.5, token)

    whole = done(gateway, tracked, "revenue.get")
    assert (whole["TotalRevenue"], whole["Currency"]) == (43.5, "USD")
    assert whole["Revenue"] == [
        {"Campaign": "spring", "Currency": "USD", "Conversions": 2, "Quantity": 2, "Revenue": 42.5},
        {"Campaign": None, "Currency": "USD", "Conversions": 1, "Quantity": 1, "Revenue": 1},
    ]
    assert done(gateway, tracked, "revenue.get", Campaign="spring")["TotalRevenue"] == 42.5
    assert done(gateway, tracked, "revenue.get", Campaign="autumn")["Revenue"] == []
    assert done(gateway, tracked, "revenue.get", EmailAddress=ANN)["TotalRevenue"] == 42.5
    assert done(gateway, tracked, "revenue.get", EmailAddress="B@example.com")["TotalRevenue"] == 1
    assert refused(gateway, tracked, "revenue.get", EmailAddress="nobody@example.com") == [3]
    assert done(gateway, tracked, "list.get", GetStats=1)["List"]["TotalRevenue"] == 43.5
