"""`GET /metrics`: for this machine or who has the token, in Prometheus' own words."""

from pathlib import Path

import pytest

from tests.support import RunningGateway, Tracked, metrics, running_gateway, total, until

TOKEN = "a token of enough characters"


def test_it_shows_queue_commits_files_readers_and_answers(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    before = metrics(gateway.url)
    for _ in range(3):
        gateway.beacon(tracked, {"event": "x"})
    gateway.call("event", tracked, Event=" ")
    seen = metrics(gateway.url)
    assert seen[("gateway_queue_items",)] == 0
    assert seen[("gateway_queue_items_max",)] == 10_000
    assert seen[("gateway_readers",)] == 4
    # What counts at its own pace reads too, now and then.
    until(lambda: metrics(gateway.url)[("gateway_reads",)] == 0)
    assert seen[("gateway_processes",)] == 1
    assert seen[("gateway_commits_failed_total",)] == 0
    # It grows when the log is moved into it, which may be between one look and the other.
    size = gateway.settings.db.stat
    until(lambda: metrics(gateway.url)[("gateway_database_bytes",)] == size().st_size)
    assert seen[("gateway_wal_bytes",)] > 0
    for name in ("gateway_commit_seconds", "gateway_commit_items"):
        grown = seen[(f"{name}_count",)] - before[(f"{name}_count",)]
        assert grown >= 4
        assert seen[(f"{name}_bucket", "+Inf")] == seen[(f"{name}_count",)]
        assert seen[(f"{name}_sum",)] > before[(f"{name}_sum",)]
    answers = {
        status: total(seen, "gateway_http_answers_total", status)
        - total(before, "gateway_http_answers_total", status)
        for status in ("2xx", "4xx", "5xx")
    }
    assert answers == {"2xx": 4, "4xx": 1, "5xx": 0}  # the first look at the metrics among them


def test_it_is_written_as_prometheus_asks_for_it(gateway: RunningGateway) -> None:
    answer = gateway.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert answer.headers["cache-control"] == "no-store"
    assert "# TYPE gateway_commit_seconds histogram" in answer.text
    openmetrics = gateway.client.get(
        "/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"}
    )
    assert openmetrics.text.endswith("# EOF\n")
    assert gateway.client.post("/metrics").status_code == 405


def test_it_says_nothing_of_any_one_list_or_person(
    gateway: RunningGateway, tracked: Tracked
) -> None:
    gateway.beacon(tracked, {"event": "bought-boots", "email": "ann@example.com"})
    gateway.beacon(tracked, {"event": " ", "properties": {"bought": "boots"}})
    text = gateway.client.get("/metrics").text
    for word in ("boots", "ann@", tracked.list_tracker_id, tracked.account, tracked.api_key):
        assert word not in text


@pytest.mark.parametrize("name", ["x-forwarded-for", "forwarded", "x-real-ip", "via"])
@pytest.mark.parametrize("trusted", [(), ("127.0.0.0/8",)])
def test_what_comes_through_a_proxy_on_this_machine_comes_from_elsewhere(
    tmp_path: Path, name: str, trusted: tuple[str, ...]
) -> None:
    """Whether it was named a trusted one or not, and whatever the client wrote into its headers."""
    with running_gateway(tmp_path, trusted_proxies=trusted) as own:
        answer = own.client.get("/metrics", headers={name: "127.0.0.1"})
        assert answer.status_code == 403
        assert "GATEWAY_METRICS_TOKEN" in answer.json()["ErrorText"]
        assert own.client.get("/metrics").status_code == 200


def test_with_a_token_nobody_gets_in_without_it(tmp_path: Path) -> None:
    """Not even from this machine: a proxy that hides itself would be taken for it."""
    with running_gateway(tmp_path, metrics_token=TOKEN) as own:
        for wrong in ("", TOKEN[:-1], TOKEN + "x", "ü"):
            headers = {"authorization": f"Bearer {wrong}".encode()} if wrong else {}
            answer = own.client.get("/metrics", headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
        assert own.client.get("/metrics", params={"token": TOKEN}).status_code == 401
        elsewhere = {"x-forwarded-for": "203.0.113.1", "authorization": f"Bearer {TOKEN}"}
        assert own.client.get("/metrics", headers=elsewhere).status_code == 200
        assert metrics(own.url, authorization=f"bearer {TOKEN}")
