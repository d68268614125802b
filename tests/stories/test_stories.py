"""The stories, small: the same harnesses that tell them at length, for a few seconds each."""

import asyncio
import contextlib
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.errors import SettingsError
from gateway.store import database
from gateway.store.database import open_database
from tests.stories import crowd, kill, overload, stop, trouble
from tests.stories.world import Gateway, gateway_in, gateway_within

pytestmark = pytest.mark.slow


@pytest.fixture
def few_events(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in ((kill, "EVENTS_MAX"), (stop, "EVENTS"), (trouble, "EVENTS")):
        monkeypatch.setattr(module, name, 20)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system that can be full; skipped where this user may not mount one."""
    with contextlib.ExitStack() as stack:
        try:
            disk = stack.enter_context(trouble.small_disk(tmp_path / "disk"))
        except (subprocess.CalledProcessError, FileNotFoundError) as error:
            pytest.skip(f"no file system of its own: {error}")
        yield disk


def test_what_was_acknowledged_outlives_a_kill(tmp_path: Path, few_events: None) -> None:
    """Once each, in a file that is sound."""
    with gateway_in(tmp_path) as gateway:
        reckoning, load = asyncio.run(kill.story(gateway, times=1))
    assert reckoning.is_clean, reckoning
    assert load.strange == []


@pytest.mark.parametrize("workers", [1, 2])
def test_a_gateway_that_is_stopped_hangs_up_on_nobody(
    tmp_path: Path, few_events: None, workers: int
) -> None:
    """/readyz fails first, and is served while it does; then everybody who got in is answered."""
    with gateway_in(tmp_path, workers=workers) as gateway:
        stops, reckoning, load = asyncio.run(stop.story(gateway, times=1))
    assert (load.hung_up_at_first, load.hung_up_later) == (0, 0)
    assert len(stops.unready_after_s) == 1
    assert stops.served_after_unready > 0
    assert stops.exit_codes == {0}
    assert load.strange == []
    assert reckoning.is_clean, reckoning


def test_a_person_at_a_keyboard_is_not_made_to_wait_and_loses_nobody_either(
    tmp_path: Path, few_events: None
) -> None:
    """However long a load balancer is given."""
    with gateway_in(tmp_path, drain_s=1_000) as gateway:
        stops, reckoning, load = asyncio.run(stop.story(gateway, 1, signal.SIGINT))
    assert (load.hung_up_at_first, load.hung_up_later) == (0, 0)
    assert stops.exit_codes == {0}
    assert reckoning.is_clean, reckoning


def test_a_full_disk_is_busy_until_there_is_room(small_disk: Path, few_events: None) -> None:
    with gateway_in(small_disk) as gateway:
        told = asyncio.run(trouble.story(gateway, trouble.full_disk))
    assert told.is_clean, told
    assert told.unready


def test_a_commit_that_fails_in_its_midst_is_no_success(tmp_path: Path, few_events: None) -> None:
    with gateway_in(tmp_path) as gateway:
        told = asyncio.run(trouble.story(gateway, trouble.half_a_commit))
    assert told.is_clean, told
    assert told.unready


def test_a_lock_of_another_process_is_busy_until_it_is_gone(
    tmp_path: Path, few_events: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LOCK_WAIT_S", 0.05)
    with gateway_within(tmp_path) as gateway:
        told = asyncio.run(trouble.story(gateway, trouble.locked_file))
    assert told.is_clean, told
    assert told.unready


@pytest.mark.parametrize("name", trouble.DISTURBING)
def test_what_disturbs_it_costs_no_event(tmp_path: Path, few_events: None, name: str) -> None:
    """A thread that is ended and ended again, a clock that jumps: not one that is no success."""
    told = trouble.told_of(name, tmp_path)
    assert told.is_clean, told
    assert told.acknowledged_meanwhile >= 20


def test_a_file_that_may_not_be_written_is_refused_with_what_can_be_done(small_disk: Path) -> None:
    path = small_disk / "gateway.db"
    open_database(path).close()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(SettingsError, match="must be allowed to write the file and its folder"):
        open_database(path)


def test_ten_times_too_many_are_told_so_and_the_others_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overload, "GOOD_SENDERS", 4)
    monkeypatch.setattr(overload, "WINDOW", 2)
    with gateway_in(tmp_path, requests_max=5) as gateway:
        told = asyncio.run(overload.story(gateway, clients=50, seconds=0.5))
    assert told.is_clean, told
    assert told.crowd.statuses[503]
    assert told.crowd.statuses[200]


@pytest.fixture(scope="module")
def besieged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway with room for fewer than come, whatever they come for."""
    folder = tmp_path_factory.mktemp("besieged")
    with gateway_in(folder, connections_max=150, requests_max=10) as gateway:
        yield gateway


@pytest.mark.parametrize("name", crowd.CROWDS)
def test_a_good_client_is_served_whoever_else_is_there(besieged: Gateway, name: str) -> None:
    told = asyncio.run(crowd.story(besieged, crowd.CROWDS[name], clients=200, events=5))
    assert told.is_clean, told
