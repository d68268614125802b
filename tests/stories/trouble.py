"""What may go wrong with a disk, a lock, a thread or a clock: honest answers, and then all is well.

    python -m tests.stories.trouble [NAME ...]

While it lasts a sender is told what is true, or 503 with Retry-After: never a false success. When
it is over the same process goes on, without a restart, and what it acknowledged is stored once.
The full disk is a file system of its own (tmpfs), which takes root to mount.
"""

import argparse
import asyncio
import contextlib
import ctypes
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.store.database import connect
from tests.stories.client import Connection, Load, get
from tests.stories.world import (
    Gateway,
    GatewayWithin,
    Reckoning,
    gateway_in,
    gateway_within,
    reckon,
)

EVENTS = 50  # before the trouble and after it
IN_VAIN = 20  # answers of 503 within it
HOUR_S = 3_600
DISK = "8m"


@dataclass(frozen=True)
class Told:
    """How a trouble was met."""

    reckoning: Reckoning
    busy: int
    acknowledged_meanwhile: int
    strange: list[bytes]
    unready: bool
    ready_again_after_s: float

    @property
    def is_clean(self) -> bool:
        return self.reckoning.is_clean and not self.strange

    def __str__(self) -> str:
        return (
            f"{self.reckoning}; while it lasted {self.busy} answers of 503, "
            f"{self.acknowledged_meanwhile} acknowledged, {len(self.strange)} strange, "
            f"/readyz {'503' if self.unready else '200'}; "
            f"ready again after {self.ready_again_after_s:.2f} s"
        )


Trouble = Callable[[Any], contextlib.AbstractContextManager[None]]


async def story(
    gateway: Gateway | GatewayWithin, trouble: Trouble, *, stops_writes: bool = True
) -> Told:
    """All is well, then the trouble, then all is well again."""
    load = Load(gateway.port, gateway.tracked, keep=True)
    load.start()
    await load.more(EVENTS)
    with trouble(gateway):
        busy, acknowledged = load.statuses[503], len(load.acknowledged)
        if stops_writes:
            await load.until(lambda: load.statuses[503] >= busy + IN_VAIN)
        else:
            await load.more(EVENTS)
        unready = await _readyz(gateway) == 503
        busy, acknowledged = load.statuses[503] - busy, len(load.acknowledged) - acknowledged
    over_s = time.monotonic()
    while await _readyz(gateway) != 200:
        await asyncio.sleep(0.01)
    ready_again_after_s = time.monotonic() - over_s
    await load.more(EVENTS)
    await load.finish()
    reckoning = reckon(gateway, load)
    return Told(reckoning, busy, acknowledged, load.strange, unready, ready_again_after_s)


async def _readyz(gateway: Gateway | GatewayWithin) -> int:
    return (await Connection(gateway.port, keep=False).ask(get("/readyz"))).status


# The troubles.


@contextlib.contextmanager
def full_disk(gateway: Gateway) -> Iterator[None]:
    """The gateway's folder is a tmpfs; somebody fills it to the last byte, and tidies up again."""
    filler = gateway.db.with_name("filler")
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4_096))
    yield
    filler.unlink()


@contextlib.contextmanager
def half_a_commit(gateway: Gateway) -> Iterator[None]:
    """No file may grow beyond what the log has now and a bit: a commit fails in its midst."""
    size = gateway.db.with_name("gateway.db-wal").stat().st_size + 1_000
    [pid] = gateway.workers()
    infinite = resource.RLIM_INFINITY
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, infinite))
    yield
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (infinite, infinite))


@contextlib.contextmanager
def locked_file(gateway: Gateway) -> Iterator[None]:
    """Another process holds the write lock, for longer than anybody waits for it."""
    with contextlib.closing(connect(gateway.db)) as other:
        other.execute("begin immediate")
        yield
        other.execute("rollback")


@contextlib.contextmanager
def dying_writer(gateway: GatewayWithin) -> Iterator[None]:
    """Somebody ends the writer's thread, wherever it is, every few milliseconds."""
    over = threading.Event()

    def end_it() -> None:
        end = ctypes.pythonapi.PyThreadState_SetAsyncExc
        while not over.wait(0.01):
            for writer in [each for each in threading.enumerate() if each.name == "writer"]:
                end(ctypes.c_ulong(writer.ident or 0), ctypes.py_object(SystemExit))

    killer = threading.Thread(target=end_it)
    killer.start()
    yield
    over.set()
    killer.join()


def clock_off_by(seconds: int) -> Trouble:
    """The system's clock jumps, and later back."""

    @contextlib.contextmanager
    def trouble(gateway: GatewayWithin) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            now_s, now_ns = time.time, time.time_ns  # noqa: TID251 (the clock that jumps)
            patch.setattr(time, "time", lambda: now_s() + seconds)
            patch.setattr(time, "time_ns", lambda: now_ns() + seconds * 10**9)
            yield

    return trouble


STOPPING: dict[str, Trouble] = {
    "full disk": full_disk,
    "half a commit": half_a_commit,
    "locked file": locked_file,
}
DISTURBING: dict[str, Trouble] = {  # in this process: events go through all the same
    "dying writer": dying_writer,
    "clock an hour ahead": clock_off_by(HOUR_S),
    "clock an hour behind": clock_off_by(-HOUR_S),
}
TROUBLES = STOPPING | DISTURBING


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system that can be full. Raises CalledProcessError where nobody may mount one."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)]
    subprocess.run(mount, check=True, capture_output=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def told_of(name: str, folder: Path) -> Told:
    """One story, in this folder."""
    with contextlib.ExitStack() as stack:
        if name in DISTURBING:
            within = stack.enter_context(gateway_within(folder))
            return asyncio.run(story(within, DISTURBING[name], stops_writes=False))
        disk = stack.enter_context(small_disk(folder / "disk"))
        return asyncio.run(story(stack.enter_context(gateway_in(disk)), STOPPING[name]))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("names", nargs="*", metavar="NAME", help=", ".join(TROUBLES))
    clean = True
    for name in arguments.parse_args().names or TROUBLES:
        with tempfile.TemporaryDirectory() as folder:
            told = told_of(name, Path(folder))
        print(f"{name}: {told}")
        clean = clean and told.is_clean
    if not clean:
        sys.exit(1)


if __name__ == "__main__":
    main()
