"""What the gateway signs, and what it believes."""

import time
import uuid
from collections.abc import Callable

import pytest

from gateway.signing import Session, Signing

OLD, NEW, OTHER = "old secret, long enough", "new secret, long enough", "of another gateway"
VISITOR = uuid.UUID("aae6840b-3b7e-4f95-a9d5-6dbf5da8d84d")
SESSION = Session(7, "fingerprint")

Make = Callable[[Signing], str]
Read = Callable[[Signing, str], object]

# Every kind of token: how it is made, how it is read, what comes out.
KINDS: dict[str, tuple[Make, Read, object]] = {
    "user tracker": (lambda s: s.user_tracker_id(7), lambda s, t: s.read_user_tracker_id(t), 7),
    "list tracker": (lambda s: s.list_tracker_id(7), lambda s, t: s.read_list_tracker_id(t), 7),
    "visitor": (
        lambda s: s.visitor_token(VISITOR),
        lambda s, t: s.read_visitor_token(t),
        VISITOR,
    ),
    "session": (
        lambda s: s.session_id(SESSION),
        lambda s, t: s.read_session_id(t, 60),
        SESSION,
    ),
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_what_is_signed_is_read_back(kind: str) -> None:
    make, read, value = KINDS[kind]
    assert read(Signing([NEW]), make(Signing([NEW]))) == value


def test_a_token_of_another_gateway_is_not_believed(kind: str) -> None:
    make, read, _ = KINDS[kind]
    assert read(Signing([NEW]), make(Signing([OTHER]))) is None


def test_a_token_changed_anywhere_is_not_believed(kind: str) -> None:
    make, read, _ = KINDS[kind]
    token = make(Signing([NEW]))
    signing = Signing([NEW])
    for place in range(len(token) - 1):  # base64's last digit has bits that mean nothing
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        assert read(signing, changed) is None
        assert read(signing, token[:place]) is None


@pytest.mark.parametrize("text", ["", ".", "..", "x", str(VISITOR), "7", "é", "\ud800", "\0"])
def test_what_is_no_token_is_not_believed(kind: str, text: str) -> None:
    _, read, _ = KINDS[kind]
    assert read(Signing([NEW]), text) is None


def test_no_token_stands_in_for_one_of_another_kind(kind: str) -> None:
    make, _, _ = KINDS[kind]
    signing = Signing([NEW])
    for other, (_, read, _) in KINDS.items():
        if other != kind:
            assert read(signing, make(signing)) is None


def test_secrets_rotate_without_ending_what_was_signed(kind: str) -> None:
    """The newest signs; all are believed until they are taken away."""
    make, read, value = KINDS[kind]
    both = Signing([OLD, NEW])
    assert read(both, make(Signing([OLD]))) == value
    assert read(Signing([NEW]), make(both)) == value
    assert read(Signing([NEW]), make(Signing([OLD]))) is None


def test_a_session_ends_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    signing = Signing([NEW])
    token = signing.session_id(SESSION)
    began_s = time.time()  # noqa: TID251 - itsdangerous reads this clock
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: began_s + 59)
    assert signing.read_session_id(token, 60) == SESSION
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: began_s + 62)
    assert signing.read_session_id(token, 60) is None


def test_a_tracker_id_is_the_same_every_time() -> None:
    """It stands in pages that are copied once and stay for years."""
    assert Signing([NEW]).list_tracker_id(7) == Signing([NEW]).list_tracker_id(7)
    assert Signing([NEW]).list_tracker_id(7) != Signing([NEW]).list_tracker_id(8)


class TestSeeds:
    def test_pages_that_share_one_are_one_visitor(self) -> None:
        one, other = (Signing([NEW]).visitor_from_seed("seed", 1) for _ in range(2))
        assert one == other
        assert one.version == 4

    def test_another_seed_list_or_gateway_is_another_visitor(self) -> None:
        """Nobody can choose their uuid: it takes the secret to make one."""
        made = {
            Signing([secret]).visitor_from_seed(seed, list_id)
            for secret in (NEW, OTHER)
            for seed in ("a", "b", "1:a")
            for list_id in (1, 11)
        }
        assert len(made) == 12


@pytest.mark.parametrize("secrets", [[], ["short"], [NEW, "short"], [""]])
def test_a_weak_secret_signs_nothing(secrets: list[str]) -> None:
    with pytest.raises(ValueError, match="at least 16 characters"):
        Signing(secrets)
