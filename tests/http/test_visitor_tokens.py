"""Who a browser is: by the cookie, by the token its page kept, by the seed its pages share."""

import uuid

import httpx
import pytest

from gateway.signing import Signing
from tests.support import RunningGateway, Tracked

SHOP = "https://shop.example"
YEAR_AND_A_BIT_S = str(400 * 86_400)


def visitor_of(
    gateway: RunningGateway,
    tracked: Tracked,
    *,
    cookie: str = "",
    headers: dict[str, str] | None = None,
    **more: object,
) -> httpx.Response:
    sent = {"cookie": cookie} if cookie else {}
    answer = gateway.beacon(tracked, {"event": "x"}, headers={**sent, **(headers or {})}, **more)
    assert answer.status_code == 200, answer.text
    return answer


def cookie_of(answer: httpx.Response) -> dict[str, str]:
    """`Set-Cookie` by its attributes' names in lower case."""
    pairs = (part.strip().partition("=") for part in answer.headers["set-cookie"].split(";"))
    return {name.lower(): value for name, _, value in pairs}


def test_the_token_of_an_answer_makes_the_next_beacon_the_same_visitor(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    first = visitor_of(gateway, tracked).json()
    second = visitor_of(gateway, tracked, visitor=first["visitor"]).json()
    assert (second["uuid"], second["visitor"]) == (first["uuid"], first["visitor"])
    assert {event.uuid for event in gateway.events(tracked)} == {first["uuid"]}
    assert visitor_of(gateway, tracked).json()["uuid"] != first["uuid"]


def test_the_cookie_alone_makes_the_next_beacon_the_same_visitor(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    """As a browser does: it sends back what it was given."""
    with httpx.Client(trust_env=False) as browser:
        said = [gateway.beacon(tracked, {"event": "x"}, client=browser).json() for _ in range(3)]
    assert len({answer["uuid"] for answer in said}) == 1


@pytest.mark.parametrize(
    "forgery",
    ["other uuid", "cut short", "other secret", "unsigned", "garbage", "tracker id"],
)
@pytest.mark.parametrize("carrier", ["cookie", "token"])
def test_a_forged_or_damaged_token_makes_a_new_visitor(
    gateway: RunningGateway, tracked: Tracked, forgery: str, carrier: str
) -> None:
    known = visitor_of(gateway, tracked).json()
    victim = uuid.UUID(known["uuid"])
    token = {
        "other uuid": str(uuid.uuid4()) + known["visitor"][36:],
        "cut short": known["visitor"][:-1],
        "other secret": Signing(["some other secret"]).visitor_token(victim),
        "unsigned": str(victim),
        "garbage": "%00\\x22.!",
        "tracker id": tracked.list_tracker_id,
    }[forgery]
    if carrier == "cookie":
        answer = visitor_of(gateway, tracked, cookie=f"octethUUID={token}").json()
    else:
        answer = visitor_of(gateway, tracked, visitor=token).json()
    assert answer["uuid"] != known["uuid"]
    assert answer["uuid"] not in token
    assert answer["visitor"].startswith(answer["uuid"])


def test_a_cookie_that_shadows_ours_does_not_hide_it(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    known = visitor_of(gateway, tracked).json()
    cookie = f"a=b; octethUUID=shadow; octethUUID={known['visitor']}; c=d"
    assert visitor_of(gateway, tracked, cookie=cookie).json()["uuid"] == known["uuid"]


# -- the cookie as it is set ----------------------------------------------------------------


def test_the_cookie_carries_the_token_for_400_days_and_rolls(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    first = visitor_of(gateway, tracked)
    again = visitor_of(gateway, tracked, cookie=f"octethUUID={first.json()['visitor']}")
    for answer in (first, again):
        cookie = cookie_of(answer)
        assert cookie["octethuuid"] == first.json()["visitor"]
        assert (cookie["max-age"], cookie["path"]) == (YEAR_AND_A_BIT_S, "/")


@pytest.mark.parametrize(
    ("host", "origin", "domain"),
    [
        ("track.shop.example", "https://www.shop.example", "shop.example"),
        ("track.shop.co.uk", "https://shop.co.uk", "shop.co.uk"),
        ("track.shop.co.uk:8000", "https://a.b.shop.co.uk:444", "shop.co.uk"),
        ("127.0.0.1:8000", "http://127.0.0.1:8001", None),
        ("localhost:8000", "http://localhost:8001", None),
        ("track.shop.example", "", "shop.example"),
    ],
)
def test_on_the_same_site_the_cookie_is_lax_and_for_the_whole_site(
    gateway: RunningGateway, tracked: Tracked, host: str, origin: str, domain: str | None
) -> None:
    headers = {"host": host} | ({"origin": origin} if origin else {})
    cookie = cookie_of(visitor_of(gateway, tracked, headers=headers))
    assert cookie["samesite"] == "Lax"
    assert cookie.get("domain") == domain
    assert "secure" not in cookie  # this is plain http
    assert "partitioned" not in cookie


def test_for_an_allowed_site_elsewhere_the_cookie_is_partitioned(gateway: RunningGateway) -> None:
    tracked = gateway.new_list([SHOP])
    answer = visitor_of(gateway, tracked, headers={"origin": SHOP})
    cookie = cookie_of(answer)
    assert cookie["samesite"] == "None"
    assert {"secure", "partitioned"} <= cookie.keys()
    assert "domain" not in cookie
    known = answer.json()
    again = visitor_of(
        gateway, tracked, cookie=f"octethUUID={known['visitor']}", headers={"origin": SHOP}
    )
    assert again.json()["uuid"] == known["uuid"]


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("127.0.0.1", "https://evil.example"),
        ("127.0.0.1", "null"),
        ("127.0.0.1", "https://shop.example.evil.example"),
        ("127.0.0.1", "http://shop.example"),
        ("127.0.0.1", "https://shop.example:8443"),
        ("127.0.0.1", "http://127.0.0.2"),
        ("track.shop.test", "https://shop.test.evil.test"),
        ("a.co.uk", "https://b.co.uk"),
        ("a.github.io", "https://b.github.io"),
    ],
)
def test_for_any_other_site_no_cookie_is_honoured_nor_set_and_the_pages_token_still_counts(
    gateway: RunningGateway, host: str, origin: str
) -> None:
    tracked = gateway.new_list([SHOP])
    known = visitor_of(gateway, tracked).json()
    headers = {"host": host, "origin": origin}
    answer = visitor_of(gateway, tracked, cookie=f"octethUUID={known['visitor']}", headers=headers)
    assert answer.json()["uuid"] != known["uuid"]
    assert "set-cookie" not in answer.headers
    kept = visitor_of(gateway, tracked, visitor=known["visitor"], headers=headers)
    assert kept.json()["uuid"] == known["uuid"]


# -- the seed -------------------------------------------------------------------------------


def test_pages_that_share_a_seed_are_one_visitor_of_the_list(gateway: RunningGateway) -> None:
    here, there = gateway.new_list(), gateway.new_list()
    first, second = (visitor_of(gateway, here, seed="s" * 32).json()["uuid"] for _ in range(2))
    assert first == second
    assert {event.uuid for event in gateway.events(here)} == {first}
    assert visitor_of(gateway, there, seed="s" * 32).json()["uuid"] != first
    assert visitor_of(gateway, here, seed="t" * 32).json()["uuid"] != first


def test_a_known_browser_stays_who_it_is_whatever_its_seed(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    known = visitor_of(gateway, tracked, seed="s" * 32).json()
    again = visitor_of(gateway, tracked, seed="t" * 32, visitor=known["visitor"]).json()
    assert again["uuid"] == known["uuid"]


def test_a_browser_whose_token_is_damaged_is_known_by_its_seed(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    known = visitor_of(gateway, tracked, seed="s" * 32).json()
    again = visitor_of(gateway, tracked, seed="s" * 32, visitor=known["visitor"][:-3]).json()
    assert again["uuid"] == known["uuid"]


def test_nobody_can_choose_a_uuid_by_its_seed(gateway: RunningGateway, tracked: Tracked) -> None:
    known = visitor_of(gateway, tracked).json()["uuid"]
    assert visitor_of(gateway, tracked, seed=known).json()["uuid"] != known
