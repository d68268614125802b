"""A person's rights over the API of a running gateway, and late beacons after an erasure."""

import contextlib
import uuid as uuids

import pytest

from gateway.records import lists
from gateway.store.database import connect, open_database, transaction
from tests import traces

EMAIL = "Ada.Lovelace@example.com"


@pytest.fixture
def ada(gateway, tracked):
    """A person with a browser, known to the server as crm-ada; the browser's token and uuid."""
    email = f"{tracked.list_id}.{EMAIL}"
    seen = gateway.beacon(
        tracked,
        {"id": str(uuids.uuid4()), "event": "pageView"},
        {"event": "identify", "email": email, "properties": {"emailAddress": email}},
        context={"$current_url": f"https://shop.example/hello?email={email}"},
    ).json()
    said = {"Event": "paid", "Email": email, "ID": f"crm-{tracked.list_id}"}
    assert gateway.call("event", tracked, **said).json()["uuid"] == seen["uuid"]
    return {"email": email, "token": seen["visitor"], "uuid": seen["uuid"], "id": said["ID"]}


def traces_of(gateway, ada):
    with contextlib.closing(connect(gateway.settings.db, read_only=True)) as db:
        return traces.of(db, ada["email"], uuids.UUID(ada["uuid"]), ada["id"])


def erase(gateway, tracked, **who):
    answer = gateway.call("person.erase", tracked, **who)
    assert (answer.status_code, answer.json()["Success"]) == (200, True), answer.text
    return answer.json()["Receipts"]


def test_a_person_is_found_by_any_of_their_names(gateway, tracked, ada):
    for who in (
        {"EmailAddress": ada["email"].upper()},
        {"UUID": ada["uuid"]},
        {"ID": ada["id"]},
    ):
        [person] = gateway.call("person.find", tracked, **who).json()["Persons"]
        assert person["EmailAddress"] == ada["email"]
        assert (person["ExternalID"], person["UUIDs"]) == (ada["id"], [ada["uuid"]])
    again = gateway.call("person.find", tracked, SubscriberID=person["SubscriberID"])
    assert again.json()["Persons"] == [person]


def test_the_export_is_one_document_with_all_events(gateway, tracked, ada):
    answer = gateway.call("person.export", tracked, EmailAddress=ada["email"]).json()
    assert (answer["Success"], answer["ErrorCode"], answer["NextAfter"]) == (True, 0, None)
    [person] = answer["Export"]["persons"]
    assert person["subscriber"]["email"] == ada["email"]
    assert [event["event"] for event in person["events"]] == ["pageView", "identify", "paid"]


def test_a_long_export_is_read_page_by_page(gateway, tracked, ada):
    who = {"EmailAddress": ada["email"], "RecordsPerRequest": 1}
    names, after = [], None
    while True:
        page = {"After": after} if after else {}
        answer = gateway.call("person.export", tracked, **who, **page).json()
        names += [event["event"] for event in answer["Export"]["persons"][0]["events"]]
        after = answer["NextAfter"]
        if after is None:
            break
    assert names == ["pageView", "identify", "paid"]


def test_nothing_of_an_erased_person_remains_in_any_table(gateway, tracked, ada):
    assert {"subscribers.email", "visitors.uuid", "events.properties"} <= traces_of(gateway, ada)
    [receipt] = erase(gateway, tracked, EmailAddress=ada["email"])
    assert traces_of(gateway, ada) == set()
    assert gateway.events(tracked) == []
    assert (receipt["Counts"]["events"], receipt["Counts"]["visitors"]) == (3, 1)
    assert ada["email"] not in str(receipt)


def test_a_late_beacon_cannot_bring_an_erased_person_back(gateway, tracked, ada):
    """The old browser by its token, another browser by the address, the server by either."""
    erase(gateway, tracked, EmailAddress=ada["email"])
    late = [
        gateway.beacon(tracked, {"event": "pageView"}, visitor=ada["token"]),
        gateway.beacon(
            tracked,
            {"event": "identify", "email": "new@example.com"},
            visitor=ada["token"],
        ),
        gateway.beacon(tracked, {"event": "identify", "email": ada["email"].lower()}),
        gateway.beacon(tracked, {"event": "cart", "email": ada["email"]}),
    ]
    for answer in late:
        [result] = answer.json()["results"]
        assert (result["result"], result["reason"]) == ("dropped", "erased")
    for who in ({"Email": ada["email"]}, {"UUID": ada["uuid"]}, {"ID": ada["id"]}):
        gateway.call("event", tracked, Event="paid", **who)
    assert traces_of(gateway, ada) == set()
    assert gateway.events(tracked) == []


