"""A live loop on a terminal, in a pipe and as JSON."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, replace

import pytest

from atb import events
from atb.clock import HOUR_MS, parse_time
from atb.runtime.decision import Decision, Status
from atb_cli import live_view, progress, render

BAR = parse_time("2024-10-01T14:00")
DECISION = Decision(
    symbol="BTCUSDT",
    bar=BAR,
    at=BAR + HOUR_MS,
    price=63_421.5,
    version="BTCUSDT/fast/20240131T120000Z-7f3a91bc",
    inputs="ab" * 32,
    output=0.00123,
    unit="return",
    position=0.5,
    action="signal",
    reason="+12.3 bp exceed 5",
    latency_ms=0.456,
)
STATUS = Status(
    decision=DECISION,
    decisions=1234,
    held=-1.0,
    equity=0.9876,
    trades=12,
    drift="no drift",
    drifted=False,
    synthetic=False,
    source="file btc.feather",
    due=BAR + 2 * HOUR_MS,
    trouble=None,
)
SILENT = replace(
    DECISION,
    output=None,
    unit=None,
    latency_ms=None,
    position=0.0,
    action="no_model",
    reason="gone",
)


@dataclass
class StillFeed:
    symbol: str = "BTCUSDT"
    timeframe: str = "1h"
    source: str = "file btc.feather"
    trouble: str | None = None

    def now(self):
        return BAR + HOUR_MS + 60_500


class Terminal(io.StringIO):
    def isatty(self):
        return True


def told(monkeypatch, stream, *statuses, as_json=False):
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")
    screen = render.console()
    with live_view.shown(screen, StillFeed(), as_json) as show:
        progress.lines(screen)(events.Warned("the clock is 3 s late"))
        for status in statuses:
            show(status)
    return stream.getvalue()


def test_a_pipe_gets_one_line_for_each_decision(monkeypatch):
    silent = replace(STATUS, decision=SILENT)
    assert told(monkeypatch, io.StringIO(), STATUS, silent).splitlines() == [
        "warning: the clock is 3 s late",
        "2024-10-01T14:00:00Z  63,421.5  -1.24%  0.46 ms  signal: +12.3 bp exceed 5",
        "2024-10-01T14:00:00Z  63,421.5  -1.24%  -  no model: gone",
    ]


@pytest.mark.parametrize(
    ("unit", "output", "words"),
    [
        ("return", -0.00005, "-0.5 bp"),
        ("probability", 0.531, "up 53.1%"),
        ("probabilities", (0.2, 0.3, 0.5), "down 20%, flat 30%, up 50%"),
        ("log_volatility", -5.0, "volatility 0.67%"),
    ],
)
def test_a_signal_is_said_in_its_unit(monkeypatch, unit, output, words):
    said = replace(STATUS, decision=replace(DECISION, unit=unit, output=output))
    assert f"63,421.5  {words}" in told(monkeypatch, Terminal(), said)


def test_a_drift_is_said_when_it_begins_and_when_it_ends(monkeypatch):
    drifted = replace(STATUS, drifted=True, drift="drifted: rsi_14")
    lines = told(monkeypatch, io.StringIO(), STATUS, drifted, drifted, STATUS).splitlines()
    assert lines[3] == "drifted: rsi_14" and lines[6] == "no drift"
    assert len(lines) == 7


def test_simulated_rows_are_called_so_once(monkeypatch):
    made_up = replace(STATUS, synthetic=True)
    assert told(monkeypatch, io.StringIO(), made_up, made_up).count("SYNTHETIC DATA") == 1
    assert "SYNTHETIC DATA" in told(monkeypatch, Terminal(), made_up)


def test_programs_get_one_object_for_each_decision_and_people_the_events(monkeypatch, capsys):
    silent = replace(STATUS, decision=SILENT)
    assert told(monkeypatch, io.StringIO(), STATUS, silent, as_json=True) == (
        "warning: the clock is 3 s late\n"
    )
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert first["decision"]["output"] == 0.00123 and first["equity"] == 0.9876
    assert second["decision"]["action"] == "no_model" and second["decision"]["output"] is None


def test_a_terminal_gets_a_table_that_is_drawn_anew(monkeypatch):
    older = replace(STATUS, decision=replace(DECISION, bar=BAR - HOUR_MS, price=60_000.0))
    text = told(monkeypatch, Terminal(), older, replace(STATUS, trouble="no route to host"))
    assert "warning: the clock is 3 s late" in text
    last = text[text.rindex("market") :]
    for words in (
        "BTCUSDT 1h, file btc.feather",
        DECISION.version,
        "1,234; the last: +12.3 bp exceed 5",
        "short 1.00, equity 0.9876, 12 trades",
        "no drift",
        "closes 2024-10-01T16:00:00Z, in 0:58:59",
        "trouble: no route to host",
    ):
        assert words in last
    rows = [line.split() for line in last.splitlines() if "ms" in line.split()]
    assert [row[1] for row in rows] == ["60,000", "63,421.5"]
    assert text.endswith(("\x1b[?25h", "\x1b[?25h\n"))  # the cursor is back


def test_the_table_keeps_the_last_decisions_alone(monkeypatch):
    story = [replace(STATUS, decision=replace(DECISION, price=float(n))) for n in range(100, 125)]
    last = told(monkeypatch, Terminal(), *story).rpartition("market")[2]
    prices = [line.split()[1] for line in last.splitlines() if "ms" in line.split()]
    assert prices == [str(n) for n in range(115, 125)]


def test_a_terminal_waits_before_the_first_bar(monkeypatch):
    assert "waiting for a bar to close" in told(monkeypatch, Terminal())


OUTCOME = {
    "symbol": "BTCUSDT",
    "timeframe": "1h",
    "source": "file btc.feather",
    "synthetic": False,
    "ended": False,
    "first": "2024-10-01T14:00:00Z",
    "last": "2024-10-05T14:00:00Z",
    "decisions": 1097,
    "actions": {"signal": 1095, "no_model": 2},
    "versions": ["BTCUSDT/fast/v1", "BTCUSDT/fast/v2"],
    "latency_ms": 0.4567,
    "equity": 0.98765,
    "held": -0.5,
    "trades": [],
    "closed": 7,
    "drift": None,
    "drifted": False,
    "ledger": "artifacts/live/BTCUSDT/decisions.jsonl",
}


def test_the_summary_says_what_came_of_it(capsys):
    live_view.summary(OUTCOME, as_json=False)
    out, err = capsys.readouterr()
    assert [line.split(maxsplit=1)[-1].strip() for line in out.splitlines()] == [
        "BTCUSDT 1h, file btc.feather",
        "2024-10-01T14:00:00Z to 2024-10-05T14:00:00Z",
        "1,097 (1,095 signal, 2 no model)",
        "BTCUSDT/fast/v1",
        "BTCUSDT/fast/v2",
        "0.46 ms, the median",
        "-1.23% on paper, net of costs",
        "7 closed; now short 0.50",
        "too few bars to say",
        "to  artifacts/live/BTCUSDT/decisions.jsonl",
    ]
    assert err == ""


def test_a_loop_that_saw_no_bar_has_a_summary_too(capsys):
    none = {"first": None, "last": None, "decisions": 0, "actions": {}, "versions": []}
    live_view.summary({**OUTCOME, **none, "latency_ms": None, "synthetic": True}, as_json=False)
    out, err = capsys.readouterr()
    assert "none" in out and "model" not in out
    assert "SYNTHETIC DATA" in err


def test_programs_get_all_of_it(capsys):
    live_view.summary(OUTCOME, as_json=True)
    assert json.loads(capsys.readouterr().out) == OUTCOME
