"""`GET /api/v1/request.seen`: what `gateway doctor` is told, and nobody else."""

from pathlib import Path

import httpx
import msgspec
import pytest
from itsdangerous import TimestampSigner

from gateway import clock
from gateway.edge.seen import NOBODYS_ADDRESS, SEEN_PATH, Seen
from gateway.settings import secrets_of
from gateway.signing import DOCTOR_S, Signing
from tests.support import PASSWORD, RunningGateway, Tracked, running_gateway


def signing_of(gateway: RunningGateway) -> Signing:
    return Signing(secrets_of(gateway.settings))


def ask(gateway: RunningGateway, token: str = "", **headers: str) -> httpx.Response:
    token = token or signing_of(gateway).doctor_token()
    sent = {"authorization": f"Bearer {token}"}
    sent |= {name.replace("_", "-"): text for name, text in headers.items()}
    return gateway.client.get(SEEN_PATH, headers=sent)


def seen(gateway: RunningGateway, **headers: str) -> Seen:
    answer = ask(gateway, **headers)
    assert answer.status_code == 200
    return msgspec.json.decode(answer.content, type=Seen)


def test_it_says_how_the_request_arrived(gateway: RunningGateway) -> None:
    said = seen(gateway)
    assert (said.address, said.peer, said.trusted) == ("127.0.0.1", "127.0.0.1", False)
    assert (said.forwarded, said.https) == (False, False)
    assert gateway.url.endswith(said.host)
    claiming = seen(gateway, x_forwarded_for=NOBODYS_ADDRESS, x_forwarded_proto="https")
    assert (claiming.address, claiming.forwarded, claiming.https) == ("127.0.0.1", True, False)


def test_by_a_trusted_proxy_s_word_it_came_from_elsewhere(tmp_path: Path) -> None:
    with running_gateway(tmp_path, trusted_proxies=("127.0.0.0/8",)) as own:
        said = seen(own, x_forwarded_for="203.0.113.9", x_forwarded_proto="https")
    assert (said.address, said.peer, said.trusted) == ("203.0.113.9", "127.0.0.1", True)
    assert said.https


def test_its_settings_are_all_but_the_secrets(tmp_path: Path) -> None:
    with running_gateway(tmp_path, secret=("s" * 40, "t" * 40)) as own:
        answer = ask(own)
        assert "ssss" not in answer.text
        assert "tttt" not in answer.text
        said = msgspec.json.decode(answer.content, type=Seen)
    assert said.settings["event_calls_per_minute"] == "5000"
    assert "secret" not in said.settings


@pytest.mark.parametrize("what", ["nothing", "key", "session", "tracker id", "forged", "old"])
def test_nobody_but_who_has_the_secret_is_told_anything(
    gateway: RunningGateway, tracked: Tracked, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """Nor does a token that is older than a minute open it."""
    if what == "session":
        login = {"Username": tracked.account, "Password": PASSWORD}
        token = gateway.client.post("/api/v1/user.login", json=login).json()["SessionID"]
    else:
        token = {
            "nothing": "x",
            "key": tracked.api_key,
            "tracker id": tracked.list_tracker_id,
            "forged": Signing(["f" * 40]).doctor_token(),
            "old": signing_of(gateway).doctor_token(),
        }[what]
    if what == "old":
        later_s = clock.now_ms() // 1000 + DOCTOR_S + 5
        monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda self: later_s)
    answer = ask(gateway, token)
    assert answer.status_code == 401
    assert answer.headers["cache-control"] == "no-store"


def test_the_doctor_s_token_opens_nothing_else(gateway: RunningGateway, tracked: Tracked) -> None:
    token = signing_of(gateway).doctor_token()
    for parameters in ({"SessionID": token}, {"APIKey": token}):
        answer = gateway.client.post(
            "/api/v1/website_events.properties", json={"ListID": tracked.list_id, **parameters}
        )
        assert answer.status_code == 401
