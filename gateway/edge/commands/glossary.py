"""What the parameters of the calls are, each name once: its type and its meaning.

A call that means something else by a name says so in its own row (`Command.meanings`).
"""

from gateway.edge.commands import fields, list_settings, revenue
from gateway.edge.commands.arguments import PAGE_ROWS_MAX
from gateway.edge.commands.command import Command
from gateway.edge.commands.parameter import (
    Parameter,
    choice,
    email,
    flag,
    ids,
    ignored,
    instant,
    json,
    obj,
    text,
    whole,
)
from gateway.events.parse import ID_CHARS_MAX
from gateway.records.keys import SCOPES
from gateway.records.lists import IDENTIFY_MODES, PRIVACY
from gateway.records.people import BOUNCE_TYPES, STATUSES

_UUID = r"^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$"
_KEPT = "Kept and given back; the gateway does not act on it."


def meaning_of(command: Command, name: str) -> Parameter:
    """A parameter nobody has described is any value at all; a test finds it."""
    return command.meanings.get(name) or PARAMETERS.get(name) or Parameter("", {})


_TRACKING = {
    "ListID": whole("The list."),
    "Event": Parameter(
        "The event's name. `pageView`, `page_view` and `$pageview` are page views, `identify` and "
        "`conversion` are what they say, all else is a custom event.",
        {"type": "string", "minLength": 1, "pattern": r"\S"},
        {"maxLength": "event_name_chars_max"},
    ),
    "UUID": Parameter(
        "The visitor (a browser). Left out: the most recent one of the person that `Email` or "
        "`ID` names, else a new one.",
        {"type": "string", "pattern": _UUID},
    ),
    "ID": text("Your own id of the person.", ID_CHARS_MAX),
    "Email": email("The person's address. New to this visitor, it sends an `identify` besides."),
    "Properties": Parameter(
        "What else is to be known of the event, by name. A value is text of at most "
        "{value_bytes_max} bytes, a number, true, false, null, or these in arrays and objects "
        "nested at most {nesting_max} deep. A conversion needs `conversion-id`, "
        "`conversion-name` and `conversion-value`, and may have `conversion-currency`, "
        "`conversion-quantity` and `pr`.",
        {"type": "object", "properties": {"conversion-value": {"type": ["number", "string"]}}},
        {"maxProperties": "properties_max"},
    ),
    "IdentifyProperties": Parameter(
        "Custom fields of the subscriber, by merge tag alias or as `CustomField<ID>`. Written on "
        "an identify only; names the list has no field for are left out.",
        {"type": "object"},
        {"maxProperties": "properties_max"},
    ),
    "EventID": text("Your id of this event: sent twice, it is stored once.", ID_CHARS_MAX),
    "Time": Parameter(
        "When it happened: ISO 8601, or seconds since 1970. Left out: now.",
        {"type": ["string", "number"], "examples": ["2026-01-31T12:00:00Z", 1769860800]},
    ),
    "isSilent": flag("Stored and counted, but no journey fires for it."),
    "isTest": flag("Checked and answered like any event, and nothing is stored."),
}

_ACCOUNT = {
    "Username": text("The account's address.", least=1),
    "Password": text("The account's password.", least=1),
    "PasswordEncrypted": Parameter("Only false: send the password itself.", {"type": "boolean"}),
    "TFACode": ignored("Second factor."),
    "TFARecoveryCode": ignored("Second factor."),
    "Note": text("What the key is for.", least=1),
    "BoundIPAddress": text("The only address or network the key is taken from: `203.0.113.0/24`."),
    "Scope": choice(
        SCOPES,
        "How far the key reaches: `read`; `write`, events and people too; `admin`, everything. "
        "Left out: `admin`.",
    ),
    "APIKeyID": whole("The key, by its number in `user.apikey.list`."),
}

_LISTS = {
    "SubscriberListID": whole("The list."),
    "SubscriberListName": text("The new list's name.", least=1),
    "Name": text("The list's name from now on.", least=1),
    "GetStats": flag("Count the list's events and revenue too."),
    "Lists": ids("The lists, by their ids."),
    "Search": text("Only lists with this in their name."),
    "Archived": choice(("true", "false", "all"), "Which lists: archived, others (usual), or both."),
    "AllowedOrigins": Parameter(
        "Sites whose browsers may use the gateway's own cookie: `https://shop.example`. As an "
        "array, or in a text with blanks or commas between.",
        {"type": ["array", "string"], "items": {"type": "string"}},
    ),
    "IdentifyMode": choice(
        IDENTIFY_MODES,
        "How far an address from a browser is believed: `create` subscribes it, `bind only` finds "
        "who is there, `verified` wants the site's `$email_hmac` as well.",
    ),
    "Currency": Parameter("The list's currency.", {"type": "string", "pattern": "^[A-Za-z]{3}$"}),
    "Privacy": choice(
        PRIVACY,
        "What is done with browsers that send GPC or DNT: nothing, track each page as a visitor "
        "of its own, or take no events.",
    ),
    "ConfirmationEmail": obj(
        f"`Subject`, `FromName`, `FromEmail`, `ContentType` and its content. {_KEPT}"
    ),
    "Options": obj(f"Settings of your own. {_KEPT} Names with secret or password are left out."),
    "SyncMySQLPassword": ignored("A secret of another system: not kept."),
    **{name: text(_KEPT) for name in list_settings.KEPT},
    "OptInMode": choice(list_settings.OPT_IN_MODES, _KEPT),
    "OptOutScope": choice(list_settings.OPT_OUT_SCOPES, _KEPT),
    "ReqByEmailSearchToAddress": email(_KEPT),
}  # fmt: skip

