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
from atb.backtest.result import Backtest
from atb.clock import iso
from atb.config.data import DataSpec
from atb.config.trading import TradingSpec
from atb.config.training import from_json
from atb.events import Listener, Warned, silent
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
        start: first bar, ISO 8601, UTC.
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
    spec = TradingSpec.model_validate({**config.trading.model_dump(), **(trading or {})})
    data = DataSpec(
        timeframe=config.data.timeframe, start=start, end=end, source="file", path=candles
    )
    found = load(config.symbol, data, Workspace(Path()), listen)
    last_seen = metadata["dataset"]["periods"]["validation"][1]
    if iso(int(found.time[0])) <= last_seen:
        listen(Warned(f"the model learned from bars up to {last_seen}; trust only later ones"))
    backtest = hooks.find(spec.hook)(score(model, found), found, spec)
    return Replay(backtest, spec, found.synthetic or metadata["synthetic"])
