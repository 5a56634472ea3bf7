"""The whole path on real candles: every preset trains, is judged, exported, registered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import atb
from atb import event_log, pipeline, presets
from atb.backtest import vectorised
from atb.backtest.predictions import Predictions
from atb.errors import DataError, StorageError, UsageError
from atb.events import EpochEnded, Event, StageEnded
from atb.market.load import load
from atb.registry.integrity import verify
from atb.runtime.scoring import score
from atb.workspace import Workspace

FILES = {
    "BTCUSDT": ("BTCUSDT_1h_2023-01-01_2024-12-31.feather", "2023-01-01"),
    "ETHUSDT": ("ETHUSDT_perp_1h_20230101_20250630.parquet", "2025-01-01"),
}
STAGES = ["data", "startup", "features", "dataset", "training"]
STAGES += ["calibration", "evaluation", "export", "save"]


def config(market_data: Path, preset: str, symbol: str, **options: Any) -> Any:
    file, start = FILES[symbol]
    path = market_data / "crypto_ohlcv" / file
    call = {"candles": path, "start": start, "epochs": 1, **options}
    return presets.resolve(preset, symbol, **call).config


@pytest.mark.parametrize(
    ("preset", "symbol"),
    [
        ("fast", "BTCUSDT"),
        *((name, "ETHUSDT") for name in ("balanced", "legacy")),
        pytest.param("quality", "ETHUSDT", marks=pytest.mark.slow),
    ],
)
def test_every_preset_walks_the_whole_path_on_real_candles(
    market_data: Path, tmp_path: Path, preset: str, symbol: str
) -> None:
    events: list[Event] = []
    result = atb.train_model(
        config(market_data, preset, symbol), artifacts=tmp_path, listen=events.append
    )
    summary = json.loads(json.dumps(result.summary, allow_nan=False))

    assert [event.stage for event in events if isinstance(event, StageEnded)] == STAGES
    assert sum(isinstance(event, EpochEnded) for event in events) == summary["epochs"] == 1
    rmse = summary["metrics"]["rmse"]
    assert rmse <= 1.01 * summary["baselines"]["persistence"]["rmse"]
    assert summary["parity"]["max_difference"] <= 1e-5
    assert summary["data"]["synthetic"] is False
    assert 0 <= summary["backtest"]["exposure"] <= 1
    assert summary["backtest"]["buy_and_hold"]["trades"] == 1

    verify(result.path)
    assert result.onnx.is_file()
    _log_is_whole(result, STAGES[:-1])
    latest = json.loads((result.path.parent / "latest.json").read_text())
    assert latest["version"] == result.version
    assert not (result.path.parent / "promoted.json").exists()


def _log_is_whole(result: Any, stages: list[str]) -> None:
    """The model's event log says on what it was trained, how, and how good it is."""
    began, *records = event_log.read(result.path / event_log.NAME)
    assert (began["event"], began["run"]) == ("Began", result.version)
    assert began["config"] == json.loads((result.path / "config.json").read_text())
    metadata = json.loads((result.path / "metadata.json").read_text())
    environment = began["environment"]
    assert environment["code_sha256"] == metadata["code_sha256"]
    assert environment["libraries"] == metadata["libraries"]
    said = [record["stage"] for record in records if record["event"] == "StageEnded"]
    assert said == stages
    (measured,) = (record for record in records if record["event"] == "Measured")
    assert measured["metrics"] == result.summary["metrics"]
    assert measured["verdict"] == result.summary["verdict"]


OTHERS: dict[str, dict[str, Any]] = {
    **{preset: {} for preset in ("direction-lstm", "tcn", "transformer")},
    # At their full width a test cannot afford them; that agrees in tests/export/test_parity.py.
    **{preset: {"assignments": ("model.units=[48, 32]",)} for preset in ("lstm", "gru")},
    "mlp": {"model_type": "mlp", "target": "triple_barrier", "horizon": 20},
    "cnn": {"model_type": "cnn", "target": "volatility", "horizon": (5, 20)},
    "bilstm": {"model_type": "bilstm", "target": "ternary", "horizon": (1, 5)},
    "return": {"target": "return"},
    "direction": {"target": "direction", "horizon": 4},
}
CLASSES = ("down", "flat", "up")


