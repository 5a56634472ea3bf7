"""Datasets whose parts are not kept apart, each in another way.

All are functions of candles that give a dataset. They are what the audit is measured by. The
features are plain numpy, so that no TensorFlow is needed. Knows how a dataset is put together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from atb.config.dataset import DatasetSpec
from atb.dataset import build, split
from atb.dataset.build import Dataset
from atb.dataset.split import Split
from atb.features import scaling
from atb.market.candles import Candles
from atb.targets.labels import Labels, by_horizon, forward_log_return

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]
Prepare = Callable[[Candles], Dataset]

WINDOW, HORIZON, LOOKBACK, EMBARGO = 8, 10, 1, 12
SPEC = DatasetSpec(embargo=EMBARGO, scaler="standard")
SEED = 7


def _matrix(candles: Candles) -> Float32:
    """`[N, 2]` last return and range of each bar."""
    returns = np.diff(np.log(candles.close), prepend=np.nan)
    return np.stack([returns, np.log(candles.high / candles.low)], axis=1).astype(np.float32)


def _labels(candles: Candles) -> Labels:
    return by_horizon([forward_log_return(candles, HORIZON, 0)], 1)


def honest(candles: Candles) -> Dataset:
    """Split, scaled and standardised as a training does it."""
    segments = candles.segments()
    return build.build(_matrix(candles), _labels(candles), segments, WINDOW, LOOKBACK, SPEC)


def _with_split(candles: Candles, parts: Split) -> Dataset:
    """The honest dataset, fitted on the train windows of another split."""
    matrix, labels = _matrix(candles), _labels(candles)
    fitted = scaling.fit(SPEC.scaler, matrix[build.covered_rows(np.sort(parts.train), WINDOW)])
    return _standardised(
        replace(honest(candles), matrix=fitted.apply(matrix), split=parts, scaling=fitted),
        labels,
        parts.train,
    )


def _with_scaler(candles: Candles, rows: Int64) -> Dataset:
    """The honest dataset, its features scaled by other rows."""
    matrix = _matrix(candles)
    fitted = scaling.fit(SPEC.scaler, matrix[rows])
    return replace(honest(candles), matrix=fitted.apply(matrix), scaling=fitted)


def _standardised(dataset: Dataset, labels: Labels, rows: Int64) -> Dataset:
    scale, offset = labels.scaling(rows)
    target = ((labels.value - offset) / scale).astype(np.float32)
    return replace(dataset, target=target, target_scale=scale, target_offset=offset)


def _thirds(ends: Int64) -> Split:
    first, second = round(len(ends) * SPEC.train), round(len(ends) * (SPEC.train + SPEC.validation))
    return Split(ends[:first], ends[first:second], ends[second:])


def _ends(candles: Candles) -> Int64:
    matrix, labels = _matrix(candles), _labels(candles)
    ends, _ = build.usable_ends(matrix, labels, candles.segments(), WINDOW, LOOKBACK)
    return ends


def split_at_random(candles: Candles) -> Dataset:
    """Windows shuffled before they are split."""
    ends = np.random.default_rng(SEED).permutation(_ends(candles))
    parts = _thirds(ends)
    return _with_split(
        candles, Split(np.sort(parts.train), np.sort(parts.validation), np.sort(parts.test))
    )


def not_purged(candles: Candles) -> Dataset:
    """Parts that touch: the last train labels are of validation rows."""
    return _with_split(candles, _thirds(_ends(candles)))


def purged_by_the_window(candles: Candles) -> Dataset:
    """As many windows left out as a window is long, though labels reach further."""
    parts = _thirds(_ends(candles))
    return _with_split(
        candles, Split(parts.train[:-WINDOW], parts.validation[:-WINDOW], parts.test)
    )


def without_embargo(candles: Candles) -> Dataset:
    """Purged, and not a row more."""
    ends = _ends(candles)
    spec = SPEC.model_copy(update={"embargo": 0})
    return _with_split(candles, split.chronological(ends, _labels(candles).known_at[ends], spec))


def tested_on_what_was_learned(candles: Candles) -> Dataset:
    """A few test windows among the train windows."""
    parts = honest(candles).split
    return _with_split(candles, replace(parts, train=np.append(parts.train, parts.test[:1])))


def learned_from_the_last_rows(candles: Candles) -> Dataset:
    """Train windows after the test windows, up to the last row of their labels."""
    parts = _thirds(_ends(candles)[::-1])
    return _with_split(candles, Split(*(np.sort(p) for p in vars(parts).values())))


def scaler_of_everything(candles: Candles) -> Dataset:
    """Features scaled by all rows."""
    return _with_scaler(candles, np.arange(LOOKBACK, len(candles)))


def scaler_of_validation(candles: Candles) -> Dataset:
    """Features scaled by train and validation rows."""
    parts = honest(candles).split
    ends = np.concatenate([parts.train, parts.validation])
    return _with_scaler(candles, build.covered_rows(ends, WINDOW))


def target_of_everything(candles: Candles) -> Dataset:
    """Labels standardised by all of them."""
    return _standardised(honest(candles), _labels(candles), _ends(candles))


def thresholds_of_everything(candles: Candles) -> Dataset:
    """Balanced classes whose thresholds come from all moves."""
    pending = replace(_labels(candles), classes=3, pending=(HORIZON,))
    settled = pending.settled(_ends(candles))
    dataset = replace(honest(candles), labels=settled)
    return _standardised(dataset, settled, dataset.split.train)


def windows_that_end_a_row_late(candles: Candles) -> Dataset:
    """Windows that show the row after the one they are named by."""
    dataset = honest(candles)
    return replace(dataset, matrix=np.concatenate([dataset.matrix[1:], dataset.matrix[-1:]]))


LEAKS: Mapping[str, Prepare] = {
    function.__name__: function
    for function in (
        split_at_random,
        not_purged,
        purged_by_the_window,
        without_embargo,
        tested_on_what_was_learned,
        learned_from_the_last_rows,
        scaler_of_everything,
        scaler_of_validation,
        target_of_everything,
        thresholds_of_everything,
        windows_that_end_a_row_late,
    )
}
