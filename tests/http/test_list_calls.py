"""`list.*` and `lists.*`: an account's lists, and what a site needs to be tracked on them."""

import contextlib
import re
import sqlite3
from pathlib import Path

import pytest

from gateway import clock
from gateway.records import lists
from gateway.store.database import connect, open_database, transaction
from tests.http.management import done, refused, subscribe
from tests.support import RunningGateway, Tracked, running_gateway, until


def the_list(gateway: RunningGateway, tracked: Tracked, **parameters: object) -> dict:
    return done(gateway, tracked, "list.get", **parameters)["List"]


def names(gateway: RunningGateway, tracked: Tracked, **parameters: object) -> list[str]:
    return [each["Name"] for each in done(gateway, tracked, "lists.get", **parameters)["Lists"]]


def rows_of(gateway: RunningGateway, list_id: int) -> dict[str, int]:
    """How many rows each table has that belong to a list."""
    with contextlib.closing(connect(gateway.settings.db, read_only=True)) as db:
        return {
            table: db.execute(
                f"select count(*) from {table} where {column} = ?",
                (list_id,),
            ).fetchone()[0]
            for table, column in tables_of_lists(db)
        }


def tables_of_lists(db: sqlite3.Connection) -> list[tuple[str, str]]:
    tables = [
        row["name"] for row in db.execute("select name from sqlite_master where type='table'")
    ]
    found = [("lists", "id")]
    for table in tables:
        for key in db.execute(f"pragma foreign_key_list({table})"):
            if key["table"] == "lists":
                found.append((table, key["from"]))
    return found


def test_a_list_is_made_and_given_back(gateway: RunningGateway, tracked: Tracked) -> None:
    made = done(
        gateway,
        tracked,
        "list.create",
        SubscriberListName="Shop",
        AllowedOrigins=["https://Shop.Example", "http://localhost:3000"],
        IdentifyMode="bind only",
        Currency="eur",
        SenderName="The shop",
        OptInMode="Double",
    )
    found = the_list(gateway, tracked, ListID=made["ListID"])
    assert found["ListID"] == made["ListID"]
    assert found["Name"] == "Shop"
    assert found["RelOwnerUserID"] == tracked.account_id
    assert found["AllowedOrigins"] == ["https://shop.example", "http://localhost:3000"]
    assert found["IdentifyMode"] == "bind only"
    assert found["Currency"] == "EUR"
    assert (found["SenderName"], found["OptInMode"]) == ("The shop", "Double")
    assert re.fullmatch(r"[0-9a-f]{64}", found["IdentifySecret"])


