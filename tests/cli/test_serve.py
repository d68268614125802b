"""`gateway serve` as a process of its own: it answers, with several workers too, and stops."""

import signal
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cli.conftest import Run
from tests.support import (
    free_port,
    gateway_process,
    metrics,
    total,
    until,
    wait_until_it_answers,
)

pytestmark = pytest.mark.slow


def track(url: str, made: dict[str, Any], name: str) -> httpx.Response:
    body = {"APIKey": made["api_key"], "ListID": made["list_id"], "Event": name}
    return httpx.post(f"{url}/api/v1/event", json=body, trust_env=False)


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_answers_and_stops_when_told_with_exit_code_0(
    run: Run, path: Path, made: dict[str, Any], workers: str, number: signal.Signals
) -> None:
    """However it was told: by a supervisor or by Ctrl-C. Nothing that was acknowledged is lost."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    arguments = ("serve", "--db", str(path), "--port", str(port), "--workers", workers)
    with gateway_process(*arguments) as process:
        wait_until_it_answers(f"{url}/readyz", process)
        for count in range(10):
            assert track(url, made, f"event-{count}").status_code == 200
        process.send_signal(number)
        output, _ = process.communicate(timeout=10)
    assert process.returncode == 0, output
    assert url in output
    assert "Traceback" not in output
    exported = run("export", "--db", path, "--list", made["list_id"]).stdout
    assert len(exported.splitlines()) == 10


def test_it_is_set_up_by_variables_alone(path: Path, made: dict[str, Any]) -> None:
    port = free_port()
    variables = {"DB": str(path), "PORT": str(port), "PUBLIC_URL": "https://track.shop.example"}
    with gateway_process("serve", **variables, TRACKER_PATH="/t.js") as process:
        wait_until_it_answers(f"http://127.0.0.1:{port}/healthz", process)
        script = httpx.get(f"http://127.0.0.1:{port}/t.js", trust_env=False)
        assert script.status_code == 200


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("rate_limits", ["off", "on"])
def test_settings_reach_every_worker(
    path: Path, made: dict[str, Any], workers: str, rate_limits: str
) -> None:
    """A bound set by its variable, and the switch for load tests."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    variables = {"RATE_LIMITS": rate_limits, "EVENT_CALLS_PER_MINUTE": "1"}
    arguments = ("serve", "--db", str(path), "--port", str(port), "--workers", workers)
    with gateway_process(*arguments, **variables) as process:
        wait_until_it_answers(f"{url}/healthz", process)
        said = {track(url, made, "x").status_code for _ in range(int(workers) + 1)}
    assert (429 in said) is (rate_limits == "on")


def test_one_look_at_the_metrics_shows_what_all_workers_have_counted(
    path: Path, made: dict[str, Any]
) -> None:
    """Whichever of them is asked, and also what was counted by those that were replaced since."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"

    def all_say(events: int, workers: int) -> bool:
        looks = [metrics(url) for _ in range(6)]
        return {
            (total(seen, "gateway_events_total", "api", "stored"), seen[("gateway_processes",)])
            for seen in looks
        } == {(events, workers)}

    with gateway_process(
        "serve", "--db", str(path), "--port", str(port), "--workers", "2"
    ) as process:
        wait_until_it_answers(f"{url}/healthz", process)
        for number in range(40):
            assert track(url, made, f"event-{number}").status_code == 200
        until(lambda: all_say(40, workers=2))
        seen = metrics(url)
        assert seen[("gateway_events_received_total", "api")] == 40
        assert seen[("gateway_queue_items_max",)] == 20_000
        process.send_signal(signal.SIGHUP)  # the parent replaces its workers one by one
        until(lambda: answers(f"{url}/healthz") and all_say(40, workers=2))


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_port_that_is_taken_is_said_and_is_a_failure(
    path: Path, made: dict[str, Any], workers: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        arguments = ("serve", "--db", str(path), "--port", port, "--workers", workers)
        with gateway_process(*arguments) as process:
            output, _ = process.communicate(timeout=10)
    assert process.returncode == 1
    assert "in use" in output
    assert port in output
    assert "--port" in output
    assert "Traceback" not in output


def test_workers_end_when_their_parent_is_killed(
    path: Path, made: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Orphans would hold the port, and the next start would fail. They leave no files behind."""
    monkeypatch.setenv("TMPDIR", str(path.parent))
    port = free_port()
    url = f"http://127.0.0.1:{port}/healthz"
    with gateway_process(
        "serve", "--db", str(path), "--port", str(port), "--workers", "2"
    ) as parent:
        wait_until_it_answers(url, parent)
        assert list(path.parent.glob("gateway-*"))
        parent.kill()
        until(lambda: not answers(url))
        until(lambda: not list(path.parent.glob("gateway-*")))


def answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).is_success
    except httpx.TransportError:
        return False
