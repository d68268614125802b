"""`python -m tests.fuzz --minutes 10`: calls and bytes made up anew each time, on all doors,
against a gateway of its own. Ends with 1 and says what to send again when one fails."""

import random
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import click

from tests.fuzz import contract, raw
from tests.support import running_gateway

EXAMPLES = 50
Try = Callable[[], object]


@click.command(help=__doc__)
@click.option("--minutes", default=10.0, help="How long to go on.")
def main(minutes: float) -> None:
    ends_at = time.monotonic() + minutes * 60
    with tempfile.TemporaryDirectory() as folder:
        for name, attempt in _tries(Path(folder)):
            if time.monotonic() > ends_at:
                return
            click.echo(f"{name}: ", nl=False)
            began_at = time.monotonic()
            attempt()
            click.echo(f"{EXAMPLES} in {time.monotonic() - began_at:.1f} s")


def _tries(folder: Path) -> Iterator[tuple[str, Try]]:
    """All properties again and again, without end, each time in another order."""
    profile = contract.profile(EXAMPLES, repeatable=False)
    with running_gateway(folder, rate_limits=False, limits=contract.NO_STREAMS) as gateway:
        who = contract.caller(gateway)
        tries: list[tuple[str, Try]] = [
            (holds.__name__, partial(holds, gateway, gateway.new_list(), profile))
            for holds in raw.PROPERTIES
        ]
        tries += [
            (label, contract.property_of(operation, who, profile))
            for label, operation in contract.operations(gateway)
        ]
        while True:
            yield from random.sample(tries, len(tries))


if __name__ == "__main__":
    main()
