"""The dataset of one training: which windows are usable, how they are split and scaled.

A window is known by its end: the row of its last bar. Window `e` shows the network matrix rows
`e - window + 1` to `e`, which depend on `lookback` further candles before them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from atb.config.dataset import DatasetSpec
from atb.dataset import folds
from atb.dataset.split import Split, chronological
from atb.errors import DataError
from atb.features import scaling
from atb.features.scaling import Scaling
from atb.targets.labels import Labels

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Dataset:
    """Everything a learner may see.

    Attributes:
        matrix: `[N, F]` float32 scaled features; NaN rows are in no window.
        target: `[N, K]` float32 what is fitted: the standardised labels, or the classes.
        labels: the labels in their own unit, settled.
        split: window ends of the three parts.
        scaling: feature scale and offset, from train rows only.
        target_scale: `[K]`, label = fitted * target_scale + target_offset, from train rows only.
        target_offset: see `target_scale`.
        window: rows a window shows.
        dropped: windows left out, by reason.
    """

    matrix: Float32
    target: Float32
    labels: Labels
    split: Split
    scaling: Scaling
    target_scale: Float64
    target_offset: Float64
    window: int
    dropped: dict[str, int]

    def served(self, raw: Float64) -> Float64:
        """Raw outputs `[M, K * L]` of a network as what is served.

        Returns:
            `[M, K]` quantities in their own unit, or probabilities of a rise; `[M, K, 3]`
            probabilities of down, flat and up.
        """
        if self.labels.classes == 1:
            return raw * self.target_scale + self.target_offset
        if self.labels.classes == 2:
            return 0.5 * (1 + np.tanh(raw / 2))  # the sigmoid, without overflow
        logits = raw.reshape(len(raw), -1, self.labels.classes)
        shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
        probabilities: Float64 = shares / shares.sum(axis=-1, keepdims=True)
        return probabilities


def usable_ends(
    matrix: Float32, labels: Labels, segments: Int64, window: int, lookback: int, first: int = 0
) -> tuple[Int64, dict[str, int]]:
    """Rows at which a whole, finite, gap-free, labelled window ends; and what was left out.

    Args:
        matrix: `[N, F]` float32 features.
        labels: `[N]` labels.
        segments: `[N]` number of the gap-free run of each row.
        window: rows a window shows.
        lookback: raw rows a row depends on before its own.
        first: rows of a run before one at which a window may end.
    """
    reach = max(window + lookback, first + 1)
    ends = np.arange(reach - 1, len(matrix))
    whole = segments[ends] == segments[ends - reach + 1]
    damaged_before = np.cumsum(np.concatenate([[0], ~np.isfinite(matrix).all(axis=1)]))
    finite = damaged_before[ends + 1] == damaged_before[ends - window + 1]
    labelled = np.isfinite(labels.value[ends]).all(axis=1)
    dropped = {
        "too_early": min(reach - 1, len(matrix)),
        "across_a_gap": int((~whole).sum()),
        "not_finite": int((whole & ~finite).sum()),
        "unlabelled": int((whole & finite & ~labelled).sum()),
    }
    return ends[whole & finite & labelled], dropped


def build(
    matrix: Float32, labels: Labels, segments: Int64, window: int, lookback: int, spec: DatasetSpec
) -> Dataset:
    """Split the usable windows, fit scaling and thresholds on train rows, scale the matrix.

    Args:
        matrix: `[N, F]` float32 features, unscaled.
        labels: `[N]` labels.
        segments: `[N]` number of the gap-free run of each row.
        window: rows a window shows.
        lookback: candles a row depends on before its own.
        spec: shares or fold, embargo and scaler.

    Raises:
        DataError: when most windows cross a gap, or a part would be too small.
    """
    ends, dropped = usable_ends(matrix, labels, segments, window, lookback, spec.first_end)
    if dropped["across_a_gap"] > len(ends):
        raise DataError(
            f"{dropped['across_a_gap']} windows of {window + lookback} bars cross a gap, "
            f"{len(ends)} do not",
            remedy="allow gaps of some missing bars with --set dataset.max_gap=BARS",
        )
    divide = chronological if spec.fold is None else folds.split
    split = divide(ends, labels.known_at[ends], spec)
    labels = labels.settled(split.train)
    train_rows = covered_rows(split.train, window)
    fitted = scaling.fit(spec.scaler, matrix[train_rows])
    target_scale, target_offset = labels.scaling(split.train)
    target = ((labels.value - target_offset) / target_scale).astype(np.float32)
    return Dataset(
        fitted.apply(matrix),
        target,
        labels,
        split,
        fitted,
        target_scale,
        target_offset,
        window,
        dropped,
    )


def covered_rows(ends: Int64, window: int) -> Int64:
    """Every row that some window ending at `ends` shows, once."""
    edges = np.zeros(int(ends[-1]) + 2, np.int64)
    np.add.at(edges, ends - window + 1, 1)
    np.add.at(edges, ends + 1, -1)
    return np.flatnonzero(np.cumsum(edges)[:-1])
