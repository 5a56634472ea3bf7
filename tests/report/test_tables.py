"""Epochs and predictions, read back from the files they were written to."""

from __future__ import annotations

import csv

import numpy as np

from atb.report import tables


def test_one_row_for_each_epoch(run, tmp_path):
    tables.write_history(run, tmp_path / "history.csv")
    with (tmp_path / "history.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert float(rows[2]["validation_loss"]) == 1.1 / 3
    assert list(rows[0]) == ["epoch", "loss", "validation_loss", "seconds", "best"]


def test_one_row_for_each_prediction(run, tmp_path):
    import pandas as pd
    import pyarrow.parquet as pq

    tables.write_predictions(run, tmp_path / "predictions.parquet")
    table = pd.read_parquet(tmp_path / "predictions.parquet")
    rows = run.predictions.rows
    assert table.columns.tolist() == ["time", "close", "prediction", "actual"]
    assert str(table["time"].dtype.tz) == "UTC"
    ms = table["time"].dt.tz_localize(None).to_numpy().astype("datetime64[ms]").astype(np.int64)
    assert ms.tolist() == run.candles.time[rows].tolist()
    assert table["prediction"].tolist() == run.predictions.value.tolist()
    moves = np.log(run.candles.close[rows + 1] / table["close"])
    assert np.allclose(table["actual"], moves)
    kept = pq.read_schema(tmp_path / "predictions.parquet").metadata
    assert (kept[b"unit"], kept[b"synthetic"]) == (b"return", b"false")
