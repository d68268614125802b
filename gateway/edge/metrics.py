"""`GET /metrics`: the numbers of all server processes, as Prometheus reads them.

Opened by the token where one is set, and without one to this machine's own addresses only, not to
the world through a proxy on it. Nothing here is of any one list or person.
"""

import asyncio
import hmac
import ipaddress
from collections.abc import Iterable, Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.registry import Collector
from starlette.types import Receive, Scope, Send

from gateway import clock
from gateway.edge.auth import bearer
from gateway.edge.problems import respond
from gateway.edge.requests import Headers, headers_of, text
from gateway.edge.sheets import Now, Sheets
from gateway.errors import Forbidden, Unauthenticated
from gateway.ingest.tally import (
    BEYOND,
    COMMIT_ITEMS,
    COMMIT_SECONDS,
    WEBHOOK_LAG_SECONDS,
    Numbers,
)
from gateway.records import outbox, quarantine
from gateway.services import Services
from gateway.settings import Settings

_FORWARDED = (b"x-forwarded-for", b"forwarded", b"x-real-ip", b"via")


class MetricsEndpoint:
    def __init__(self, services: Services, sheets: Sheets) -> None:
        self._settings = services.settings
        self._reader = services.reader
        self._sheets = sheets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = headers_of(scope)
        _check_access(scope, headers, self._settings)
        sizes = await asyncio.to_thread(_sizes, self._settings.db)
        events, size = await self._reader.read(quarantine.size)
        waiting, oldest_s = await self._reader.read(outbox.waiting, clock.now_ms())
        sizes |= {"quarantine_events": events, "quarantine_bytes": size}
        sizes |= {"webhooks_waiting": waiting, "webhooks_oldest_s": oldest_s}
        numbers, now, processes = await self._sheets.total()
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Families(numbers, now | sizes | {"processes": processes}))
        encode, content_type = choose_encoder(text(headers, b"accept"))
        kind = [(b"content-type", content_type.encode()), (b"cache-control", b"no-store")]
        await respond(send, 200, encode(registry), kind)


def _check_access(scope: Scope, headers: Headers, settings: Settings) -> None:
    """Raises Unauthenticated or Forbidden."""
    if settings.metrics_token:
        if not hmac.compare_digest(bearer(headers).encode(), settings.metrics_token.encode()):
            raise Unauthenticated()
    elif not _is_from_here(scope, headers):
        raise Forbidden(
            "Metrics are for this machine's own addresses. To read them from elsewhere, set "
            "GATEWAY_METRICS_TOKEN and send it as a bearer token."
        )


def _is_from_here(scope: Scope, headers: Headers) -> bool:
    """Whether who asks is on this machine. A proxy on it, trusted or not, asks for others."""
    if any(name in headers for name in _FORWARDED):
        return False
    try:
        parsed = ipaddress.ip_address(scope["client"][0] if scope.get("client") else "")
    except ValueError:
        return False
    return (getattr(parsed, "ipv4_mapped", None) or parsed).is_loopback


def _sizes(db: Path) -> Now:
    """Of the database and of what is not in it yet; 0 for a file that is not there."""
    files = {"database_bytes": db, "wal_bytes": db.with_name(f"{db.name}-wal")}
    return {name: path.stat().st_size if path.exists() else 0 for name, path in files.items()}


class _Families(Collector):
    """What is shown, under which names. A family of a new kind is one more method here, and what
    it counts one more series in the tally."""

    def __init__(self, numbers: Numbers, now: Now) -> None:
        self._numbers = numbers
        self._now = now

    def collect(self) -> Iterable[Metric]:
        yield from self._ledger()
        yield from self._writer()
        yield from self._webhooks()
        yield from self._server()

    def _ledger(self) -> Iterator[Metric]:
        yield self._counter(
            "received", "gateway_events_received", "Events that a door has answered for.", "door"
        )
        yield self._counter(
            "events",
            "gateway_events",
            "How received events ended: stored, duplicate, dropped or quarantined. All of them "
            "add up to those received.",
            "door",
            "outcome",
            "reason",
        )
        yield self._counter(
            "deferred",
            "gateway_events_deferred",
            "Events whose sender was told to send them again. They were not received.",
            "door",
            "reason",
        )
        yield self._counter(
            "evicted",
            "gateway_quarantine_evicted",
            "Refused events that left the quarantine unseen to: it was full, or they were old.",
            "reason",
        )

        yield self._gauge(
            "quarantine_events", "gateway_quarantine_events", "Refused events in quarantine."
        )
        yield self._gauge("quarantine_bytes", "gateway_quarantine_bytes", "Their size.")

    def _writer(self) -> Iterator[Metric]:
        yield self._gauge("queue_items", "gateway_queue_items", "Writes that wait for the disk.")
        yield self._gauge(
            "queue_items_max", "gateway_queue_items_max", "How many may, before callers get 503."
        )
        yield self._histogram(
            "commit_seconds",
            "gateway_commit_seconds",
            "How long writes that shared a commit took, the wait for the disk included.",
            COMMIT_SECONDS,
        )
        yield self._histogram(
            "commit_items", "gateway_commit_items", "How many writes shared a commit.", COMMIT_ITEMS
        )
        yield self._counter(
            "commits_failed", "gateway_commits_failed", "Commits that failed, all of them undone."
        )

    def _webhooks(self) -> Iterator[Metric]:
        yield self._counter(
            "deliveries",
            "gateway_webhook_deliveries",
            "Attempts to deliver webhooks: delivered, failed (there will be another), or dead.",
            "outcome",
        )
        yield self._histogram(
            "webhook_lag_seconds",
            "gateway_webhook_lag_seconds",
            "How long after the event was stored its webhook was delivered.",
            WEBHOOK_LAG_SECONDS,
        )
        yield self._gauge("webhooks_waiting", "gateway_webhooks_waiting", "Deliveries that wait.")
        yield self._gauge(
            "webhooks_oldest_s",
            "gateway_webhooks_oldest_seconds",
            "How long the oldest has waited.",
        )

    def _server(self) -> Iterator[Metric]:
        yield self._counter("answers", "gateway_http_answers", "Answers over HTTP.", "status")
        yield self._gauge("database_bytes", "gateway_database_bytes", "Size of the database file.")
        yield self._gauge("wal_bytes", "gateway_wal_bytes", "Size of its write-ahead log.")
        yield self._gauge("reads", "gateway_reads", "Reads under way or waiting for a reader.")
        yield self._gauge("readers", "gateway_readers", "How many reads can run at once.")
        yield self._gauge("processes", "gateway_processes", "Server processes that were summed up.")

    def _counter(self, series: str, name: str, help: str, *labels: str) -> Metric:
        family = CounterMetricFamily(name, help, labels=labels)
        if not labels:
            family.add_metric([], self._numbers.get((series,), 0))
        for key, number in sorted(self._numbers.items()):
            if labels and key[0] == series:
                family.add_metric(key[1:], number)
        return family

    def _gauge(self, key: str, name: str, help: str) -> Metric:
        return GaugeMetricFamily(name, help, value=self._now[key])

    def _histogram(self, series: str, name: str, help: str, bounds: tuple[float, ...]) -> Metric:
        buckets: list[tuple[str, float]] = []
        total = 0.0
        for bound in (*map(str, bounds), BEYOND):
            total += self._numbers.get((series, bound), 0)
            buckets.append((bound, total))
        return HistogramMetricFamily(
            name, help, buckets=buckets, sum_value=self._numbers.get((series, "sum"), 0)
        )
