"""The tables of a model's folder: epochs as CSV, test predictions as Parquet."""

from __future__ import annotations

import csv
from dataclasses import asdict
from pathlib import Path

from atb.report.record import Run


def write_history(run: Run, path: Path) -> None:
    """One row per epoch: losses in the unit that is fitted, seconds, whether it was the best."""
    rows = [asdict(epoch) for epoch in run.fitted.history]
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def write_predictions(run: Run, path: Path) -> None:
    """One row per test window: open time of its last bar, that bar's close, prediction, label."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = run.predictions.rows
    table = pa.table(
        {
            "time": pa.array(run.candles.time[rows], pa.timestamp("ms", tz="UTC")),
            "close": run.candles.close[rows],
            "prediction": run.predictions.value,
            "actual": run.dataset.labels.value[rows],
        },
        metadata={"unit": run.predictions.unit, "synthetic": str(run.candles.synthetic).lower()},
    )
    pq.write_table(table, path, compression="zstd")
