"""Everything this gateway signs and later trusts: tracker ids, visitor tokens, sessions.

One salt a purpose, so that no token can stand in for another. Secrets rotate: a list, newest
last; the newest signs, all verify. Verified tokens are remembered, because a token that was
once good stays good as long as the secrets do; refused ones are not, so nobody can fill memory.
"""

import hashlib
import hmac
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from itsdangerous import (
    BadData,
    BadSignature,
    Signer,
    URLSafeSerializer,
    URLSafeTimedSerializer,
)
from itsdangerous.signer import SigningAlgorithm

VISITORS, SITES = 5_000, 2_000  # whose tokens are remembered
DOCTOR_S = 60
NOTICE_S = 60
_SIGNER = {"key_derivation": "hmac", "digest_method": hashlib.sha256}


class _OneShotHmac(SigningAlgorithm):
    """itsdangerous's HMAC, in one call of the library below: a browser waits for it."""

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        return hmac.digest(key, value, "sha256")


class _VisitorSigner(Signer):
    """Signs with one key for as long as it lives, so it derives it once."""

    @lru_cache(100)  # noqa: B019 - there is one signer, and it lives as long as the process
    def derive_key(self, secret_key: str | bytes | None = None) -> bytes:
        return super().derive_key(secret_key)


@dataclass(frozen=True, slots=True)
class Attribution:
    """Whose link was opened: made for each recipient of a campaign. Minted: epoch seconds."""

    account_id: int
    list_id: int
    subscriber_id: int
    campaign: str
    minted_at_s: int


@dataclass(frozen=True, slots=True)
class Session:
    """Whom a session speaks for, and the fingerprint of the password it was opened with."""

    account_id: int
    fingerprint: str


class Signing:
    """Makes and reads every token. Reading answers None for anything forged, damaged or expired."""

    def __init__(self, secrets: Sequence[str]) -> None:
        if not secrets or not all(len(secret) >= 16 for secret in secrets):
            raise ValueError("each secret needs at least 16 characters")
        keys = list(secrets)
        self._newest = keys[-1].encode()
        self._seed_key = hashlib.sha256(self._newest).digest()  # of a length blake2b takes
        self._visitors = _VisitorSigner(
            keys, salt="visitor", digest_method=hashlib.sha256, algorithm=_OneShotHmac()
        )
        self._user_trackers = URLSafeSerializer(keys, salt="user-tracker", signer_kwargs=_SIGNER)
        self._list_trackers = URLSafeSerializer(keys, salt="list-tracker", signer_kwargs=_SIGNER)
        self._attribution = URLSafeSerializer(keys, salt="attribution", signer_kwargs=_SIGNER)
        self._sessions = URLSafeTimedSerializer(keys, salt="session", signer_kwargs=_SIGNER)
        self._doctors = URLSafeTimedSerializer(keys, salt="doctor", signer_kwargs=_SIGNER)
        self._console = URLSafeSerializer(keys, salt="console", signer_kwargs=_SIGNER)
        self._notices = URLSafeTimedSerializer(keys, salt="notice", signer_kwargs=_SIGNER)
        self._verified_visitor = lru_cache(VISITORS)(self._verify_visitor)
        self.visitor_token = lru_cache(VISITORS)(self._sign_visitor)
        self.visitor_from_seed = lru_cache(VISITORS)(self._derive_visitor)
        self._verified_user = lru_cache(SITES)(self._user_trackers.loads)
        self._verified_list = lru_cache(SITES)(self._list_trackers.loads)
        self._verified_attribution = lru_cache(SITES)(self._attribution.loads)

    # Tracker ids: what the snippet carries. The same account or list always has the same one.

    def user_tracker_id(self, account_id: int) -> str:
        return str(self._user_trackers.dumps(account_id))

    def list_tracker_id(self, list_id: int) -> str:
        return str(self._list_trackers.dumps(list_id))

    def read_user_tracker_id(self, token: str) -> int | None:
        return _positive_int(self._verified_user, token)

    def read_list_tracker_id(self, token: str) -> int | None:
        return _positive_int(self._verified_list, token)

    # Visitor tokens: `<uuid>.<signature>`, kept by the browser.

    def _sign_visitor(self, visitor: uuid.UUID) -> str:
        return self._visitors.sign(str(visitor)).decode()

    def read_visitor_token(self, token: str) -> uuid.UUID | None:
        try:
            return self._verified_visitor(token)
        except (BadSignature, ValueError):
            return None

    def _verify_visitor(self, token: str) -> uuid.UUID:
        return uuid.UUID(self._visitors.unsign(token).decode())

    def _derive_visitor(self, seed: str, list_id: int) -> uuid.UUID:
        """The uuid of a browser that has no token yet but shares `seed` among its pages.

        Pages racing in a fresh browser agree on the seed before any answer arrives, so they
        become one visitor; the uuid itself stays ours to give, for it takes our secret to make.
        """
        message = f"seed:{list_id}:{seed}".encode()
        digest = hashlib.blake2b(message, key=self._seed_key, digest_size=16).digest()
        return uuid.UUID(bytes=digest, version=4)

    # Attribution tokens: the `pr` of a recipient's links.

    def attribution_token(self, attribution: Attribution) -> str:
        return str(
            self._attribution.dumps(
                [
                    attribution.account_id,
                    attribution.list_id,
                    attribution.subscriber_id,
                    attribution.campaign,
                    attribution.minted_at_s,
                ]
            )
        )

    def read_attribution_token(self, token: str) -> Attribution | None:
        try:
            return Attribution(*self._verified_attribution(token))
        except (BadData, ValueError, TypeError):
            return None

    def address_digest(self, address: str) -> bytes:
        """16 bytes that tell addresses apart without keeping them."""
        message = f"address:{address}".encode()
        return hmac.new(self._newest, message, hashlib.sha256).digest()[:16]

    # Sessions: what `user.login` hands out.

    def session_id(self, session: Session) -> str:
        return str(self._sessions.dumps([session.account_id, session.fingerprint]))

    def read_session_id(self, token: str, max_age_s: int) -> Session | None:
        try:
            account_id, fingerprint = self._sessions.loads(token, max_age=max_age_s)
        except (BadData, ValueError, TypeError):
            return None
        return Session(int(account_id), str(fingerprint))

    # The console's cookies: who is signed in, and what the page before has to say on the next one.

    def console_token(self, secret: str) -> str:
        return str(self._console.dumps(secret))

    def read_console_token(self, token: str) -> str | None:
        try:
            return str(self._console.loads(token))
        except (BadData, ValueError, TypeError):
            return None

    def notice(self, text: str) -> str:
        return str(self._notices.dumps(text))

    def read_notice(self, token: str) -> str:
        """Empty for one that is not ours, or older than a minute."""
        try:
            return str(self._notices.loads(token, max_age=NOTICE_S))
        except (BadData, ValueError, TypeError):
            return ""

    # What `gateway doctor` shows to be let in: that it has the secret. Good for a minute.

    def doctor_token(self) -> str:
        return str(self._doctors.dumps("doctor"))

    def is_doctor_token(self, token: str) -> bool:
        try:
            self._doctors.loads(token, max_age=DOCTOR_S)
        except (BadData, ValueError, TypeError):
            return False
        return True


def _positive_int(verified: Any, token: str) -> int | None:
    try:
        value = verified(token)
    except (BadData, ValueError, TypeError):
        return None
    return value if isinstance(value, int) and value > 0 else None
