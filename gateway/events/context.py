"""What follows from a text is worked out once, and remembered by the text: pages say the same of
themselves for every visitor, and browsers for every page.

Nothing is remembered of long texts, so that nobody fills the memory with them. Pure.
"""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, TypeVar

import msgspec

from gateway.events.event import NOTHING, Context, Properties

TEXTS_MAX = 2_000
TEXT_BYTES_MAX = 2_000

T = TypeVar("T")
_encode = msgspec.json.Encoder().encode


def remembered(function: Callable[..., T]) -> Callable[..., T]:
    """`function`, called once for the same arguments. The first is what it is all about: a text, or
    a context."""
    known = lru_cache(TEXTS_MAX)(function)

    @wraps(function)
    def recall(about: bytes | Context, *more: Any) -> T:
        text = about.text if type(about) is Context else about
        return known(about, *more) if len(text) <= TEXT_BYTES_MAX else function(about, *more)

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
    short = len(said.text) + len(more.text) <= TEXT_BYTES_MAX
    return _joined(said, more) if short else _in_one(said, more)


def _in_one(said: Context, more: Context) -> Context:
    # Of two values under one name a JSON reader keeps the second.
    return _of(said.text[:-1] + b"," + more.text[1:])


_joined = lru_cache(TEXTS_MAX)(_in_one)
_of = remembered(Context)
