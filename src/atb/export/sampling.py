"""Windows to compare graphs on: spread evenly over all there are.

Knows raw rows and positions, no graphs.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]

WINDOWS = 1000


def sample(matrix: Float32, ends: Int64, rows: int, count: int = WINDOWS) -> Float32:
    """Windows of rows, spread evenly over the given ends.

    Args:
        matrix: `[N, C]` float32 raw rows.
        ends: `[M]` rows at which whole windows end, each at least `rows - 1`.
        rows: of a window, lookback included.
        count: windows wanted; fewer when there are fewer ends.

    Returns:
        `[min(count, M), rows, C]` float32.
    """
    chosen = ends[np.linspace(0, len(ends) - 1, min(count, len(ends))).astype(np.int64)]
    windows: Float32 = matrix[chosen[:, np.newaxis] + np.arange(1 - rows, 1)]
    return windows
