"""What the calls answer, as types: the document at `/openapi.json` is made from them, and tests
hold every answer to them. Names are the wire's."""

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from msgspec import Meta

from gateway.records.event_log import StoredEvent
from gateway.records.explain import Explanation

Stamp = Annotated[str, Meta(description="UTC, as `2026-01-31 12:00:00`.")]
Instant = Annotated[str, Meta(description="ISO 8601, UTC.")]


class Tracked(TypedDict):
    """`uuid` is the visitor the event belongs to, `external_id` the id known for the person."""

    status: Annotated[str, Meta(extra_json_schema={"const": "success"})]
    uuid: str
    external_id: str | None
    identify_event_sent: bool


class EventExplained(TypedDict):
    Explanation: Explanation


class Catalog(TypedDict):
    """Event name → the names of all properties seen on it, both in ASCII order."""

    ListID: str
    Properties: dict[str, list[str]]


class Succeeded(TypedDict):
    """A call that was carried out."""

    Success: Annotated[bool, Meta(extra_json_schema={"const": True})]
    ErrorCode: Annotated[int, Meta(extra_json_schema={"const": 0})]
    ErrorText: Annotated[str, Meta(extra_json_schema={"const": ""})]


class Owner(TypedDict):
    UserID: int
    Username: str
    EmailAddress: str
    FirstName: str
    LastName: str
    AccountStatus: str


class SignedIn(Succeeded):
    SessionID: Annotated[str, Meta(description="Send it with the calls that follow.")]
    UserInfo: Owner


class WholeOwner(Owner):
    """Besides, what the family tells of an account and this gateway keeps nothing of, empty."""

    RelUserGroupID: int
    ReputationLevel: str
    UserSince: Stamp
    TimeZone: str
    LastActivityDateTime: Stamp
    AvailableCredits: int
    GroupInfo: dict[str, Any]


class Current(Succeeded):
    UserInfo: WholeOwner
    Usage: dict[str, int]
    SendRateLimits: dict[str, Any]


class KeyFacts(TypedDict):
    """`APIKey` is whole when it is made, and its last characters ever after."""

    APIKey: str
    Note: str
    BoundIPAddress: str
    Scope: str
    CreatedAt: Stamp
    LastUsedAt: Stamp | None
    LastUsedIP: str | None
    RequestCount: int


class NewKey(KeyFacts):
    IPAddress: str


class ListedKey(KeyFacts):
    APIKeyID: int


class KeyCreated(Succeeded):
    APIKeyID: int
    APIKey: NewKey


class Keys(Succeeded):
    APIKeys: list[ListedKey]


class ListCreated(Succeeded):
    ListID: int


class TrackerVariables(TypedDict):
    user: str
    list: str
    src: str
    beacon: str


class ListFacts(TypedDict):
    """`EventTrackerJS` is the snippet for the site's pages."""

    ListID: int
    Name: str
    Description: str
    ArchivedAt: Stamp | None
    RelOwnerUserID: int
    OptInMode: str
    CreatedOn: Stamp
    SubscriberCount: int
    Options: dict[str, Any]
    AllowedOrigins: list[str]
    IdentifyMode: str
    Privacy: str
    Currency: str
    EncryptedSaltedListID: str
    EventListTrackerID: str
    EventUserTrackerID: str
    EventTrackerVariables: TrackerVariables
    EventTrackerJS: str


class WholeList(ListFacts):
    """Besides, the settings that were given to it."""

    EventTrackerProperties: dict[str, list[str]]
    LastEventTrackedAt: Stamp | None
    IdentifySecret: Annotated[
        str | None,
        Meta(
            description="For `$email_hmac`. Keep it on the server. Null for a key without `admin`."
        ),
    ]
    EventCount: NotRequired[int]
    TotalRevenue: NotRequired[float]


class ListGot(Succeeded):
    List: WholeList


class Lists(Succeeded):
    TotalListCount: int
    Lists: list[ListFacts]


class UpdatedList(TypedDict):
    ListID: int
    Name: str
    OptInMode: str
    SenderName: str
    SenderEmailAddress: str


class ListUpdated(Succeeded):
    List: UpdatedList


class FieldCreated(Succeeded):
    CustomFieldID: int


class FieldFacts(TypedDict):
    CustomFieldID: int
    RelListID: int
    FieldName: str
    FieldType: str
    FieldDefaultValue: str
    MergeTagAlias: str
    UniqueIdentifier: bool
    ValidationMethod: str
    IsRequired: str
    IsUnique: str
    Visibility: str
    IsGlobal: str
    DataType: NotRequired[str]
    Years: NotRequired[str]
    ValidationRule: NotRequired[str]
    OptionLabel: NotRequired[Any]
    OptionValue: NotRequired[Any]
    OptionSelected: NotRequired[Any]
    Meta: NotRequired[Any]


class Fields(Succeeded):
    TotalFieldCount: int
    CustomFields: list[FieldFacts]


