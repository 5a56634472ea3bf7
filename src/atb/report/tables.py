"""The tables of a model's folder: epochs as CSV, test predictions as Parquet."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from atb.evaluation.classification import NAMES
from atb.evaluation.tails import Distribution
from atb.market.history import History
from atb.report.record import Run

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]


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
    """One row per test window, with `prediction_columns`, and quantiles where there are any."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows, labels = run.predictions.rows, run.dataset.labels.value
    horizons = run.config.target.horizons
    columns = prediction_columns(run.history, rows, horizons, run.served, labels[rows])
    columns |= _quantile_columns(run.distribution)
    said = {"unit": run.predictions.unit, "synthetic": str(run.history.synthetic).lower()}
    pq.write_table(pa.table(columns, metadata=said), path, compression="zstd")


def _quantile_columns(said: Distribution | None) -> dict[str, Any]:
    """`quantile_0.05` and, for the means of what lies below, `shortfall_0.05`; by column name."""
    if said is None:
        return {}
    parts = (("quantile", said.quantiles), ("shortfall", said.shortfalls))
    return {
        f"{name}_{level:g}": values
        for name, part in parts
        for level, values in zip(said.levels, part.T, strict=False)
    }


def prediction_columns(
    history: History, rows: Int64, horizons: Sequence[int], served: Float64, actual: Float64
) -> dict[str, Any]:
    """Time of each window's last row, the price then, prediction and label, by column name.

    Three classes have a prediction `down`, `flat` and `up`; of several horizons each has its
    columns, as in `prediction_5` and `actual_5`.

    Args:
        history: what was predicted from.
        rows: `[M]` int64 last row of each window.
        horizons: K of them.
        served: `[M, K]` or `[M, K, 3]` predictions.
        actual: `[M, K]` labels.
    """
    import pyarrow as pa

    columns: dict[str, Any] = {
        "time": pa.array(history.time[rows], pa.timestamp("ms", tz="UTC")),
        "price": history.price[rows],
    }
    for index, horizon in enumerate(horizons):
        suffix = suffix_of(horizon, horizons)
        predicted = served[:, index].reshape(len(rows), -1)
        names = ("prediction",) if predicted.shape[1] == 1 else NAMES[3]
        columns |= {f"{name}{suffix}": predicted[:, at] for at, name in enumerate(names)}
        columns[f"actual{suffix}"] = actual[:, index]
    return columns


def suffix_of(horizon: int, horizons: Sequence[int]) -> str:
    """What the names of a horizon's columns end with: nothing where it is the only one."""
    return f"_{horizon}" if len(horizons) > 1 else ""
