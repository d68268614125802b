"""`user.current` and `user.apikey.*`: the account behind a call, and its keys."""

import json

import pytest

from gateway.edge.commands.table import COMMANDS
from tests.http.management import done, refused
from tests.support import PASSWORD, RunningGateway, Tracked, until


def test_the_current_user_is_the_one_the_key_belongs_to(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    user = done(gateway, tracked, "user.current")["UserInfo"]
    assert user["UserID"] == tracked.account_id
    assert user["EmailAddress"] == user["Username"] == tracked.account
    assert {"RelUserGroupID", "UserSince", "2FA_Enabled", "GroupInfo", "TimeZone"} <= user.keys()


def test_a_session_opens_the_management_calls_as_a_key_does(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    login = {"Username": tracked.account, "Password": PASSWORD}
    session = gateway.client.post("/api.php?Command=User.Login", json=login).json()["SessionID"]
    answer = gateway.client.post("/api.php?Command=User.Current", json={"SessionID": session})
    assert answer.json()["UserInfo"]["UserID"] == tracked.account_id


def test_a_new_key_is_shown_whole_once_and_opens_the_account(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    made = done(gateway, tracked, "user.apikey.create", Note="shop")
    key = made["APIKey"]["APIKey"]
    assert made["APIKey"]["Note"] == "shop"
    answer = gateway.client.post("/api/v1/user.current", json={"APIKey": key})
    assert answer.json()["UserInfo"]["UserID"] == tracked.account_id
    listed = done(gateway, tracked, "user.apikey.list")
    assert key not in json.dumps(listed)
    [shown] = [k for k in listed["APIKeys"] if k["APIKeyID"] == made["APIKeyID"]]
    assert shown["APIKey"].endswith(key[-4:])


def test_a_deleted_key_opens_nothing_and_is_listed_no_more(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    made = done(gateway, tracked, "user.apikey.create", Note="short-lived")
    done(gateway, tracked, "user.apikey.delete", APIKeyID=made["APIKeyID"])
    answer = gateway.client.post("/api/v1/user.current", json={"APIKey": made["APIKey"]["APIKey"]})
    assert answer.status_code == 401
    listed = done(gateway, tracked, "user.apikey.list")["APIKeys"]
    assert made["APIKeyID"] not in [key["APIKeyID"] for key in listed]
    assert refused(gateway, tracked, "user.apikey.delete", APIKeyID=made["APIKeyID"]) == [2]


def test_a_key_of_another_account_is_not_found(gateway: RunningGateway, tracked: Tracked) -> None:
    other = gateway.new_list()
    made = done(gateway, other, "user.apikey.create", Note="theirs")
    assert refused(gateway, tracked, "user.apikey.delete", APIKeyID=made["APIKeyID"]) == [2]
    assert gateway.client.post(
        "/api/v1/user.current", json={"APIKey": made["APIKey"]["APIKey"]}
    ).json()["Success"]


@pytest.mark.parametrize("missing", ["nonsense", -1, 0, 10**30])
def test_what_is_no_key_id_is_not_found(
    gateway: RunningGateway, tracked: Tracked, missing: object
) -> None:
    assert refused(gateway, tracked, "user.apikey.delete", APIKeyID=missing) == [2]


@pytest.mark.parametrize(
    ("bound", "status"),
    [("127.0.0.1", 200), ("127.0.0.0/8", 200), ("203.0.113.7", 401), ("2001:db8::/32", 401)],
)
def test_a_key_bound_to_an_address_opens_from_there_only(
    gateway: RunningGateway, tracked: Tracked, bound: str, status: int
) -> None:
    made = done(gateway, tracked, "user.apikey.create", Note="bound", BoundIPAddress=bound)
    assert made["APIKey"]["BoundIPAddress"] == bound
    answer = gateway.client.post("/api/v1/user.current", json={"APIKey": made["APIKey"]["APIKey"]})
    assert answer.status_code == status
    params = {"APIKey": made["APIKey"]["APIKey"], "ListID": "999999"}
    stream = gateway.client.get("/api/v1/event.stream", params=params)
    assert stream.status_code == (422 if status == 200 else 401)


def test_a_key_cannot_be_bound_to_what_is_no_address(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    said = refused(gateway, tracked, "user.apikey.create", Note="n", BoundIPAddress="the office")
    assert said == [1003]


def test_how_often_and_from_where_a_key_was_used_is_told(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    made = done(gateway, tracked, "user.apikey.create", Note="counted")
    for _ in range(7):
        gateway.client.post("/api/v1/user.current", json={"APIKey": made["APIKey"]["APIKey"]})

    def told() -> bool:
        listed = done(gateway, tracked, "user.apikey.list")["APIKeys"]
        [key] = [key for key in listed if key["APIKeyID"] == made["APIKeyID"]]
        return key["RequestCount"] == 7 and key["LastUsedIP"] == "127.0.0.1" and key["LastUsedAt"]

    assert made["APIKey"]["RequestCount"] == 0
    assert made["APIKey"]["LastUsedAt"] is None
    until(told)


def test_form_fields_work_as_json_does(gateway: RunningGateway, tracked: Tracked) -> None:
    answer = gateway.client.post(
        "/api.php",
        data={"Command": "User.APIKey.Create", "APIKey": tracked.api_key, "Note": "by form"},
    )
    assert answer.json()["APIKey"]["Note"] == "by form"
    assert "user.apikey.create" in COMMANDS