class Enrolled(TypedDict):
    """`RelActionID` is the action that comes next, or came last."""

    JourneyID: int
    JourneyName: str
    EntryID: int
    RelActionID: int | None
    EnrolledAt: Stamp
    CurrentStep: int
    TotalSteps: int


class InProgress(Enrolled):
    SnoozedUntil: None


class Completed(Enrolled):
    CompletedAt: Stamp


class Enrolments(TypedDict):
    InProgress: list[InProgress]
    Completed: list[Completed]


class SubscriberFacts(TypedDict):
    """Besides, each custom field as `CustomField<ID>` and by its merge tag alias."""

    SubscriberID: int
    EmailAddress: str
    ExternalID: str
    SubscriptionStatus: str
    BounceType: str
    SubscriptionDate: Stamp
    SubscriptionIP: str
    UnsubscriptionDate: Stamp | None
    UnsubscriptionIP: str


class FoundSubscriber(SubscriberFacts):
    """Besides, each custom field as `CustomField<ID>` and by its merge tag alias."""

    SubscriberTags: list[Any]
    Suppressed: bool
    TotalRevenue: float


class WebsiteEvent(TypedDict):
    EventID: str
    Event: str
    UUID: str
    Source: str
    EventDate: Stamp
    Properties: dict[str, Any]


class ActivityLine(TypedDict):
    ActivityType: str
    CampaignID: str
    EmailID: str
    ActivityDate: Stamp


class RevenueLine(TypedDict):
    """`Campaign` is null for what no click led to."""

    Campaign: str | None
    Currency: str
    Conversions: int
    Quantity: float
    Revenue: float


class SubscriberCreated(Succeeded):
    SubscriberInformation: SubscriberFacts
    Suppressed: bool
    SubscriberTags: list[Any]
    SubscriberSegments: list[Any]
    SubscriberJourneys: Enrolments
    SubscriberWebsiteEvents: list[WebsiteEvent]


class SubscriberGot(Succeeded):
    SubscriberInformation: SubscriberFacts
    Suppressed: bool
    SubscriberTags: NotRequired[list[Any]]
    SubscriberSegments: NotRequired[list[Any]]
    SubscriberJourneys: NotRequired[Enrolments]
    SubscriberWebsiteEvents: NotRequired[list[WebsiteEvent]]
    SubscriberActivity: NotRequired[list[ActivityLine]]
    TotalRevenue: NotRequired[float]
    Revenue: NotRequired[list[RevenueLine]]


class SubscriberExists(Succeeded):
    Exists: bool
    SubscriberID: int | None


class Activities(Succeeded):
    Activity: list[ActivityLine]


class Unsubscribed(Succeeded):
    RedirectURL: str
    TotalSubscribers: NotRequired[int]


class Subscribers(Succeeded):
    TotalSubscribers: int
    Subscribers: list[SubscriberFacts]


class SubscribersFound(Succeeded):
    TotalSubscribers: int
    Subscribers: NotRequired[list[FoundSubscriber]]


class SegmentFacts(TypedDict):
    """`SubscriberCount` is null unless `IncludeTotals` asked for it: it is counted anew."""

    SegmentID: int
    SegmentName: str
    SegmentOperator: Literal["and", "or"]
    SubscriberCount: int | None
    SegmentRules: list[Any]
    SegmentRulesJson: str
    Randomness: bool
    RandomnessAudienceSize: int


class SegmentCreated(Succeeded):
    SegmentID: int


class Segments(Succeeded):
    TotalSegmentCount: int
    Segments: list[SegmentFacts]


class SegmentCount(Succeeded):
    SubscriberCount: int


class SegmentSubscribers(Succeeded):
    Subscribers: list[SubscriberFacts]
    After: Annotated[
        int | None, Meta(description="Send it as `After` for the next page; null at the end.")
    ]


class RecipientLink(TypedDict):
    SubscriberID: int
    EmailAddress: str
    Token: str
    Link: str | None


class Links(Succeeded):
    """`Token` and `Link` are those of the first recipient."""

    Links: list[RecipientLink]
    Token: str
    Link: str | None


class RevenueGot(Succeeded):
    ListID: int
    Currency: str
    TotalRevenue: Annotated[float, Meta(description="What was earned in the list's currency.")]
    Revenue: list[RevenueLine]


class PersonSummary(TypedDict):
    ListID: int
    SubscriberID: int | None
    EmailAddress: str | None
    ExternalID: str | None
    UUIDs: list[str]


class Persons(Succeeded):
    Persons: list[PersonSummary]


class HeldSubscriber(TypedDict):
    id: int
    email: str
    external_id: str | None
    status: str
    bounce_type: str
    created_at: Instant
    subscription_ip: str | None
    unsubscribed_at: Instant | None
    unsubscription_ip: str | None


class HeldVisitor(TypedDict):
    uuid: str
    external_id: str | None
    bound_by: str | None
    created_at: Instant


class HeldBinding(TypedDict):
    id: int
    at: Instant
    visitor: str
    cause: str
    evidence: dict[str, Any]
    before: str | None
    after: str | None
    undoes: int | None


