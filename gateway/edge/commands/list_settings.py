"""What can be set on a list: ours, which are acted on, and the family's, which are kept and given
back. Read from the parameters of `list.create` and `list.update`; every problem numbered.
"""

import dataclasses
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from gateway.edge.commands.arguments import choice, flag, invalid, object_of, text
from gateway.edge.commands.command import is_missing, whole_number
from gateway.edge.commands.parameter import TEXT_CHARS_MAX
from gateway.edge.parameters import Parameters
from gateway.errors import Problem, Refused
from gateway.events import parse
from gateway.records.lists import IDENTIFY_MODES, PRIVACY, SubscriberList, origin_of

INVALID_OPT_IN = Problem(3, "Invalid opt-in mode")
INVALID_OPT_OUT = Problem(4, "Invalid opt-out scope")
INVALID_NOTIFICATION = Problem(5, "Invalid send notification setting")
INVALID_HIDE = Problem(6, "Invalid hide in subscriber area setting")
MISSING_SYNC = Problem(8, "Missing sync configuration parameters")
INVALID_SEARCH_ADDRESS = Problem(9, "Invalid email address format for ReqByEmailSearchToAddress")
INVALID_SUPPRESSION = Problem(10, "Invalid suppression list option")
CLICKBANK_ENCRYPTION = Problem(20, "ClickBank secret key encryption failed")
CLICKBANK_KEY = Problem(21, "ClickBank secret key must be exactly 8 characters")
CLICKBANK_ACTION = Problem(
    22, "ClickBank transaction-type action must be one of: subscribe, unsubscribe, ignore"
)
UPDATE_PROBLEMS = (
    INVALID_OPT_IN, INVALID_OPT_OUT, INVALID_NOTIFICATION, INVALID_HIDE, MISSING_SYNC,
    INVALID_SEARCH_ADDRESS, INVALID_SUPPRESSION, CLICKBANK_ENCRYPTION, CLICKBANK_KEY,
    CLICKBANK_ACTION,
)  # fmt: skip

SWITCHES = {
    "SendActivityNotification": INVALID_NOTIFICATION,
    "SendServiceIntegrationFailedNotification": INVALID_NOTIFICATION,
    "HideInSubscriberArea": INVALID_HIDE,
    "OptOutAddToSuppressionList": INVALID_SUPPRESSION,
    "OptOutAddToGlobalSuppressionList": INVALID_SUPPRESSION,
}

INVALID_CREATE_OPT_IN = Problem(20, "Invalid optinmode (must be Single or Double)")
MISSING_SUB_FIELD = Problem(
    21,
    "Missing required confirmationemail sub-field (subject, fromname, fromemail, or contenttype)",
)
INVALID_CONTENT_TYPE = Problem(
    22, "Invalid confirmationemail.contenttype (must be HTML, Plain, or Both)"
)
MISSING_HTML = Problem(
    23, "confirmationemail.htmlcontent is required when contenttype is HTML or Both"
)
MISSING_PLAIN = Problem(
    24, "confirmationemail.plaincontent is required when contenttype is Plain or Both"
)
INVALID_MODE = Problem(
    25,
    "Invalid confirmationemail.mode (must be Editor, Stripo, Unlayer, Empty, Template, or Import)",
)
MISSING_TEMPLATE = Problem(
    26, "confirmationemail.reltemplateid is required when confirmationemail.mode is Template"
)
CREATE_PROBLEMS = (
    INVALID_CREATE_OPT_IN, MISSING_SUB_FIELD, INVALID_CONTENT_TYPE, MISSING_HTML, MISSING_PLAIN,
    INVALID_MODE, MISSING_TEMPLATE,
)  # fmt: skip

OURS = ("AllowedOrigins", "IdentifyMode", "Currency", "Privacy")
KEPT = (
    "Description", "SenderName", "SenderEmailAddress", "SenderCompany", "SenderAddress",
    "OptInMode", "OptInConfirmationEmailID", "OptOutAddToSuppressionList",
    "OptOutAddToGlobalSuppressionList", "HideInSubscriberArea",
    "SendServiceIntegrationFailedNotification", "SendActivityNotification",
    "SubscriptionConfirmationPendingPageURL", "SubscriptionConfirmedPageURL",
    "SubscriptionErrorPageURL", "UnsubscriptionConfirmedPageURL", "UnsubscriptionErrorPageURL",
    "ReqByEmailSearchToAddress", "ReqByEmailSubscriptionCommand", "ReqByEmailUnsubscriptionCommand",
    "SyncStatus", "SyncPeriod", "SyncSendReportEmail", "SyncMySQLHost", "SyncMySQLPort",
    "SyncMySQLUsername", "SyncMySQLDBName", "SyncMySQLQuery", "SyncFieldMapping", "OptOutScope",
    "OptOutSubscribeTo", "OptOutUnsubscribeFrom", "OptInSubscribeTo", "OptInUnsubscribeFrom",
)  # fmt: skip
"""Kept as text. Secrets of other systems (SyncMySQLPassword, ClickBank's key) are not kept."""

OPT_IN_MODES = ("Single", "Double")
OPT_OUT_SCOPES = ("This list", "All lists")
_CLICKBANK_ACTIONS = ("subscribe", "unsubscribe", "ignore")
_SYNC_REQUIRED = (
    "SyncMySQLHost", "SyncMySQLUsername", "SyncMySQLPassword", "SyncMySQLDBName", "SyncMySQLQuery",
)  # fmt: skip


