"""Every whole window of some candles gets its prediction, and no other does."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from atb.backtest import hooks
from atb.config.trading import TradingSpec
from atb.errors import DataError, IntegrityError
from atb.market.candles import Candles
from atb.runtime import scoring
from atb.runtime.scoring import observe, score


def expected(candles: Candles, ends: np.ndarray) -> np.ndarray:
    return np.log(candles.close[ends] / candles.open[ends - 5])


def test_every_window_is_scored(model, make_candles):
    candles = make_candles(2000)  # several batches, the last of them not full
    made = score(model(), candles)
    assert made.rows.tolist() == list(range(5, 2000))
    assert made.value == pytest.approx(expected(candles, made.rows), abs=1e-6)
    assert made.unit == "return"


def test_no_window_crosses_a_gap(model, make_candles):
    candles = make_candles(30, missing=[9, 12])
    assert score(model(), candles).rows.tolist() == [*range(5, 10), *range(18, 30)]
    allowed = score(model(max_gap="1"), candles)
    assert allowed.rows.tolist() == list(range(5, 30))


def test_the_size_of_batches_changes_nothing(model, make_candles, monkeypatch):
    folder, candles = model(), make_candles(100)
    whole = score(folder, candles)
    monkeypatch.setattr(scoring, "BATCH", 7)
    assert score(folder, candles).value == pytest.approx(whole.value, abs=1e-7)


def test_later_bars_change_no_prediction(model, make_candles):
    folder, candles = model(), make_candles(100)
    whole, part = score(folder, candles), score(folder, candles.rows(0, 50))
    assert part.rows.tolist() == whole.rows[:45].tolist()
    assert part.value == pytest.approx(whole.value[:45], abs=1e-7)


def test_another_timeframe_is_refused(model, make_candles):
    with pytest.raises(DataError, match="trained on timeframe 1h, this is 4h"):
        score(model(), make_candles(30, timeframe="4h"))


def test_rows_in_another_order_are_refused(model, make_candles):
    candles = make_candles(30)
    columns = {name: getattr(candles, name)[::-1] for name in ("time", *candles.columns)}
    with pytest.raises(DataError, match="takes rows oldest first, here row 1 of 2024-01-02T05:00"):
        score(model(), Candles.from_columns("BTCUSDT", "1h", columns))


def test_another_symbol_is_warned_of(model, make_candles, caplog):
    with caplog.at_level(logging.WARNING):
        made = score(model(), make_candles(30, symbol="ETHUSDT"))
    assert len(made) == 25
    assert "was trained on BTCUSDT, not ETHUSDT" in caplog.text


@pytest.mark.parametrize(("bars", "missing"), [(5, []), (10, [4]), (1, [])])
def test_too_few_rows_are_refused(model, make_candles, bars, missing):
    with pytest.raises(DataError, match=f"no unbroken run of 6 rows among {bars}"):
        score(model(), make_candles(bars, missing))


def test_a_folder_that_was_changed_is_refused(model, make_candles):
    folder = model()
    (folder / "extra.txt").write_text("x")
    with pytest.raises(IntegrityError, match="not in the manifest"):
        score(folder, make_candles(30))


def test_real_hours_from_score_to_backtest(model, market_data: Path):
    import pandas as pd

    file = market_data / "crypto_ohlcv" / "BTCUSDT_1h_2023-01-01_2024-12-31.feather"
    table = pd.read_feather(file)
    time = table["timestamp"].to_numpy().astype("datetime64[ms]").astype(np.int64)
    columns = {"time": time} | {c: table[c] for c in ("open", "high", "low", "close", "volume")}
    candles = Candles.from_columns("BTCUSDT", "1h", columns)
    made = score(model(), candles)
    assert len(made) == len(candles) - 10  # five at the start, five after the only gap
    assert made.value == pytest.approx(expected(candles, made.rows), abs=1e-6)
    done = hooks.find(TradingSpec())(made, candles, TradingSpec())
    assert done.performance.trades > 100


def test_rows_are_observed_as_they_are_scored(model, make_candles):
    folder, candles = model(), make_candles(700, missing=[9])
    made, features = observe(folder, candles, 100)
    whole = score(folder, candles)
    assert made.rows.tolist() == list(range(100, 700))
    assert made.value == pytest.approx(whole.value[whole.rows >= 100], abs=1e-7)
    assert features.tolist() == candles.matrix()[made.rows].tolist()


def test_no_row_to_observe_is_refused(model, make_candles):
    with pytest.raises(DataError, match="no whole window of 6 rows ends at or after row 30 of 30"):
        observe(model(), make_candles(30), 30)


def test_serving_needs_nothing_of_training():
    code = "import atb.runtime.scoring, json, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = {name.split(".")[0] for name in json.loads(done.stdout)}
    assert not loaded & {"tensorflow", "keras", "sklearn", "pandas", "pyarrow", "onnx", "pydantic"}
    assert "onnxruntime" in loaded