_FIELDS = {
    "CustomFieldID": whole("The custom field."),
    "CustomFields": ids("The fields, by their ids."),
    "FieldName": text("What people call it.", least=1),
    "FieldType": choice(fields.TYPES, "What its values are."),
    "PresetName": Parameter("There are no presets here: leave it out.", {"const": ""}),
    "DataType": choice(fields.DATA_TYPES, "What its values are, more closely."),
    "DefaultValue": text("The value of who has none."),
    "ValidationMethod": choice(
        fields.VALIDATION_METHODS, "What values must be, where a call asks for it."
    ),
    "ValidationRule": text(f"The rule of the method `Custom`. {_KEPT}"),
    "MergeTagAlias": Parameter(
        "A name of your own for it, unique on the list.",
        {"type": "string", "pattern": f"^({fields.ALIAS.pattern})?$"},
    ),
    "OptionLabel": json(_KEPT),
    "OptionValue": json(_KEPT),
    "OptionSelected": json(_KEPT),
    "Meta": json(_KEPT),
    "IsRequired": flag("A subscriber must have a value, where a call asks for it."),
    "IsUnique": flag("No two subscribers have the same, where a call asks for it."),
    "IsGlobal": flag(_KEPT),
    "Visibility": choice(fields.VISIBILITIES, _KEPT),
    "Years": text(_KEPT),
    "UniqueIdentifier": flag("Hashed identifies and your own ids look people up by it."),
    "ReturnGlobalCustomFields": ignored("Fields are each on one list."),
}

_PEOPLE = {
    "SubscriberID": whole("The subscriber."),
    "EmailAddress": email("The subscriber's address; capitals make no difference."),
    "Status": choice(STATUSES, "The subscriber's status."),
    "SubscriptionStatus": choice(STATUSES, "The subscriber's status from now on."),
    "BounceType": choice(BOUNCE_TYPES, "Whether mails come back."),
    "OptInDate": instant("Checked only."),
    "SubscriptionDate": instant("When they subscribed."),
    "SubscriptionIP": text("From where they subscribed."),
    "UnsubscriptionDate": instant("When they left."),
    "UnsubscriptionIP": text("From where they left."),
    "Fields": obj("Custom field values by alias, `CustomField<ID>` or id."),
    "EnforceRequiredFields": flag("Hold the values to what their fields ask."),
    "OptInConfirmationEmailID": whole("Checked only: sending mail is not this gateway's."),
    "UpdateIfDuplicate": flag("Change who is there already instead of refusing."),
    "UpdateIfUnsubscribed": flag("Take back who has left instead of refusing."),
    "IncludeJourneys": flag("Answer with `SubscriberJourneys`."),
    "IncludeEvents": flag("Answer with `SubscriberWebsiteEvents`, newest first."),
    "IncludeActivity": flag("Answer with `SubscriberActivity`."),
    "IncludeRevenue": flag("Answer with `TotalRevenue` and `Revenue`."),
    "IncludeTags": flag("Answer with `SubscriberTags`."),
    "IncludeSegments": flag("Answer with `SubscriberSegments`."),
    "EventsPerRequest": whole(f"Most events to answer, at most {PAGE_ROWS_MAX}.", 0),
    "EventsFrom": whole("How many newer events to leave out.", 0),
    "IPAddress": text("From where they leave.", least=1),
    "Preview": flag("Say who would leave; change nothing."),
    "Subscribers": ids("The subscribers, by their ids."),
    "SubscriberSegment": text("Which of them: All, Active, Unsubscribed, Soft bounced, …", least=1),
    "SearchField": text("`EmailAddress` (usual), another field, or a custom field's id."),
    "SearchKeyword": text("Only who has this in that field."),
    "Rules": Parameter("The older way to write rules: send RulesJSON.", {"const": ""}),
    "RulesJSON": json(
        'Rules such as `{{"type": "fields", "field_id": "EmailAddress", "operator": "contains", '
        '"value": "@example.com"}}`: all must hold, one of each nested array, and so on '
        "alternating."
    ),
    "Operator": choice(("and", "or"), "Whether all rules must hold or one."),
    "RulesOperator": choice(("and", "or"), "Whether all rules must hold or one."),
    "OnlyTotal": flag("Count only."),
    "RecordsPerRequest": whole(f"Most records to answer, at most {PAGE_ROWS_MAX}; 0 is that.", 0),
    "RecordsFrom": whole("How many records to leave out.", 0),
    "OrderField": text(
        "What to order by: `SubscriberID` (usual), another field, or `CustomField<ID>`."
    ),
    "OrderType": choice(("ASC", "DESC"), "Which way."),
    "After": Parameter(
        "The `NextAfter` of the answer before.",
        {"type": "string", "pattern": r"^([0-9]{1,18}-[0-9]{1,18})?$"},
    ),
    "Campaign": text("The campaign.", revenue.CAMPAIGN_CHARS_MAX),
    "URL": text("The page the link leads to: a whole address, http or https."),
    **{
        name: ignored("Sending mail is not this gateway's.")
        for name in (
            "ApplyBehaviors", "SendConfirmationEmail", "UpdateStatistics", "TriggerWebServices",
            "TriggerAutoResponders", "Source", "SourceRef", "TriggerEvents", "CampaignID",
            "EmailID", "AutoResponderID", "Channel", "AddToGlobalSuppression",
            "BypassListSuppressionSettings", "Suppressed", "AddMustHaveFilters",
            "DebugQueryBuilder", "IgnoreAllOtherCustomFieldsExceptGivenOnes",
        )
    },
}  # fmt: skip

