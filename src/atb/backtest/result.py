"""What a backtest hook returns."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from atb.backtest.performance import Performance
from atb.clock import iso

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Backtest:
    """Predictions traded with costs, beside buy and hold over the same bars.

    Attributes:
        time: `[B + 1]` int64 ms UTC at which the curves are known.
        position: `[B]` float64 held between two times, in multiples of the equity.
        equity: `[B + 1]` float64, 1 at the start, net of costs.
        held: `[B + 1]` float64, the same for buy and hold.
        performance: figures of `equity`.
        buy_and_hold: figures of `held`.
    """

    time: Int64
    position: Float64
    equity: Float64
    held: Float64
    performance: Performance
    buy_and_hold: Performance

    def to_json(self) -> dict[str, Any]:
        """The figures without the curves; `buy_and_hold` has the same keys, one level down."""
        return {
            "first": iso(int(self.time[0])),
            "last": iso(int(self.time[-1])),
            "bars": len(self.position),
            **asdict(self.performance),
            "buy_and_hold": asdict(self.buy_and_hold),
        }
