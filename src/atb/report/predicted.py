"""What a registered model said of its test rows, read back from its folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from atb.config.training import TrainingConfig
from atb.errors import IntegrityError
from atb.evaluation.classification import NAMES
from atb.evaluation.metric import Outcome
from atb.report.tables import suffix_of

Int64 = npt.NDArray[np.int64]
FILE = "predictions.parquet"


@dataclass(frozen=True)
class Predicted:
    """Predictions of the horizon that is traded, and what came true.

    Attributes:
        time: `[M]` int64 ms UTC of each test window's last row, rising.
        outcome: what was predicted and what came true there.
    """

    time: Int64
    outcome: Outcome


def read(model: Path, config: TrainingConfig, metadata: Mapping[str, Any]) -> Predicted:
    """The test rows of a model whose folder was verified.

    Args:
        model: its folder.
        config: its recipe.
        metadata: its `metadata.json`.

    Raises:
        IntegrityError: when the table has other columns than this version of atb writes.
    """
    import pyarrow.parquet as pq

    horizons, target = config.target.horizons, config.target
    suffix = suffix_of(horizons[0], horizons)
    names = NAMES[3] if target.output == "probabilities" else ("prediction",)
    table = pq.read_table(model / FILE)
    wanted = ["time", "price", *(f"{name}{suffix}" for name in names), f"actual{suffix}"]
    for name in wanted:
        if name not in table.column_names:
            raise IntegrityError(
                f"it has no column {name!r}",
                where=str(model / FILE),
                remedy="it is from another version of atb; train the model again",
            )
    time, price, *said, actual = (table.column(name).to_numpy() for name in wanted)
    predicted = said[0] if len(said) == 1 else np.stack(said, axis=1)
    scale = float(np.atleast_1d(metadata["dataset"]["target_scale"])[0])
    outcome = Outcome(predicted, actual.astype(np.float64), price, scale)
    return Predicted(time.astype("datetime64[ms]").astype(np.int64), outcome)
