"""One action of a journey as somebody writes it: a webhook, checked.

Everything that is wrong with it is said by its path, such as `Actions[0].ActionParameters.URL`.
"""

import json
import re
from typing import Any

from gateway.edge.commands.arguments import invalid, object_of, text
from gateway.edge.commands.command import is_missing, whole_number
from gateway.errors import Problem, Refused
from gateway.records import message
from gateway.records.webhooks import SIGNATURE_HEADER, Webhook
from gateway.signatures import TAKEN_HEADERS
from gateway.targets import fault_of

INVALID_ACTION = Problem(6, "Invalid action type or Journey not found")

PARTS_MAX = 50  # headers, and keys of the payload
VALUE_CHARS_MAX = 4_096

_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_VALUE = re.compile(r"[\t\x20-\x7e]*")


def webhook_of(
    action: Any, path: str, journey_id: int, known: dict[int, Webhook], allowed: frozenset[str]
) -> Webhook:
    """The webhook an action means, one of `known` where it has an ActionID. `path` is what the
    caller calls it. Raises Refused."""
    if not isinstance(action, dict):
        raise Refused(invalid(path, "an object"))
    said = {name.lower(): value for name, value in action.items()}
    if str(said.get("action", "")).lower() != "webhook":
        raise Refused(INVALID_ACTION)
    action_id = whole_number(said.get("actionid")) or 0
    if not is_missing(said.get("actionid")) and action_id not in known:
        raise Refused(invalid(f"{path}.ActionID", "the id of an action of this journey"))
    path = f"{path}.ActionParameters"
    inner = object_of(said, "ActionParameters", invalid(path, "an object"))
    inner = {name.lower(): value for name, value in inner.items()}
    url = text(inner, "URL")
    fault = fault_of(url, allowed)
    if fault or len(url) > VALUE_CHARS_MAX:
        raise Refused(invalid(f"{path}.URL", fault or "a shorter address"))
    headers, signature_header = _headers(inner, path), _signature_header(inner, path)
    if signature_header.lower() in {name.lower() for name in headers}:
        raise Refused(invalid(f"{path}.Headers", f"other names than {signature_header}"))
    return Webhook(
        id=action_id,
        journey_id=journey_id,
        url=url,
        headers=headers,
        payload=_payload(inner, path),
        signature_header=signature_header,
    )


def _headers(inner: dict[str, Any], path: str) -> dict[str, str]:
    headers = object_of(inner, "Headers", invalid(f"{path}.Headers", "an object of texts"))
    if len(headers) > PARTS_MAX:
        raise Refused(invalid(f"{path}.Headers", f"at most {PARTS_MAX} headers"))
    for name, value in headers.items():
        _check_header(name, f"{path}.Headers")
        if not isinstance(value, str) or not _VALUE.fullmatch(value[: VALUE_CHARS_MAX + 1]):
            raise Refused(invalid(f"{path}.Headers", f"printable ASCII text for {name}"))
        if len(value) > VALUE_CHARS_MAX:
            raise Refused(invalid(f"{path}.Headers", f"less for {name}"))
    return headers


def _signature_header(inner: dict[str, Any], path: str) -> str:
    name = text(inner, "SignatureHeader") or SIGNATURE_HEADER
    _check_header(name, f"{path}.SignatureHeader")
    return name


def _check_header(name: str, path: str) -> None:
    if not _HEADER.fullmatch(name) or name.lower() in TAKEN_HEADERS:
        taken = ", ".join(sorted(TAKEN_HEADERS))
        raise Refused(invalid(path, f"names of headers other than {taken}"))


def _payload(inner: dict[str, Any], path: str) -> dict[str, Any]:
    payload = object_of(inner, "Payload", invalid(f"{path}.Payload", "an object"))
    if len(payload) > PARTS_MAX or len(json.dumps(payload)) > 4 * VALUE_CHARS_MAX:
        raise Refused(invalid(f"{path}.Payload", "less"))
    if {*payload} & {*message.OWN_KEYS}:
        keys = ", ".join(message.OWN_KEYS)
        raise Refused(invalid(f"{path}.Payload", f"other keys than {keys}"))
    return payload
