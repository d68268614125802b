"""Several server processes over one listening socket, and the parent that looks after them.

The parent accepts nothing. It starts another worker when one dies, hands the signals it gets on to
all of them, and ends when the last has: with exit code 1 when one could not start.
"""

import ctypes
import logging
import multiprocessing
import os
import signal
import socket
from collections.abc import Callable, Sequence
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from multiprocessing.sharedctypes import RawValue
from types import FrameType

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
STARTUP_FAILURE = 3  # uvicorn's exit code of a server that could not start

multiprocessing.allow_connection_pickling()  # so that the socket reaches the workers
log = logging.getLogger(__name__)

Work = Callable[[socket.socket, Callable[[], bool]], None]


def run(work: Work, count: int, listening: socket.socket) -> None:
    """`work(listening, all_stop)` in `count` processes, until a signal says to stop."""
    Workers(work, listening).run(count)


class Workers:
    def __init__(self, work: Work, listening: socket.socket) -> None:
        self._work = work
        self._listening = listening
        self._stopping = RawValue(ctypes.c_bool, False)  # seen by the workers; needs no lock
        self._workers: list[SpawnProcess] = []
        self._failed = False

    def run(self, count: int) -> None:
        before = {number: signal.signal(number, self._hand_on) for number in STOP_SIGNALS}
        try:
            for _ in range(count):
                self._start()
            while self._workers:
                self._mourn(wait([worker.sentinel for worker in self._workers]))
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        if self._failed:
            raise SystemExit(1)

    def _start(self) -> None:
        worker = multiprocessing.get_context("spawn").Process(
            target=_run, args=(self._work, self._listening, self._stopping)
        )
        worker.start()
        self._workers.append(worker)
        if self._stopping.value:  # told so while it was being made
            worker.terminate()

    def _mourn(self, sentinels: Sequence[object]) -> None:
        """Replace those that died, unless they were to."""
        for worker in [each for each in self._workers if each.sentinel in sentinels]:
            worker.join()
            self._workers.remove(worker)
            if self._stopping.value:
                continue
            if worker.exitcode == STARTUP_FAILURE:
                self._failed = True
                self._hand_on(signal.SIGTERM, None)
            else:
                log.error("worker %s ended with %s: another starts", worker.pid, worker.exitcode)
                self._start()

    def _hand_on(self, number: int, frame: FrameType | None) -> None:
        self._stopping.value = True
        for worker in self._workers:
            if worker.pid and worker.exitcode is None:
                os.kill(worker.pid, number)


def _run(work: Work, listening: socket.socket, stopping: "ctypes.c_bool") -> None:
    work(listening, lambda: stopping.value)
