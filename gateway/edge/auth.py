"""Whom a request speaks for: an API key, a session, or the tracker ids of a snippet."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from gateway import clock
from gateway.edge.requests import Headers, text
from gateway.errors import Forbidden, Problem, Refused, Unauthenticated
from gateway.events.event import Click
from gateway.records import accounts, keys
from gateway.records.accounts import Account
from gateway.records.keys import ApiKey
from gateway.records.lists import SubscriberList
from gateway.services import Services
from gateway.signing import Session

DAY_S = 86_400

UNKNOWN_LIST = Problem(1016, "Unknown list: copy the snippet from the list's page again.")
OTHER_ACCOUNT = Problem(1017, "The user and list tracker ids do not belong together.")


@dataclass(frozen=True, slots=True)
class Caller:
    """An account, and the key or session it came with (for rate limits)."""

    account_id: int
    credential: str
    key: ApiKey | None = None

    def may(self, scope: str) -> bool:
        """Whether it reaches so far; a session reaches as far as there is."""
        return self.key is None or self.key.may(scope)

    def require(self, scope: str) -> None:
        """Raises Forbidden."""
        if self.key is not None and not self.key.may(scope):
            raise Forbidden(
                f"This key may {self.key.scope} only, and the call needs one that may {scope}: "
                "make one on the account's page, or with `gateway key create`."
            )


class Credentials(NamedTuple):
    """What a call brought to say who it is."""

    key_text: str
    session_id: str


def credentials_of(parameters: Mapping[str, Any], headers: Headers) -> Credentials:
    """`APIKey` or `Authorization: Bearer`, and `SessionID`; empty where there is none."""
    key_text, session_id = parameters.get("apikey"), parameters.get("sessionid")
    return Credentials(
        key_text if isinstance(key_text, str) and key_text else bearer(headers),
        session_id if isinstance(session_id, str) else "",
    )


def caller_of(
    services: Services, credentials: Credentials, address: str, *, checked_again: bool = False
) -> Caller:
    """Who calls from this address.

    `checked_again`: the writer will see whether the key still stands, so it may be remembered
    for a moment. Raises Unauthenticated.
    """
    if credentials.key_text:
        key = (
            services.facts.key(credentials.key_text)
            if checked_again
            else services.reader.look_up(keys.find, credentials.key_text)
        )
        if key and key.opens_from(address):
            return Caller(key.account_id, f"key:{key.id}", key)
    if credentials.session_id:
        account = _signed_in(services, credentials.session_id)
        if account:
            return Caller(account.id, f"account:{account.id}")
    raise Unauthenticated()


def bearer(headers: Headers) -> str:
    """What stands behind `Authorization: Bearer`; empty where nothing does."""
    scheme, _, token = text(headers, b"authorization").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def open_session(services: Services, account: Account) -> str:
    """The SessionID of somebody whose password was just checked."""
    return services.signing.session_id(Session(account.id, account.password_fingerprint))


def tracked_list(services: Services, list_token: str, user_token: str | None) -> SubscriberList:
    """The list a snippet belongs to. Raises Refused for ids that are forged or foreign."""
    list_id = services.signing.read_list_tracker_id(list_token)
    found = None if list_id is None else services.facts.list(list_id)
    if found is None:
        raise Refused(UNKNOWN_LIST)
    if user_token and services.signing.read_user_tracker_id(user_token) != found.account_id:
        raise Refused(OTHER_ACCOUNT)
    return found


def click_of(
    services: Services, token: str, subscriber_list: SubscriberList, address: str
) -> Click | None:
    """What a `pr` token says to this list; None for one that is invented, expired or foreign."""
    said = services.signing.read_attribution_token(token)
    if said is None or said.account_id != subscriber_list.account_id:
        return None
    age_s = clock.now_ms() // 1000 - said.minted_at_s
    if said.list_id != subscriber_list.id or age_s > services.settings.link_days * DAY_S:
        return None
    return Click(
        subscriber_id=said.subscriber_id,
        campaign=said.campaign,
        token_digest=hashlib.blake2b(token.encode(), digest_size=16).digest(),
        address_digest=services.signing.address_digest(address),
    )


def _signed_in(services: Services, session_id: str) -> Account | None:
    max_age_s = services.settings.session_hours * 3_600
    session = services.signing.read_session_id(session_id, max_age_s)
    account = session and services.reader.look_up(accounts.get, session.account_id)
    if session and account and account.password_fingerprint == session.fingerprint:
        return account
    return None
