"""Any split of the same events into batches gives the same tables."""

import asyncio
import uuid as uuids
from dataclasses import dataclass

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway import clock
from gateway.events.event import Enriched
from gateway.ingest.record import Receipt
from tests.unit.builders import ACCOUNT_ID, LIST_ID, NOW_MS, enriched, source, visitor
from tests.unit.ingest.river import Read, contents, river


@dataclass(frozen=True)
class Said:
    """One event as a browser says it. `ends`: the browser sends what it has so far.
    `number`: its id, for an event that may be sent twice; without, it is like no other."""

    name: str
    email: str | None
    browser: int
    ends: bool
    number: int | None = None
    test: bool = False


Tables = dict[str, list[tuple[object, ...]]]


async def told(story: list[Said], *, whole: bool) -> tuple[Tables, list[str]]:
    """The tables after a story, and which visitor each browser ends as.

    Browsers send in turns, each with the visitor the last answer named. `whole`: as few and as
    large beacons as there are turns; otherwise they are cut wherever an event `ends`.
    """
    tokens = {said.browser: visitor(said.browser) for said in story}
    async with river() as (intake, read):
        batch: list[tuple[Said, str]] = []
        for number, said in enumerate(story):
            batch.append((said, _id(said, number)))
            last = number == len(story) - 1
            if last or story[number + 1].browser != said.browser or (said.ends and not whole):
                events = [_seen(each, event_id, tokens[said.browser]) for each, event_id in batch]
                for answer in await intake.accept(events):
                    assert isinstance(answer, Receipt)
                    if answer.goes_on_as:
                        tokens[said.browser] = uuids.UUID(answer.goes_on_as)
                batch = []
        return await contents(read), sorted(map(str, tokens.values()))


def _id(said: Said, place: int) -> str:
    return f"event {place}" if said.number is None else f"repeated {said.number}"


def _seen(said: Said, event_id: str, token: uuids.UUID) -> Enriched:
    return enriched(
        said.name,
        event_id=event_id,
        email=said.email,
        test=said.test,
        properties={"$screen_width": said.browser, said.name: 1},
        seen=source(visitor=token),
    )


stories = st.lists(
    st.builds(
        Said,
        name=st.sampled_from(["pageView", "identify", "cart"]),
        email=st.sampled_from(
            [None, None, "ada@example.com", "eve@example.com", "bob@example.com"]
        ),
        browser=st.sampled_from([1, 2]),
        ends=st.booleans(),
        number=st.sampled_from([None, None, 1, 2]),
        test=st.sampled_from([False, False, False, True]),
    ),
    min_size=1,
    max_size=12,
)


ADA_BETWEEN = [
    Said("pageView", email, browser=1, ends=True)
    for email in ("eve@example.com", "ada@example.com", "eve@example.com", None)
]


@settings(max_examples=60)
@given(stories)
@example(ADA_BETWEEN)
def test_how_events_are_cut_into_beacons_does_not_matter(story: list[Said]) -> None:
    async def both() -> None:
        assert await told(story, whole=False) == await told(story, whole=True)

    asyncio.run(both())


@settings(max_examples=25)
@given(stories, st.integers(1, 5))
def test_how_beacons_are_gathered_into_commits_does_not_matter(
    story: list[Said], commit: int
) -> None:
    """All wait at once; the writer takes as many at a time as it is set to."""

    async def gathered(commit: int) -> Tables:
        async with river(commit=commit) as (intake, read):
            beacons = [
                [_seen(said, _id(said, number), visitor(said.browser))]
                for number, said in enumerate(story)
            ]
            await asyncio.gather(*map(intake.accept, beacons))
            return await contents(read)

    async def both() -> None:
        assert await gathered(commit) == await gathered(100)

    asyncio.run(both())


async def _with_a_journey(
    commit: int, story: list[Said]
) -> tuple[Tables, list[tuple[object, ...]]]:
    """The tables after a story, and for which events the journey on carts has fired."""
    async with river(commit=commit) as (intake, read):
        await _wait_for_carts(read)
        beacons = [
            [_seen(said, _id(said, number), visitor(said.browser))]
            for number, said in enumerate(story)
        ]
        await asyncio.gather(*map(intake.accept, beacons))
        return await contents(read), await read("select event_id from enrolments order by 1")


async def _wait_for_carts(read: Read) -> None:
    await read(
        f"""insert into journeys (account_id, list_id, name, notes, enabled, kind, value,
                once_per_subscriber, format, trigger_rules, run_rules, run_match_all, hourly_max,
                daily_max, created_at_ms, updated_at_ms)
            values ({ACCOUNT_ID}, {LIST_ID}, 'j', '', 1, 0, 'cart', 0, 1, '[]', '[]', 1, 0, 0, 0,
                0)"""
    )


@settings(max_examples=40)
@given(stories, st.integers(1, 5))
def test_a_journey_fires_for_the_same_events_however_they_are_gathered(
    story: list[Said], commit: int
) -> None:
    """The short way of plain events passes none by."""

    async def both() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(clock, "now_ms", lambda: NOW_MS)
            assert await _with_a_journey(1, story) == await _with_a_journey(commit + 1, story)

    asyncio.run(both())


def test_a_plain_event_of_somebody_fires_the_journey_that_waits_for_it() -> None:
    story = [
        Said("cart", None, browser=1, ends=True),
        Said("identify", "ada@example.com", browser=1, ends=True),
        *[Said("cart", None, browser=browser, ends=True) for browser in (1, 2, 1)],
    ]

    async def fired() -> list[tuple[object, ...]]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(clock, "now_ms", lambda: NOW_MS)
            return (await _with_a_journey(100, story))[1]

    assert asyncio.run(fired()) == [(3,), (5,)]
