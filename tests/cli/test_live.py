"""The live loop from the shell: a replay of real candles, watched, stopped and rolled back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from functools import partial
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import pytest

from atb.clock import HOUR_MS, iso, parse_time
from atb.config.data import CandleData
from atb.config.trading import TradingSpec
from atb.config.training import TrainingConfig
from atb.market import files
from atb.market.replay import ReplayFeed
from atb.registry import promotion, store
from atb.runtime import ledger, sources
from atb.workspace import Workspace
from atb_cli.main import main

BARS, LEARNED = 300, 240
FIRST = parse_time("2023-01-01")
LEARNED_UNTIL = FIRST + LEARNED * HOUR_MS
WINDOW = 3


def graph():
    """Ten times the return from open to close of a window's last bar, as a hand-written file."""
    from onnx import TensorProto, helper, numpy_helper

    def whole(name, *values):
        return numpy_helper.from_array(np.asarray(values, np.int64), name)

    cut = [
        helper.make_node("Slice", ["candles", *where, "axes"], [name])
        for name, where in {"open": ("bar", "to_open"), "close": ("close_at", "to_close")}.items()
    ]
    nodes = [
        *cut,
        helper.make_node("Div", ["close", "open"], ["ratio"]),
        helper.make_node("Log", ["ratio"], ["log"]),
        helper.make_node("Reshape", ["log", "shape"], ["return"]),
    ]
    constants = [
        whole("bar", WINDOW - 1, 0),
        whole("to_open", WINDOW, 1),
        whole("close_at", WINDOW - 1, 3),
        whole("to_close", WINDOW, 4),
        whole("axes", 1, 2),
        whole("shape", -1, 1),
    ]
    given = helper.make_tensor_value_info("candles", TensorProto.FLOAT, ["batch", WINDOW, 5])
    made = helper.make_tensor_value_info("return", TensorProto.FLOAT, ["batch", 1])
    found = helper.make_model(
        helper.make_graph(nodes, "last_bar", [given], [made], constants),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=9,
    )
    says = {
        "symbol": "BTCUSDT",
        "market": "candles",
        "timeframe": "1h",
        "columns": "open,high,low,close,volume",
        "window": str(WINDOW),
        "lookback": "0",
        "max_gap": "0",
        "target": "return",
    }
    helper.set_model_props(found, says)
    return found.SerializeToString()


@pytest.fixture
def art(tmp_path):
    return tmp_path / "art"


@pytest.fixture
def candles(market_data, tmp_path):
    """The first real bars, in a file."""
    path = market_data / "crypto_ohlcv" / "BTCUSDT_1h_2023-01-01_2024-12-31.feather"
    found = files.read(path, "BTCUSDT", "1h").rows(0, BARS)
    files.write(found, tmp_path / "bars.parquet")
    return tmp_path / "bars.parquet"


@pytest.fixture
def promoted(art):
    """`promoted(number)`: one more model runs, that trades on each bar's own return."""

    def promote(number):
        workspace = Workspace(art)
        config = TrainingConfig(
            symbol="BTCUSDT", name="hand", data=CandleData(), trading=TradingSpec()
        )
        metadata = {
            "timeframe": "1h",
            "synthetic": False,
            "learned_until": iso(LEARNED_UNTIL),
        }
        contents = {
            "config.json": json.dumps(config.model_dump(mode="json")).encode(),
            "metadata.json": json.dumps(metadata).encode(),
            "model.onnx": graph(),
        }
        writers = {name: partial(_write, content) for name, content in contents.items()}
        version = store.add(workspace, "BTCUSDT", "hand", f"2026010{number}T000000Z", writers)
        seen = promotion.read(workspace, "BTCUSDT")
        promotion.promote(workspace, version, seen, promotion.Grounds("by hand", {}))
        return version.reference

    return promote


def _write(content, path):
    path.write_bytes(content)


def run(*words, art):
    return main(["live", "BTCUSDT", "--dry-run", *map(str, words), "--artifacts", str(art)])


def test_a_replay_from_the_start_ends_as_the_backtest(promoted, candles, art, capsys):
    version = promoted(1)
    assert run("--candles", candles, "--from-start", "--json", art=art) == 0
    out, err = capsys.readouterr()
    *shown, summary = (json.loads(line) for line in out.splitlines())
    assert err.startswith("warning: the model learned from bars up to 2023-01-11T00:00:00Z")
    assert [one["decision"]["action"] for one in shown[: WINDOW - 1]] == ["warming"] * (WINDOW - 1)
    assert len(shown) == summary["decisions"] == BARS
    assert summary["versions"] == [version] and summary["ended"]
    assert (
        main(["backtest", version, "--candles", str(candles), "--json", "--artifacts", str(art)])
        == 0
    )
    backtest = json.loads(capsys.readouterr().out)
    assert summary["closed"] == len(summary["trades"]) == backtest["trades"] > 50
    assert summary["equity"] - 1 == pytest.approx(backtest["total_return"], abs=1e-9)
    assert len(Path(summary["ledger"]).read_text().splitlines()) == BARS


