"""How predictions are traded in a backtest, and what that costs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from atb.config.spec import Spec


class TradingSpec(Spec):
    """Positions from predictions, with costs for each change of position.

    `threshold` is how far a prediction must be from neutral to be traded: basis points of return,
    percentage points of probability away from 50, or by which up and down must differ. A forecast
    volatility is held long, as much as gives `volatility_target` a year, at most everything.
    """

    hook: str = Field("vectorised", description="entry point in the group atb.backtests")
    positions: Literal["long_flat", "long_short"] = "long_flat"
    threshold: float = Field(0.0, ge=0)
    volatility_target: float = Field(0.2, gt=0, le=10, description="share of the equity per year")
    fee: float = Field(10.0, ge=0, description="basis points of the traded value, per side")
    slippage: float = Field(2.0, ge=0, description="basis points of the traded value, per side")
