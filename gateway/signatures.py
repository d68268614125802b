"""How webhooks are signed and checked: HMAC-SHA256, by whom they come from and at whom they arrive.

Twice: the hex of the body's own in a header of the owner's choice, by the newest secret; and as
Standard Webhooks has it, over id, instant and body, by every secret that is valid.
"""

import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence

PREFIX = "whsec_"
TOLERANCE_S = 300
TAKEN_HEADERS = frozenset(
    {
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "webhook-id",
        "webhook-signature",
        "webhook-timestamp",
    }
)
"""What the owner's own headers may not be: those that say what a message is, and ours."""


def signed_headers(
    secrets: Sequence[str], header: str, delivery_id: str, body: bytes, now_s: int
) -> dict[str, str]:
    """The secrets, newest first."""
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": str(now_s),
        "webhook-signature": " ".join(
            standard(secret, delivery_id, now_s, body) for secret in secrets
        ),
        header: plain(secrets[0], body),
    }


def plain(secret: str, body: bytes) -> str:
    """The key is the secret's text as it was shown."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def standard(secret: str, delivery_id: str, now_s: int, body: bytes) -> str:
    """The key is what the secret's text encodes."""
    key = b64decode(secret.removeprefix(PREFIX))
    message = f"{delivery_id}.{now_s}.".encode() + body
    return "v1," + b64encode(hmac.digest(key, message, "sha256")).decode()


def is_secret(text: str) -> bool:
    """Whether it is one in form."""
    try:
        return text.startswith(PREFIX) and bool(b64decode(text.removeprefix(PREFIX), validate=True))
    except ValueError:
        return False


def fault(
    secret: str, header: str, headers: Mapping[str, str], body: bytes, now_s: int
) -> str | None:
    """What is wrong with the signatures of a delivery that came in; None: nothing. The headers'
    names are in lower case."""
    sent = headers.get("webhook-timestamp", "")
    if not sent.isascii() or not sent.isdecimal() or abs(now_s - int(sent[:12])) > TOLERANCE_S:
        return "webhook-timestamp is missing, or is not now"
    own = standard(secret, headers.get("webhook-id", ""), int(sent), body)
    said = headers.get("webhook-signature", "").split(" ")
    if not any(hmac.compare_digest(own.encode(), each.encode()) for each in said):
        return "webhook-signature is not by this secret"
    if not hmac.compare_digest(
        plain(secret, body).encode(), headers.get(header.lower(), "").encode()
    ):
        return f"{header} is not by this secret"
    return None
