"""A registered model traded on candles it may never have seen.

Knows the model's folder and its serving graph; nothing of how it was trained.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atb.backtest import hooks
from atb.backtest.predictions import Predictions
from atb.backtest.result import Backtest
from atb.clock import iso, parse_time
from atb.config.data import CandleData
from atb.config.trading import TradingSpec
from atb.config.training import from_json
from atb.errors import DataError
from atb.events import Listener, Warned, silent
from atb.market.candles import Candles
from atb.market.load import load
from atb.registry.integrity import verify
from atb.runtime.predictor import score
from atb.workspace import Workspace


@dataclass(frozen=True)
class Replay:
    """What came of it.

    Attributes:
        backtest: the trades' figures beside buy and hold.
        trading: the positions, threshold and costs they were made with.
        synthetic: whether the candles, or those the model learned from, were simulated.
    """

    backtest: Backtest
    trading: TradingSpec
    synthetic: bool


def replay(
    model: Path,
    candles: Path,
    *,
    start: str | None = None,
    end: str | None = None,
    trading: Mapping[str, Any] | None = None,
    listen: Listener = silent,
) -> Replay:
    """Trade a model's predictions on the candles of a file.

    Args:
        model: the model's folder; every checksum is verified before anything is parsed.
        candles: CSV, Parquet or Feather file of the model's timeframe.
        start: first bar to predict at, ISO 8601, UTC; earlier ones only warm up.
        end: bars before this time.
        trading: fields of `TradingSpec` that shall differ from those the model was judged with.
        listen: told when the candles begin within the period the model learned from.

    Raises:
        IntegrityError: when the folder is not what its manifest says.
        DataError: when the candles are damaged, or none completes a window.
    """
    verify(model)
    config = from_json((model / "config.json").read_text(), str(model / "config.json"))
    metadata = json.loads((model / "metadata.json").read_text())
    spec = TradingSpec.of(**{**config.trading.model_dump(), **(trading or {})})
    data = CandleData.of(timeframe=config.data.timeframe, end=end, source="file", path=candles)
    found = load(config.symbol, data, Workspace(Path()), listen)
    predictions = _since(score(model, found), found, start)
    first = int(found.close_time[predictions.rows[0]])
    last_seen = metadata["learned_until"]
    if first < parse_time(last_seen):
        listen(Warned(f"the model learned from bars up to {last_seen}; trust only later ones"))
    backtest = hooks.find(spec.hook)(predictions, found, spec)
    return Replay(backtest, spec, found.synthetic or metadata["synthetic"])


def _since(predictions: Predictions, candles: Candles, start: str | None) -> Predictions:
    """The predictions made at bars that open at or after `start`; earlier bars only warm up."""
    if start is None:
        return predictions
    kept = candles.time[predictions.rows] >= parse_time(start)
    if not kept.any():
        raise DataError(
            f"no prediction is made at or after {start}",
            where=candles.source,
            remedy=f"the last bar opens at {iso(int(candles.time[-1]))}; give an earlier --start",
        )
    return Predictions(predictions.rows[kept], predictions.value[kept], predictions.unit)
