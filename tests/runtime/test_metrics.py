"""What a machine's own watcher is told of a live loop, over HTTP."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass, replace
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from atb.clock import HOUR_MS
from atb.errors import UsageError
from atb.runtime.decision import Decision, Status
from atb.runtime.metrics import Metrics, served

BAR = 1_700_000_000_000 // HOUR_MS * HOUR_MS
DECISION = Decision(
    symbol="BTCUSDT",
    bar=BAR,
    at=BAR + HOUR_MS + 250,
    price=37_000.5,
    version="BTCUSDT/fast/20240131T120000Z-7f3a91bc",
    inputs="ab" * 32,
    output=-0.0003,
    unit="return",
    position=-0.5,
    action="signal",
    reason="below the threshold",
    latency_ms=0.7,
)
STATUS = Status(
    decision=DECISION,
    decisions=3,
    held=0.25,
    equity=1.01,
    trades=2,
    drift="stable",
    drifted=False,
    synthetic=False,
    source="binance",
    due=BAR + 2 * HOUR_MS,
    trouble=None,
)


@dataclass
class StillFeed:
    """A market whose clock stands where the test puts it."""

    symbol: str = "BTCUSDT"
    timeframe: str = "1h"
    source: str = "binance"
    trouble: str | None = None
    time: int = DECISION.at

    def now(self):
        return self.time


@pytest.fixture
def feed():
    return StillFeed()


@pytest.fixture
def metrics(feed):
    return Metrics(feed)


def values(metrics):
    """Every sample but those of the process, by its name and what marks it off."""
    return {
        (sample.name.removeprefix("atb_live_"), *marks(sample.labels)): sample.value
        for family in text_string_to_metric_families(metrics.text().decode())
        for sample in family.samples
        if sample.name.startswith("atb_live_") and not sample.name.endswith("_created")
    }


def marks(labels):
    assert labels["symbol"] == "BTCUSDT"
    return [value for name, value in labels.items() if name != "symbol" and value]


def test_every_figure_of_a_status_is_there(metrics):
    metrics.show(STATUS)
    found = values(metrics)
    assert found[("price",)] == 37_000.5
    assert found[("position",)] == -0.5 and found[("held",)] == 0.25
    assert found[("equity",)] == 1.01 and found[("trades_total",)] == 2
    assert found[("output", "return")] == -0.0003
    assert found[("bar_timestamp_seconds",)] == BAR / 1000
    assert found[("decided_timestamp_seconds",)] == BAR / 1000 + 3600.25
    assert found[("due_timestamp_seconds",)] == BAR / 1000 + 7200
    assert found[("drifted",)] == found[("synthetic",)] == found[("trouble",)] == 0
    assert found[("model_info", "binance", DECISION.version)] == 1
    assert found[("latency_seconds_bucket", "0.0005")] == 0
    assert found[("latency_seconds_bucket", "0.001")] == 1
    assert found[("latency_seconds_sum",)] == pytest.approx(0.0007)
    assert b"process_resident_memory_bytes" in metrics.text()


def test_decisions_are_counted_by_what_they_rest_on(metrics):
    silent = {"output": None, "unit": None, "version": None, "latency_ms": None}
    for action in ("warming", "signal", "signal"):
        metrics.show(replace(STATUS, decision=replace(DECISION, action=action)))
    metrics.show(replace(STATUS, decision=replace(DECISION, action="no_model", **silent)))
    found = values(metrics)
    counts = {marks[0]: n for (name, *marks), n in found.items() if name == "decisions_total"}
    assert counts == {"signal": 2, "warming": 1, "late": 0, "missed": 0, "no_model": 1}
    assert found[("latency_seconds_count",)] == 3  # a model that was not asked took no time
    assert not [key for key in found if key[0] == "output"]


def test_each_class_has_its_probability(metrics):
    said = replace(DECISION, output=(0.2, 0.3, 0.5), unit="probabilities")
    metrics.show(replace(STATUS, decision=said))
    output = {key[1:]: value for key, value in values(metrics).items() if key[0] == "output"}
    kinds = ("down", "flat", "up")
    assert output == {(k, "probabilities"): v for k, v in zip(kinds, said.output, strict=True)}


def test_before_the_first_decision_there_is_little_to_tell(metrics):
    assert metrics.health() == (
        True,
        {"status": "starting", "symbol": "BTCUSDT", "source": "binance", "trouble": None},
    )
    assert values(metrics)[("trouble",)] == 0
    assert ("price",) not in values(metrics)


@pytest.mark.parametrize(("ms", "state"), [(0, "ok"), (1, "overdue")])
def test_a_bar_not_decided_upon_in_time_is_a_fault(metrics, feed, ms, state):
    metrics.show(STATUS)
    feed.time = STATUS.due + HOUR_MS + ms
    well, said = metrics.health()
    assert (well, said["status"]) == (state == "ok", state)


def test_trouble_is_told_while_it_lasts(metrics, feed):
    feed.trouble = "connection refused"
    assert metrics.health()[0] is False  # even before there was anything to decide
    metrics.show(STATUS)
    well, said = metrics.health()
    assert (well, said["status"], said["trouble"]) == (False, "trouble", "connection refused")
    assert said["version"] == DECISION.version and said["position"] == -0.5
    assert values(metrics)[("trouble",)] == 1
    feed.trouble = None
    assert metrics.health()[0] is True
    metrics.show(replace(STATUS, trouble="the manifest is damaged"))
    assert metrics.health()[1]["trouble"] == "the manifest is damaged"


def fetched(url):
    try:
        with urlopen(url, timeout=5) as answer:
            return answer.status, answer.headers.get_content_type(), answer.read()
    except HTTPError as error:
        return error.code, error.headers.get_content_type(), error.read()


def test_both_pages_are_served_on_loopback(metrics, feed):
    metrics.show(STATUS)
    with served(metrics, 0) as url:
        assert url.startswith("http://127.0.0.1:")
        code, kind, body = fetched(f"{url}/metrics")
        assert (code, kind) == (200, "text/plain")
        assert b'atb_live_price{symbol="BTCUSDT"} 37000.5\n' in body
        code, kind, body = fetched(f"{url}/health")
        assert (code, kind) == (200, "application/json")
        assert json.loads(body)["status"] == "ok"
        feed.trouble = "no route to host"
        assert fetched(f"{url}/health")[0] == 503
        assert fetched(f"{url}/../etc/passwd")[0] == 404
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=1)


def test_a_port_that_is_taken_is_said(metrics):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port} cannot be had"), served(metrics, port):
            pass


def test_no_other_machine_is_answered(metrics):
    """Loopback has many addresses; one that is not 127.0.0.1 stands for the outside."""
    with served(metrics, 0) as url, pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.2", int(url.rpartition(":")[2])), timeout=1)