@pytest.mark.parametrize("name", ["Email", "UUID"])
def test_a_server_is_told_that_it_speaks_of_somebody_erased(gateway, tracked, ada, name):
    erase(gateway, tracked, EmailAddress=ada["email"])
    who = {"Email": ada["email"], "UUID": ada["uuid"]}[name]
    answer = gateway.call("event", tracked, Event="paid", **{name: who})
    assert answer.status_code == 422
    assert [error["Code"] for error in answer.json()["Errors"]] == [1020]
    assert gateway.events(tracked) == []


def test_other_browsers_go_on_as_before(gateway, tracked, ada):
    erase(gateway, tracked, EmailAddress=ada["email"])
    [result] = gateway.beacon(tracked, {"event": "pageView"}).json()["results"]
    assert result["result"] == "stored"
    [event] = gateway.events(tracked)
    assert event.email is None


def another_list(gateway, tracked):
    """A second list of the same account, and a snippet's id for it."""
    with contextlib.closing(open_database(gateway.settings.db)) as db, transaction(db):
        return lists.create(db, tracked.account_id, "Another", (), 0).id


def test_a_person_is_erased_on_one_list_or_on_all(gateway, tracked, ada):
    other = another_list(gateway, tracked)
    gateway.call("event", tracked, ListID=other, Event="paid", Email=ada["email"])
    everywhere = {"ListID": None, "EmailAddress": ada["email"]}
    found = gateway.call("person.find", tracked, **everywhere).json()["Persons"]
    assert [person["ListID"] for person in found] == [tracked.list_id, other]
    [first] = erase(gateway, tracked, EmailAddress=ada["email"])
    assert first["ListID"] == tracked.list_id
    [second] = erase(gateway, tracked, **everywhere)
    assert second["ListID"] == other
    assert traces_of(gateway, ada) == set()


def refused(gateway, tracked, command="person.erase", **who):
    answer = gateway.call(command, tracked, **who)
    assert (answer.status_code, answer.json()["Success"]) == (200, False)
    return answer.json()["ErrorCode"], answer.json()["ErrorText"]


@pytest.mark.parametrize("command", ["person.find", "person.export", "person.erase"])
@pytest.mark.parametrize(
    ("who", "code", "text"),
    [
        ({}, 1, "Missing EmailAddress/SubscriberID/UUID/ID parameter"),
        ({"EmailAddress": "x@example.com", "ListID": "x"}, 2, "Invalid ListID parameter"),
        ({"EmailAddress": "nobody@example.com"}, 3, "Person not found"),
        ({"SubscriberID": "x"}, 5, "Invalid SubscriberID parameter"),
        ({"UUID": "x"}, 6, "Invalid UUID parameter: write 8-4-4-4-12 hexadecimal digits"),
    ],
)
def test_what_cannot_be_done_is_numbered(gateway, tracked, command, who, code, text):
    assert refused(gateway, tracked, command, **who) == ([code], [text])


def test_another_accounts_people_do_not_exist(gateway, tracked, ada):
    stranger = gateway.new_list()
    who = {"EmailAddress": ada["email"], "ListID": tracked.list_id}
    assert refused(gateway, stranger, **who)[0] == [2]
    for who in ({"EmailAddress": ada["email"]}, {"UUID": ada["uuid"]}, {"ID": ada["id"]}):
        assert refused(gateway, stranger, ListID=None, **who)[0] == [3]
    assert len(gateway.events(tracked)) == 3


def test_a_name_that_could_mean_several_people_erases_nobody(gateway, tracked, ada):
    gateway.call("event", tracked, Event="paid", Email="second@example.com", ID=ada["id"])
    codes, _ = refused(gateway, tracked, ID=ada["id"])
    assert codes == [4]
    assert len(gateway.events(tracked)) == 5


def test_calls_without_a_key_are_refused(gateway, tracked):
    for command in ("person.find", "person.export", "person.erase"):
        answer = gateway.client.post(f"/api/v1/{command}", json={"EmailAddress": "x@example.com"})
        assert answer.status_code == 401


def test_both_routes_lead_there_and_neither_by_get(gateway, tracked, ada):
    """An address in a URL ends in logs."""
    body = {"APIKey": tracked.api_key, "EmailAddress": ada["email"], "Command": "Person.Find"}
    assert gateway.client.post("/api.php", json=body).json()["Success"] is True
    assert gateway.client.get("/api/v1/person.find", params=body).status_code == 405
