"""What a sender may write, and what it is told when it writes something else."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from gateway.errors import InvalidEvent, NotJson, Refused
from gateway.events import parse
from gateway.events.event import Event
from gateway.settings import Limits

LIMITS = Limits()
A_UUID = "aae6840b-3b7e-4f95-a9d5-6dbf5da8d84d"
A_HASH = "5E884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8"

NOT_OBJECTS = [None, True, 0, 1.5, "text", [], ["event"], [{"event": "x"}]]


def server(**parameters: Any) -> Event:
    return parse.server_event(parameters, LIMITS)


def browser(**members: Any) -> Event:
    return parse.browser_event(members, LIMITS)


def problems(call: Callable[[], object]) -> list[tuple[int, str]]:
    with pytest.raises(Refused) as refused:
        call()
    return [(problem.code, problem.message) for problem in refused.value.problems]


def codes(call: Callable[[], object]) -> list[int]:
    return [code for code, _ in problems(call)]


class TestBodies:
    """From bytes to a value: NotJson for whatever cannot be read, and nothing else."""

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param(b"", id="empty"),
            pytest.param(b" \n", id="blank"),
            pytest.param(b"{", id="unclosed"),
            pytest.param(b'{"a": 1,}', id="trailing comma"),
            pytest.param(b"{'a': 1}", id="single quotes"),
            pytest.param(b'{"a": 1} {"b": 2}', id="two values"),
            pytest.param(b'{"a": NaN}', id="NaN"),
            pytest.param(b'{"a": Infinity}', id="Infinity"),
            pytest.param(b'{"a": -Infinity}', id="-Infinity"),
            pytest.param(b'{"a": 1e999}', id="a number beyond any float"),
            pytest.param(b"9" * 5_000, id="a number of 5,000 digits"),
            pytest.param(b'"\\ud800"', id="a lone surrogate, escaped"),
            pytest.param(b'"\xed\xa0\x80"', id="a lone surrogate, raw"),
            pytest.param(b'"\xff"', id="no UTF-8"),
            pytest.param(b'"a\0b"', id="a raw NUL"),
            pytest.param("{}".encode("utf-16"), id="UTF-16"),
            pytest.param(b"\x1f\x8b\x08\x00", id="compressed"),
            pytest.param(b"[" * 100_000, id="deep and unclosed"),
            pytest.param(b"[" * 100_000 + b"]" * 100_000, id="deep"),
            pytest.param(b'{"a":' * 50_000 + b"1" + b"}" * 50_000, id="deep objects"),
            pytest.param(b"// only a comment", id="only a comment"),
            pytest.param(b'{"a": 1} // behind', id="a comment behind a value"),
            pytest.param(b"event=test&ListID=3", id="a form"),
        ],
    )
    def test_what_is_no_json_is_refused_as_such(self, body: bytes) -> None:
        with pytest.raises(NotJson):
            parse.decode(body)

    def test_lines_that_hold_only_a_comment_are_skipped(self) -> None:
        """The samples of the reference carry them."""
        body = b'// an event\n{\n  // "SessionID": "x"\r\n\t//\n  "url": "http://a/b"\n}\n//end'
        assert parse.decode(body) == {"url": "http://a/b"}

    @pytest.mark.parametrize("text", ["//", "// not a comment", "https://shop.example//x"])
    def test_slashes_inside_text_are_no_comment(self, text: str) -> None:
        assert parse.decode(b'{"a":\n "%s"}' % text.encode()) == {"a": text}

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param(b'{"event": "' + b"a" * 10_000_000 + b'"}', id="one text"),
            pytest.param(b"//" + b" " * 10_000_000, id="one comment"),
            pytest.param(b"\n" * 10_000_000 + b"//", id="empty lines"),
            pytest.param(b"[" + b"0," * 5_000_000 + b"0]", id="many values"),
        ],
    )
    def test_ten_megabytes_are_read_or_refused_in_no_time(self, body: bytes) -> None:
        """Doors take far less; should one not, nothing here is slower than linear."""
        began = time.perf_counter()
        try:
            raw = parse.decode(body)
        except NotJson:
            raw = {}
        for read in (parse.browser_event, parse.beacon):
            with pytest.raises(InvalidEvent):
                read(raw, LIMITS)
        assert time.perf_counter() - began < 5


class TestNumberedProblems:
    """The reference's codes and messages, to the letter."""

    @pytest.mark.parametrize("name", [None, "", "  ", 7, 1.5, True, [], ["x"], {}, {"a": 1}])
    def test_an_event_needs_a_name(self, name: Any) -> None:
        missing = [(5, "Missing event parameter.")]
        assert problems(lambda: server(event=name)) == missing
        assert problems(lambda: browser(event=name)) == missing

    @pytest.mark.parametrize("email", [None, "", " "])
    def test_an_identify_needs_an_email(self, email: Any) -> None:
        missing = [(6, "Missing email parameter.")]
        assert problems(lambda: server(event="identify", email=email)) == missing
        assert problems(lambda: browser(event="identify", email=email)) == missing

    def test_an_identify_with_an_unhashed_id_needs_an_email(self) -> None:
        assert codes(lambda: server(event="identify", id="user-100")) == [6]

    @pytest.mark.parametrize("event", ["identify", "test"])
    @pytest.mark.parametrize(
        "email",
        [
            "@",
            "someone",
            "a@b@example.com",
            "a b@example.com",
            "a@",
            "@example.com",
            "a@.com",
            "a@example.com\0",
            "\ud800@example.com",
            f"{'a' * 400}@example.com",
            "a" * 1_000_000,
            7,
            True,
            ["a@example.com"],
            {"a": 1},
        ],
        ids=lambda email: repr(email)[:24],
    )
    def test_an_email_must_be_one(self, event: str, email: Any) -> None:
        """An identify with a bad address has one problem, not two."""
        invalid = [(7, "Invalid email parameter.")]
        assert problems(lambda: server(event=event, email=email)) == invalid
        assert problems(lambda: browser(event=event, email=email)) == invalid

    def test_a_conversion_needs_its_three_properties(self) -> None:
        missing = [
            (8, "Missing conversion-id event property."),
            (9, "Missing conversion-name event property."),
            (10, "Missing conversion-value event property."),
        ]
        for properties in (None, {}, [], "", {"conversion-value-x": 1}):
            assert (
                problems(lambda p=properties: server(event="conversion", properties=p)) == missing
            )
            assert (
                problems(lambda p=properties: browser(event="conversion", properties=p)) == missing
            )

    @pytest.mark.parametrize(
        ("name", "code"), [("conversion-id", 8), ("conversion-name", 9), ("conversion-value", 10)]
    )
    @pytest.mark.parametrize("value", [None, "", " ", True, [], {}, ["x"]])
    def test_an_empty_conversion_property_counts_as_missing(
        self, name: str, code: int, value: Any
    ) -> None:
        properties = {"conversion-id": "o-1", "conversion-name": "p", "conversion-value": 1}
        assert codes(
            lambda: server(event="conversion", properties={**properties, name: value})
        ) == [code]

    @pytest.mark.parametrize(
        "value", ["fifty", "NaN", "nan", "inf", "-Infinity", "1_000", "50 USD", "290,50", "0x10"]
    )
    def test_a_conversion_value_must_be_a_finite_number(self, value: Any) -> None:
        properties = {"conversion-id": 1, "conversion-name": "p", "conversion-value": value}
        assert codes(lambda: server(event="conversion", properties=properties)) == [10]

    @pytest.mark.parametrize("value", [0, -5, 290.5, "290.50", " 50 ", "1e3"])
    def test_a_conversion_value_may_be_a_number_as_text(self, value: Any) -> None:
        """Form fields are text. It is kept as sent."""
        properties = {"conversion-id": 1, "conversion-name": "p", "conversion-value": value}
        assert server(event="conversion", properties=properties).properties == properties

    def test_all_problems_are_told_at_once_in_the_order_of_their_codes(self) -> None:
        found = codes(
            lambda: server(
                event="conversion",
                email="nobody",
                uuid="x",
                time="x",
                eventid=[],
                id=[],
                properties={"": 1},
                identifyproperties=7,
            )
        )
        assert found == [7, 8, 9, 10, 1001, 1005, 1009, 1010, 1011, 1012]

    def test_names_besides_the_reference_s_have_codes_from_1001_and_say_what_to_change(
        self,
    ) -> None:
        [(code, message)] = problems(lambda: server(event="x", uuid="nope"))
        assert (code, message) == (
            1001,
            "Invalid UUID parameter: write 8-4-4-4-12 hexadecimal digits.",
        )


