"""What is recorded is plain JSON, and enough to know the model by."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np

from atb.config.features import definition_sha256
from atb.dataset.learner import Quantiles
from atb.report import artifact, record
from atb.report.record import Run

FILES = {
    *("config.json", "metadata.json", "metrics.json", "history.csv", "predictions.parquet"),
    *(
        "profile.json",
        "equity.parquet",
        "trades.parquet",
        "report.html",
        "model.onnx",
        "model.keras",
    ),
}


class Saved:
    """A model as far as saving goes."""

    def save(self, path: Path) -> None:
        path.write_bytes(b"keras")


def test_everything_recorded_is_json(run: Run, tmp_path: Path):
    for content in (
        record.metadata(run, {"data": 0.1}),
        record.metrics(run),
        record.summary(run, tmp_path, {"total": 1.0}),
    ):
        assert json.loads(json.dumps(content, allow_nan=False)) == content


def test_the_graph_says_what_serving_needs(run: Run):
    said = record.properties(run.version, run.config, run.history)
    assert all(isinstance(value, str) for value in said.values())
    assert said["columns"] == "open,high,low,close,volume"
    assert (said["symbol"], said["timeframe"], said["window"]) == ("BTCUSDT", "1h", "90")
    assert (said["target"], said["horizon"], said["synthetic"]) == ("return", "1", "false")


def test_the_graph_says_what_it_computes(run: Run):
    said = record.properties(run.version, run.config, run.history)
    names = json.loads(said["feature_names"])
    assert (len(names), names[0]) == (15, "log_return_1")
    assert said["features_sha256"] == definition_sha256("technical")
    assert (said["order"], said["max_gap"], said["opset"]) == ("oldest first", "0", "18")
    assert json.loads(said["libraries"])["keras"] == version("keras")


def test_synthetic_candles_are_marked_everywhere(make_run, tmp_path: Path):
    run = make_run(synthetic=True)
    assert record.properties(run.version, run.config, run.history)["synthetic"] == "true"
    assert record.metadata(run, {})["synthetic"] is True
    assert record.summary(run, tmp_path, {})["data"]["synthetic"] is True


def test_periods_do_not_overlap(run: Run):
    periods = record.metadata(run, {})["dataset"]["periods"]
    moments = [moment for part in ("train", "validation", "test") for moment in periods[part]]
    assert moments == sorted(moments)


def test_every_file_of_the_artifact_is_written(run: Run, tmp_path: Path):
    graph = tmp_path / "graph"
    graph.write_bytes(b"onnx")
    folder = tmp_path / "model"
    folder.mkdir()
    for name, write in artifact.files(run, Saved(), graph, {"data": 0.1}).items():
        write(folder / name)
    assert {path.name for path in folder.iterdir()} == FILES
    assert (folder / "model.onnx").read_bytes() == b"onnx"
    assert json.loads((folder / "config.json").read_text())["symbol"] == "BTCUSDT"
    assert json.loads((folder / "metrics.json").read_text())["verdict"] == run.verdict.words


def test_a_report_needs_no_tensorflow():
    code = "import atb.report.artifact, json, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = {name.split(".")[0] for name in json.loads(done.stdout)}
    assert not loaded & {"tensorflow", "keras", "sklearn", "pandas", "jinja2"}


def test_a_model_with_quantiles_names_their_levels(run: Run):
    known = Quantiles((0.05, 0.5, 0.95), (0.05,), lambda ends: np.zeros((len(ends), 4)))
    said = record.properties(run.version, run.config, run.history, known)
    assert (said["quantile_levels"], said["shortfall_levels"]) == ("[0.05, 0.5, 0.95]", "[0.05]")
    assert "quantile_levels" not in record.properties(run.version, run.config, run.history)
