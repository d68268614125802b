"""Every command of the API, once, by its name in lower case."""

from gateway.edge.commands import event, user, website_events

COMMANDS = {
    command.name: command for family in (event, website_events, user) for command in family.COMMANDS
}
