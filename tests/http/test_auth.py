"""Who may call: by key, by session, by Bearer; and what everybody else is told."""

import contextlib
import logging
from typing import Any

import httpx
import pytest
from itsdangerous import TimestampSigner

from gateway import clock
from gateway.records import keys
from gateway.store.database import open_database, transaction
from tests.support import PASSWORD, RunningGateway, Tracked

CATALOG = "/api/v1/website_events.properties"
NO_ENTRY = "Authentication failure or session expired"
KEY_NOBODY_HAS = "gw_" + "A" * 43


def login(gateway: RunningGateway, **parameters: Any) -> httpx.Response:
    return gateway.client.post("/api/v1/user.login", json=parameters)


def session_of(gateway: RunningGateway, tracked: Tracked) -> str:
    return str(login(gateway, Username=tracked.account, Password=PASSWORD).json()["SessionID"])


def read(
    gateway: RunningGateway, tracked: Tracked, bearer: str = "", **parameters: Any
) -> httpx.Response:
    headers = {"authorization": bearer} if bearer else {}
    body = {"ListID": tracked.list_id, **parameters}
    return gateway.client.post(CATALOG, json=body, headers=headers)


def assert_no_entry(answer: httpx.Response) -> None:
    assert answer.status_code == 401
    assert answer.json() == {
        "Success": False,
        "ErrorCode": 99998,
        "ErrorText": NO_ENTRY,
        "Errors": [{"Code": 99998, "Message": NO_ENTRY}],
    }


def test_a_key_opens_its_accounts_lists(gateway: RunningGateway, tracked: Tracked) -> None:
    assert read(gateway, tracked, APIKey=tracked.api_key).status_code == 200


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_key_may_come_as_bearer(gateway: RunningGateway, tracked: Tracked, scheme: str) -> None:
    assert read(gateway, tracked, f"{scheme} {tracked.api_key}").status_code == 200


def test_a_session_does_what_a_key_does(gateway: RunningGateway, tracked: Tracked) -> None:
    session = session_of(gateway, tracked)
    assert read(gateway, tracked, SessionID=session).status_code == 200
    body = {"SessionID": session, "ListID": tracked.list_id, "Event": "x"}
    assert gateway.client.post("/api/v1/event", json=body).status_code == 200
    assert len(gateway.events(tracked)) == 1


@pytest.mark.parametrize(
    "credentials",
    [
        {},
        {"APIKey": ""},
        {"APIKey": None},
        {"APIKey": 5},
        {"APIKey": [KEY_NOBODY_HAS]},
        {"APIKey": KEY_NOBODY_HAS},
        {"SessionID": ""},
        {"SessionID": "forged"},
        {"SessionID": {"account": 1}},
        {"bearer": f"Bearer {KEY_NOBODY_HAS}"},
        {"bearer": "Bearer"},
        {"bearer": "Basic YTpi"},
    ],
)
def test_without_a_credential_that_is_known_nothing_opens(
    gateway: RunningGateway, tracked: Tracked, credentials: dict[str, Any]
) -> None:
    assert_no_entry(read(gateway, tracked, **credentials))


@pytest.mark.parametrize("path", ["/api/v1/event", CATALOG, "/api.php?Command=event.track"])
def test_every_call_asks_who_it_is_before_it_says_anything_else(
    gateway: RunningGateway, path: str
) -> None:
    assert_no_entry(gateway.client.post(path, json={"ListID": "wrong"}))


