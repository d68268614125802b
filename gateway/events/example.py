"""What of a property's value may be shown as an example: what such values look like, never whose
they are. Pure.

Deny unless harmless: values under names that speak of people are hidden whole; from others goes
what tells people apart (addresses, long numbers, network addresses, random strings, query strings),
and from what is left only a little is kept.
"""

import ipaddress
import re
import unicodedata
from functools import lru_cache
from typing import Any

import msgspec

CHARS_MAX = 200
_SCANNED_CHARS = 2 * CHARS_MAX
_ITEMS_MAX = 5  # of a list or object
HIDDEN = "[hidden]"


def type_of(value: Any) -> str:
    """A JSON value's type, in the words of people."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true/false"
    if isinstance(value, str):
        return "text"
    if isinstance(value, (int, float)):
        return "number"
    return "list" if isinstance(value, list) else "object"


def example_of(name: str, value: Any) -> str:
    """The value of a property of this name as it may be kept, a text for people."""
    shown = _masked(name, value)
    text = shown if isinstance(shown, str) else msgspec.json.encode(shown).decode()
    return text if len(text) <= CHARS_MAX else f"{text[: CHARS_MAX - 1]}…"


@lru_cache(10_000)
def is_personal(name: str) -> bool:
    """Whether a property of this name may say who somebody is, where they are, or what they wrote.
    A name that cannot be read is taken for one."""
    plain = unicodedata.normalize("NFKD", name)
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    words = [word.lower() for word in _WORDS.findall(plain)]
    if not plain.isascii() or not any(word.isalpha() for word in words):
        return True
    if words[:2] == ["number", "of"] or words[0] in ("count", "total"):
        return False
    whole = _OF_THINGS.sub("", "".join(words))
    if any(part in whole for part in _PERSONAL_PARTS) or not _PERSONAL_WORDS.isdisjoint(words):
        return True
    return words[-1] in ("id", "ids", "number", "nr") and _THINGS.isdisjoint(words)


_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# A product's name is no person's, and neither is its id.
_THINGS = _words("""
    album brand browser button campaign cart category collection conversion coupon course currency
    device event experiment feature file form item lesson list method os page plan product screen
    section shop status store template test variant video view widget
""")
_OF_THINGS = re.compile(f"(?:{'|'.join(sorted(_THINGS))})(?:names?|titles?|ids?|numbers?)")

# Found anywhere in a name, for many are written as one word.
_PERSONAL_PARTS = _words("""
    account address adress apellido author birth buyer clid client company contact cookie correo
    creditcard cardnumber customer direccion endereco facebook fax geburt guid handy iban instagram
    konto kunde latitude linkedin location longitude mail member mobil naam name nombre nome owner
    passport passw person phone postal postcode prenom recipient secret session signature social
    strasse street subscriber telefon token twitter user uuid visitor zipcode
""")
_PERSONAL_WORDS = _words("""
    age answer auth body cid city comment cp cvc cvv dob feedback gender geo hash hmac ip key lat
    lng lon message nom note notes otp pass pin plz pwd q query reply review search sex ssn subject
    tax tel text uid vat zip
""")


def _masked(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if is_personal(name):
        return HIDDEN
    if isinstance(value, str):
        return _masked_text(value)
    if isinstance(value, (int, float)):
        rounded = round(value, 2)
        masked = _masked_text(str(rounded))
        return rounded if masked == str(rounded) else masked
    if isinstance(value, list):
        return [_masked(name, each) for each in value[:_ITEMS_MAX]]
    some = list(value.items())[:_ITEMS_MAX]
    return {_masked_text(key): _masked(key, each) for key, each in some}


def _masked_text(text: str) -> str:
    scanned = text[:_SCANNED_CHARS]
    if len(text) > _SCANNED_CHARS:  # without the word that was cut, of which less would be known
        scanned = scanned.rpartition(" ")[0] + " …"
    for pattern, mask in _MASKS:
        scanned = pattern.sub(mask, scanned)
    return " ".join(scanned.split())


def _network_address(found: re.Match[str]) -> str:
    try:
        ipaddress.ip_address(found[0].strip("."))
    except ValueError:
        return found[0]
    return "[ip]"


def _random(found: re.Match[str]) -> str:
    """Random strings change between letters, digits and capitals all the time; words and what is
    made of them do not."""
    run = found[0]
    changes = sum(len(_CHANGES.findall(part)) for part in re.split(r"[-_+=~]", run))
    return "[token]" if changes >= 4 or (len(run) >= 32 and run.isalnum()) else run


_CHANGES = re.compile(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[A-Z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z])")
_MASKS = (
    (re.compile(r"[?#][^\s\"'<>]*[=&][^\s\"'<>]*"), "?…"),
    (re.compile(r"[^\s\"'<>(),;:/]*(?:@|%40)[^\s\"'<>(),;]*", re.IGNORECASE), "[email]"),
    (re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w])"), _network_address),
    (re.compile(r"(?<![\w:])(?:[\da-f]{0,4}:){2,7}[\da-f.]*(?![\w:])", re.I), _network_address),
    (re.compile(r"[\w+=~-]{10,}", re.ASCII), _random),
    (re.compile(r"\+?\d(?:[\s().\-/]{0,2}\d){6,}"), "[digits]"),
)
