"""One walk's results, made of the real things at small size; only the network is left out."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from atb.backtest.predictions import Predictions
from atb.backtest.vectorised import run as backtest
from atb.calibration import Calibration
from atb.config.features import width
from atb.config.targets import AnyTarget, ReturnTarget
from atb.config.training import TrainingConfig
from atb.dataset.learner import Epoch, Fitted
from atb.dataset.split import Split
from atb.evaluation.metric import Evidence
from atb.evaluation.profit import earned
from atb.evaluation.reliability import measured
from atb.evaluation.verdict import judge
from atb.market.candles import Candles
from atb.report.record import Run
from atb.targets.build import build

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


def guesses(target: AnyTarget, rows: int) -> np.ndarray:
    """Predictions of a network that has learned nothing, `[M, K]` or `[M, K, 3]`."""
    random = np.random.default_rng(5)
    if target.classes == 3:
        return random.dirichlet(np.ones(3), (rows, len(target.horizons)))
    guess = random.normal(0, 1e-4, (rows, len(target.horizons)))
    return guess + {"return": 0.0, "probability": 0.5, "log_volatility": -5.3}[target.output]


def epochs(target: AnyTarget) -> tuple[Epoch, ...]:
    scores = {"macro_f1": 0.3} if target.classes > 1 else {}
    return tuple(
        Epoch(
            epoch=n,
            loss=1 / n,
            validation_loss=1.1 / n,
            learning_rate=1e-3,
            seconds=0.5,
            best=True,
            scores=scores,
        )
        for n in (1, 2, 3)
    )


def walked(target: AnyTarget, synthetic: bool, reason: str) -> Run:
    candles = market(synthetic)
    config = TrainingConfig(symbol="BTCUSDT", name="fast", target=target)
    labels = build(target, candles)
    split = Split(np.arange(120, 600), np.arange(650, 750), np.arange(800, 990))
    served = guesses(target, len(split.test))
    predictions = Predictions(split.test, served[:, 0], target.output)
    dataset: Any = SimpleNamespace(
        split=split,
        labels=labels,
        dropped={"across_a_gap": 0},
        matrix=np.random.default_rng(1).normal(size=(BARS, width(config.features))),
        scaling=SimpleNamespace(
            to_dict=lambda: {"scale": [1.0], "offset": [0.0]}, scale=1.0, offset=0.0
        ),
        target_scale=np.full(len(target.horizons), 0.005),
        target_offset=np.zeros(len(target.horizons)),
        served=lambda raw: raw,
    )
    verdicts, calibrations = {}, {}
    half_width = np.full(len(target.horizons), 0.01)
    intervals = Calibration(half_width=half_width, coverage=0.9)
    taught = intervals if target.classes == 1 else Calibration()
    traded = backtest(predictions, candles, config.trading)
    for column, horizon in enumerate(target.horizons):
        value = labels.value[:, column]
        evidence = Evidence(candles.close, value, split.train, split.test, horizon)
        said, actual = served[:, column], value[split.test]
        verdicts[horizon] = judge(target.output, said, evidence, 0.005, 7)
        calibrations[horizon] = measured(taught, column, said, said, actual)
    return Run(
        version="20240131T120000Z-7f3a91bc",
        config=config,
        history=candles,
        dataset=dataset,
        fitted=Fitted(
            model=None,
            predict=lambda ends: served,
            history=epochs(target),
            best_epoch=3,
            reason=reason,
            parameters=1234,
            means={"precision": "float32"},
        ),
        served=served,
        predictions=predictions,
        verdicts=verdicts,
        calibrations=calibrations,
        backtest=traded,
        earned=earned(traded, config.selection, target.horizons[0], 7),
        parity=Agreement(),
        notes={},
    )


@pytest.fixture(scope="session")
def make_run():
    def make(
        target: AnyTarget | None = None,
        *,
        synthetic: bool = False,
        reason: str = "all 3 epochs done",
    ) -> Run:
        return walked(target or ReturnTarget(), synthetic, reason)

    return make


@pytest.fixture(scope="session")
def run(make_run) -> Run:
    return make_run()
