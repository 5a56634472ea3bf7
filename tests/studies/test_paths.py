"""A path's figures are those of its own predictions."""

from __future__ import annotations

import numpy as np
import pytest

from atb import presets
from atb.backtest import vectorised
from atb.backtest.predictions import Predictions
from atb.clock import parse_time
from atb.evaluation.significance import probabilistic_sharpe
from atb.market.sample import simulate
from atb.studies import paths
from atb.studies.out_of_fold import Series

START = parse_time("2024-01-01")


def test_each_path_is_measured_and_traded_by_itself() -> None:
    history = simulate("SAMPLE", "1h", START, START + 400 * 3_600_000, seed=3)
    config = presets.resolve("fast", "SAMPLE").config
    random = np.random.default_rng(0)
    rows = np.arange(50, 350)
    found = [
        Series(rows, random.normal(0, 0.01, 300), random.normal(0, 0.01, 300)) for _ in range(2)
    ]
    made = paths.judged(found, config, history)
    for path, one in zip(found, made, strict=True):
        traded = vectorised.run(
            Predictions(rows, path.predicted, "return"), history, config.trading
        )
        assert one["backtest"] == traded.to_json()
        assert one["probabilistic_sharpe"] == probabilistic_sharpe(traded.steps)
        assert one["rmse"] == pytest.approx(np.std(path.predicted - path.actual), rel=0.01)
        assert (one["windows"], one["rival"]) == (300, "buy_and_hold")
    shown = paths.distribution(made)
    mean = np.mean([one["probabilistic_sharpe"] for one in made])
    assert shown["probabilistic_sharpe"]["mean"] == pytest.approx(mean)
    assert shown["probabilistic_sharpe"]["naive"] is None
    assert shown["sharpe"]["naive"] == pytest.approx(made[0]["backtest"]["buy_and_hold"]["sharpe"])
