"""The `gateway` command: make a database, serve it, look into it.

Exit codes: 0 done, 1 could not be done (the message says why), 2 called wrongly.
Every option has its `GATEWAY_*` variable; `--json` answers what a script can read.
A command's module is imported when it is called: a server needs none of the others.
"""

import click

from gateway.cli.lazy import LazyGroup

COMMANDS = {
    "backup": "gateway.cli.backups:backup",
    "demo": "gateway.cli.demonstration:demo_command",
    "doctor": "gateway.cli.doctor:doctor",
    "events": "gateway.cli.events:events_group",
    "export": "gateway.cli.events:export",
    "identity": "gateway.cli.people:identity_group",
    "init": "gateway.cli.serving:init",
    "journey": "gateway.cli.journeys:journey_group",
    "key": "gateway.cli.keys:key_group",
    "link": "gateway.cli.people:link",
    "list": "gateway.cli.lists:list_group",
    "person": "gateway.cli.people:person_group",
    "quarantine": "gateway.cli.quarantine:quarantine_group",
    "restore": "gateway.cli.backups:restore",
    "retention": "gateway.cli.retention:retention_group",
    "segment": "gateway.cli.segments:segment_group",
    "serve": "gateway.cli.serving:serve",
    "webhooks": "gateway.cli.webhooks:webhooks_group",
}


@click.group(
    cls=LazyGroup, modules=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name="event-gateway")
def main() -> None:
    """Self-hosted event tracking: what visitors do, tied to the subscribers you know."""
