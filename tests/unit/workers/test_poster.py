"""The process that posts: it answers for all it was given, and ends with its parent."""

import asyncio
import os
import signal

import pytest

from gateway.workers.frames import Answer, Job
from gateway.workers.poster import ENDED, Poster
from tests.receiver import receiving

pytestmark = pytest.mark.slow

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def job(number: int, url: str, secret: str = SECRET) -> Job:
    return Job(number, url, {}, b"{}", f"msg_{number}", "X-Signed", (secret,))


def test_it_answers_for_each_and_is_made_anew_when_it_was_killed() -> None:
    """What was under way then has failed; what cannot be signed is a fault and costs no other."""

    async def story(url: str, ill: str) -> list[Answer]:
        poster = Poster(("127.0.0.1",))
        answers: asyncio.Queue[Answer] = asyncio.Queue()

        async def posted(*jobs: Job, kill: bool = False) -> list[Answer]:
            await poster.start()
            for each in jobs:
                poster.post(each, answers.put_nowait)
            if kill and poster._process:
                os.kill(poster._process.pid, signal.SIGKILL)
            return [await answers.get() for _ in jobs]

        try:
            first = await posted(job(1, url), job(2, url, "whsec_A"))
            killed = await posted(job(3, ill), job(4, ill), kill=True)
            return [*first, *killed, *await posted(job(5, url))]
        finally:
            await poster.stop()

    with receiving() as well, receiving(answer=lambda _: None) as hanging:
        answers = asyncio.run(story(well.url(), hanging.url()))
    statuses = sorted(str(each.status) for each in answers[:2])
    assert statuses == ["200", "None"]
    assert answers[2:4] == [ENDED, ENDED]
    assert answers[4].status == 200
    assert well.ids == ["msg_1", "msg_5"]
