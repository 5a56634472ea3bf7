"""The declared finite window, of the graph that is served: rows older than it change nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from atb.config.features import FEATURES, SETS

SET = "technical"  # of the preset `fast`


@pytest.mark.parametrize("change", [lambda rows: rows * 0.1, lambda rows: rows * 10])
def test_rows_older_than_a_feature_looks_back_change_nothing(
    exported: Callable[[str, str], tuple[Any, Path]],
    candles: np.ndarray,
    change: Callable[[np.ndarray], np.ndarray],
) -> None:
    """Filters of one series are one convolution, as long as the longest: the others meet zeros."""
    serving, path = exported("fast", "return")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    rows, members = serving.input.shape[1], SETS[SET]
    lookbacks = np.array([FEATURES[name].lookback for name in members])
    windows = np.repeat(candles[np.newaxis, :rows], len(members) + 1, axis=0)
    for window, lookback in zip(windows, lookbacks, strict=False):
        window[: rows - 1 - lookback] = change(window[: rows - 1 - lookback])
    (features,) = session.run(["features"], {"candles": windows})
    *changed, whole = features
    assert max(lookbacks) < rows - 1
    np.testing.assert_array_equal(np.diagonal(changed), whole)
    assert (np.array(changed) != whole).any(axis=0).sum() >= len(members) // 2
