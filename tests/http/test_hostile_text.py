"""Text that means harm, through every text field of every door: it comes out as text.

Stored exactly as sent or refused with a number; answered as JSON; never in a header; one line of
the log a request, without anything a terminal obeys. What the commands show is in `cli`.
"""

import http.client
import json
import logging
import socket
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import quote

import httpx
import pytest

from gateway.edge.commands.table import COMMANDS
from gateway.edge.tracker import snippet
from gateway.events.scrub import scrub
from gateway.settings import Settings
from tests import hostile
from tests.http.management import done, subscribe
from tests.support import CHROME, RunningGateway, Tracked

OURS = {
    "access-control-allow-credentials", "access-control-allow-origin",
    "access-control-expose-headers", "allow", "cache-control", "connection", "content-length",
    "content-type", "cross-origin-resource-policy", "date", "retry-after", "set-cookie",
    "transfer-encoding", "vary", "www-authenticate", "x-content-type-options", "x-gateway-result",
}  # fmt: skip
"""Every header the gateway answers with; one more would be somebody else's."""


@pytest.fixture(autouse=True)
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Whatever a test sends, each line of the log is one line and printable, and none is a fault's.

    Everything is logged, and also what is logged by others in this process."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.WARNING, "httpx")
    caplog.set_level(logging.WARNING, "httpcore")
    yield caplog
    for record in caplog.get_records("call"):
        assert record.getMessage().isprintable(), repr(record.getMessage())
        assert record.exc_info is None


def is_clean(answer: httpx.Response) -> bool:
    """Our headers and no others, each on one line, and a body of the kind it says."""
    assert {name.lower() for name in answer.headers} <= OURS
    assert all(value.isprintable() for value in answer.headers.values())
    if answer.headers["content-type"] == "application/json":
        answer.json()
    return True


# -- events -----------------------------------------------------------------------------------