class TestShapes:
    @pytest.mark.parametrize("raw", NOT_OBJECTS)
    def test_a_beacon_and_its_events_are_objects(self, raw: Any) -> None:
        assert codes(lambda: parse.beacon(raw, LIMITS)) == [1014]
        assert codes(lambda: parse.browser_event(raw, LIMITS)) == [1014]

    @pytest.mark.parametrize("value", [True, 7, 1.5, "text", ["x"]])
    def test_properties_are_an_object(self, value: Any) -> None:
        assert codes(lambda: server(event="x", properties=value)) == [1003]
        assert codes(lambda: browser(event="x", properties=value)) == [1003]
        assert codes(lambda: server(event="x", identifyproperties=value)) == [1012]
        assert codes(lambda: browser(event="x", identifyProperties=value)) == [1012]

    @pytest.mark.parametrize("value", [None, [], "", {}])
    def test_no_properties_may_be_written_as_php_writes_them(self, value: Any) -> None:
        """`json_encode(array())` is `[]`."""
        event = server(event="x", properties=value, identifyproperties=value)
        assert (event.properties, event.identify_properties) == ({}, {})

    @pytest.mark.parametrize("value", [7, True, [], {}, "x", A_UUID[:-1], f"{{{A_UUID}}}", A_HASH])
    def test_a_uuid_is_8_4_4_4_12_hexadecimal_digits(self, value: Any) -> None:
        assert codes(lambda: server(event="x", uuid=value)) == [1001]

    def test_a_uuid_is_read_in_either_case(self) -> None:
        assert server(event="x", uuid=A_UUID.upper()).uuid == A_UUID

    @pytest.mark.parametrize("value", [True, 1.5, [], {}, "a\0b", "\ud800", 2**63])
    def test_ids_are_text_or_whole_numbers(self, value: Any) -> None:
        assert codes(lambda: server(event="x", id=value)) == [1011]
        assert codes(lambda: server(event="x", eventid=value)) == [1010]
        assert codes(lambda: browser(event="x", id=value)) == [1010]

    def test_a_number_for_an_id_is_the_text_of_its_digits(self) -> None:
        assert server(event="x", id=2006).external_id == "2006"

    def test_empty_parameters_count_as_absent(self) -> None:
        empty = server(event="x", id="", eventid="", uuid="", email="", time="", properties="")
        assert empty == Event(name="x")

    @pytest.mark.parametrize(
        ("value", "at_ms"),
        [
            ("2026-01-31T12:00:00Z", 1_769_860_800_000),
            ("2026-01-31T12:00:00", 1_769_860_800_000),
            ("2026-01-31T14:00:00.001+02:00", 1_769_860_800_001),
            (1_769_860_800, 1_769_860_800_000),
            ("1769860800", 1_769_860_800_000),
            (1.001, 1_001),
            (0, 0),
        ],
    )
    def test_time_is_iso_8601_or_epoch_seconds(self, value: Any, at_ms: int) -> None:
        assert server(event="x", time=value).at_ms == at_ms

    @pytest.mark.parametrize(
        "value",
        [
            "yesterday",
            "2026-13-01",
            -1,
            1e300,
            float("nan"),
            float("inf"),
            "inf",
            True,
            [],
            {},
            1_769_860_800_000,
            "9" * 5_000,
            10**400,
            "\0",
            "2026-01-31T12:00:00\ud800",
        ],
        ids=lambda value: repr(value)[:24],
    )
    def test_a_time_outside_the_calendar_is_refused(self, value: Any) -> None:
        """Milliseconds among them: they would be the year 58,000."""
        assert codes(lambda: server(event="x", time=value)) == [1009]

    @pytest.mark.parametrize("at", [None, True, "1769860800000", -1, 1e300, float("nan"), [], {}])
    def test_a_browser_s_clock_that_tells_no_time_is_not_believed(self, at: Any) -> None:
        """The event is worth more than its instant, which the gateway can tell."""
        assert browser(event="x", at=at).at_ms is None

    @pytest.mark.parametrize("value", [True, "true", 1, "1"])
    def test_a_silent_event_says_so_at_the_top_or_among_its_properties(self, value: Any) -> None:
        assert server(event="x", issilent=value).silent
        assert server(event="x", properties={"isSilent": value}).silent
        assert browser(event="x", isSilent=value).silent
        assert server(event="x", istest=value).test

    @pytest.mark.parametrize("value", [None, False, 0, "", "false", "no", 2, [], {}])
    def test_what_does_not_say_true_is_not_silent_and_no_test(self, value: Any) -> None:
        event = server(event="x", issilent=value, istest=value, properties={"isSilent": value})
        assert not event.silent
        assert not event.test

    def test_property_names_keep_their_case(self) -> None:
        properties = {"firstName": "A", "firstname": "b"}
        assert server(event="x", properties=properties).properties == properties

    def test_the_tracker_s_identify_takes_a_hash_in_the_place_of_an_address(self) -> None:
        event = browser(event="identify", email=A_HASH)
        assert (event.email, event.external_id) == (None, A_HASH)
        assert server(event="identify", id=A_HASH).external_id == A_HASH
