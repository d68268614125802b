"""What follows from a text is worked out once, and remembered by the text: pages say the same of
themselves for every visitor, and browsers for every page.

Nothing is remembered of long texts, so that nobody fills the memory with them. Pure.
"""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, TypeVar

import msgspec

from gateway.events.event import NOTHING, Context, Properties

TEXTS_MAX = 5_000
TEXT_BYTES_MAX = 2_000

T = TypeVar("T")
_encode = msgspec.json.Encoder().encode


def remembered(function: Callable[..., T]) -> Callable[..., T]:
    """`function`, called once for the same arguments. The first is the text it is all about."""
    known = lru_cache(TEXTS_MAX)(function)

    @wraps(function)
    def recall(text: bytes, *more: Any) -> T:
        return known(text, *more) if len(text) <= TEXT_BYTES_MAX else function(text, *more)

    return recall


def context_of(properties: Properties) -> Context:
    """The same object for what is the same in the same order. Not by comparing them as Python
    does, to which 1, 1.0 and true are one."""
    if type(properties) is Context:
        return properties
    return _of(_encode(properties)) if properties else NOTHING


def joined(said: Context, more: Context) -> Context:
    """Both; what both say, as `more` says it."""
    if not said or not more:
        return said or more
    # Of two values under one name a JSON reader keeps the second.
    return _of(said.text[:-1] + b"," + more.text[1:])


_of = remembered(Context)