def test_a_replay_shows_what_the_model_did_not_learn_from(promoted, candles, art, capsys):
    promoted(1)
    assert run("--candles", candles, "--speed", 36_000, "--iterations", 3, art=art) == 0
    out, err = capsys.readouterr()
    bars = [line.split()[0] for line in err.splitlines()]
    assert bars == [iso(LEARNED_UNTIL + n * HOUR_MS) for n in range(3)]
    assert out.splitlines()[2].split()[:2] == ["decisions", "3"]
    assert run("--candles", candles, "--speed", 36_000, "--iterations", 3, art=art) == 0
    again = capsys.readouterr().err  # from the same bar, with an account of its own
    assert [line.split()[0] for line in again.splitlines()] == bars
    assert len(list((art / "live" / "BTCUSDT").glob("replay-*.jsonl"))) == 2


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--speed", "5", "--source", "binance"], 2, "--speed: it is for --source replay"),
        (["--sleep-seconds", "5", "--candles", "x"], 2, "not binance"),
        (["--sleep-seconds", "5", "--source", "replay"], 2, "it is for --source binance"),
        (["--candles", "absent.csv"], 3, "absent.csv"),
        (["--source", "replay"], 2, "--candles PATH"),
        (["--iterations", "0", "--source", "replay"], 2, "--iterations"),
        (["--source", "kraken"], 2, "kraken"),
    ],
)
def test_what_does_not_go_together_is_refused(promoted, art, capsys, words, code, said):
    promoted(1)
    assert run(*words, art=art) == code
    out, err = capsys.readouterr()
    assert (out, said in err) == ("", True)
    assert not (art / "live").exists()


def test_the_same_command_goes_on_with_what_the_exchange_has(
    promoted, candles, art, capsys, monkeypatch
):
    promoted(1)
    bars, flushed, flush = files.read(candles, "BTCUSDT", "1h"), [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: flushed.append(flush(file)))
    for row in (250, 254):
        monkeypatch.setitem(sources._FEEDS, "binance", lambda _, row=row: ReplayFeed(bars, row))
        assert run("--iterations", 4, "--json", art=art) == 0
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert summary["ledger"] == str(art / "live" / "BTCUSDT" / "decisions.jsonl")
    written = [record["decision"]["bar"] for record in ledger.read(Path(summary["ledger"]))]
    assert written == bars.time[250:258].tolist()
    assert len(flushed) >= 8  # each decision, before it is told


def test_no_order_is_ever_sent(promoted, art, capsys):
    promoted(1)
    assert main(["live", "BTCUSDT", "--artifacts", str(art)]) == 2
    said = capsys.readouterr().err
    assert "places no orders" in said and "--dry-run" in said and "atb.runtime.Hook" in said


def test_a_loop_is_watched_rolled_back_and_stopped(promoted, candles, art, atb_words):
    before, after = promoted(1), promoted(2)
    words = ("live", "BTCUSDT", "--dry-run", "--candles", str(candles), "--speed", "36000")
    command = [*atb_words, *words, "--metrics-port", "0", "--json", "--artifacts", str(art)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as loop:
        said = loop.stderr.readline()
        url = said.split()[3].removesuffix("/health")
        assert said == f"watch it at {url}/health and {url}/metrics\n"
        assert json.loads(loop.stdout.readline())["decision"]["version"] == after
        with urlopen(f"{url}/health", timeout=5) as answer:
            assert json.load(answer)["version"] == after
        promotion.rollback(Workspace(art), "BTCUSDT", "a trial")
        end = time.monotonic() + 20
        while json.loads(loop.stdout.readline())["decision"]["version"] != before:
            assert time.monotonic() < end
        with urlopen(f"{url}/metrics", timeout=5) as answer:
            assert f'version="{before}"' in answer.read().decode()
        loop.send_signal(signal.SIGINT)
        out, err = loop.communicate(timeout=20)
    assert loop.returncode == 130
    summary = json.loads(out.splitlines()[-1])
    assert (summary["versions"], summary["ended"]) == ([after, before], False)
    assert err.splitlines()[-1].endswith(f"again: atb {' '.join(command[len(atb_words) :])}")