class HeldClick(TypedDict):
    campaign: str
    visitor: str
    clicked_at: Instant
    confirmed_at: Instant | None
    confirmed_by: str | None
    marked: bool


class HeldConversion(TypedDict):
    conversion_id: str
    name: str
    value: float
    currency: str
    quantity: float
    campaign: str | None
    happened_at: Instant


class HeldRefusal(TypedDict):
    """An event that could not be taken, as it was kept."""

    received_at: Instant
    door: str
    problems: list[str]
    request: dict[str, Any]
    payload: Any


class HeldEnrolment(TypedDict):
    """A journey the person came into, and the event that led there, by its number."""

    journey_id: int
    event: int
    at: Instant


class HeldDelivery(TypedDict):
    """A webhook about the person. `body` is null once it is delivered: then it is not kept."""

    id: str
    state: str
    written_at: Instant
    ended_at: Instant | None
    outcome: str
    body: dict[str, Any] | None


class HeldPerson(TypedDict):
    list_id: int
    subscriber: HeldSubscriber | None
    custom_fields: dict[str, str]
    visitors: list[HeldVisitor]
    bindings: list[HeldBinding]
    clicks: list[HeldClick]
    conversions: list[HeldConversion]
    enrolments: list[HeldEnrolment]
    deliveries: list[HeldDelivery]
    quarantined: list[HeldRefusal]
    events: list[StoredEvent]


class PersonDocument(TypedDict):
    format: int
    exported_at: Instant
    persons: list[HeldPerson]


class Exported(Succeeded):
    Export: PersonDocument
    NextAfter: Annotated[
        str | None, Meta(description="Send it as `After` for the next page; null at the end.")
    ]


class ErasureReceipt(TypedDict):
    """`Digest` says whose without saying who; `Counts` what went from which table."""

    ErasureID: int
    ListID: int
    Counts: dict[str, int]
    Digest: str
    ErasedAt: Instant


class Erased(Succeeded):
    Receipts: list[ErasureReceipt]


class TriggerParameters(TypedDict):
    """`Event` of a custom event, `URL` of a page view."""

    ListID: NotRequired[int]
    Event: NotRequired[str]
    URL: NotRequired[str]
    OncePerSubscriber: bool


class JourneyFacts(TypedDict):
    """The criteria as they were written. A limit of 0 is none."""

    JourneyID: int
    JourneyName: str
    Trigger: str
    TriggerParameters: TriggerParameters
    Trigger_Criteria: list[Any]
    Run_Criteria: list[Any]
    Run_Criteria_Operator: str
    Rate_Limit_Per_Hour: int
    Rate_Limit_Per_Day: int
    Status: str
    Notes: str
    CreatedAt: Stamp
    UpdatedAt: Stamp


class JourneyStats(TypedDict):
    """People who came in, and those of them who are still owed something."""

    ActiveSubscribers: int
    TotalSubscribers: int


class JourneyLine(JourneyFacts):
    JourneyStats: NotRequired[JourneyStats]


class ActionParameters(TypedDict):
    """`Secret` is there when it is made and never after: keep it."""

    URL: str
    Headers: dict[str, str]
    Payload: dict[str, Any]
    SignatureHeader: str
    Secret: NotRequired[str]


class Action(TypedDict):
    """`Gone`: its endpoint answered 410, and gets nothing more until the action is written anew."""

    ActionID: int
    Action: str
    ActionParameters: ActionParameters
    Gone: bool


class JourneyOf(Succeeded):
    Journey: JourneyFacts


class JourneyMade(JourneyOf):
    JourneyID: int


class JourneyCloned(JourneyOf):
    Actions: list[Action]


class WholeJourney(JourneyFacts):
    Actions: list[Action]
    JourneyStats: JourneyStats


class JourneyGot(Succeeded, WholeJourney):
    pass


class Journeys(Succeeded):
    Journeys: list[JourneyLine]


class JourneyDeleted(Succeeded):
    JourneyID: int


class ActionsUpdated(Succeeded):
    JourneyID: int
    JourneyName: str
    Actions: list[Action]


class SecretRotated(Succeeded):
    ActionID: int
    Secret: str
    PreviousValidUntil: Stamp


class DeliveryFacts(TypedDict):
    """`WebhookID` is the `webhook-id` it is sent under; `Outcome` how the last attempt went."""

    DeliveryID: int
    WebhookID: str
    ActionID: int
    SubscriberID: int
    State: str
    Attempts: int
    Outcome: str
    WrittenAt: Stamp
    NextAttemptAt: Stamp | None
    EndedAt: Stamp | None


class Deliveries(Succeeded):
    Deliveries: list[DeliveryFacts]
    After: int | None


class Replayed(Succeeded):
    Replayed: int


OPEN = (WholeOwner, WholeList, SubscriberFacts, FoundSubscriber)
"""Those with more in them than is named, as their own words say."""
