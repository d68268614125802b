"""What comes in through the async door, and what is answered."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import msgspec
import pytest

from gateway.events.device import Device
from gateway.events.event import Enriched
from gateway.ingest.record import Receipt, Result
from tests.unit.builders import LIST_ID, enriched, server_call, source, visitor
from tests.unit.ingest.river import contents, river

BOT = Device("Googlebot", "2.1", None, "Spider", "bot")
NO_LIST = 999


def tracked(name: str = "pageView", number: int = 1, **event: Any) -> Enriched:
    return enriched(name, seen=source(visitor=visitor(number)), **event)


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


def test_every_event_gets_its_own_outcome_in_order() -> None:
    async def story() -> None:
        async with river() as (intake, read):
            outcomes = await intake.accept(
                [tracked(event_id="a"), tracked(event_id="a"), tracked(test=True), tracked()]
            )
            assert [outcome.result for outcome in outcomes if isinstance(outcome, Receipt)] == [
                Result.STORED,
                Result.DUPLICATE,
                Result.DROPPED,
                Result.STORED,
            ]
            assert await read("select count(*) from events") == [(2,)]

    run(story())


@pytest.mark.parametrize(
    "event",
    [
        tracked("identify", email="ada@example.com"),
        server_call("x", email="ada@example.com", external_id="u-1", uuid=str(visitor(1))),
    ],
)
def test_a_test_event_is_answered_like_a_real_one_and_leaves_nothing(event: Enriched) -> None:
    async def story() -> None:
        async with river() as (intake, read):
            before = await contents(read)
            [tested] = await intake.accept([msgspec.structs.replace(event, test=True)])
            assert await contents(read) == before
            [real] = await intake.accept([event])
            assert isinstance(tested, Receipt)
            assert isinstance(real, Receipt)
            assert (tested.result, tested.reason) == (Result.DROPPED, "test")
            assert msgspec.structs.replace(tested, result=real.result, reason=None) == real

    run(story())


def test_a_crawler_that_runs_the_page_s_script_is_no_visitor() -> None:
    async def story() -> None:
        async with river() as (intake, read):
            before = await contents(read)
            bot = enriched(seen=source(device=BOT, visitor=visitor(1)))
            [outcome] = await intake.accept([bot])
            assert outcome == Receipt(result=Result.DROPPED, uuid=str(visitor(1)), reason="bot")
            assert await contents(read) == before

    run(story())


def test_what_a_server_says_of_a_crawler_is_its_word() -> None:
    async def story() -> None:
        async with river() as (intake, _):
            event = server_call("x", properties={"$device_type": "bot"})
            [outcome] = await intake.accept([event])
            assert isinstance(outcome, Receipt)
            assert outcome.result is Result.STORED

    run(story())


def test_an_event_that_cannot_be_recorded_does_not_cost_its_neighbours(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Here one for a list that is gone. It leaves nothing of its own behind."""

    async def story() -> None:
        async with river() as (intake, read):
            lost = enriched(seen=source(list_id=NO_LIST, visitor=visitor(2)))
            first, failed, third = await intake.accept([tracked(), lost, tracked()])
            assert isinstance(first, Receipt)
            assert isinstance(third, Receipt)
            assert isinstance(failed, Exception)
            assert await read("select distinct list_id from events") == [(LIST_ID,)]
            assert await read("select count(*) from visitors") == [(1,)]

    run(story())
    assert "event not stored" in caplog.text


def test_what_follows_a_second_address_in_a_batch_is_the_second_person_s() -> None:
    async def story() -> None:
        async with river() as (intake, read):
            await intake.accept(
                [
                    tracked("identify", email="ada@example.com"),
                    tracked("a"),
                    tracked("identify", email="eve@example.com"),
                    tracked("b"),
                ]
            )
            owners = await read(
                "select n.name, s.email from events e join event_names n on n.id = name_id"
                " join visitors v on v.id = visitor_id join subscribers s on s.id = subscriber_id"
                " order by e.id"
            )
            assert owners[1::2] == [("a", "ada@example.com"), ("b", "eve@example.com")]

    run(story())


def test_nothing_to_take_takes_nothing() -> None:
    async def story() -> None:
        async with river() as (intake, _):
            assert await intake.accept([]) == []

    run(story())
