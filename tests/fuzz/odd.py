"""Odd things to send: values, JSON that is none, headers, query strings and forms."""

import json
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

SURROGATE, DOUBLED = "HALF_OF_A_PAIR", "SAID_TWICE"
"""Stand for what `json.dumps` does not write."""

TEXTS = [
    "", " ", "\0", "a\0b", "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
    "İ", "ß", "\u2028", "x" * 201, "x" * 9_000, "é" * 4_097, SURROGATE, "ann@example.com",
    "a@" + "b" * 400 + ".com", "0" * 64, "00000000-0000-0000-0000-000000000000", "1e400", "²",
    "2026-02-30", "9" * 30, "identify", "conversion", "page_view", "[" * 500, "//", "true",
    "http://[", "9999-12-31T23:59:59-23:59", "0001-01-01", "%ff", "CustomField" + "9" * 5_000,
]  # fmt: skip
NUMBERS = [0, -0.0, -1, 1, 2**53, 2**63 - 1, 2**63, -(2**63) - 1, 10**400, 1.5, 1e308, 5e-324]


def nested(depth: int, kind: type) -> Any:
    inner: Any = kind()
    for _ in range(depth):
        inner = [inner] if kind is list else {"a": inner}
    return inner


leaves = (
    st.none()
    | st.booleans()
    | st.sampled_from(TEXTS)
    | st.sampled_from(NUMBERS)
    | st.text(max_size=8)
    | st.builds(nested, st.sampled_from([3, 5, 6, 31, 300]), st.sampled_from([list, dict]))
)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(TEXTS) | st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


def as_json(value: Any) -> bytes:
    """Also what no JSON value holds: half a surrogate pair, and the same name twice."""
    text = json.dumps(value, ensure_ascii=False)
    text = text.replace(SURROGATE, "\\ud800")
    return (
        text.replace("{", '{"events": [], "event": 1, ', 1).encode()
        if DOUBLED in text
        else text.encode()
    )


@st.composite
def damaged(draw: st.DrawFn, body: bytes) -> bytes:
    """The same with a few bytes changed, taken out or put in; or in another encoding."""
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(body)))
        piece = draw(st.sampled_from(PIECES))
        body = body[:at] + piece + body[at + draw(st.integers(0, 3)) :]
    return draw(
        st.sampled_from(
            [
                body,
                body[: len(body) // 2],
                b"\xef\xbb\xbf" + body,
                body.decode("latin-1").encode("utf-16"),
                body + b"\n// a comment",
                b"// a comment\n" + body,
                body + body,
            ]
        )
    )


PIECES = [
    b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"\0", b"\xff", b"\xed\xa0\x80", b"\\u0000",
    b"\\ud800", b"\n//", b"NaN", b"Infinity", b"1e999", b"-", b"9" * 400, b"[" * 2_000, b"null",
]  # fmt: skip

_visible = st.lists(st.sampled_from(range(0x20, 0x100)).filter(lambda b: b != 0x7F), max_size=20)
odd_bytes = _visible.map(bytes)
HEADER_NAMES = [
    b"user-agent", b"referer", b"origin", b"cookie", b"x-forwarded-for", b"x-forwarded-proto",
    b"accept-language", b"authorization", b"sec-ch-ua-platform", b"sec-ch-ua-mobile",
    b"sec-ch-ua-model", b"if-none-match", b"accept-encoding", b"host", b"content-type",
    b"last-event-id", b"content-encoding",
]  # fmt: skip
HEADER_VALUES = [
    b"", b"null", b"https://shop.example", b"http://[", b"https://[::1", b"://", b"\xff\xfe",
    b"octethUUID=x; octethUUID=\xff", b"octethUUID=" + b"A" * 5_000, b"Bearer ", b"bearer \xff",
    b"for=1, 2, ,", b"::ffff:1.2.3.4", b"\xc3\xa9", b"x" * 20_000, b'"\\"', b"identity",
    b"application/x-www-form-urlencoded; charset=utf-16", b"gzip", b"*", b"q=0;;,;q",
    b"localhost:99999", b"a" * 400 + b".example",
]  # fmt: skip
headers = st.lists(
    st.tuples(st.sampled_from(HEADER_NAMES), st.sampled_from(HEADER_VALUES) | odd_bytes), max_size=4
)

_names = st.sampled_from(
    [
        "ListID", "Event", "email", "UUID", "id", "EventID", "time", "isTest", "Properties",
        "Properties[a]", "Properties[a][b]", "Properties[]", "properties[%00]", "Properties[a",
        "]", "[", "", "APIKey", "Command", "IdentifyProperties[x]", "list", "user", "event", "b",
        "$current_url", "Properties[conversion-value]", "a" * 201,
    ]
)  # fmt: skip
_field_values = st.sampled_from(
    [
        "",
        "1",
        "test",
        "identify",
        "%00",
        "%ff",
        "%",
        "%ed%a0%80",
        "+",
        "x" * 9_000,
        "é",
        "%F0%9F%98%80",
    ]
) | st.text(max_size=6).map(quote)
pairs = st.lists(st.tuples(_names, _field_values), max_size=6)


def as_form(fields: list[tuple[str, str]]) -> bytes:
    return "&".join(f"{name}={value}" for name, value in fields).encode()


raw_query = st.lists(
    st.sampled_from(range(0x21, 0x7F)).filter(lambda b: b != 0x23), max_size=30
).map(bytes)
