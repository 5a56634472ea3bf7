"""Where there is nothing to be learned, nothing is found, and nothing is promoted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import atb
from atb import review, runs
from atb.backtest import hooks
from atb.clock import parse_time
from atb.config.architectures import Mlp
from atb.events import Stopwatch, silent
from atb.market import sample
from atb.market.access import load_history
from atb.targets.build import build
from atb.workspace import Workspace

WALKS, START, END = 20, parse_time("2024-01-01"), parse_time("2024-05-05")

pytestmark = pytest.mark.slow


def config(symbol: str, candles: Path) -> atb.TrainingConfig:
    made = atb.create_config_from_preset("direction-lstm", symbol, candles=candles, epochs=3)
    small = {"model": Mlp(dense=(16,)), "window": 20, "features": "technical"}
    return made.model_copy(update=small)


def random_walk(symbol: str, seed: int, folder: Path) -> Path:
    """Candles whose next move nobody can know, in a file that does not say so."""
    made = sample.simulate(symbol, "1h", START, END, seed)
    path = folder / f"{symbol}.csv"
    columns = np.column_stack([made.time, made.matrix().astype(np.float64)])
    np.savetxt(path, columns, "%.10g", ",", comments="", header="time,open,high,low,close,volume")
    return path


def test_random_walks_have_no_skill_and_none_is_promoted(
    tensorflow_ready: None, tmp_path: Path
) -> None:
    workspace, found = Workspace(tmp_path / "artifacts"), []
    for seed in range(WALKS):
        symbol = f"WALK{seed:02}"
        path = random_walk(symbol, seed, tmp_path)
        result = atb.train_model(config(symbol, path), artifacts=workspace.root)
        found.append(result.summary)
        seen = review.examine(workspace, review.candidate(workspace, symbol, "latest"))
        refused = {finding.gate for finding in seen.refused}
        assert refused & {"skill", "luck"}, symbol
        assert not refused & {"integrity", "schema", "parity", "real"}, symbol
    assert np.mean([one["metrics"]["auc"] for one in found]) == pytest.approx(0.5, abs=0.02)
    assert all(one["verdict"].startswith("no evidence of skill (p = ") for one in found)
    # Were the test's probabilities wrong, these would crowd at one end.
    values = [one["significance"]["p_value"] for one in found]
    assert min(values) > 0.025 / WALKS


def test_shuffled_labels_of_a_real_market_teach_nothing(
    tensorflow_ready: None, market_data: Path, tmp_path: Path
) -> None:
    from atb import judging, learning

    candles = market_data / "crypto_ohlcv" / "BTCUSDT_1h_2023-01-01_2024-12-31.feather"
    recipe_config = config("BTCUSDT", candles)
    workspace = Workspace(tmp_path)
    history = load_history("BTCUSDT", recipe_config.data, workspace, silent)
    labels = build(recipe_config.target, history, recipe_config.dataset.max_gap)
    known = np.flatnonzero(np.isfinite(labels.value).all(axis=1))
    shuffled = labels.value.copy()
    shuffled[known] = labels.value[np.random.default_rng(0).permutation(known)]
    recipe = runs.Recipe(recipe_config, history, {})
    wrong = replace(labels, value=shuffled)
    learned = learning.learn(recipe, wrong, workspace, tmp_path / "checkpoints", Stopwatch(silent))
    (verdict,) = judging.judged(
        recipe, learned, hooks.find(recipe_config.trading)
    ).verdicts.values()
    assert verdict.metrics["auc"] == pytest.approx(0.5, abs=0.03)
    assert verdict.words.startswith("no evidence of skill (p = ")