def test_the_tracker_ids_and_snippet_of_a_list_are_those_that_work(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    found = the_list(gateway, tracked)
    assert found["EventListTrackerID"] == tracked.list_tracker_id
    assert found["EventUserTrackerID"] == tracked.user_tracker_id
    assert tracked.list_tracker_id in found["EventTrackerJS"]
    assert tracked.user_tracker_id in found["EventTrackerJS"]
    assert found["EventTrackerVariables"]["list"] == tracked.list_tracker_id
    source = re.search(r'async src="([^"]+)"', found["EventTrackerJS"])
    assert source
    assert gateway.client.get(source[1]).status_code == 200
    assert tracked.api_key not in str(found)


def test_a_list_tells_when_its_last_event_happened_and_what_its_events_carry(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    assert the_list(gateway, tracked)["LastEventTrackedAt"] is None
    gateway.call("event", tracked, Event="b", Time="2026-01-02T03:04:05Z", Properties={"x": 1})
    gateway.call("event", tracked, Event="a", Time="2026-01-01T00:00:00Z")
    found = the_list(gateway, tracked, GetStats=True)
    assert found["LastEventTrackedAt"] == "2026-01-02 03:04:05"
    assert found["EventCount"] == 2
    assert list(found["EventTrackerProperties"]) == ["a", "b"]
    assert "x" in found["EventTrackerProperties"]["b"]


def test_an_update_changes_what_it_names_and_nothing_else(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    done(gateway, tracked, "list.update", SenderName="A", AllowedOrigins="https://a.example")
    said = done(gateway, tracked, "list.update", Name="Renamed", OptInMode="single")
    assert said["List"] == {
        "ListID": tracked.list_id,
        "Name": "Renamed",
        "OptInMode": "Single",
        "SenderName": "A",
        "SenderEmailAddress": "",
    }
    found = the_list(gateway, tracked)
    assert found["AllowedOrigins"] == ["https://a.example"]
    assert found["SenderName"] == "A"
    done(gateway, tracked, "list.update", AllowedOrigins=[])
    assert the_list(gateway, tracked)["AllowedOrigins"] == []


@pytest.mark.parametrize(
    ("parameters", "codes"),
    [
        ({}, [11]),
        ({"OptInMode": "Triple"}, [3]),
        ({"OptOutScope": "The world"}, [4]),
        ({"SendActivityNotification": "perhaps"}, [5]),
        ({"HideInSubscriberArea": "perhaps"}, [6]),
        ({"SyncStatus": "Enabled", "SyncMySQLHost": "db"}, [8]),
        ({"ReqByEmailSearchToAddress": "no address"}, [9]),
        ({"OptOutAddToSuppressionList": "perhaps"}, [10]),
        ({"Options": {"ClickBankINS": {"SecretKey": "short"}}}, [21]),
        ({"Options": {"ClickBankINS": {"Actions": {"SALE": "dance"}}}}, [22]),
        ({"OptInMode": "x", "OptOutScope": "x", "HideInSubscriberArea": "x"}, [3, 4, 6]),
        ({"IdentifyMode": "always"}, [1003]),
        ({"Currency": "dollars"}, [1003]),
        ({"AllowedOrigins": "shop"}, [1002]),
        ({"AllowedOrigins": "http://["}, [1002]),
        ({"SubscriberListID": "x", "Name": "n"}, [2]),
        ({"SubscriberListID": 10**9, "Name": "n"}, [2]),
    ],
)
def test_an_update_that_cannot_be_is_refused_whole(
    gateway: RunningGateway, tracked: Tracked, parameters: dict, codes: list[int]
) -> None:
    before = the_list(gateway, tracked)
    assert refused(gateway, tracked, "list.update", **parameters) == codes
    assert the_list(gateway, tracked) == before


@pytest.mark.parametrize(
    ("email", "codes"),
    [
        ({"Subject": "S"}, [21]),
        ({"Subject": "S", "FromName": "F", "FromEmail": "f@x.example", "ContentType": "Fax"}, [22]),
        ({"Subject": "S", "FromName": "F", "FromEmail": "f@x.example", "ContentType": "Both"},
         [23, 24]),
        ({"Subject": "S", "FromName": "F", "FromEmail": "f@x.example", "ContentType": "HTML",
          "HTMLContent": "h", "Mode": "Paint"}, [25]),
        ({"Subject": "S", "FromName": "F", "FromEmail": "f@x.example", "ContentType": "HTML",
          "HTMLContent": "h", "Mode": "Template"}, [26]),
    ],
)  # fmt: skip
def test_a_confirmation_email_that_is_incomplete_makes_no_list(
    gateway: RunningGateway, tracked: Tracked, email: dict, codes: list[int]
) -> None:
    parameters = {"SubscriberListName": "X", "ConfirmationEmail": email}
    assert refused(gateway, tracked, "list.create", **parameters) == codes
    assert refused(gateway, tracked, "list.create", **parameters, OptInMode="?") == [20, *codes]
    assert done(gateway, tracked, "lists.get")["TotalListCount"] == 1


def test_an_origin_that_is_none_makes_no_list(gateway: RunningGateway, tracked: Tracked) -> None:
    codes = refused(
        gateway, tracked, "list.create", SubscriberListName="X", AllowedOrigins=["shop"]
    )
    assert codes == [1002]
    assert done(gateway, tracked, "lists.get")["TotalListCount"] == 1


def test_secrets_of_other_systems_are_not_kept(gateway: RunningGateway, tracked: Tracked) -> None:
    done(
        gateway,
        tracked,
        "list.update",
        SyncMySQLPassword="hunter22",
        Options={"ClickBankINS": {"SecretKey": "12345678"}, "SecretKey": "12345678"},
    )
    assert "hunter22" not in str(the_list(gateway, tracked))
    assert "12345678" not in str(the_list(gateway, tracked))


def test_an_archived_list_is_listed_apart_until_it_is_unarchived(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    done(gateway, tracked, "list.create", SubscriberListName="Other")
    done(gateway, tracked, "list.archive")
    assert the_list(gateway, tracked)["ArchivedAt"] is not None
    assert names(gateway, tracked) == ["Other"]
    assert names(gateway, tracked, Archived="true") == ["A list"]
    assert names(gateway, tracked, Archived="all") == ["A list", "Other"]
    done(gateway, tracked, "list.unarchive")
    assert the_list(gateway, tracked)["ArchivedAt"] is None
    assert names(gateway, tracked) == ["A list", "Other"]


def test_lists_are_searched_ordered_and_paged(gateway: RunningGateway, tracked: Tracked) -> None:
    for name in ("banana", "Apple", "apricot"):
        done(gateway, tracked, "list.create", SubscriberListName=name)
    assert names(gateway, tracked, Search="AP") == ["Apple", "apricot"]
    assert names(gateway, tracked, OrderField="Name") == ["A list", "Apple", "apricot", "banana"]
    descending = {"OrderField": "Name", "OrderType": "DESC"}
    assert names(gateway, tracked, **descending, RecordsPerRequest=2) == ["banana", "apricot"]
    page = done(gateway, tracked, "lists.get", **descending, RecordsPerRequest=2, RecordsFrom=2)
    assert [each["Name"] for each in page["Lists"]] == ["Apple", "A list"]
    assert page["TotalListCount"] == 4
    assert refused(gateway, tracked, "lists.get", OrderField="Colour") == [1003]
    assert refused(gateway, tracked, "lists.get", RecordsPerRequest="many") == [1003]
    assert refused(gateway, tracked, "lists.get", Archived="perhaps") == [1003]


def test_a_list_tells_how_many_subscribers_it_has(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    subscribe(gateway, tracked, "one@example.com")
    subscribe(gateway, tracked, "two@example.com")
    assert the_list(gateway, tracked)["SubscriberCount"] == 2
    [listed] = done(gateway, tracked, "lists.get")["Lists"]
    assert listed["SubscriberCount"] == 2
    assert listed["EventListTrackerID"] == tracked.list_tracker_id


@pytest.mark.parametrize(
    ("command", "name", "codes"),
    [
        ("list.get", "ListID", [1001]),
        ("list.update", "SubscriberListID", [2]),
        ("list.archive", "SubscriberListID", [2]),
        ("list.unarchive", "SubscriberListID", [2]),
        ("lists.delete", "Lists", [1001]),
        ("customfield.create", "SubscriberListID", [8]),
        ("customfields.get", "SubscriberListID", [2]),
        ("subscriber.create", "ListID", [4]),
        ("subscriber.get", "ListID", [4]),
        ("subscriber.update", "SubscriberListID", [5]),
        ("subscriber.exists", "ListID", [3]),
        ("subscriber.unsubscribe", "ListID", [4]),
        ("subscriber.get.activity", "SubscriberListID", [3]),
        ("subscribers.get", "SubscriberListID", [3]),
        ("subscribers.search", "ListID", [3]),
        ("subscribers.delete", "SubscriberListID", [5]),
        ("revenue.get", "ListID", [2]),
        ("attribution.create", "ListID", [2]),
    ],
)
def test_another_accounts_list_is_answered_like_one_that_does_not_exist(
    gateway: RunningGateway, tracked: Tracked, command: str, name: str, codes: list[int]
) -> None:
    other = gateway.new_list()
    theirs = subscribe(gateway, other, "them@example.com")
    parameters = {
        "Name": "n", "FieldName": "f", "FieldType": "Text", "EmailAddress": "them@example.com",
        "SubscriberID": theirs, "Subscribers": str(theirs), "IPAddress": "203.0.113.1",
        "SubscriberSegment": "All", "Operator": "and", "Campaign": "c", "Lists": "0",
    }  # fmt: skip
    foreign = refused(gateway, tracked, command, **{**parameters, name: other.list_id})
    unknown = refused(gateway, tracked, command, **{**parameters, name: 10**9})
    assert foreign == unknown == codes
    assert done(gateway, other, "subscriber.exists", EmailAddress="them@example.com")["Exists"]


def test_a_deleted_list_is_gone_at_once_for_every_door(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    done(gateway, tracked, "lists.delete", Lists=str(tracked.list_id))
    assert refused(gateway, tracked, "list.get") == [1001]
    assert refused(gateway, tracked, "lists.delete", Lists=str(tracked.list_id)) == [1001]
    assert names(gateway, tracked, Archived="all") == []
    answer = gateway.call("event", tracked, Event="late")
    assert answer.json() == {"Errors": [{"Code": 4, "Message": "Invalid ListID parameter"}]}
    assert gateway.beacon(tracked, {"event": "late"}).status_code == 422


def test_a_deleted_list_leaves_nothing_in_any_table(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    bystander = gateway.new_list()
    for each in (tracked, bystander):
        done(gateway, each, "customfield.create", FieldName="F", FieldType="Text",
             MergeTagAlias="f", UniqueIdentifier=True)  # fmt: skip
        subscribe(gateway, each, "a@example.com", CustomFields={"f": "1"})
        token = done(gateway, each, "attribution.create", EmailAddress="a@example.com",
                     Campaign="c")["Token"]  # fmt: skip
        gateway.beacon(each, {"event": "pageView", "email": "a@example.com"}, pr=token)
        gateway.call("event", each, Event="test", Email="b@example.com", EventID="one")
        gateway.call(
            "event", each, Event="conversion", Email="b@example.com",
            Properties={"conversion-id": "1", "conversion-name": "n", "conversion-value": 5},
        )  # fmt: skip
    kept = rows_of(gateway, bystander.list_id)
    assert all(kept[table] for table in ("events", "visitors", "subscribers", "bindings",
                                         "conversions", "clicks", "custom_fields"))  # fmt: skip
    done(gateway, tracked, "lists.delete", Lists=[tracked.list_id])
    until(lambda: not any(rows_of(gateway, tracked.list_id).values()))
    left = rows_of(gateway, bystander.list_id)
    assert all(left[table] >= kept[table] for table in kept)  # some are counted meanwhile


def test_no_list_is_deleted_when_one_of_them_is_not_the_callers(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    other = gateway.new_list()
    both = f"{tracked.list_id},{other.list_id}"
    assert refused(gateway, tracked, "lists.delete", Lists=both) == [1001]
    assert refused(gateway, tracked, "lists.delete", Lists="1,x") == [1003]
    assert the_list(gateway, tracked)["ListID"] == tracked.list_id


def test_what_a_stopped_gateway_left_of_a_deleted_list_goes_when_it_starts_again(
    tmp_path: Path,
) -> None:
    with running_gateway(tmp_path) as gateway:
        tracked = gateway.new_list()
        gateway.call("event", tracked, Event="test", Email="a@example.com")
    with contextlib.closing(open_database(tmp_path / "gateway.db")) as db, transaction(db):
        lists.bury(db, tracked.list_id, clock.now_ms())
    with running_gateway(tmp_path) as gateway:
        until(lambda: not any(rows_of(gateway, tracked.list_id).values()))