# Whose graphs agree with Keras in tests/export and tests/contracts, too.
DEAR = ("direction-lstm", "transformer", "tcn", "bilstm")
CASES = [pytest.param(case, marks=pytest.mark.slow if case in DEAR else ()) for case in OTHERS]


@pytest.mark.parametrize("case", CASES)
def test_what_was_judged_is_what_the_graph_says(
    market_data: Path, tmp_path: Path, case: str
) -> None:
    """Every network and target: the registered graph, alone in onnxruntime, repeats every test
    prediction."""
    import pandas as pd

    preset = case if case in presets.names() else "fast"
    chosen = config(market_data, preset, "ETHUSDT", **{"start": "2025-03-01", **OTHERS[case]})
    result = atb.train_model(chosen, artifacts=tmp_path)
    verify(result.path)
    assert result.summary["parity"]["max_difference"] <= 1e-5
    assert result.summary["backtest"]["buy_and_hold"]["trades"] == 1

    candles = load("ETHUSDT", chosen.data, Workspace(tmp_path))
    scored = score(result.path, candles)
    judged = pd.read_parquet(result.path / "predictions.parquet")
    suffix = f"_{chosen.target.horizons[0]}" if len(chosen.target.horizons) > 1 else ""
    names = CLASSES if chosen.target.classes == 3 else ("prediction",)
    times = pd.to_datetime(candles.time[scored.rows], unit="ms", utc=True)
    said = pd.DataFrame(scored.value.reshape(len(scored), -1), times).reindex(judged["time"])
    written = judged[[name + suffix for name in names]].to_numpy()
    assert len(judged) > 300
    tolerance = 1e-7 if chosen.target.output == "return" else 1e-5
    assert np.abs(said.to_numpy() - written).max() < tolerance


def test_direction_over_several_bars_walks_the_same_path(market_data: Path, tmp_path: Path) -> None:
    chosen = config(market_data, "fast", "ETHUSDT", target="direction", horizon=4)
    summary = atb.train_model(chosen, artifacts=tmp_path).summary
    assert 0.4 < summary["metrics"]["accuracy"] < 0.6
    assert summary["baselines"].keys() == {"class_frequency", "majority"}


def test_every_horizon_is_judged_and_the_first_is_traded(market_data: Path, tmp_path: Path) -> None:
    options = {"start": "2025-01-01", "target": "ternary", "horizon": (1, 20)}
    chosen = config(market_data, "fast", "ETHUSDT", **options)
    result = atb.train_model(chosen, artifacts=tmp_path)
    metrics = json.loads((result.path / "metrics.json").read_text())
    assert metrics["horizons"].keys() == {"20"}
    assert metrics["metrics"].keys() == metrics["horizons"]["20"]["metrics"].keys()
    assert np.sum(metrics["confusion"]["counts"]) == metrics["bootstrap"]["rows"]
    metadata = json.loads((result.path / "metadata.json").read_text())
    assert metadata["horizon"] == [1, 20]
    assert (metadata["training"]["precision"], metadata["warm_start"]) == ("float32", None)

    first, second = (traded(result.path, chosen, tmp_path, horizon) for horizon in (1, 20))
    assert metrics["backtest"] == result.summary["backtest"]
    sure = metrics["backtest"].pop("significance")
    assert (metrics["backtest"], sure["trials"]) == (first, 1)
    assert first != second


