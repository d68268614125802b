"""Ids nobody can own: what a page or a template writes when it does not know who somebody is.

Binding by one of these would pour everybody's history into one person; Mixpanel and PostHog
keep such lists for the same reason.
"""

_NOBODYS = frozenset(
    {
        "anonymous", "guest", "null", "undefined", "0", "-1", "none", "nil", "nan", "n/a", "na",
        "false", "true", "unknown", "empty", "id", "email", "user", "userid", "user_id",
        "distinct_id", "distinctid", "not_authenticated", "[object object]", "{}", "[]", "()",
    }
)  # fmt: skip


def is_nobodys(identifier: str) -> bool:
    """Whether this can be nobody's id: empty, white space, a placeholder, a uuid of one digit."""
    word = identifier.strip().casefold()
    return not word or word in _NOBODYS or _is_one_digit(word)


def _is_one_digit(word: str) -> bool:
    digits = word.replace("-", "")
    return len(digits) == 32 and digits == digits[0] * 32
