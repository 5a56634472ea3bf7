"""Models traded by the rules that are asked for, alone and side by side, without TensorFlow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from atb.backtest.vectorised import run
from atb.config.training import TrainingConfig
from atb.errors import DataError, IntegrityError, UsageError
from atb.events import Warned
from atb.market import files
from atb.presets import create_config_from_preset
from atb.registry import manifest
from atb.runtime.duel import duel
from atb.runtime.replay import changed, replay

BOOK = create_config_from_preset("deeplob", "GOOG").trading


@pytest.fixture
def whole(model):
    """`whole(symbol, recipe={...}, ...)`: a model's folder with all that replaying reads."""

    def whole(symbol: str = "BTCUSDT", until: str = "2023-12-31T00:00:00Z", **says: Any) -> Path:
        fields = says.pop("recipe", {})
        folder = model(symbol=symbol, **says)
        config = TrainingConfig(symbol=symbol, **fields)
        (folder / "config.json").write_text(config.model_dump_json())
        metadata = {"learned_until": until, "synthetic": False}
        (folder / "metadata.json").write_text(json.dumps(metadata))
        (folder / manifest.NAME).unlink()
        manifest.write(folder)
        return folder

    return whole


@pytest.fixture
def market(make_candles, tmp_path):
    path = tmp_path / "candles.parquet"
    files.write(make_candles(400), path)
    return path


def trades(kept: str, **changes: Any) -> dict[str, Any]:
    return {"trading": {"positions": kept, **changes}}


def test_a_model_is_traded_by_its_rules_but_for_what_is_given(whole, market):
    folder = whole(recipe=trades("long_short"))
    own = replay(folder, market)
    assert own.trading.positions == "long_short" and own.trading.sizing.horizon == 1
    given = {"fee": 0.0, "stop": 0.01, "costs.slippage": 1, "sizing": "kelly", "limit": 3.0}
    other = replay(folder, market, trading=given)
    costs = other.trading.costs
    assert (costs.buy_fee, costs.sell_fee, costs.slippage) == (0, 0, 1)
    assert (other.trading.sizing.rule, other.trading.exits.stop) == ("kelly", 0.01)
    expected = run(other.said.predictions, other.said.history, other.trading)
    assert other.backtest.equity.tolist() == expected.equity.tolist()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"latency": 1}, "--latency: candles are traded bar by bar: there is no such setting"),
        ({"costs.fee": 1.0}, "--set costs.fee: candles .*; did you mean 'buy_fee'"),
        ({"exits.x": 1.0}, "--set exits.x: candles .*; known: stop, take_profit"),
        ({"threshold.x": 1.0}, "--set threshold.x: candles .*: there is no such setting"),
        ({"treshold": 1.0}, "--set treshold: candles .*; did you mean 'threshold'"),
        ({"cost.fee": 1.0}, "--set cost.fee: candles .*; known: costs"),
        ({"stop": 1.5}, "exits.stop: Input should be less than 1"),
    ],
)
def test_what_its_trading_does_not_have_is_refused(given, message):
    with pytest.raises(UsageError, match=message):
        changed(TrainingConfig(symbol="BTCUSDT").trading, given)


def test_a_book_has_one_fee_and_no_stops():
    assert changed(BOOK, {"fee": 0.5, "hold": 3}).fee == 0.5
    with pytest.raises(UsageError, match="--stop: a book is traded at the touch"):
        changed(BOOK, {"stop": 0.1})


def test_models_are_traded_at_the_rows_that_both_predict(whole, market):
    short, long = whole(recipe={"window": 4}), whole(recipe=trades("long_short"), max_gap="1")
    found = duel((short, long), market, start="2024-01-02")
    one, other = found.first, found.second
    assert one.said.predictions.rows.tolist() == other.said.predictions.rows.tolist()
    assert found.rows == len(one.said.predictions)
    assert one.backtest.time.tolist() == other.backtest.time.tolist()
    answer = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert answer["a"]["model"] == str(short) and answer["b"]["total_return"] < 0
    mean = answer["comparison"]["mean"]
    assert mean["estimate"] == pytest.approx(np.mean(one.backtest.steps - other.backtest.steps))


def test_other_rules_and_rows_that_were_learned_from_are_warned_of(whole, market):
    told: list[Any] = []
    cheap = whole(recipe={"trading": {"costs": {"buy_fee": 1.0}}})
    duel((cheap, whole(until="2024-01-05T00:00:00Z")), market, listen=told.append)
    said = [event.message for event in told if isinstance(event, Warned)]
    assert said == [
        "A is traded long/flat, 3 basis points to buy, 12 to sell; "
        "B is traded long/flat, 12 basis points a side",
        "B: the model learned from rows up to 2024-01-05T00:00:00Z; trust only later ones",
    ]
    told.clear()
    duel((cheap, whole()), market, trading={"fee": 5.0}, listen=told.append)
    assert told == []


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"symbol": "ETHUSDT"}, "A is of symbol BTCUSDT, B of symbol ETHUSDT"),
        ({"recipe": {"data": {"timeframe": "4h"}}}, "A is of timeframe 1h, B of timeframe 4h"),
    ],
)
def test_models_of_other_markets_are_refused(whole, market, other, message):
    with pytest.raises(UsageError, match=message):
        duel((whole(), whole(**other)), market)


def test_too_few_shared_rows_and_spoilt_folders_are_refused(whole, market, make_candles, tmp_path):
    one, other = whole(), whole()
    few = tmp_path / "few.parquet"
    files.write(make_candles(20), few)
    with pytest.raises(DataError, match="14 rows say nothing"):
        duel((one, other), few)
    (other / "config.json").write_text("{}")
    with pytest.raises(IntegrityError):
        duel((one, other), market)
