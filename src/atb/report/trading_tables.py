"""The tables of a backtest as files: equity, trades, daily returns and signals.

Knows names of columns and formats of files; what the figures mean is known by the backtest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from atb import atomic
from atb.backtest.predictions import Predictions
from atb.backtest.result import Result, Table
from atb.evaluation.classification import NAMES
from atb.market.history import History

KEPT = ("equity", "trades")  # in the folder of a model


def write_parquet(table: Table, path: Path) -> None:
    """One table as Parquet: moments with their zone, UTC; dates of whole days without one."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(
        pa.table({name: _column(name, values) for name, values in table.items()}),
        path,
        compression="zstd",
    )


def write_csv(table: Table, path: Path) -> None:
    """One table as CSV, with a header; moments as 2024-01-31T12:00:00Z, dates as 2024-01-31.

    Moments of a book, between seconds, are written as 2024-01-31T12:00:00.123Z.
    """
    import pyarrow as pa
    from pyarrow import csv

    csv.write_csv(pa.table({name: _text(name, values) for name, values in table.items()}), path)


WRITERS: Mapping[str, Callable[[Table, Path], None]] = {"parquet": write_parquet, "csv": write_csv}
FOR_OTHERS = ("returns", "signals")  # what other tools read, hence as CSV too


def files(result: Result) -> dict[str, Callable[[Path], None]]:
    """What a model's folder keeps of its backtest on test rows: by file name, what writes it."""
    tables = result.tables()
    return {f"{name}.parquet": partial(write_parquet, tables[name]) for name in KEPT}


def signals(result: Result, predictions: Predictions, history: History) -> Table:
    """What was predicted and asked for at each row, whether or not it could be traded yet.

    Columns: `time` from which it is known, the `price` then, `prediction` or `down`, `flat` and
    `up`, `side` (-1, 0, 1) and the `position` asked for at the next open, before any exit.
    """
    rows, value = predictions.rows, predictions.value.reshape(len(predictions), -1)
    names = ("prediction",) if value.shape[1] == 1 else NAMES[3]
    return {
        "time": history.close_time[rows].astype("datetime64[ms]"),
        "price": history.price[rows],
        **{name: value[:, at] for at, name in enumerate(names)},
        "side": np.sign(result.asked).astype(np.int64),
        "position": result.asked,
    }


def keep(table: Table, path: Path) -> None:
    """Write one table as Parquet, whole or not at all.

    Raises:
        StorageError: when the disk refuses.
    """
    with atomic.file(path) as place:
        write_parquet(table, place)


def export(
    folder: Path, result: Result, predictions: Predictions, history: History
) -> dict[str, str]:
    """Write all tables of a backtest into a folder, replacing those that are there.

    Returns:
        The path of each file by its name.

    Raises:
        StorageError: when the folder cannot be made or the disk refuses.
    """
    tables = {**result.tables(), "signals": signals(result, predictions, history)}
    written = {}
    for name, table in tables.items():
        for suffix, write in WRITERS.items():
            if suffix == "csv" and name not in FOR_OTHERS:
                continue
            place = folder / f"{name}.{suffix}"
            with atomic.file(place) as path:
                write(table, path)
            written[place.name] = str(place)
    return written


def _column(name: str, values: npt.NDArray[Any]) -> Any:
    """A column for Parquet."""
    import pyarrow as pa

    if values.dtype.kind != "M":
        return pa.array(values)
    return pa.array(values, pa.timestamp("ms", tz=None if name == "date" else "UTC"))


def _text(name: str, values: npt.NDArray[Any]) -> Any:
    """A column for CSV."""
    import pyarrow as pa

    if values.dtype.kind != "M":
        return pa.array(values)
    between = bool((values.astype("datetime64[s]") != values).any())
    unit, zone = ("D", "") if name == "date" else ("ms" if between else "s", "Z")
    return pa.array([f"{moment}{zone}" for moment in values.astype(f"datetime64[{unit}]")])
