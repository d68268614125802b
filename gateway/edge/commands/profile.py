"""How a subscriber is shown in the answers of the management calls."""

import sqlite3
from typing import Any

import msgspec

from gateway.edge.commands.arguments import stamp
from gateway.events.event import Properties
from gateway.records import activity, enrolments, fields
from gateway.records.attribution import Revenue
from gateway.records.event_log import StoredEvent
from gateway.records.people import Subscriber


def brief(subscriber: Subscriber) -> dict[str, Any]:
    return {
        "SubscriberID": subscriber.id,
        "EmailAddress": subscriber.email,
        "SubscriptionStatus": subscriber.status,
        "BounceType": subscriber.bounce_type,
        "SubscriptionDate": stamp(subscriber.created_at_ms),
        "SubscriptionIP": subscriber.subscription_ip or "",
        "UnsubscriptionDate": stamp(subscriber.unsubscribed_at_ms),
        "UnsubscriptionIP": subscriber.unsubscription_ip or "",
    }


def whole(db: sqlite3.Connection, subscriber: Subscriber) -> dict[str, Any]:
    """With the custom fields, each as `CustomField<ID>` and by its alias."""
    values = fields.values(db, subscriber.id)
    shown: dict[str, Any] = {}
    for field in fields.of_list(db, subscriber.list_id):
        value = values.get(field.id, field.default_value)
        shown[f"CustomField{field.id}"] = value
        if field.alias:
            shown[field.alias] = value
    return {**shown, "ExternalID": subscriber.external_id or "", **brief(subscriber)}


def event(stored: StoredEvent) -> dict[str, Any]:
    properties: Properties = stored.properties
    return {
        "EventID": stored.event_id,
        "Event": stored.event,
        "UUID": stored.uuid,
        "Source": stored.source,
        "EventDate": stamp(stored.happened_at_ms),
        "Properties": properties,
    }


def activities(db: sqlite3.Connection, subscriber_id: int) -> list[dict[str, Any]]:
    return [
        {
            "ActivityType": each.type,
            "CampaignID": each.campaign or "",
            "EmailID": "",
            "ActivityDate": stamp(each.at_ms),
        }
        for each in activity.of_subscriber(db, subscriber_id)
    ]


def journeys(db: sqlite3.Connection, subscriber_id: int) -> dict[str, list[dict[str, Any]]]:
    """The newest. One is completed once nothing that it owes of the person waits."""
    shown: dict[str, list[dict[str, Any]]] = {"InProgress": [], "Completed": []}
    for each in enrolments.standing(db, subscriber_id):
        said = {
            "JourneyID": each.journey_id,
            "JourneyName": each.name,
            "EntryID": each.id,
            "RelActionID": each.webhook_id,
            "EnrolledAt": stamp(each.at_ms),
            "CurrentStep": each.steps - each.waiting,
            "TotalSteps": each.steps,
        }
        if each.waiting:
            shown["InProgress"].append({**said, "SnoozedUntil": None})
        else:
            completed_at = stamp(each.ended_at_ms or each.at_ms)
            shown["Completed"].append({**said, "CompletedAt": completed_at})
    return shown


def revenue(lines: list[Revenue]) -> list[dict[str, Any]]:
    """`Campaign` is null for what no click led to."""
    return [
        {_WIRE[name]: value for name, value in msgspec.to_builtins(line).items()} for line in lines
    ]


_WIRE = {
    "campaign": "Campaign",
    "currency": "Currency",
    "conversions": "Conversions",
    "quantity": "Quantity",
    "revenue": "Revenue",
}
