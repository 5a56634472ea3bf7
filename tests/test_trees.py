"""The life of a model of trees: promoted, asked bar by bar, replayed, refreshed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from atb.errors import ConfigError

OLD, NEW = 1_200, 1_300  # bars of the first training, and of the file later on
TREES = """
description: a few trees
features: price
target: {kind: return, horizon: 1}
window: 3
dataset: {embargo: 2, scaler: standard}
model: {architecture: enhanced, trees: 8, leaves: 4}
"""


@pytest.mark.slow
def test_trees_are_served_and_made_anew_like_any_model(
    tensorflow_ready: None, market_data: Path, loose_gates: Path, tmp_path: Path, capsys: Any
) -> None:
    from atb import pipeline, presets, review
    from atb.market import files
    from atb.plans.refresh import refresh
    from atb.registry import store
    from atb.runtime.predictor import Predictor
    from atb.workspace import Workspace
    from atb_cli.main import main

    source = market_data / "crypto_ohlcv" / "BTCUSDT_1h_2023-01-01_2024-12-31.feather"
    candles = files.read(source, "BTCUSDT", "1h").rows(0, NEW)
    file, recipe = (tmp_path / name for name in ("b.parquet", "trees.yaml"))
    files.write(candles.rows(0, OLD), file)
    recipe.write_text(TREES)
    workspace = Workspace(tmp_path / "artifacts")
    config = presets.resolve(str(recipe), "BTCUSDT", candles=file).config
    made = pipeline.train_model(config, artifacts=workspace.root)
    version = store.find(workspace, f"BTCUSDT/trees/{made.version}")
    review.promote(workspace, version, gates=str(loose_gates))

    predictor = Predictor.load(workspace.root, "BTCUSDT")
    whole = predictor.predict(candles)
    answers = [predictor.update(candles.bar(row)) for row in range(300)]
    said = [answer.output for answer in answers if answer is not None]
    assert len(said) > 50
    assert len(np.unique(said)) > 2
    np.testing.assert_array_equal(said, whole.value[: len(said)])

    words = ["live", "BTCUSDT", "--dry-run", "--source", "replay", "--iterations", "40", "--speed"]
    assert main([*words, "1e9", "--artifacts", str(workspace.root)]) == 0
    assert capsys.readouterr().err.count("  signal: a return of ") == 40

    files.write(candles, file)
    with pytest.raises(ConfigError, match="architecture enhanced gives no weights"):
        refresh("BTCUSDT", artifacts=workspace.root, gates=str(loose_gates), policy="warm")
    fresh = refresh("BTCUSDT", artifacts=workspace.root, gates=str(loose_gates))
    assert (fresh.refused, fresh.way, fresh.rows) == ((), "anew", NEW - OLD)
    assert fresh.state == "promoted"
    assert fresh.running == fresh.model != version.reference
    again = refresh("BTCUSDT", artifacts=workspace.root, gates=str(loose_gates))
    assert (again.state, again.running) == ("unchanged", fresh.model)