_JOURNEYS = {
    "JourneyID": whole("The journey."),
    "NewJourneyName": text("The new journey's name.", least=1),
    "TriggerParameters": obj(
        "What else is to be said of the trigger: `ListID`, `Event` or `URL`, as `Trigger_ListID` "
        "and `Trigger_Value` say them too, and `OncePerSubscriber`: nobody comes in twice."
    ),
    "Trigger_ListID": whole("The list whose events it waits for."),
    "Trigger_EmailID": ignored("Of triggers that are not for websites."),
    "Trigger_Value": text(
        "Of a custom event its name; of a page view what its URL has in it, `*` for anything."
    ),
    "Trigger_Criteria": json(
        'Rules on the event, all of which must hold, such as `{{"event_parameter": "product", '
        '"operator": "equals", "value": "Mug"}}`.'
    ),
    "Run_Criteria": json("Rules on the subscriber, as segments have them."),
    "Run_Criteria_Operator": choice(("and", "or"), "Whether all of them must hold or one."),
    "Rate_Limit_Per_Hour": whole("How many may come in within an hour; 0: as many as do.", 0),
    "Rate_Limit_Per_Day": whole("How many may come in within a day; 0: as many as do.", 0),
    "StartDate": instant("Count who came in from then on."),
    "EndDate": instant("Count who came in before."),
    "StatsStartDate": instant("Count who came in from then on."),
    "StatsEndDate": instant("Count who came in before."),
    "SkipStats": flag("Leave the counts out."),
    "IncludeActivityCounters": ignored("Counts of mails."),
    "ISP": ignored("Sending mail is not this gateway's."),
    "Actions": json(
        'What it runs, each `{{"Action": "Webhook", "ActionParameters": {{"URL", "Headers", '
        '"Payload", "SignatureHeader"}}}}`; with the `ActionID` of one that is there, that one is '
        "changed. `Payload` are keys of your own; texts in it may have merge tags: "
        "`%Subscriber:EmailAddress%`, `%Event:product%`, `%Journey:JourneyName%`."
    ),
    "ActionID": whole("The action."),
    "State": choice(("Waiting", "Delivered", "Dead"), "Which deliveries."),
    "Deliveries": ids("The deliveries, by their ids. Left out: all."),
}  # fmt: skip

_SEGMENTS = {
    "SegmentID": whole("The segment."),
    "SegmentName": text("What people call it.", least=1),
    "SegmentOperator": choice(("and", "or"), "Whether all rules must hold or one."),
    "SegmentRuleField": json("The older way to write rules: refused."),
    "SegmentRuleOperator": json("The older way to write rules: refused."),
    "SegmentRuleFilter": json("The older way to write rules: refused."),
    "RulesJson": json("Rules, as `RulesJSON` of `subscribers.search`."),
    "Randomness": flag("A random part of them only, always the same."),
    "RandomnessAudienceSize": whole("How many, at random."),
    "IncludeTotals": flag("Count each segment's subscribers."),
    "SourceListID": whole("The list to copy from."),
    "TargetListID": whole("The list to copy to."),
    "Segments": ids("The segments, by their ids."),
}

PARAMETERS = _TRACKING | _ACCOUNT | _LISTS | _FIELDS | _PEOPLE | _SEGMENTS | _JOURNEYS
