"""A bar for what takes a while, on a terminal only."""

import contextlib
import sys
from collections.abc import Callable, Iterator

import click

Report = Callable[[int, int], None]
"""Told how much is done, of how much altogether."""


@contextlib.contextmanager
def progress(label: str, *, hidden: bool = False) -> Iterator[Report]:
    """What to tell how far it is. Nothing is shown where nobody would see it."""
    if hidden or not sys.stderr.isatty():
        yield lambda done, total: None
        return
    with click.progressbar(length=1, label=label, file=sys.stderr) as bar:

        def report(done: int, total: int) -> None:
            bar.length = max(total, 1)
            bar.update(min(done, total) - bar.pos)

        yield report
