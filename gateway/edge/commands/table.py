"""Every command of the API, once, by its name in lower case; and by the method and path of those
that have a spelling of their own under `/api/v1/`."""

from gateway.edge.commands import (
    account,
    audiences,
    event,
    explain,
    fields,
    journey_actions,
    journeys,
    lists,
    people_rights,
    revenue,
    segments,
    subscribe,
    subscribers,
    user,
    website_events,
)

_FAMILIES = (
    event, explain, website_events, user, account, lists, fields, subscribe, subscribers, audiences,
    revenue, people_rights, segments, journeys, journey_actions,
)  # fmt: skip

COMMANDS = {command.name: command for family in _FAMILIES for command in family.COMMANDS}
REST = {command.rest: command for command in COMMANDS.values() if command.rest}
