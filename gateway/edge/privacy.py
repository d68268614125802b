"""Visitors whose browser asks not to be tracked (Global Privacy Control, Do Not Track): what their
list does about it. The tracker holds itself to it; here it is held again, whatever was sent.
"""

from gateway.edge.requests import Headers


def asks_not_to_be_tracked(headers: Headers) -> bool:
    return headers.get(b"sec-gpc") == b"1" or headers.get(b"dnt") == b"1"
