"""A stopped training ends in the very model the uninterrupted one makes, judged the same."""

from __future__ import annotations

import csv
import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from atb import event_log, presets
from atb.config.architectures import Solved
from atb.errors import StoppedError
from atb.market.load import load
from atb.market.lob import files
from atb.market.lob.sample import simulate
from atb.pipeline import resume_training, train_model

# The recipes as they are, but for networks that a test can afford.
SMALLER = {
    "fast": (),
    "balanced": (),
    "lstm": ("model.units=[24, 16]", "training.batch=128"),
    "transformer": ("training.batch=256",),
    "deeplob-seq2seq": (
        *("features=of", "window=10", "target.horizon=[10, 20]", "training.batch=64"),
        *("model.filters=4", "model.inception=4", "model.units=8", "model.dropout=0.2"),
    ),
}
TRAINED = [
    name
    for name in presets.names()
    if not isinstance(presets.create_config_from_preset(name, "BTCUSDT").model, Solved)
]
CASES = [
    pytest.param(name, marks=() if name in ("fast", "balanced") else pytest.mark.slow)
    for name in SMALLER
]


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("book") / "book.parquet"
    files.write(simulate("ETHUSDT", 2500, seed=5), path)
    return path


def config(
    preset: str, market_data: Path, assignments: tuple[str, ...], book: Path | None = None
) -> Any:
    candles = market_data / "crypto_ohlcv" / "ETHUSDT_perp_1h_20230101_20250630.parquet"
    options: dict[str, Any] = {"candles": candles, "start": "2025-03-15"}
    if presets.create_config_from_preset(preset, "ETHUSDT").data.kind == "book":
        options = {"book": book}
    return presets.resolve(preset, "ETHUSDT", assignments=assignments, epochs=3, **options).config


def stop_after(count: int, patch: pytest.MonkeyPatch) -> None:
    """A signal after so many returns to Python, in the middle of an epoch or at its end."""
    from atb.training.loop import Loop

    advance, calls = Loop._advance, iter(range(1, 10**6))

    def stopping(loop: Any, batches: Any) -> None:
        advance(loop, batches)
        if next(calls) == count:
            os.kill(os.getpid(), signal.SIGTERM)

    patch.setattr(Loop, "_advance", stopping)


def history(model: Path) -> list[dict[str, str]]:
    with (model / "history.csv").open() as stream:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(stream)]


def weights(model: Path) -> list[bytes]:
    """Every constant of the serving graph; their names count the graphs of a process."""
    graph = onnx.load(model / "model.onnx").graph
    return sorted(numpy_helper.to_array(tensor).tobytes() for tensor in graph.initializer)


def require_equal(whole: Path, resumed: Path) -> None:
    assert weights(whole) == weights(resumed)
    assert history(whole) == history(resumed) and len(history(whole)) == 3
    metrics = [json.loads((model / "metrics.json").read_text()) for model in (whole, resumed)]
    assert metrics[0] == metrics[1]
    import pandas as pd

    tables = [pd.read_parquet(model / "predictions.parquet") for model in (whole, resumed)]
    pd.testing.assert_frame_equal(*tables, check_exact=True)


@pytest.mark.parametrize("preset", CASES)
def test_stopped_twice_it_makes_the_same_model(
    market_data: Path, book: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, preset: str
) -> None:
    chosen = config(preset, market_data, SMALLER[preset], book)
    whole = train_model(chosen, artifacts=tmp_path / "whole")
    with monkeypatch.context() as patch, pytest.raises(StoppedError) as stop:
        stop_after(1, patch)
        train_model(chosen, artifacts=tmp_path / "parts")
    run = stop.value.remedy.rpartition(" ")[2]
    with monkeypatch.context() as patch, pytest.raises(StoppedError):
        stop_after(4, patch)
        resume_training(run)
    resumed = resume_training(Path(run).name, artifacts=tmp_path / "parts")
    assert resumed.version == Path(run).name
    require_equal(whole.path, resumed.path)
    log = list(event_log.read(resumed.path / event_log.NAME))
    assert [record["event"] for record in log].count("Began") == 3
    assert {record["epoch"] for record in log if record["event"] == "EpochEnded"} == {1, 2, 3}


@pytest.mark.slow
@pytest.mark.parametrize("preset", TRAINED)
@pytest.mark.parametrize("after", [1, 5, 17])
def test_every_preset_at_its_full_size(
    market_data: Path,
    book: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    preset: str,
    after: int,
) -> None:
    chosen = config(preset, market_data, (), book)
    whole = train_model(chosen, artifacts=tmp_path / "whole")
    with monkeypatch.context() as patch:
        stop_after(after, patch)
        try:
            path = train_model(chosen, artifacts=tmp_path / "parts").path
        except StoppedError as stop:
            path = None
            run = stop.remedy.rpartition(" ")[2]
    require_equal(whole.path, path or resume_training(run).path)


def test_a_run_needs_its_candles_no_more(
    market_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file a training began with may change or go: the run has its own copy."""
    import shutil

    chosen = config("fast", market_data, ())
    copy = tmp_path / "candles.parquet"
    shutil.copy(chosen.data.path, copy)
    moved = chosen.model_copy(update={"data": chosen.data.model_copy(update={"path": copy})})
    with monkeypatch.context() as patch, pytest.raises(StoppedError) as stop:
        stop_after(2, patch)
        train_model(moved, artifacts=tmp_path)
    copy.unlink()
    result = resume_training(stop.value.remedy.rpartition(" ")[2])
    values = onnx.load(result.onnx).graph.initializer
    assert all(np.isfinite(numpy_helper.to_array(value)).all() for value in values if value.dims)


def test_a_run_whose_model_is_registered_is_let_go(market_data: Path, tmp_path: Path) -> None:
    """As after a kill between registering the model and removing the run."""
    from atb import runs
    from atb.errors import UsageError
    from atb.runs import Recipe
    from atb.workspace import Workspace

    chosen = config("fast", market_data, ("model.architecture=mlp",))
    result = train_model(chosen, artifacts=tmp_path)
    workspace = Workspace(tmp_path)
    candles = load(chosen.symbol, chosen.data, workspace)
    runs.start(workspace, result.version, Recipe(chosen, candles, {}))
    with pytest.raises(UsageError, match="this training is done: its model is"):
        resume_training(result.version, artifacts=tmp_path)
    assert runs.listing(workspace) == []
