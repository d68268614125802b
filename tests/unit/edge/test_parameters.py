"""The parameters of a call, wherever they stand."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.edge import parameters
from gateway.errors import NotJson

JSON, FORM = "application/json", "application/x-www-form-urlencoded"


def read(body: str = "", content_type: str = JSON, query: str = "") -> dict[str, Any]:
    return parameters.read(body.encode(), content_type, query.encode())


@pytest.mark.parametrize("content_type", [JSON, "", "text/plain", FORM, "multipart/form-data"])
def test_a_json_body_is_read_whatever_its_content_type(content_type: str) -> None:
    """`curl -d` says form."""
    assert read('{"ListID": 3}', content_type) == {"listid": 3}
    assert read('// a comment\n {"ListID": 3}', content_type) == {"listid": 3}


def test_names_at_the_top_are_case_insensitive_and_what_is_inside_keeps_its_case() -> None:
    body = '{"LISTID": 3, "Properties": {"firstName": "A"}}'
    assert read(body) == {"listid": 3, "properties": {"firstName": "A"}}


def test_the_body_goes_over_the_query() -> None:
    assert read('{"Event": "body"}', query="event=query&ListID=3") == {
        "event": "body",
        "listid": "3",
    }


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("", {}),
        ("ListID=3&Event=test", {"listid": "3", "event": "test"}),
        ("Event=a+b%20c%C3%A9", {"event": "a b cé"}),
        ("Email=", {"email": ""}),
        ("Event", {"event": ""}),
        ("Properties[product]=Mug", {"properties": {"product": "Mug"}}),
        ("Properties%5Bproduct%5D=Mug", {"properties": {"product": "Mug"}}),
        ("Properties[a][B]=1&Properties[a][c]=2", {"properties": {"a": {"B": "1", "c": "2"}}}),
        ("Properties=x&Properties[a]=1", {"properties": {"a": "1"}}),
        ("Event=first&event=second", {"event": "second"}),
    ],
)
def test_form_fields_and_the_query_are_read_alike_and_nest(
    form: str, expected: dict[str, Any]
) -> None:
    assert read(form, FORM) == expected
    assert read(form, f"{FORM.upper()}; charset=utf-8") == expected
    assert read(query=form) == expected


@pytest.mark.parametrize("body", ["", " \r\n", "[]", "{}"])
def test_no_parameters_are_none(body: str) -> None:
    """PHP writes an empty object as `[]`."""
    assert read(body) == {}


@pytest.mark.parametrize("body", ["null", "7", '"text"', "true", "[1]", "{", "event=test"])
def test_a_body_that_is_no_object_is_refused(body: str) -> None:
    with pytest.raises(NotJson):
        read(body)


@pytest.mark.parametrize("form", [b"a=%ff", b"a=\xff", b"a=1&" * 1_001])
def test_a_form_that_is_no_text_or_endless_is_refused(form: bytes) -> None:
    with pytest.raises(NotJson, match="1000 form fields, in UTF-8"):
        parameters.read(form, FORM, b"")
    with pytest.raises(NotJson):
        parameters.read(b"", FORM, form)


def test_brackets_without_end_nest_only_so_deep() -> None:
    assert str(read("a" + "[b]" * 900 + "=1", FORM)).count("{") == parameters.DEPTH_MAX + 1


forms = st.lists(
    st.sampled_from(["a", "Properties", "[", "]", "[]", "[a]", "=", "&", "%", "%41", "%ff", "é"])
).map("".join)


@given(st.binary() | forms.map(str.encode), st.sampled_from([JSON, FORM]), forms | st.just(""))
def test_reading_raises_nothing_but_not_json(body: bytes, content_type: str, query: str) -> None:
    with contextlib.suppress(NotJson):
        read_all = parameters.read(body, content_type, query.encode())
        assert all(isinstance(name, str) for name in read_all)