def test_in_a_servers_event_it_is_stored_as_it_was_sent(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    """As the name, as the name and the value of a property, and nested in one."""
    expected = []
    for number, text in enumerate(hostile.SHOWN):
        properties = {text: text, "nested": {text: [text, {"deep": text}]}, "$page_title": text}
        answer = gateway.call(
            "event", tracked, Event=text, ID=f"{text[:150]} {number}", Properties=properties,
            EventID=f"{number}:{text[:150]}", IdentifyProperties={text: text},
        )  # fmt: skip
        assert is_clean(answer)
        assert answer.status_code == 200, (text, answer.text)
        assert answer.json()["external_id"] == f"{text[:150]} {number}"
        expected.append((text, properties))
    stored = gateway.events(tracked)
    assert [event.event for event in stored] == [name for name, _ in expected]
    for event, (_, properties) in zip(stored, expected, strict=True):
        known = {"$uuid", "$list_id"}  # what the server says of itself goes over it
        said = {name: value for name, value in properties.items() if name not in known}
        assert {name: event.properties[name] for name in said} == said


def test_the_catalog_names_it_as_text(gateway: RunningGateway, tracked: Tracked) -> None:
    names = [text for text in hostile.SHOWN if not text.startswith("$")]
    for name in names:
        gateway.call("event", tracked, Event=name, Properties={name: 1})
    answer = gateway.call("website_events.properties", tracked)
    assert is_clean(answer)
    said = answer.json()["Properties"]
    assert list(said) == sorted(names)
    assert all(name in said[name] for name in names)


def test_in_a_beacon_it_is_stored_as_it_was_sent(gateway: RunningGateway, tracked: Tracked) -> None:
    """URLs as they are scrubbed: see `unit/events/test_scrub`."""
    texts = hostile.SHOWN
    events = [
        {
            "id": f"{number}:{text[:150]}",
            "event": text,
            "properties": {
                text: {text: text},
                "$current_url": text,
                "$referrer": f"https://x/{text}",
            },
        }
        for number, text in enumerate(texts)
    ]
    answer = gateway.beacon(tracked, *events, context={"$pageTitle": hostile.EVERYTHING})
    assert is_clean(answer)
    assert [result["id"] for result in answer.json()["results"]] == [e["id"] for e in events]
    assert {result["result"] for result in answer.json()["results"]} == {"stored"}
    stored = gateway.events(tracked)
    for event, text in zip(stored, texts, strict=True):
        assert event.event == text
        assert event.properties["$current_url"] == scrub(text)
        assert event.properties["$pageTitle"] == hostile.EVERYTHING
        if text not in ("$uuid", "$list_id"):
            assert event.properties[text] == {text: text}


@pytest.mark.parametrize("field", ["pr", "seed", "visitor", "user", "list", "email"])
def test_as_a_token_or_an_address_it_is_nobody_s(
    gateway: RunningGateway, tracked: Tracked, field: str
) -> None:
    for text in hostile.ALL:
        event = {"event": "identify", "email": text} if field == "email" else {"event": "x"}
        more = {} if field == "email" else {field: text}
        answer = gateway.beacon(tracked, event, **more)
        assert is_clean(answer)
        if field in ("pr", "seed", "visitor"):
            assert answer.json()["results"][0]["result"] == "stored"
    assert {event.email for event in gateway.events(tracked)} <= {None}


@pytest.mark.parametrize("name", ["$email_hmac", "conversion-currency", "pr", "$user_agent"])
def test_in_a_property_that_means_something_it_means_nothing(
    gateway: RunningGateway, tracked: Tracked, name: str
) -> None:
    conversion = {"conversion-name": "n", "conversion-value": 1}
    for number, text in enumerate(hostile.ALL):
        properties = {**conversion, "conversion-id": f"{number}{text}", name: text}
        answer = gateway.call("event", tracked, Event="conversion", Properties=properties)
        assert is_clean(answer)
        assert answer.status_code == 200, answer.text
    assert len(gateway.events(tracked)) == len(hostile.ALL)


def test_through_the_pixel_it_is_stored_as_it_was_sent(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    """The result's header quotes nothing that could begin another."""
    for text in hostile.SHOWN:
        parameters = {"list": tracked.list_tracker_id, "event": text, "p": text}
        answer = gateway.client.get("/p.gif", params=parameters, headers={"user-agent": CHROME})
        assert is_clean(answer)
        assert answer.headers["x-gateway-result"] == "stored"
    stored = gateway.events(tracked)
    assert [(event.event, event.properties["p"]) for event in stored] == [
        (text, text) for text in hostile.SHOWN
    ]


def test_in_what_the_pixel_refuses_it_does_not_reach_a_header(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    """A refusal names the property that is wrong."""
    for text in hostile.ALL:
        parameters = {"list": tracked.list_tracker_id, text: "x" * 9_000}
        answer = gateway.client.get("/p.gif", params=parameters, headers={"user-agent": CHROME})
        assert is_clean(answer)
        assert answer.headers["x-gateway-result"].startswith("rejected")


# -- headers and paths ------------------------------------------------------------------------


def raw(gateway: RunningGateway, *lines: bytes, body: bytes = b"") -> httpx.Response:
    """What is answered to these lines, as they are: no client would send them."""
    url = httpx.URL(gateway.url)
    with socket.create_connection((url.host, url.port), timeout=10) as sock:
        head = [*lines, b"content-length: %d" % len(body), b"connection: close"]
        sock.sendall(b"\r\n".join(head) + b"\r\n\r\n" + body)
        answer = http.client.HTTPResponse(sock)
        answer.begin()
        content = answer.read()
        assert sock.recv(1) == b""  # and nothing behind it
    headers = [(name.encode(), value.encode("latin-1")) for name, value in answer.getheaders()]
    return httpx.Response(answer.status, headers=headers, content=content)


HEADERS = [
    "accept-encoding", "accept-language", "authorization", "content-type", "dnt", "forwarded",
    "if-none-match", "last-event-id", "origin", "referer", "sec-ch-ua-model", "sec-ch-ua-platform",
    "sec-gpc", "traceparent", "user-agent", "x-forwarded-for", "x-forwarded-proto", "x-request-id",
]  # fmt: skip


@pytest.mark.parametrize("door", ["beacon", "image", "pixel", "api", "tracker"])
def test_in_a_request_s_headers_it_changes_no_header_of_the_answer(
    gateway: RunningGateway, tracked: Tracked, door: str
) -> None:
    """In all of them at once, as much of it as stays within a line; nothing is a fault of ours."""
    event = json.dumps({"list": tracked.list_tracker_id, "event": "x"})
    call = json.dumps({"APIKey": tracked.api_key, "ListID": tracked.list_id, "Event": "x"})
    request, body = {
        "beacon": ("POST /e", event),
        "image": (f"GET /e?b={quote(event)}", ""),
        "pixel": (f"GET /p.gif?list={tracked.list_tracker_id}", ""),
        "api": ("POST /api/v1/event", call),
        "tracker": ("GET /tracker.js", ""),
    }[door]
    for number, text in enumerate(hostile.ALL):
        value = text.encode().translate(None, b"\r\n\0")
        host = value if number % 2 else b"track.example.com"
        lines = [f"{request} HTTP/1.1".encode(), b"host: " + host, b"cookie: octethUUID=" + value]
        lines += [f"{name}: ".encode() + value for name in HEADERS]
        answer = raw(gateway, *lines, body=body.encode())
        assert answer.status_code < 500, text
        assert {name.lower() for name in answer.headers} <= OURS | {"etag", "content-encoding"}
        cookie = answer.headers.get("set-cookie", "")
        assert cookie.count("Path=/") == cookie.count("octethUUID=") == bool(cookie)
        assert "evil" not in cookie


def test_what_would_be_a_second_line_in_a_header_is_no_request(gateway: RunningGateway) -> None:
    for text in [*hostile.BY_TARGET["text"][:2], "a\rb"]:
        lines = (b"GET /healthz HTTP/1.1", b"host: x", b"user-agent: " + text.encode())
        assert raw(gateway, *lines).status_code == 400


@pytest.mark.parametrize("path", ["/api/v1/{}", "/{}", "/s/{}.js", "/api.php?Command={}"])
def test_in_a_path_it_is_not_found(gateway: RunningGateway, path: str) -> None:
    for text in hostile.ALL:
        answer = gateway.client.get(path.format(quote(text, safe="")))
        assert is_clean(answer)
        assert answer.status_code in (400, 404, 405)


# -- management calls -------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_in_any_parameter_of_any_call_it_is_carried_out_or_refused_as_text(
    gateway: RunningGateway, tracked: Tracked, name: str, log: pytest.LogCaptureFixture
) -> None:
    """Some of everything in one text; each call at most one line of the log."""
    subscribe(gateway, tracked, "ann@example.com")
    field = {"FieldName": "F", "FieldType": "Text"}
    field_id = done(gateway, tracked, "customfield.create", **field)["CustomFieldID"]
    usual = {
        "SubscriberListID": tracked.list_id, "ListID": tracked.list_id, "Campaign": "c",
        "EmailAddress": "ann@example.com", "IPAddress": "203.0.113.1", "Operator": "and",
        "SubscriberSegment": "All", "CustomFieldID": field_id, **field,
        "SubscriberListName": "L", "Note": "n", "Username": "u", "Password": "p", "Event": "e",
    }  # fmt: skip
    for parameter in (*COMMANDS[name].parameters, "Unknown"):
        log.clear()
        answer = gateway.call(name, tracked, **{**usual, parameter: hostile.EVERYTHING})
        assert is_clean(answer)
        assert answer.status_code in (200, 422), (parameter, answer.text)
        assert len([record for record in log.records if record.name.startswith("gateway")]) <= 1
        if name == "lists.delete":
            return


NAMES = [text for text in hostile.SHOWN if text == text.strip()]


def test_a_list_s_name_and_settings_come_back_as_they_were_sent(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    for text in NAMES:
        kept = {"Name": text, "Description": text, "SyncMySQLQuery": text, "Options": {"a": text}}
        done(gateway, tracked, "list.update", **kept)
        found = gateway.call("lists.get", tracked, Search=text)
        assert is_clean(found)
        [listed] = found.json()["Lists"]
        assert (listed["Name"], listed["Description"]) == (text, text)
        assert listed["Options"]["SyncMySQLQuery"] == text
        assert listed["Options"]["Options"] == {"a": text}


def test_a_field_s_name_default_and_values_come_back_as_they_were_sent(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    field = {"FieldName": "F", "FieldType": "Text"}
    field_id = done(gateway, tracked, "customfield.create", **field)["CustomFieldID"]
    column = f"CustomField{field_id}"
    ann = {"ListID": tracked.list_id, "EmailAddress": "ann@example.com"}
    subscriber_id = subscribe(gateway, tracked, "ann@example.com", ListID=tracked.list_id)
    for text in NAMES:
        named = {**field, "CustomFieldID": field_id, "FieldName": text, "DefaultValue": text}
        done(gateway, tracked, "customfield.update", **named)
        [told] = gateway.call("customfields.get", tracked, SubscriberListID=tracked.list_id).json()[
            "CustomFields"
        ]
        assert (told["FieldName"], told["FieldDefaultValue"]) == (text, text)
        done(
            gateway, tracked, "subscriber.update", SubscriberID=subscriber_id, Fields={column: text}
        )  # fmt: skip
        answer = gateway.call("subscriber.get", tracked, **ann)
        assert is_clean(answer)
        assert answer.json()["SubscriberInformation"][column] == text
        rules = [[{"type": "fields", "field_id": str(field_id), "operator": "is", "value": text}]]
        hits = gateway.call(
            "subscribers.search", tracked, Operator="and", RulesJSON=json.dumps(rules)
        )
        assert hits.json()["TotalSubscribers"] == 1, (text, hits.text)


def test_a_key_s_note_comes_back_as_it_was_sent(gateway: RunningGateway, tracked: Tracked) -> None:
    for text in NAMES:
        done(gateway, tracked, "user.apikey.create", Note=text)
    answer = gateway.client.get("/api/v1/user.apikeys", params={"APIKey": tracked.api_key})
    assert is_clean(answer)
    assert [key["Note"] for key in answer.json()["APIKeys"]] == ["test", *NAMES]


def test_a_campaign_goes_through_its_token_and_back_as_it_was_sent(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    subscribe(gateway, tracked, "ann@example.com", ListID=tracked.list_id)
    for number, text in enumerate(NAMES):
        made = done(
            gateway, tracked, "attribution.create", Campaign=text, EmailAddress="ann@example.com",
            URL="https://shop.example/?a=b",
        )  # fmt: skip
        properties = {
            "conversion-id": str(number), "conversion-name": text, "conversion-value": 1,
            "pr": made["Token"],
        }  # fmt: skip
        gateway.call("event", tracked, Event="conversion", Properties=properties)
    answer = gateway.call("revenue.get", tracked)
    assert is_clean(answer)
    assert {line["Campaign"] for line in answer.json()["Revenue"]} == set(NAMES)


# -- the snippet ------------------------------------------------------------------------------


class Tags(HTMLParser):
    """The tags of a page, as a browser reads them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize("target", hostile.BY_TARGET)
def test_in_what_a_snippet_carries_it_is_the_text_of_an_attribute(target: str) -> None:
    for text in hostile.BY_TARGET[target]:
        tags = Tags()
        tags.feed(snippet(Settings(), text, text, privacy=text, nonce=text))
        assert [tag for tag, _ in tags.found] == ["script", "script"]
        stub, tracker = (attributes for _, attributes in tags.found)
        assert stub == {"nonce": text}
        assert {tracker[name] for name in ("data-user", "data-list", "data-privacy")} == {text}


def test_half_a_surrogate_pair_is_refused_wherever_it_stands(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    """JSON can write it, UTF-8 cannot."""
    for field in ("Event", "EventID", "ID", "Email"):
        body = json.dumps({"APIKey": tracked.api_key, "ListID": tracked.list_id, "Event": "x"})
        sent = body[:-1] + f', "{field}": "\\ud800"}}'
        answer = gateway.client.post("/api/v1/event", content=sent)
        assert is_clean(answer)
        assert answer.status_code in (400, 422)
    assert gateway.events(tracked) == []
