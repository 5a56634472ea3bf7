"""What docs/live.md gives to run, runs: a hook, a feed, an account, and the check of a ledger."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

CANDLES = "BTCUSDT_1h_2023-01-01_2024-12-31.feather"


@pytest.fixture
def example(registered, promote, workspace, market_data, tmp_path, monkeypatch):
    """`example(word)`: run the only lines of Python that have it, beside a promoted model."""
    promote(registered())
    shutil.copytree(workspace.root, tmp_path / "here" / "artifacts")
    (tmp_path / "here" / CANDLES).symlink_to(market_data / "crypto_ohlcv" / CANDLES)
    monkeypatch.chdir(tmp_path / "here")
    page = Path(__file__).parents[2] / "docs" / "live.md"
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)

    def run(word):
        (lines,) = (block for block in blocks if word in block)
        names = {}
        exec(compile(lines, str(page), "exec"), names)
        return names

    return run


def test_a_hook_and_the_check_of_its_ledger(example, capsys):
    ran = example("class Executor")
    orders, summary = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"\d+ orders; still held: .* of the equity", orders)
    assert summary.startswith("2000 decisions, ") and ran["outcome"].decisions == 2000
    ledger = Path("decisions.jsonl")
    shutil.copy(ran["plan"].ledger, ledger)
    example("hashlib")
    ledger.write_bytes(ledger.read_bytes().replace(b'"action": "signal"', b'"action": "silent"', 1))
    with pytest.raises(AssertionError):
        example("hashlib")


def test_a_feed(example, capsys):
    example("ReplayFeed")
    assert capsys.readouterr().out.splitlines()[-1] == (
        "2025-01-20T00:00:00Z 99794.51 at 2025-01-20T01:00:00Z"
    )


def test_an_account(example):
    (trade,) = example("PaperTrade")["paper"].trades
    assert (trade.entry, trade.exit, trade.reason) == (100.0, 105.0, "end")