def ours(parameters: Parameters, onto: SubscriberList) -> SubscriberList:
    """The list with what the parameters say of origins, identify, privacy and currency."""
    mode = choice(parameters, "IdentifyMode", IDENTIFY_MODES)
    currency = text(parameters, "Currency").upper()
    if currency and not (len(currency) == 3 and currency.isascii() and currency.isalpha()):
        raise Refused(invalid("Currency", "three letters, such as USD"))
    privacy = choice(parameters, "Privacy", PRIVACY)
    return dataclasses.replace(
        onto,
        privacy=privacy or onto.privacy,
        identify_mode=mode or onto.identify_mode,
        currency=currency or onto.currency,
        allowed_origins=_origins(parameters, onto.allowed_origins),
    )


def kept(parameters: Parameters) -> dict[str, Any]:
    """The family's settings among the parameters, as they are given back."""
    found: dict[str, Any] = {
        name: text(parameters, name) for name in KEPT if name.lower() in parameters
    }
    options = object_of(parameters, "Options")
    if options:
        found["Options"] = _without_secrets(options)
    for name, words in (("OptInMode", OPT_IN_MODES), ("OptOutScope", OPT_OUT_SCOPES)):
        word = choice(parameters, name, words)
        found |= {name: word} if word else {}
    return found


def update_problems(parameters: Parameters) -> list[Problem]:
    """What is wrong with the family's settings of `list.update`."""
    problems: list[Problem] = []
    _try(problems, lambda: choice(parameters, "OptInMode", OPT_IN_MODES, INVALID_OPT_IN))
    _try(problems, lambda: choice(parameters, "OptOutScope", OPT_OUT_SCOPES, INVALID_OPT_OUT))
    for name, problem in SWITCHES.items():
        _try(problems, partial(flag, parameters, name, problem=problem))
    if str(parameters.get("syncstatus")).strip().lower() == "enabled" and any(
        is_missing(parameters.get(name.lower())) for name in _SYNC_REQUIRED
    ):
        problems.append(MISSING_SYNC)
    address = parameters.get("reqbyemailsearchtoaddress")
    if not is_missing(address) and not parse.is_email(str(address).strip()):
        problems.append(INVALID_SEARCH_ADDRESS)
    return list(dict.fromkeys(problems)) + _clickbank_problems(parameters)


def create_problems(parameters: Parameters) -> list[Problem]:
    """What is wrong with the family's settings of `list.create`."""
    problems: list[Problem] = []
    _try(problems, lambda: choice(parameters, "OptInMode", OPT_IN_MODES, INVALID_CREATE_OPT_IN))
    email = {name.lower(): value for name, value in confirmation_email(parameters).items()}
    if email:
        problems += _confirmation_problems(email)
    return problems


def confirmation_email(parameters: Parameters) -> dict[str, Any]:
    return object_of(parameters, "ConfirmationEmail", MISSING_SUB_FIELD)


def _confirmation_problems(email: Mapping[str, Any]) -> list[Problem]:
    problems = []
    if any(is_missing(email.get(n)) for n in ("subject", "fromname", "fromemail", "contenttype")):
        problems.append(MISSING_SUB_FIELD)
    content = str(email.get("contenttype") or "").lower()
    if content not in ("", "html", "plain", "both"):
        problems.append(INVALID_CONTENT_TYPE)
    if content in ("html", "both") and is_missing(email.get("htmlcontent")):
        problems.append(MISSING_HTML)
    if content in ("plain", "both") and is_missing(email.get("plaincontent")):
        problems.append(MISSING_PLAIN)
    mode = str(email.get("mode") or "").lower()
    if mode not in ("", "editor", "stripo", "unlayer", "empty", "template", "import"):
        problems.append(INVALID_MODE)
    if mode == "template" and whole_number(email.get("reltemplateid")) is None:
        problems.append(MISSING_TEMPLATE)
    return problems


def _clickbank_problems(parameters: Parameters) -> list[Problem]:
    given = object_of(parameters, "Options").get("ClickBankINS")
    if not isinstance(given, dict):
        return []
    problems = []
    secrets = [value for name, value in given.items() if _is_secret(name)]
    if any(not is_missing(secret) and len(str(secret)) != 8 for secret in secrets):
        problems.append(CLICKBANK_KEY)
    actions = given.get("Actions")
    if isinstance(actions, dict) and any(
        str(action).lower() not in _CLICKBANK_ACTIONS for action in actions.values()
    ):
        problems.append(CLICKBANK_ACTION)
    return problems


def _without_secrets(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {name: _without_secrets(each) for name, each in value.items() if not _is_secret(name)}


def _is_secret(name: str) -> bool:
    return "secret" in name.lower() or "password" in name.lower()


def _origins(parameters: Parameters, default: tuple[str, ...]) -> tuple[str, ...]:
    given = parameters.get("allowedorigins")
    if given is None:
        return default
    parts = given if isinstance(given, list) else str(given).replace(",", " ").split()
    if not all(isinstance(part, str) for part in parts) or len(str(given)) > TEXT_CHARS_MAX:
        raise Refused(invalid("AllowedOrigins", "origins such as https://shop.example"))
    return tuple(dict.fromkeys(origin_of(part) for part in parts if part.strip()))


def _try(problems: list[Problem], read: Callable[[], object]) -> None:
    try:
        read()
    except Refused as refused:
        problems += refused.problems