def traded(model: Path, chosen: Any, artifacts: Path, horizon: int) -> dict[str, Any]:
    """The backtest of one horizon's probabilities, from the written test predictions."""
    import pandas as pd

    candles = load("ETHUSDT", chosen.data, Workspace(artifacts))
    judged = pd.read_parquet(model / "predictions.parquet")
    times = judged["time"].dt.tz_localize(None).to_numpy("datetime64[ms]").astype(np.int64)
    said = judged[[f"{name}_{horizon}" for name in CLASSES]].to_numpy()
    predictions = Predictions(np.searchsorted(candles.time, times), said, "probabilities")
    return vectorised.run(predictions, candles, chosen.trading).to_json()


def test_the_largest_batch_is_taken_and_noted(market_data: Path, tmp_path: Path) -> None:
    chosen = config(market_data, "fast", "ETHUSDT", start="2025-01-01")
    result = atb.train_model(chosen, artifacts=tmp_path, largest_batch=True)
    noted = json.loads((result.path / "metadata.json").read_text())["largest_batch"]
    assert (noted["asked_batch"], noted["batch"]) == (64, 128)  # 16 steps in an epoch at least
    assert noted["learning_rate"] == pytest.approx(2e-3 * 2**0.5)
    used = json.loads((result.path / "config.json").read_text())["training"]
    assert (used["batch"], used["learning_rate"]) == (128, noted["learning_rate"])


def test_smoothing_a_quantity_is_refused(market_data: Path) -> None:
    with pytest.raises(UsageError, match="label smoothing and class weights are for classes"):
        presets.resolve(
            "fast", "ETHUSDT", assignments=["training.regularisation.label_smoothing=0.1"]
        )


def test_the_same_recipe_gives_the_same_model(market_data: Path, tmp_path: Path) -> None:
    chosen = config(market_data, "fast", "ETHUSDT", start="2025-01-01")
    first, second = (atb.train_model(chosen, artifacts=tmp_path) for _ in range(2))
    assert first.path != second.path
    assert first.summary["metrics"] == second.summary["metrics"]

    import onnxruntime

    candles = np.random.default_rng(0).uniform(99, 101, (8, 250, 5)).astype(np.float32)
    outputs = []
    for result in (first, second):
        session = onnxruntime.InferenceSession(result.onnx)
        rows = session.get_inputs()[0].shape[1]
        outputs.append(session.run(None, {"candles": candles[:, :rows]})[0])
    assert outputs[0].tobytes() == outputs[1].tobytes()


def test_too_few_candles_are_refused_before_anything_is_written(
    market_data: Path, tmp_path: Path
) -> None:
    chosen = config(market_data, "balanced", "BTCUSDT", start="2025-01-10")
    with pytest.raises(DataError, match=r"rows are too few: this recipe needs at least"):
        atb.train_model(chosen, artifacts=tmp_path / "artifacts")
    assert not (tmp_path / "artifacts").exists()


def test_no_model_of_a_fold_is_kept(market_data: Path, tmp_path: Path) -> None:
    chosen = config(market_data, "fast", "BTCUSDT", assignments=["dataset.fold.scheme=kfold"])
    for train in (atb.train_model, lambda one, **at: pipeline.train_models([one], **at)):
        with pytest.raises(UsageError, match="makes no model to be kept; atb train cv BTCUSDT"):
            train(chosen, artifacts=tmp_path / "artifacts")
    assert not (tmp_path / "artifacts").exists()


def test_a_place_that_cannot_be_written_is_refused_at_once(
    market_data: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        atb.train_model(config(market_data, "fast", "BTCUSDT"), artifacts=tmp_path / "file")


def test_an_unknown_hook_is_refused_at_once(market_data: Path, tmp_path: Path) -> None:
    chosen = config(market_data, "fast", "BTCUSDT")
    trading = chosen.trading.model_copy(update={"hook": "vectorized"})
    with pytest.raises(UsageError, match="vectorised"):
        atb.train_model(chosen.model_copy(update={"trading": trading}), artifacts=tmp_path)
