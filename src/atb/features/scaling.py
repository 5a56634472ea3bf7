"""Scalers fitted on train rows and folded into one scale and one offset per feature.

The only place that knows scikit-learn's scalers. Knows columns of numbers, not what they mean.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

Float32 = npt.NDArray[np.float32]

_LARGEST = 1e30  # of a scale: features that vary by less are as good as constant

SCALERS: Mapping[str, Callable[[], Any]] = {
    "minmax": MinMaxScaler,
    "standard": StandardScaler,
    "robust": RobustScaler,
}


@dataclass(frozen=True)
class Scaling:
    """An affine map per feature: `x * scale + offset`.

    Attributes:
        scale: `[F]` float32, finite, not zero.
        offset: `[F]` float32, finite.
    """

    scale: Float32
    offset: Float32

    def apply(self, matrix: Float32) -> Float32:
        """Scaled `[..., F]` float32; NaN stays NaN."""
        scaled: Float32 = matrix * self.scale + self.offset
        return scaled

    def to_dict(self) -> dict[str, list[float]]:
        """Scale and offset as JSON-ready lists; float32 survives the round trip exactly."""
        return {"scale": self.scale.tolist(), "offset": self.offset.tolist()}


def fit(kind: str, rows: Float32) -> Scaling:
    """Fit a scaler on rows, once.

    A feature that is constant in them is shifted and not scaled.

    Args:
        kind: `minmax` (to 0..1), `standard` (mean, deviation) or `robust` (median, quartiles).
        rows: `[n, F]` float32, finite; train rows only.

    Returns:
        The same map as scale and offset, `[F]` float32 each.
    """
    # Column by column in float64: what scikit-learn would do at once, in a fraction of the memory.
    fitted = [SCALERS[kind]().fit(column.astype(np.float64)[:, np.newaxis]) for column in rows.T]
    # Every scaler here is affine: its values at 0 and 1 are all there is to know about it.
    ends = np.array([scaler.transform([[0.0], [1.0]])[:, 0] for scaler in fitted])
    offset, scale = ends[:, 0], np.minimum(ends[:, 1] - ends[:, 0], _LARGEST)
    return Scaling(scale.astype(np.float32), offset.astype(np.float32))
