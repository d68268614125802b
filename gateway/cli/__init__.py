"""The `gateway` command: make a database, serve it, look into it.

Exit codes: 0 done, 1 could not be done (the message says why), 2 called wrongly.
Every option has its `GATEWAY_*` variable; `--json` answers what a script can read.
"""

import click

from gateway.cli import (
    backups,
    doctor,
    events,
    journeys,
    keys,
    lists,
    people,
    quarantine,
    retention,
    segments,
    serving,
    webhooks,
)
from gateway.cli.support import Group


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="event-gateway")
def main() -> None:
    """Self-hosted event tracking: what visitors do, tied to the subscribers you know."""


for command in (
    serving.init,
    serving.serve,
    serving.demo_command,
    events.export,
    people.link,
    backups.backup,
    backups.restore,
):
    main.add_command(command)
main.add_command(doctor.doctor)
for group in (
    lists.list_group,
    keys.key_group,
    events.events_group,
    quarantine.quarantine_group,
    people.person_group,
    people.identity_group,
    segments.segment_group,
    journeys.journey_group,
    webhooks.webhooks_group,
    retention.retention_group,
):
    main.add_command(group)
