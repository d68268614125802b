"""What the tests of the management calls share: a call that must succeed, and one that must not."""

from typing import Any

from tests.support import RunningGateway, Tracked


def done(gateway: RunningGateway, tracked: Tracked, command: str, **parameters: Any) -> Any:
    """The answer of a call that is carried out."""
    answer = gateway.call(command, tracked, SubscriberListID=tracked.list_id, **parameters)
    said = answer.json()
    assert answer.status_code == 200, said
    assert said["Success"] is True, said
    assert said["ErrorCode"] == 0
    return said


def refused(
    gateway: RunningGateway, tracked: Tracked, command: str, **parameters: Any
) -> list[int]:
    """The codes of a call that is not."""
    answer = gateway.call(command, tracked, **{"SubscriberListID": tracked.list_id, **parameters})
    said = answer.json()
    assert answer.status_code == 200, said
    assert said["Success"] is False, said
    assert len(said["ErrorCode"]) == len(said["ErrorText"]) >= 1
    assert all(said["ErrorText"])
    return list(said["ErrorCode"])


def subscribe(gateway: RunningGateway, tracked: Tracked, email: str, **parameters: Any) -> int:
    """The id of a new subscriber."""
    said = done(gateway, tracked, "subscriber.create", EmailAddress=email, **parameters)
    return int(said["SubscriberInformation"]["SubscriberID"])
