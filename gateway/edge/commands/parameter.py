"""What one parameter of a call is: its type as JSON Schema says it, and what it means.

The document at `/openapi.json` is made from these; tests hold the types equal to what the calls
take. Forms and query strings write the same values as text.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from gateway.settings import Limits

Schema = dict[str, Any]

WHOLE_MAX = 2**63 - 1
TEXT_CHARS_MAX = 8_192


@dataclass(frozen=True, slots=True)
class Parameter:
    """`bounds` are keywords of the schema whose values are fields of `Limits`; `meaning` may name
    such fields in braces. `ignored`: taken for the family's sake, and without effect."""

    meaning: str
    schema: Schema
    bounds: Mapping[str, str] = field(default_factory=dict)
    ignored: bool = False

    def described(self, limits: Limits) -> Schema:
        """The schema with everything in it."""
        values = asdict(limits)
        bounds = {keyword: values[name] for keyword, name in self.bounds.items()}
        return {**self.schema, **bounds, "description": self.meaning.format_map(values)}


def whole(meaning: str, least: int = 1) -> Parameter:
    return Parameter(meaning, {"type": "integer", "minimum": least, "maximum": WHOLE_MAX})


def text(meaning: str, chars_max: int = TEXT_CHARS_MAX, *, least: int = 0) -> Parameter:
    bounds = {"minLength": least, "maxLength": chars_max} if least else {"maxLength": chars_max}
    return Parameter(meaning, {"type": "string", **bounds})


def email(meaning: str) -> Parameter:
    return Parameter(meaning, {"type": "string", "format": "email"})


def flag(meaning: str) -> Parameter:
    return Parameter(meaning, {"type": "boolean"})


def choice(words: Collection[str], meaning: str) -> Parameter:
    """One of these words, without regard to case."""
    return Parameter(meaning, {"type": "string", "enum": list(words)})


def instant(meaning: str) -> Parameter:
    examples = ["2026-01-31", "2026-01-31 12:00:00", "2026-01-31T12:00:00Z"]
    return Parameter(f"{meaning} UTC unless it says.", {"type": "string", "examples": examples})


def obj(meaning: str) -> Parameter:
    return Parameter(meaning, {"type": "object"})


def ids(meaning: str) -> Parameter:
    """`"1,2,3"` or `[1, 2, 3]`."""
    many = {"type": "array", "items": {"type": "integer", "minimum": 1}}
    commas = {"type": "string", "pattern": r"^\s*[0-9]+(\s*,\s*[0-9]+)*\s*$"}
    return Parameter(meaning, {"anyOf": [commas, many]})


def several(one: Parameter, most: int) -> Parameter:
    """One of them, or an array of at most so many."""
    many = {"type": "array", "items": one.schema, "minItems": 1, "maxItems": most}
    return Parameter(one.meaning, {"anyOf": [one.schema, many]})


def ignored(what: str) -> Parameter:
    return Parameter(f"{what} Accepted and ignored.", {}, ignored=True)


def json(meaning: str) -> Parameter:
    """JSON, as it is or in a text."""
    return Parameter(meaning, {"type": ["array", "object", "string"]})
