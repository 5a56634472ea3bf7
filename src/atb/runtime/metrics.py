"""Health and metrics of a live loop, served to this machine alone: `/health` and `/metrics`.

Knows what the loop last showed and its feed's clock; nothing of models, and it changes nothing.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, get_args

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)

from atb.clock import timeframe_ms
from atb.errors import UsageError
from atb.market.feed import Feed
from atb.monitor.profile import CLASSES
from atb.runtime.decision import Action, Status

log = logging.getLogger(__name__)

ADDRESS = "127.0.0.1"
PREFIX = "atb_live_"
LATENCIES = (1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.5, 1.0)  # seconds
IDLE_SECONDS = 5.0  # of a connection that asks nothing

_GAUGES: Mapping[str, tuple[str, Callable[[Status], float]]] = {
    "price": ("Close of the newest bar, quote currency", lambda s: s.decision.price),
    "position": (
        "To be held from the next open on, multiples of the equity",
        lambda s: s.decision.position,
    ),
    "held": ("Held by the paper account, multiples of its equity", lambda s: s.held),
    "equity": ("Of the paper account, 1 at its beginning, at the last close", lambda s: s.equity),
    "drifted": ("1 if the monitor says that the market has drifted", lambda s: s.drifted),
    "synthetic": ("1 if simulated rows are behind any of it", lambda s: s.synthetic),
    "bar_timestamp_seconds": ("Open of the newest bar", lambda s: s.decision.bar / 1000),
    "decided_timestamp_seconds": (
        "When it was decided, by the market's clock",
        lambda s: s.decision.at / 1000,
    ),
    "due_timestamp_seconds": ("When the next bar closes", lambda s: s.due / 1000),
}


class Metrics:
    """What is to be known of one loop from outside; shown each status, asked from any thread."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._status: Status | None = None
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._decisions = Counter(
            PREFIX + "decisions",
            "Decisions, by what they rest on",
            ["symbol", "action"],
            registry=self._registry,
        )
        for action in get_args(Action):
            self._decisions.labels(feed.symbol, action)
        self._latency = Histogram(
            PREFIX + "latency_seconds",
            "From having a bar to the decision",
            ["symbol"],
            buckets=LATENCIES,
            registry=self._registry,
        )
        self._registry.register(self)

    def show(self, status: Status) -> None:
        """Take note of how things stand after a decision."""
        decision, self._status = status.decision, status
        self._decisions.labels(decision.symbol, decision.action).inc()
        if decision.latency_ms is not None:
            self._latency.labels(decision.symbol).observe(decision.latency_ms / 1000)

    def describe(self) -> list[Metric]:
        """Nothing: what there is to tell depends on what was decided."""
        return []

    def collect(self) -> Iterator[Metric]:
        """What the last status says, all of one moment."""
        trouble = GaugeMetricFamily(
            PREFIX + "trouble",
            "1 if the market, or the promoted model, cannot be had",
            labels=["symbol"],
        )
        trouble.add_metric([self._feed.symbol], float(self._trouble() is not None))
        yield trouble
        if self._status is not None:
            yield from _families(self._status)

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self._registry)

    def health(self) -> tuple[bool, dict[str, Any]]:
        """Whether the loop goes on as it should, and what there is to say of it, JSON-ready.

        It does not while the market or the promoted model cannot be had, nor when a bar is
        overdue: not decided upon a bar's length after its close.
        """
        status, trouble = self._status, self._trouble()
        overdue_ms = 0 if status is None else self._feed.now() - status.due
        overdue = overdue_ms > timeframe_ms(self._feed.timeframe)
        states = {"trouble": trouble is not None, "overdue": overdue, "starting": status is None}
        state = next((name for name, holds in states.items() if holds), "ok")
        said = {"status": state, "symbol": self._feed.symbol, "source": self._feed.source}
        return state in ("ok", "starting"), {**said, "trouble": trouble, **_told(status)}

    def _trouble(self) -> str | None:
        """Why something cannot be had at this moment."""
        return self._feed.trouble or (self._status.trouble if self._status else None)


def _told(status: Status | None) -> dict[str, Any]:
    """The last decision in short; nothing before the first."""
    if status is None:
        return {}
    decision = status.decision
    return {
        "version": decision.version,
        "bar": decision.bar,
        "at": decision.at,
        "due": status.due,
        "action": decision.action,
        "position": decision.position,
        "decisions": status.decisions,
        "drifted": status.drifted,
    }


def _families(status: Status) -> Iterator[Metric]:
    symbol = status.decision.symbol
    for name, (said, value) in _GAUGES.items():
        gauge = GaugeMetricFamily(PREFIX + name, said, labels=["symbol"])
        gauge.add_metric([symbol], value(status))
        yield gauge
    trades = CounterMetricFamily(PREFIX + "trades", "Closed by the account", labels=["symbol"])
    trades.add_metric([symbol], status.trades)
    yield trades
    yield _output(status)
    model = InfoMetricFamily(PREFIX + "model", "What is asked, and of what", labels=["symbol"])
    about = {"version": status.decision.version or "", "source": status.source}
    model.add_metric([symbol], about)
    yield model


def _output(status: Status) -> Metric:
    """What the model said of the newest bar: a number, or one for each class."""
    decision = status.decision
    said = GaugeMetricFamily(
        PREFIX + "output", "Of the model, in its unit", labels=["symbol", "unit", "class"]
    )
    output = decision.output
    parts = zip(CLASSES, output, strict=True) if isinstance(output, tuple) else [("", output)]
    for name, value in parts:
        if value is not None:
            said.add_metric([decision.symbol, decision.unit or "", name], value)
    return said


class _Handler(BaseHTTPRequestHandler):
    """Answers GET alone, and says so nowhere but in the log."""

    server: _Server
    timeout = IDLE_SECONDS

    def do_GET(self) -> None:
        """One of the two pages, or 404."""
        page = {"/metrics": self._metrics, "/health": self._health}.get(self.path)
        if page is None:
            self.send_error(404, "there are /metrics and /health")
        else:
            page()

    def _metrics(self) -> None:
        self._answer(200, CONTENT_TYPE_LATEST, self.server.metrics.text())

    def _health(self) -> None:
        well, said = self.server.metrics.health()
        body = json.dumps(said, allow_nan=False).encode() + b"\n"
        self._answer(200 if well else 503, "application/json", body)

    def _answer(self, code: int, kind: str, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class's name)
        """Into the log, not on the terminal."""
        log.debug(format, *args)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, metrics: Metrics) -> None:
        self.metrics = metrics
        super().__init__((ADDRESS, port), _Handler)


@contextmanager
def served(metrics: Metrics, port: int) -> Iterator[str]:
    """Serve metrics on loopback while the body runs; yields the address, as `http://HOST:PORT`.

    Args:
        metrics: asked in a thread of its own.
        port: of 127.0.0.1; 0 takes one that is free.

    Raises:
        UsageError: when the port cannot be had.
    """
    try:
        server = _Server(port, metrics)
    except OSError as error:
        raise UsageError(
            f"port {port} cannot be had ({error.strerror})",
            where="--metrics-port",
            remedy="give another, or 0 for any that is free",
        ) from error
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
    thread.start()
    try:
        yield f"http://{ADDRESS}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
