"""`user.current`, `user.apikey.*`: the account a call speaks for, and its API keys."""

import ipaddress

from gateway import clock
from gateway.edge.commands import answers
from gateway.edge.commands.arguments import choice, invalid, stamp, text
from gateway.edge.commands.command import (
    READ,
    WRITE,
    Answer,
    Call,
    Command,
    Envelope,
    numbered,
    succeeded,
    whole_number,
)
from gateway.edge.commands.user import user_info
from gateway.errors import Problem, Refused
from gateway.records import accounts, keys
from gateway.records.keys import ApiKey

AUTHENTICATION_REQUIRED = Problem(1, "Authentication required")
MISSING_NOTE = Problem(1, "Missing administrative note parameter")
KEY_CREATE_FAILED = Problem(3, "API key create process failed")
NEW_KEY_CREATE_FAILED = Problem(4, "New API key create process has failed")
MISSING_KEY_ID = Problem(1, "Missing APIKeyID parameter")
KEY_NOT_FOUND = Problem(2, "API key not found")

# What the family tells of an account and this gateway keeps nothing of.
_UNKNOWN = dict.fromkeys(
    (
        "CompanyName", "Website", "Street", "Street2", "City", "State", "Zip", "Country", "VAT",
        "Phone", "Fax", "2FA_RecoveryKey", "SSOID", "MFA_QRCode", "MFA_SecretKey",
        "SubscriptionID",
    ),
    "",
)  # fmt: skip
_NO_LIMITS = dict.fromkeys(
    (
        "LimitSubscribers", "LimitLists", "LimitCampaignSendPerPeriod", "LimitCampaignSendPeriod",
        "LimitEmailSendPerPeriod", "LimitEmailSendPerDay", "LimitEmailSendPeriod",
        "LimitEmailSendLifetime", "LimitEmailGatewaySenderDomains",
    ),
    0,
)  # fmt: skip
_NO_GROUP_SETTINGS = dict.fromkeys(
    (
        "DefaultSenderDomain", "Permissions", "ForceUnsubscriptionLink", "ForceRejectOptLink",
        "ForceOptInList", "SenderDomainManagement", "EnableSenderInfo", "ForcedSenderInfo",
        "DefaultSenderDomainActivate",
    ),
    "",
)  # fmt: skip


async def current(call: Call) -> Answer:
    account = call.services.reader.look_up(accounts.get, call.caller.account_id)
    if account is None:
        raise Refused(AUTHENTICATION_REQUIRED)
    group = {"UserGroupID": 1, "GroupName": "Default", "GroupPlanName": "Self-hosted"}
    facts = {
        **_UNKNOWN,
        **user_info(account),
        "RelUserGroupID": 1,
        "ReputationLevel": "Trusted",
        "UserSince": stamp(account.created_at_ms),
        "PhoneVerified": False,
        "TimeZone": "UTC",
        "LastActivityDateTime": stamp(clock.now_ms()),
        "AvailableCredits": 0,
        "2FA_Enabled": False,
        "GroupInfo": {**group, **_NO_LIMITS, **_NO_GROUP_SETTINGS},
    }
    return succeeded(
        UserInfo=facts,
        Usage={
            "EmailGateway_TotalSentThisMonth": 0,
            "EmailGateway_TotalSentAllTime": 0,
            "Limit_Monthly": 0,
            "Limit_Lifetime": 0,
        },
        SendRateLimits={
            "EmailGateway": {"RateLimits": [], "SendRates": []},
            "DefaultSenderDomain": {
                "MonthlyLimit": 0,
                "SendRates": [],
                "RemainingMonthlyQuota": 0,
            },
        },
    )


async def create_key(call: Call) -> Answer:
    note = text(call.parameters, "Note")
    address = text(call.parameters, "BoundIPAddress")
    scope = choice(call.parameters, "Scope", keys.SCOPES)
    if address and not _is_network(address):
        raise Refused(invalid("BoundIPAddress", "an address or a network, such as 203.0.113.7"))
    key, secret = await call.services.writer.write(
        lambda db: keys.create(
            db, call.caller.account_id, note, clock.now_ms(), address, scope=scope or "admin"
        )
    )
    return succeeded(
        APIKeyID=key.id, APIKey={**_facts(key), "APIKey": secret, "IPAddress": key.bound_address}
    )


async def list_keys(call: Call) -> Answer:
    found = await call.services.reader.read(keys.of_account, call.caller.account_id)
    standing = [key for key in found if key.revoked_at_ms is None]
    return succeeded(APIKeys=[{"APIKeyID": key.id, **_facts(key)} for key in standing])


async def delete_key(call: Call) -> Answer:
    key_id = whole_number(call.parameters.get("apikeyid"))
    if key_id is None or not await call.services.writer.write(
        lambda db: keys.revoke(db, call.caller.account_id, key_id, clock.now_ms())
    ):
        raise Refused(KEY_NOT_FOUND)
    return succeeded()


def _is_network(address: str) -> bool:
    try:
        ipaddress.ip_network(address, strict=False)
    except ValueError:
        return False
    return True


def _facts(key: ApiKey) -> Answer:
    """Its text was shown when it was made and is not kept: its last characters tell keys apart."""
    return {
        "APIKey": f"…{key.hint}",
        "Note": key.note,
        "BoundIPAddress": key.bound_address,
        "Scope": key.scope,
        "CreatedAt": stamp(key.created_at_ms),
        "LastUsedAt": stamp(key.last_used_at_ms),
        "LastUsedIP": key.last_used_address,
        "RequestCount": key.requests,
    }


COMMANDS = (
    Command(
        name="user.current",
        summary="The account a call speaks for.",
        answers=answers.Current,
        handler=current,
        methods=READ,
        parameters=(),
        codes=numbered(AUTHENTICATION_REQUIRED),
        envelope=Envelope.SUCCESS,
    ),
    Command(
        name="user.apikey.create",
        needs="admin",
        summary="Make an API key. Its text is answered once and not kept.",
        answers=answers.KeyCreated,
        handler=create_key,
        methods=WRITE,
        rest=("POST", "user.apikey"),
        parameters=("Note", "BoundIPAddress", "Scope"),
        required={"Note": MISSING_NOTE},
        codes=numbered(MISSING_NOTE, KEY_CREATE_FAILED, NEW_KEY_CREATE_FAILED),
        envelope=Envelope.SUCCESS,
    ),
    Command(
        name="user.apikey.list",
        needs="admin",
        summary="The API keys of the account.",
        answers=answers.Keys,
        handler=list_keys,
        methods=READ,
        rest=("GET", "user.apikeys"),
        parameters=(),
        envelope=Envelope.SUCCESS,
    ),
    Command(
        name="user.apikey.delete",
        needs="admin",
        summary="Revoke an API key.",
        handler=delete_key,
        methods=WRITE,
        parameters=("APIKeyID",),
        required={"APIKeyID": MISSING_KEY_ID},
        codes=numbered(MISSING_KEY_ID, KEY_NOT_FOUND),
        envelope=Envelope.SUCCESS,
    ),
)