def test_a_revoked_key_opens_nothing_from_that_moment(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    assert read(gateway, tracked, APIKey=tracked.api_key).status_code == 200
    with contextlib.closing(open_database(gateway.settings.db)) as db, transaction(db):
        [key] = keys.of_account(db, tracked.account_id)
        keys.revoke(db, tracked.account_id, key.id, clock.now_ms())
    assert_no_entry(read(gateway, tracked, APIKey=tracked.api_key))
    assert_no_entry(read(gateway, tracked, f"Bearer {tracked.api_key}"))


def test_a_session_ends_when_it_is_too_old(
    gateway: RunningGateway, tracked: Tracked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock is what sessions are dated by."""
    session = session_of(gateway, tracked)
    now_s = clock.now_ms() // 1000
    age_s = gateway.settings.session_hours * 3600

    def at(instant_s: int) -> httpx.Response:
        monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda self: instant_s)
        return read(gateway, tracked, SessionID=session)

    assert at(now_s + age_s - 60).status_code == 200
    assert_no_entry(at(now_s + age_s + 60))


def test_a_session_ends_when_the_password_changes(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    session = session_of(gateway, tracked)
    with contextlib.closing(open_database(gateway.settings.db)) as db:
        db.execute(
            "update accounts set password_hash = 'another' where id = ?", (tracked.account_id,)
        )
    assert_no_entry(read(gateway, tracked, SessionID=session))


def test_a_damaged_session_opens_nothing(gateway: RunningGateway, tracked: Tracked) -> None:
    session = session_of(gateway, tracked)
    assert_no_entry(read(gateway, tracked, SessionID=session[:-2]))
    assert_no_entry(read(gateway, tracked, SessionID=session + "x"))


@pytest.mark.parametrize("token", ["user_tracker_id", "list_tracker_id", "visitor"])
def test_no_other_token_of_ours_stands_in_for_a_session_or_a_key(
    gateway: RunningGateway, tracked: Tracked, token: str
) -> None:
    """These reach every browser."""
    answer = gateway.beacon(tracked, {"event": "x"})
    public = {"visitor": answer.json()["visitor"]}.get(token) or getattr(tracked, token)
    assert_no_entry(read(gateway, tracked, SessionID=public))
    assert_no_entry(read(gateway, tracked, APIKey=public))


# -- user.login -----------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/api/v1/user.login", "/api.php?Command=User.Login"])
def test_signing_in_answers_a_session_and_who_one_is(
    gateway: RunningGateway, tracked: Tracked, path: str
) -> None:
    body = {"username": tracked.account.upper(), "PASSWORD": PASSWORD}
    answer = gateway.client.post(path, json=body)
    assert answer.status_code == 200
    said = answer.json()
    assert (said["Success"], said["ErrorCode"]) == (True, 0)
    assert said.keys() == {"Success", "ErrorCode", "ErrorText", "SessionID", "UserInfo"}
    assert said["UserInfo"].keys() == {
        "UserID",
        "Username",
        "EmailAddress",
        "FirstName",
        "LastName",
        "AccountStatus",
    }
    assert said["UserInfo"]["EmailAddress"] == tracked.account
    assert read(gateway, tracked, SessionID=said["SessionID"]).status_code == 200


LOGIN_MESSAGES = {
    1: "Missing Username parameter",
    2: "Missing Password parameter",
    3: "Invalid login information",
}


@pytest.mark.parametrize(
    ("parameters", "codes"),
    [
        ({}, [1, 2]),
        ({"Username": "", "Password": PASSWORD}, [1]),
        ({"Username": "owner@example.com"}, [2]),
        ({"Username": "nobody@example.com", "Password": PASSWORD}, [3]),
        ({"Username": "nobody@example.com", "Password": 5}, [3]),
    ],
)
def test_a_refused_sign_in_is_a_200_with_its_codes(
    gateway: RunningGateway, parameters: dict[str, Any], codes: list[int]
) -> None:
    answer = login(gateway, **parameters)
    assert answer.status_code == 200
    assert answer.json() == {
        "Success": False,
        "ErrorCode": codes,
        "ErrorText": [LOGIN_MESSAGES[code] for code in codes],
    }


def test_a_wrong_password_is_answered_exactly_as_an_unknown_address(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    wrong = login(gateway, Username=tracked.account, Password="not mine")
    unknown = login(gateway, Username="nobody@example.com", Password="not mine")
    assert wrong.json()["ErrorCode"] == [3]
    assert wrong.content == unknown.content


# -- what is never said ---------------------------------------------------------------------


def test_no_key_session_password_or_address_is_ever_logged_or_said_in_an_error(
    gateway: RunningGateway, tracked: Tracked, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    session = session_of(gateway, tracked)
    person = "quiet.person@example.com"
    secrets = (tracked.api_key, session, PASSWORD, KEY_NOBODY_HAS, person, "quiet.person@")
    call = {"APIKey": tracked.api_key, "ListID": tracked.list_id}
    answers = [
        gateway.client.get(CATALOG, params={"APIKey": KEY_NOBODY_HAS, "ListID": 1}),
        gateway.client.get("/api/v1/no.such", params={"APIKey": tracked.api_key}),
        gateway.client.get("/api/v1/event", params=call),
        login(gateway, Username=person, Password=PASSWORD),
        read(gateway, tracked, f"Bearer {KEY_NOBODY_HAS}"),
        read(gateway, tracked, SessionID=session + "x"),
        gateway.client.post("/api/v1/event", content=f'{{"APIKey": "{tracked.api_key}", '),
        gateway.call("event", tracked, Email=person + "@", Event="identify"),
        gateway.call("event", tracked, Event="conversion", Email=person, SessionID=session),
        gateway.beacon(tracked, {"event": "identify", "email": person + "@"}),
    ]
    gateway.call("event", tracked, Event="identify", Email=person)
    gateway.beacon(tracked, {"event": "identify", "email": person})
    ours = [
        record for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))
    ]
    logged = "\n".join(record.getMessage() + str(record.exc_text or "") for record in ours)
    assert "-> 401" in logged
    for secret in secrets:
        assert secret not in logged
        for answer in answers:
            assert secret not in answer.text
