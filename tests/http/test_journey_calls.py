"""The calls around journeys: made, changed, switched, copied, deleted; and what they run."""

from typing import Any

import pytest

from tests.http.management import done, refused, subscribe
from tests.support import RunningGateway, Tracked

WEBHOOK = {"Action": "Webhook", "ActionParameters": {"URL": "https://hooks.example.com/in"}}


def made(gateway: RunningGateway, tracked: Tracked, **parameters: Any) -> int:
    """The id of a journey that waits for `cart`."""
    usual = {
        "Name": "After the cart", "Trigger": "WebsiteEvent_customEvent",
        "Trigger_ListID": tracked.list_id, "Trigger_Value": "cart",
    }  # fmt: skip
    return int(done(gateway, tracked, "journey.create", **usual | parameters)["JourneyID"])


def test_a_journey_starts_disabled_and_is_shown_as_it_was_written(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    rules = [{"event_parameter": "price", "operator": "greater than", "value": "10"}]
    journey = made(
        gateway, tracked, Trigger_Criteria=rules, Notes="n", Rate_Limit_Per_Hour="5",
        TriggerParameters={"OncePerSubscriber": True},
    )  # fmt: skip
    said = done(gateway, tracked, "journey.get", JourneyID=journey)
    assert said["Status"] == "Disabled"
    assert said["Trigger"] == "WebsiteEvent_customEvent"
    parameters = {"ListID": tracked.list_id, "Event": "cart", "OncePerSubscriber": True}
    assert said["TriggerParameters"] == parameters
    assert said["Trigger_Criteria"] == rules
    assert (said["Rate_Limit_Per_Hour"], said["Notes"], said["Actions"]) == (5, "n", [])
    assert said["JourneyStats"] == {"ActiveSubscribers": 0, "TotalSubscribers": 0}


def test_the_paths_of_the_reference_lead_to_the_calls(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    key = {"APIKey": tracked.api_key}
    name = {"Name": "J", "Trigger": "websiteevent_PAGEVIEW", "Trigger_ListID": tracked.list_id}
    client = gateway.client
    journey = client.post("/api/v1/journey", json=key | name).json()["JourneyID"]
    one = key | {"JourneyID": str(journey)}
    assert client.get("/api/v1/journey", params=one).json()["JourneyName"] == "J"
    renamed = client.patch("/api/v1/journey", json=one | {"Name": "K"}).json()
    assert renamed["Journey"]["JourneyName"] == "K"
    listed = client.get("/api/v1/journeys", params=key).json()["Journeys"]
    assert [each["JourneyID"] for each in listed] == [journey]
    enabled = client.get("/api/v1/journey.enable", params=one).json()
    assert enabled["Journey"]["Status"] == "Enabled"
    acted = client.patch("/api/v1/journey.actions", json=one | {"Actions": [WEBHOOK]}).json()
    assert acted["Actions"][0]["Action"] == "Webhook"
    disabled = client.get("/api/v1/journey.disable", params=one).json()
    assert disabled["Journey"]["Status"] == "Disabled"
    copied = client.post("/api/v1/journey.clone", json=one | {"NewJourneyName": "L"}).json()
    assert copied["Journey"]["JourneyName"] == "L"
    assert client.post("/api/v1/journey.delete", json=one).json()["JourneyID"] == journey


def test_an_update_changes_what_is_said_and_leaves_the_rest(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    journey = made(gateway, tracked, Notes="before", Rate_Limit_Per_Day=3)
    changed = done(gateway, tracked, "journey.update", JourneyID=journey, Notes="after")["Journey"]
    assert (changed["Notes"], changed["Rate_Limit_Per_Day"]) == ("after", 3)
    assert changed["TriggerParameters"]["Event"] == "cart"
    changed = done(
        gateway, tracked, "journey.update", JourneyID=journey, Trigger="WebsiteEvent_pageView"
    )["Journey"]
    assert changed["TriggerParameters"]["URL"] == ""
    assert changed["TriggerParameters"]["ListID"] == tracked.list_id


@pytest.mark.parametrize(
    ("given", "codes"),
    [
        ({"Name": ""}, [1]),
        ({"Trigger": "ListSubscription"}, [3]),
        ({"Trigger_ListID": ""}, [4]),
        ({"Trigger_ListID": "x"}, [5]),
        ({"Trigger_ListID": 2**40}, [6]),
        ({"Trigger_Value": ""}, [10]),
        ({"Rate_Limit_Per_Hour": -1}, [18]),
        ({"Rate_Limit_Per_Day": "many"}, [19]),
        ({"Trigger_Criteria": [{"operator": "resembles"}]}, [1004]),
        ({"Trigger_Criteria": [{"type": "fields", "operator": "is"}]}, [1004]),
        ({"Run_Criteria": [{"type": "fields", "field_id": 99, "operator": "is set"}]}, [1004]),
        ({"Run_Criteria": "x"}, [1003]),
        ({"Run_Criteria_Operator": "xor"}, [1003]),
    ],
)
def test_what_is_no_journey_is_refused(
    gateway: RunningGateway, tracked: Tracked, given: dict[str, Any], codes: list[int]
) -> None:
    usual = {
        "Name": "J", "Trigger": "WebsiteEvent_customEvent", "Trigger_ListID": tracked.list_id,
        "Trigger_Value": "cart",
    }  # fmt: skip
    assert refused(gateway, tracked, "journey.create", **usual | given) == codes


def test_what_is_on_already_is_not_switched_on_nor_what_waits_for_nothing(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    journey = made(gateway, tracked)
    assert refused(gateway, tracked, "journey.disable", JourneyID=journey) == [4]
    done(gateway, tracked, "journey.enable", JourneyID=journey)
    assert refused(gateway, tracked, "journey.enable", JourneyID=journey) == [4]
    bare = done(gateway, tracked, "journey.create", Name="Bare")["JourneyID"]
    assert refused(gateway, tracked, "journey.enable", JourneyID=bare) == [1005]


CALLS = (
    "journey.update", "journey.get", "journey.enable", "journey.disable", "journey.delete",
    "journey.clone", "journey.actions.update", "journey.actions.rotate", "journey.deliveries",
    "journey.deliveries.replay",
)  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_nobody_reaches_another_account_s_journeys(
    gateway: RunningGateway, tracked: Tracked, name: str
) -> None:
    """It is answered exactly as one that does not exist."""
    journey, other = made(gateway, tracked), gateway.new_list()
    more = {"NewJourneyName": "K", "Actions": [WEBHOOK], "ActionID": 1}
    answers = [
        gateway.call(name, other, JourneyID=each, **more).json() for each in (journey, 2**40)
    ]
    assert answers[0] == answers[1]
    assert "Journey not found" in answers[0]["ErrorText"][0]
    assert done(gateway, other, "journey.list")["Journeys"] == []


def test_a_deleted_journey_is_gone_and_so_are_those_of_a_deleted_list(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    first, second = made(gateway, tracked), made(gateway, tracked)
    done(gateway, tracked, "journey.delete", JourneyID=first)
    assert refused(gateway, tracked, "journey.get", JourneyID=first) == [3]
    done(gateway, tracked, "lists.delete", Lists=[tracked.list_id])
    assert refused(gateway, tracked, "journey.get", JourneyID=second) == [3]


# -- what it runs ---------------------------------------------------------------------------


def run(gateway: RunningGateway, tracked: Tracked, journey: int, *actions: Any) -> list[Any]:
    said = done(gateway, tracked, "journey.actions.update", JourneyID=journey, Actions=actions)
    return list(said["Actions"])


def test_a_secret_is_shown_when_it_is_made_and_never_again(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    journey = made(gateway, tracked)
    [action] = run(gateway, tracked, journey, WEBHOOK)
    secret = action["ActionParameters"]["Secret"]
    assert secret.startswith("whsec_")
    [again] = run(gateway, tracked, journey, {**WEBHOOK, "ActionID": action["ActionID"]})
    assert "Secret" not in again["ActionParameters"]
    assert secret not in gateway.call("journey.get", tracked, JourneyID=journey).text
    rotated = done(
        gateway, tracked, "journey.actions.rotate", JourneyID=journey, ActionID=action["ActionID"]
    )
    assert rotated["Secret"] not in (secret, "")


def test_the_actions_given_are_all_there_are(gateway: RunningGateway, tracked: Tracked) -> None:
    journey = made(gateway, tracked)
    first, second = run(gateway, tracked, journey, WEBHOOK, WEBHOOK)
    parameters = {
        "URL": "https://other.example.com/", "Headers": {"X-Own": "1"},
        "Payload": {"to": "%Subscriber:EmailAddress%"}, "SignatureHeader": "X-Signed",
    }  # fmt: skip
    changed = {"ActionID": second["ActionID"], "Action": "webhook", "ActionParameters": parameters}
    [left] = run(gateway, tracked, journey, changed)
    assert left["ActionID"] == second["ActionID"] != first["ActionID"]
    assert left["ActionParameters"] == parameters


@pytest.mark.parametrize(
    ("actions", "codes"),
    [
        ("", [2]),
        ({"Action": "Webhook"}, [4]),
        ([{"Action": "SendEmail"}], [6]),
        ([{**WEBHOOK, "ActionID": 2**40}], [1003]),
        (["Webhook"], [1003]),
    ],
)
def test_what_is_no_action_is_refused(
    gateway: RunningGateway, tracked: Tracked, actions: Any, codes: list[int]
) -> None:
    journey = made(gateway, tracked)
    given = {"JourneyID": journey, "Actions": actions}
    assert refused(gateway, tracked, "journey.actions.update", **given) == codes


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"URL": "http://hooks.example.com/"},
        {"URL": "https://user:pass@hooks.example.com/"},
        {"URL": "https://127.0.0.1/"},
        {"URL": "https://169.254.169.254/latest"},
        {"URL": "https://[::1]/"},
        {"URL": "https://[::ffff:10.0.0.1]/"},
        {"URL": "ftp://hooks.example.com/"},
        {"URL": "hooks"},
        {"URL": "https://h.example/", "Headers": {"Host": "other"}},
        {"URL": "https://h.example/", "Headers": {"Webhook-Id": "1"}},
        {"URL": "https://h.example/", "Headers": {"X-A": "a\r\nX-B: b"}},
        {"URL": "https://h.example/", "Headers": {"X A": "a"}},
        {"URL": "https://h.example/", "Headers": {"x-octeth-signature": "a"}},
        {"URL": "https://h.example/", "Headers": {"X-A": 1}},
        {"URL": "https://h.example/", "SignatureHeader": "content-length"},
        {"URL": "https://h.example/", "Payload": {"Event": 1}},
        {"URL": "https://h.example/", "Payload": [1]},
    ],
)
def test_what_may_not_be_posted_is_refused_when_it_is_written(
    gateway: RunningGateway, tracked: Tracked, parameters: dict[str, Any]
) -> None:
    journey = made(gateway, tracked)
    actions = [{"Action": "Webhook", "ActionParameters": parameters}]
    given = {"JourneyID": journey, "Actions": actions}
    assert refused(gateway, tracked, "journey.actions.update", **given) == [1003]


def test_a_clone_runs_the_same_under_secrets_of_its_own_and_starts_disabled(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    journey = made(gateway, tracked)
    [action] = run(gateway, tracked, journey, WEBHOOK)
    done(gateway, tracked, "journey.enable", JourneyID=journey)
    said = done(gateway, tracked, "journey.clone", JourneyID=journey, NewJourneyName="Copy")
    assert (said["Journey"]["JourneyName"], said["Journey"]["Status"]) == ("Copy", "Disabled")
    [copied] = said["Actions"]
    assert copied["ActionParameters"]["URL"] == action["ActionParameters"]["URL"]
    assert copied["ActionParameters"]["Secret"] != action["ActionParameters"]["Secret"]


def test_who_came_in_is_counted(gateway: RunningGateway, tracked: Tracked) -> None:
    journey = made(gateway, tracked)
    done(gateway, tracked, "journey.enable", JourneyID=journey)
    subscribe(gateway, tracked, "ann@example.com")
    for _ in range(2):
        gateway.call("event", tracked, Event="cart", Email="ann@example.com")
    said = done(gateway, tracked, "journey.get", JourneyID=journey)
    assert said["JourneyStats"]["TotalSubscribers"] == 1
    past = {"StartDate": "2001-01-01", "EndDate": "2002-01-01"}
    said = done(gateway, tracked, "journey.get", JourneyID=journey, **past)
    assert said["JourneyStats"]["TotalSubscribers"] == 0
    turned = {"StartDate": "2002-01-01", "EndDate": "2001-01-01"}
    assert refused(gateway, tracked, "journey.get", JourneyID=journey, **turned) == [6]
