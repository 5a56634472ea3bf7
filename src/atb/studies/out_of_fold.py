"""Predictions of windows that were not learned from: fold by fold, then joined as whole paths.

Where every window is tested several times, as in combinatorial cross-validation, the first fold
that tests it belongs to path 1, the next to path 2, and so on: each path has every window once
(López de Prado, Advances in Financial Machine Learning, 2018, section 12.4). Knows columns and
rows, not how good they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from atb import atomic
from atb.config.training import TrainingConfig
from atb.evaluation.classification import NAMES
from atb.report.tables import prediction_columns, suffix_of
from atb.studies.folded import Folded

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Series:
    """Predictions of windows that lie anywhere, rising, of the horizon that is traded.

    Attributes:
        rows: `[M]` int64 last row of each window.
        predicted: `[M]`, or `[M, 3]` probabilities of down, flat and up.
        actual: `[M]` labels.
    """

    rows: Int64
    predicted: Float64
    actual: Float64


def keep(study: Folded, member: str, rows: Int64, served: Float64, actual: Float64) -> None:
    """Write down a fold's predictions of its test windows.

    Args:
        study: whose fold it is.
        member: the fold.
        rows: `[M]` int64 last row of each window.
        served: `[M, K]` or `[M, K, 3]` predictions.
        actual: `[M, K]` labels.

    Raises:
        StorageError: when the disk refuses.
    """
    import pyarrow as pa

    horizons = study.members[member].target.horizons
    columns = prediction_columns(study.history(), rows, horizons, served, actual)
    write(pa.table({"row": rows, **columns}), study.predicted(member))


def joined(study: Folded) -> Any:
    """The Arrow table of all folds that are judged, with number of fold and path.

    Returns:
        `fold` and `path` from 1, `row` of the history in the study's folder, then the columns of
        `report.tables.prediction_columns`; None where no fold is judged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    missing = study.missing()
    tables = {
        number: pq.read_table(study.predicted(member))
        for number, member in enumerate(study.members, 1)
        if member not in missing
    }
    if not tables:
        return None
    together = pa.concat_tables(tables.values())
    fold = np.repeat(list(tables), [len(table) for table in tables.values()])
    path = paths_of(together["row"].to_numpy())
    return together.add_column(0, "path", [path]).add_column(0, "fold", [fold])


def paths_of(rows: Int64) -> Int64:
    """The path `[R]`, from 1, of each row `[R]`: how often it has come so far.

    >>> paths_of(np.array([4, 5, 5, 4, 5])).tolist()
    [1, 1, 2, 2, 3]
    """
    order = np.argsort(rows, kind="stable")
    ordered = rows[order]
    begins = np.searchsorted(ordered, ordered)
    paths = np.empty_like(rows)
    paths[order] = np.arange(len(rows)) - begins + 1
    return paths


def series(table: Any, config: TrainingConfig) -> list[Series]:
    """Each path of a joined table, in order."""
    target = config.target
    suffix = suffix_of(target.horizons[0], target.horizons)
    names = NAMES[3] if target.output == "probabilities" else ("prediction",)
    predicted = np.stack([table[f"{name}{suffix}"].to_numpy() for name in names], axis=1)
    rows, path = table["row"].to_numpy(), table["path"].to_numpy()
    actual = table[f"actual{suffix}"].to_numpy()
    found = []
    for number in range(1, int(path.max()) + 1):
        chosen = np.flatnonzero(path == number)
        chosen = chosen[np.argsort(rows[chosen])]
        values = predicted[chosen] if len(names) > 1 else predicted[chosen, 0]
        found.append(Series(rows[chosen], values, actual[chosen]))
    return found


def write(table: Any, path: Path) -> None:
    """Write an Arrow table as Parquet, whole or not at all.

    Raises:
        StorageError: when the disk refuses.
    """
    import pyarrow.parquet as pq

    with atomic.file(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")
