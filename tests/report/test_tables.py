"""Epochs and predictions, read back from the files they were written to."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest

from atb.config.targets import ReturnTarget, TernaryTarget, TripleBarrierTarget
from atb.evaluation.tails import Distribution
from atb.report import tables


def history(run, tmp_path):
    tables.write_history(run, tmp_path / "history.csv")
    with (tmp_path / "history.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


FIGURES = ["epoch", "loss", "validation_loss", "learning_rate", "seconds", "best"]


def test_one_row_for_each_epoch(run, tmp_path):
    rows = history(run, tmp_path)
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert float(rows[2]["validation_loss"]) == 1.1 / 3
    assert list(rows[0]) == FIGURES


def test_every_score_has_a_column(make_run, tmp_path):
    rows = history(make_run(TernaryTarget()), tmp_path)
    assert list(rows[0]) == [*FIGURES, "macro_f1"]
    assert rows[2]["macro_f1"] == "0.3"


def test_one_row_for_each_prediction(run, tmp_path):
    import pandas as pd
    import pyarrow.parquet as pq

    tables.write_predictions(run, tmp_path / "predictions.parquet")
    table = pd.read_parquet(tmp_path / "predictions.parquet")
    rows = run.predictions.rows
    assert table.columns.tolist() == ["time", "price", "prediction", "actual"]
    assert str(table["time"].dtype.tz) == "UTC"
    ms = table["time"].dt.tz_localize(None).to_numpy().astype("datetime64[ms]").astype(np.int64)
    assert ms.tolist() == run.history.time[rows].tolist()
    assert table["prediction"].tolist() == run.predictions.value.tolist()
    moves = np.log(run.history.close[rows + 1] / table["price"])
    assert np.allclose(table["actual"], moves)
    kept = pq.read_schema(tmp_path / "predictions.parquet").metadata
    assert (kept[b"unit"], kept[b"synthetic"]) == (b"return", b"false")


def test_quantiles_have_a_column_for_each_level(run, tmp_path):
    import pandas as pd

    rows = len(run.predictions.rows)
    quantiles = np.tile([-0.02, 0.0, 0.02], (rows, 1)) + np.arange(rows)[:, np.newaxis]
    said = Distribution((0.025, 0.5, 0.975), quantiles, quantiles[:, :1] - 0.01)
    tables.write_predictions(replace(run, distribution=said), tmp_path / "predictions.parquet")
    table = pd.read_parquet(tmp_path / "predictions.parquet")
    names = ["quantile_0.025", "quantile_0.5", "quantile_0.975", "shortfall_0.025"]
    assert table.columns.tolist()[4:] == names
    assert table[names].to_numpy().tolist() == np.hstack([quantiles, said.shortfalls]).tolist()


def test_three_classes_have_three_columns(make_run, tmp_path):
    import pandas as pd

    run = make_run(TripleBarrierTarget(horizon=4))
    tables.write_predictions(run, tmp_path / "predictions.parquet")
    table = pd.read_parquet(tmp_path / "predictions.parquet")
    assert table.columns.tolist() == ["time", "price", "down", "flat", "up", "actual"]
    assert table[["down", "flat", "up"]].to_numpy().tolist() == run.predictions.value.tolist()
    assert set(table["actual"]) <= {0, 1, 2}


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (ReturnTarget(horizon=(1, 5)), ["prediction_1", "actual_1", "prediction_5", "actual_5"]),
        (
            TernaryTarget(horizon=(1, 5)),
            [*("down_1", "flat_1", "up_1", "actual_1"), *("down_5", "flat_5", "up_5", "actual_5")],
        ),
    ],
)
def test_every_horizon_has_its_columns(make_run, tmp_path, target, expected):
    import pandas as pd

    run = make_run(target)
    tables.write_predictions(run, tmp_path / "predictions.parquet")
    table = pd.read_parquet(tmp_path / "predictions.parquet")
    assert table.columns.tolist() == ["time", "price", *expected]
    served = run.fitted.predict(run.predictions.rows).reshape(len(table), -1)
    assert table[[c for c in expected if "actual" not in c]].to_numpy().tolist() == served.tolist()
    labels = run.dataset.labels.value[run.predictions.rows]
    assert table[["actual_1", "actual_5"]].to_numpy().tolist() == labels.tolist()
