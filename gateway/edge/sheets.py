"""One set of numbers out of several processes: each worker writes what it has counted to a sheet
of its own, and whoever is asked adds up its own numbers and the others' sheets.

A sheet is a second old at most. It outlives its worker, so that sums only grow; what is true of
an instant only (`Now`) ends with it. The folder is made by the parent; one process needs none.
"""

import asyncio
import logging
import shutil
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from gateway import clock
from gateway.ingest.tally import Numbers, Series, Tally

EVERY_S = 1.0
STALE_MS = 10_000
LONG_AGO_MS = 0

Now = dict[str, float]
K = TypeVar("K")

log = logging.getLogger(__name__)


class Sheet(msgspec.Struct, frozen=True):
    written_at_ms: int
    numbers: list[tuple[Series, float]]
    now: Now


class Sheets:
    """`now` answers what is true of this process at this instant, such as the writes that wait."""

    def __init__(self, tally: Tally, now: Callable[[], Now], folder: Path | None) -> None:
        self._tally = tally
        self._now = now
        self._folder = folder
        self._own = uuid.uuid4().hex

    async def total(self) -> tuple[Numbers, Now, int]:
        """The numbers of all processes, what is true of them now, and how many there are."""
        others = await asyncio.to_thread(self._others)
        numbers, now = self._tally.numbers(), self._now()
        alive = [each for each in others if clock.now_ms() - each.written_at_ms < STALE_MS]
        for sheet in others:
            _add(numbers, dict(sheet.numbers))
        for sheet in alive:
            _add(now, sheet.now)
        return numbers, now, 1 + len(alive)

    async def write_for_ever(self) -> None:
        while self._folder:
            sheet = Sheet(clock.now_ms(), self._counted(), self._now())
            await asyncio.to_thread(self._write, self._folder, sheet)
            await asyncio.sleep(EVERY_S)

    def write_last(self) -> None:
        """Of this process nothing is true any more but what it has counted."""
        if self._folder:
            self._write(self._folder, Sheet(LONG_AGO_MS, self._counted(), {}))

    def remove_all(self) -> None:
        """Of all processes: whoever made the folder is gone, and nobody will ask any more."""
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _counted(self) -> list[tuple[Series, float]]:
        return list(self._tally.numbers().items())

    def _write(self, folder: Path, sheet: Sheet) -> None:
        """A full disk costs the others their view of this process, and nobody anything else."""
        draft = folder / f"{self._own}.draft"
        try:
            draft.write_bytes(msgspec.json.encode(sheet))
            draft.replace(draft.with_suffix(".json"))
        except OSError as error:
            log.warning("numbers not shared with the other workers: %s", error.strerror)

    def _others(self) -> list[Sheet]:
        if self._folder is None:
            return []
        return [
            msgspec.json.decode(path.read_bytes(), type=Sheet)
            for path in self._folder.glob("*.json")
            if path.stem != self._own
        ]


def _add(total: dict[K, float], more: Mapping[K, float]) -> None:
    for name, number in more.items():
        total[name] = total.get(name, 0) + number
