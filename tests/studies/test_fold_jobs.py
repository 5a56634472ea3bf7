"""One fold learned for real: what it leaves, and that a stopped one ends in the same numbers."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from atb import presets
from atb.clock import parse_time
from atb.config.folds import FoldSpec
from atb.errors import StoppedError
from atb.events import EpochEnded, Stopwatch, silent
from atb.market.sample import simulate
from atb.runs import Recipe
from atb.studies import cross_validation, fold_jobs
from atb.studies.folded import KIND, Folded
from atb.targets.build import build
from atb.workspace import Workspace

BARS = 700
SMALL = ("model.dense=[8]", "window=8", "features=price", "dataset.embargo=4")
SHARES = ("dataset.train=0.5", "dataset.validation=0.4")


def study(folder: Path) -> Folded:
    start = parse_time("2024-01-01")
    history = simulate("SAMPLE", "1h", start, start + BARS * 3_600_000, seed=5)
    options = {
        "model_type": "mlp",
        "target": "direction",
        "horizon": 2,
        "epochs": 3,
        "batch_size": 32,
    }
    config = presets.resolve("fast", "SAMPLE", assignments=(*SMALL, *SHARES), **options).config
    folds = cross_validation.recipes(config, FoldSpec(scheme="combinatorial", splits=3))
    return Folded.taken_up(KIND, Workspace(folder), folds, history)


def table(found: Folded, member: str) -> Any:
    import pandas as pd

    return pd.read_parquet(found.predicted(member))


@pytest.mark.usefixtures("tensorflow_ready")
def test_a_stopped_fold_goes_on_and_ends_as_the_whole_one(tmp_path: Path) -> None:
    whole, parts = study(tmp_path / "whole"), study(tmp_path / "parts")
    fold_jobs.learn_fold(whole, "fold-2", silent)
    assert whole.missing() == ["fold-1", "fold-3"]
    figures, rows = whole.figures("fold-2"), table(whole, "fold-2")
    assert figures["groups"] == [1, 3] and figures["backtest"] is None
    assert figures["windows"]["test"] == len(rows)
    assert np.abs(np.diff(rows["row"])).max() > BARS / 4  # group 2 lies between them
    assert set(rows["actual"]) == {0.0, 1.0}
    assert figures["horizons"]["2"]["metrics"]["log_loss"] > 0
    assert figures["calibration"]["2"]["error"] >= 0
    assert not whole.checkpoints("fold-2").exists()
    assert not whole.workspace.model_root.exists()

    begun = []

    def stopping(event: Any) -> None:
        if isinstance(event, EpochEnded) and event.epoch == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(StoppedError):
        fold_jobs.learn_fold(parts, "fold-2", stopping)
    assert parts.checkpoints("fold-2").is_dir() and "fold-2" in parts.missing()
    fold_jobs.learn_fold(
        parts, "fold-2", lambda e: begun.append(e.epoch) if isinstance(e, EpochEnded) else None
    )
    assert begun == [3]
    assert table(parts, "fold-2").equals(rows)
    assert parts.figures("fold-2")["horizons"] == figures["horizons"]


@pytest.mark.usefixtures("tensorflow_ready")
def test_what_comes_true_at_test_windows_teaches_nothing(tmp_path: Path) -> None:
    """Neither weights nor calibration, with train windows on both sides of them."""
    from atb import learning

    found = study(tmp_path)
    config = found.members["fold-2"]
    short = config.training.model_copy(update={"epochs": 1})
    recipe = Recipe(config.model_copy(update={"training": short}), found.history(), {})
    labels = build(config.target, recipe.history, config.dataset.max_gap)

    def learned(place: str, value: np.ndarray) -> learning.Learned:
        told = replace(labels, value=value)
        return learning.learn(recipe, told, found.workspace, tmp_path / place, Stopwatch(silent))

    whole = learned("whole", labels.value)
    test, turned = whole.dataset.split.test, labels.value.copy()
    turned[test] = 1 - turned[test]
    other = learned("turned", turned)
    np.testing.assert_array_equal(other.calibration.temperature, whole.calibration.temperature)
    np.testing.assert_array_equal(other.fitted.predict(test), whole.fitted.predict(test))
    assert other.fitted.history[0].validation_loss == whole.fitted.history[0].validation_loss
