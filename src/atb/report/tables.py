"""The tables of a model's folder: epochs as CSV, test predictions as Parquet."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import numpy.typing as npt

from atb.evaluation.classification import NAMES
from atb.report.record import Run

Float64 = npt.NDArray[np.float64]


def write_history(run: Run, path: Path) -> None:
    """One row per epoch: its figures as they are, then each score of the validation windows."""
    rows = []
    for epoch in run.fitted.history:
        figures = dict(vars(epoch))
        scores = figures.pop("scores")
        rows.append(figures | scores)
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def write_predictions(run: Run, path: Path) -> None:
    """One row per test window: time of its last row, the price then, prediction, label.

    Three classes have a prediction `down`, `flat` and `up`; of several horizons each has its
    columns, as in `prediction_5` and `actual_5`.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows, horizons = run.predictions.rows, run.config.target.horizons
    columns = {
        "time": pa.array(run.history.time[rows], pa.timestamp("ms", tz="UTC")),
        "price": run.history.price[rows],
    }
    for index, horizon in enumerate(horizons):
        suffix = f"_{horizon}" if len(horizons) > 1 else ""
        predicted = run.served[:, index].reshape(len(rows), -1)
        names = ("prediction",) if predicted.shape[1] == 1 else NAMES[3]
        columns |= {f"{name}{suffix}": predicted[:, at] for at, name in enumerate(names)}
        columns[f"actual{suffix}"] = run.dataset.labels.value[rows, index]
    said = {"unit": run.predictions.unit, "synthetic": str(run.history.synthetic).lower()}
    pq.write_table(pa.table(columns, metadata=said), path, compression="zstd")
