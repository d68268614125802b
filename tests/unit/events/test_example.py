"""What an example of a value may say: what such values look like, and of nobody whose they are."""

from typing import Any

import pytest

from gateway.events.example import CHARS_MAX, HIDDEN, example_of, is_personal, type_of
from tests import hostile


@pytest.mark.parametrize(
    ("value", "type_"),
    [
        ("x", "text"), ("", "text"), (5, "number"), (5.5, "number"), (True, "true/false"),
        (None, "null"), ([], "list"), ({}, "object"),
    ],
)  # fmt: skip
def test_a_value_has_one_of_six_types(value: Any, type_: str) -> None:
    assert type_of(value) == type_


@pytest.mark.parametrize(
    ("value", "example"),
    [
        ("red", "red"),
        ("The desk lamp, 2024 edition", "The desk lamp, 2024 edition"),
        ("desk-lamp-2024-black-xl", "desk-lamp-2024-black-xl"),
        ("numberOfSubscribersImported", "numberOfSubscribersImported"),
        ("https://shop.example/product/mug", "https://shop.example/product/mug"),
        (18.5, "18.5"),
        (1200, "1200"),
        (True, "true"),
        (["red", "blue"], '["red","blue"]'),
        ({"sku": "m-1", "price": 5}, '{"sku":"m-1","price":5}'),
        ("  a\x00\n b ", "a\x00 b"),
    ],
)
def test_what_says_nothing_of_anybody_is_shown(value: Any, example: str) -> None:
    assert example_of("color", value) == example


@pytest.mark.parametrize(
    ("value", "example"),
    [
        ("Hi ann@example.com!", "Hi [email]"),
        ("ann%40example.com", "[email]"),
        ("https://ann:pw@shop.example/x", "https://ann:[email]"),
        ("https://shop.example/x?mail=ann&b=1#c=d", "https://shop.example/x?…"),
        ("/cb#access_token=abc", "/cb?…"),
        ("+49 (171) 123-4567", "[digits]"),
        (491711234567, "[digits]"),
        (-1234567.25, "-[digits]"),
        ("card 4111 1111 1111 1111", "card [digits]"),
        ("born 1990-02-03", "born [digits]"),
        ("from 192.168.1.10", "from [ip]"),
        ("fe80::1ff:fe23:4567:890a", "[ip]"),
        ("5b0ba7a5-3a4c-4c5d-9d3e-0a1b2c3d4e5f", "[token]"),
        ("d41d8cd98f00b204e9800998ecf8427e", "[token]"),
        ("a8F3kQ2zX9", "[token]"),
        (["red", "ann@example.com"], '["red","[email]"]'),
        ({"sku": "m", "phone": "1"}, '{"sku":"m","phone":"[hidden]"}'),
        ({"ann@example.com": 1}, '{"[email]":1}'),
    ],
)  # fmt: skip
def test_what_tells_people_apart_is_masked(value: Any, example: str) -> None:
    assert example_of("color", value) == example


@pytest.mark.parametrize(
    "name",
    [
        "email", "emailAddress", "e-mail", "Phone", "phone_number", "name", "firstName",
        "customername", "shipping_name", "billing.address", "street", "zip", "$id", "userId",
        "user_agent", "ip", "search", "q", "message", "birthday", "gclid", "accessToken", "имя",
        "Straße", "prénom", "client-id", "", "42", "order_number",
    ],
)  # fmt: skip
def test_under_a_name_that_may_speak_of_people_everything_is_hidden(name: str) -> None:
    """A name that cannot be read is taken for one."""
    assert is_personal(name)
    assert example_of(name, "x") == HIDDEN
    assert example_of(name, {"deep": ["x"]}) == HIDDEN


@pytest.mark.parametrize(
    "name",
    [
        "product_name", "productName", "productname", "product_id", "conversion-name", "color",
        "plan", "price", "quantity", "$browser", "$browser_language", "$device", "$current_url",
        "$pageTitle", "$page_title", "$screen_width", "$lib_version", "utm_campaign", "method",
        "number-of-subscribers-imported", "order",
    ],
)  # fmt: skip
def test_other_names_hide_nothing(name: str) -> None:
    assert not is_personal(name)


@pytest.mark.parametrize("text", [*hostile.ALL, "x" * 9_000, "word " * 2_000, "a@" * 500])
def test_an_example_is_short_and_made_in_a_moment_whatever_the_value(text: str) -> None:
    for value in (text, [text] * 100, {text: {text: text}}):
        assert len(example_of("color", value)) <= CHARS_MAX


def test_what_is_cut_shows_no_part_of_what_would_have_been_masked() -> None:
    """The last word of what is looked at goes, for it may be half an address."""
    assert "ann" not in example_of("color", " " * 395 + "ann@example.com" + " " * 400)
