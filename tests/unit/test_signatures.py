"""Webhooks are signed as Standard Webhooks says, and by the hex of the body's HMAC."""

import hashlib
import hmac

import pytest

from gateway import signatures

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'
ID, AT_S = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330


def signed() -> dict[str, str]:
    headers = signatures.signed_headers((SECRET,), "X-Signed", ID, BODY, AT_S)
    return {name.lower(): value for name, value in headers.items()}


def test_the_example_of_the_specification_is_signed_as_there() -> None:
    assert signed()["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_other_header_is_the_hex_of_the_body_s_own() -> None:
    expected = hmac.new(SECRET.encode(), BODY, hashlib.sha256).hexdigest()
    assert signed()["x-signed"] == expected


def test_what_is_signed_right_has_no_fault() -> None:
    assert signatures.fault(SECRET, "X-Signed", signed(), BODY, AT_S + 299) is None


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "msg_other"}, {"webhook-timestamp": "1614265331"},
        {"webhook-timestamp": "soon"}, {"webhook-timestamp": ""}, {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": ""}, {"x-signed": "0" * 64}, {"x-signed": "☃"},
    ],
)  # fmt: skip
def test_what_was_changed_on_the_way_has(change: dict[str, str]) -> None:
    assert signatures.fault(SECRET, "X-Signed", signed() | change, BODY, AT_S)


def test_so_has_another_body_and_one_that_comes_too_late() -> None:
    assert signatures.fault(SECRET, "X-Signed", signed(), BODY + b" ", AT_S)
    assert signatures.fault(SECRET, "X-Signed", signed(), BODY, AT_S + 301)


def test_one_of_several_valid_secrets_is_enough() -> None:
    other = "whsec_" + "A" * 32
    headers = signatures.signed_headers((other, SECRET), "X-Signed", ID, BODY, AT_S)
    first, second = headers["webhook-signature"].split(" ")
    assert second == signed()["webhook-signature"] != first
