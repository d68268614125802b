"""`customfield.*` and `customfields.*`: what a list knows of its people besides their address."""

import hashlib
from typing import Any

import pytest

from tests.http.management import done, refused, subscribe
from tests.support import RunningGateway, Tracked


def make(gateway: RunningGateway, tracked: Tracked, **parameters: Any) -> int:
    given = {"FieldName": "Field", "FieldType": "Single line", **parameters}
    return int(done(gateway, tracked, "customfield.create", **given)["CustomFieldID"])


def fields(gateway: RunningGateway, tracked: Tracked, **parameters: Any) -> list[dict[str, Any]]:
    said = done(gateway, tracked, "customfields.get", **parameters)
    assert said["TotalFieldCount"] == len(said["CustomFields"])
    return list(said["CustomFields"])


def test_a_field_is_made_and_listed_with_all_it_was_given(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    field_id = make(
        gateway, tracked, FieldName="Plan", FieldType="drop down", MergeTagAlias="plan",
        DefaultValue="free", IsRequired="Yes", Visibility="User Only", OptionLabel=["Free", "Pro"],
    )  # fmt: skip
    [field] = fields(gateway, tracked)
    expected = {
        "CustomFieldID": field_id, "RelListID": tracked.list_id, "FieldName": "Plan",
        "FieldType": "Drop down", "FieldDefaultValue": "free", "ValidationMethod": "Disabled",
        "IsRequired": "Yes", "IsUnique": "No", "Visibility": "User Only", "IsGlobal": "No",
        "MergeTagAlias": "plan", "OptionLabel": ["Free", "Pro"], "UniqueIdentifier": False,
    }  # fmt: skip
    assert field == expected


def test_fields_are_ordered_as_asked(gateway: RunningGateway, tracked: Tracked) -> None:
    for name in ("b", "a", "c"):
        make(gateway, tracked, FieldName=name)
    by_name = fields(gateway, tracked, OrderField="FieldName", OrderType="DESC")
    assert [field["FieldName"] for field in by_name] == ["c", "b", "a"]
    assert [field["FieldName"] for field in fields(gateway, tracked)] == ["b", "a", "c"]


@pytest.mark.parametrize(
    ("parameters", "codes"),
    [
        ({"FieldName": ""}, [2]),
        ({"FieldType": ""}, [3]),
        ({"FieldName": "", "FieldType": "", "ValidationMethod": "Custom"}, [2, 3, 4]),
        ({"PresetName": "Planets"}, [5]),
        ({"DataType": "Colour"}, [7]),
        ({"FieldType": "Colour"}, [1003]),
        ({"ValidationMethod": "Magic"}, [1003]),  # 8 is another problem here
        ({"IsRequired": "perhaps"}, [1003]),
        ({"MergeTagAlias": "a b"}, [1001]),
        ({"MergeTagAlias": "EmailAddress"}, [1002]),
        ({"MergeTagAlias": "CustomField7"}, [1002]),
        ({"MergeTagAlias": "TAKEN"}, [1000]),
        ({"FieldName": {"x": 1}}, [1003]),
    ],
)
def test_a_field_that_cannot_be_is_not_made(
    gateway: RunningGateway, tracked: Tracked, parameters: dict[str, Any], codes: list[int]
) -> None:
    make(gateway, tracked, MergeTagAlias="taken")
    given = {"FieldName": "F", "FieldType": "Text", **parameters}
    assert refused(gateway, tracked, "customfield.create", **given) == codes
    assert len(fields(gateway, tracked)) == 1


def test_an_alias_is_free_on_another_list(gateway: RunningGateway, tracked: Tracked) -> None:
    make(gateway, tracked, MergeTagAlias="plan")
    make(gateway, gateway.new_list(), MergeTagAlias="plan")


def test_an_update_keeps_what_it_does_not_name(gateway: RunningGateway, tracked: Tracked) -> None:
    field_id = make(gateway, tracked, MergeTagAlias="plan", UniqueIdentifier=True, IsUnique="Yes")
    done(
        gateway, tracked, "customfield.update", CustomFieldID=field_id, FieldName="New",
        FieldType="Number",
    )  # fmt: skip
    [field] = fields(gateway, tracked)
    assert (field["FieldName"], field["FieldType"]) == ("New", "Number")
    assert (field["MergeTagAlias"], field["UniqueIdentifier"]) == ("plan", True)
    assert field["IsUnique"] == "Yes"
    done(
        gateway, tracked, "customfield.update", CustomFieldID=field_id, FieldName="New",
        FieldType="Number", MergeTagAlias="plan", UniqueIdentifier=False,
    )  # fmt: skip
    assert fields(gateway, tracked)[0]["UniqueIdentifier"] is False


@pytest.mark.parametrize(
    ("parameters", "codes"),
    [
        ({"CustomFieldID": 10**9}, [6]),
        ({"CustomFieldID": "x"}, [6]),
        ({"FieldType": "Colour"}, [7]),
        ({"ValidationMethod": "Custom"}, [4]),
        ({"ValidationMethod": "Magic"}, [8]),
        ({"Visibility": "Nobody"}, [9]),
        ({"IsRequired": "perhaps"}, [10]),
        ({"IsUnique": "perhaps"}, [11]),
        ({"IsGlobal": "perhaps"}, [12]),
        ({"SubscriberListID": 10**9}, [13]),
        ({"MergeTagAlias": "taken"}, [1000]),
        ({"MergeTagAlias": "ä"}, [1001]),
    ],
)
def test_an_update_that_cannot_be_changes_nothing(
    gateway: RunningGateway, tracked: Tracked, parameters: dict[str, Any], codes: list[int]
) -> None:
    make(gateway, tracked, MergeTagAlias="taken")
    field_id = make(gateway, tracked, MergeTagAlias="own")
    before = fields(gateway, tracked)
    given = {"CustomFieldID": field_id, "FieldName": "N", "FieldType": "Number", **parameters}
    assert refused(gateway, tracked, "customfield.update", **given) == codes
    assert fields(gateway, tracked) == before


def test_a_field_stays_on_its_list(gateway: RunningGateway, tracked: Tracked) -> None:
    field_id = make(gateway, tracked)
    other = done(gateway, tracked, "list.create", SubscriberListName="Other")["ListID"]
    given = {"CustomFieldID": field_id, "FieldName": "N", "FieldType": "Text"}
    assert refused(gateway, tracked, "customfield.update", **given, SubscriberListID=other) == [14]


def test_a_deleted_field_takes_its_values_along(gateway: RunningGateway, tracked: Tracked) -> None:
    kept, gone = make(gateway, tracked), make(gateway, tracked)
    values = {f"CustomField{kept}": "k", f"CustomField{gone}": "g"}
    subscribe(gateway, tracked, "a@example.com", CustomFields=values)
    done(gateway, tracked, "customfields.delete", CustomFields=str(gone))
    person = done(gateway, tracked, "subscriber.get", EmailAddress="a@example.com")
    assert person["SubscriberInformation"][f"CustomField{kept}"] == "k"
    assert f"CustomField{gone}" not in person["SubscriberInformation"]


def test_another_accounts_field_is_neither_changed_nor_deleted(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    other = gateway.new_list()
    theirs, own = make(gateway, other), make(gateway, tracked)
    given = {"CustomFieldID": theirs, "FieldName": "N", "FieldType": "Text"}
    assert refused(gateway, tracked, "customfield.update", **given) == [6]
    both = f"{own},{theirs}"
    assert refused(gateway, tracked, "customfields.delete", CustomFields=both) == [1004]
    assert len(fields(gateway, tracked)) == len(fields(gateway, other)) == 1


def test_an_identify_writes_fields_made_by_the_call_and_hashes_find_them(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    field_id = make(gateway, tracked, MergeTagAlias="Plan")
    make(gateway, tracked, MergeTagAlias="hash", UniqueIdentifier=True)
    digest = hashlib.sha256(b"a@example.com").hexdigest()
    gateway.call(
        "event", tracked, Event="identify", Email="a@example.com",
        IdentifyProperties={f"customfield{field_id}": "loses", "PLAN": "wins", "HASH": digest},
    )  # fmt: skip
    answer = gateway.call("event", tracked, Event="identify", ID=digest.upper())
    assert answer.json()["identify_event_sent"] is True
    person = done(gateway, tracked, "subscriber.get", EmailAddress="A@example.com")
    information = person["SubscriberInformation"]
    assert information["Plan"] == information[f"CustomField{field_id}"] == "wins"
    assert information["hash"] == digest
