"""One walk's results, made of the real things at small size; only the network is left out."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from atb.backtest.predictions import Predictions
from atb.backtest.vectorised import run as backtest
from atb.config.training import TrainingConfig
from atb.dataset.learner import Epoch, Fitted
from atb.dataset.split import Split
from atb.evaluation.metric import Outcome
from atb.evaluation.verdict import judge
from atb.market.candles import Candles
from atb.report.record import Run

BARS = 1000
START = 1_704_067_200_000


@dataclass(frozen=True)
class Agreement:
    """What the comparison of two graphs found, without the libraries that compare."""

    windows: int = 3
    max_difference: float = 1e-7

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def market(synthetic: bool) -> Candles:
    random = np.random.default_rng(4)
    price = 40_000 * np.exp(np.cumsum(random.normal(0, 0.005, BARS)))
    columns = {
        "time": START + np.arange(BARS) * 3_600_000,
        **dict.fromkeys(("open", "high", "low", "close"), price),
        "volume": np.ones(BARS),
    }
    return Candles.from_columns("BTCUSDT", "1h", columns, source="file", synthetic=synthetic)


@pytest.fixture(scope="session")
def make_run():
    def make(*, synthetic: bool = False, reason: str = "all 3 epochs done") -> Run:
        candles, config = market(synthetic), TrainingConfig(symbol="BTCUSDT", name="fast")
        value = np.append(np.diff(np.log(candles.close)), np.nan)
        split = Split(np.arange(100, 600), np.arange(650, 750), np.arange(800, 999))
        guess = np.random.default_rng(5).normal(0, 1e-4, len(split.test))
        predictions = Predictions(split.test, guess, "return")
        outcome = Outcome(guess, value[split.test], candles.close[split.test], 0.005)
        history = tuple(Epoch(n, 1 / n, 1.1 / n, 0.5, best=True) for n in (1, 2, 3))
        dataset: Any = SimpleNamespace(
            split=split,
            labels=SimpleNamespace(value=value),
            dropped={"across_a_gap": 0},
            scaling=SimpleNamespace(to_dict=lambda: {"scale": [1.0], "offset": [0.0]}),
            target_scale=0.005,
            target_offset=0.0,
        )
        return Run(
            "20240131T120000Z-7f3a91bc",
            config,
            candles,
            dataset,
            Fitted(None, lambda ends: guess, history, 3, reason, 1234),
            predictions,
            judge("return", outcome, value[split.train], 1, 7),
            backtest(predictions, candles, config.trading),
            Agreement(),
        )

    return make


@pytest.fixture(scope="session")
def run(make_run) -> Run:
    return make_run()
