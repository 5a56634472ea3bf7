"""How predictions are traded in a backtest, and what that costs."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field

from atb.config.data import Market
from atb.config.spec import Spec, by_tag, tagged
from atb.config.targets import Output


class TradingSpec(Spec):
    """Positions from predictions, with costs for each change of position.

    `threshold` is how far a prediction must be from neutral to be traded: basis points of return,
    percentage points of probability away from 50, or by which up and down must differ. A forecast
    volatility is held long, as much as gives `volatility_target` a year, at most everything.
    """

    market: ClassVar[Market] = "candles"
    way: ClassVar[str] = "candles are traded bar by bar"
    kind: Literal["bars"] = "bars"
    hook: str = Field("vectorised", description="entry point in the group atb.backtests")
    positions: Literal["long_flat", "long_short"] = "long_flat"
    threshold: float = Field(0.0, ge=0)
    volatility_target: float = Field(0.2, gt=0, le=10, description="share of the equity per year")
    fee: float = Field(10.0, ge=0, description="basis points of the traded value, per side")
    slippage: float = Field(2.0, ge=0, description="basis points of the traded value, per side")

    def over(self, horizon: int) -> Self:  # noqa: ARG002 (bars are traded one by one)
        """The rules for predictions over so many bars: the same."""
        return self

    def said(self, output: Output) -> str:
        """How predictions of this output are traded, for people."""
        held = self.positions.replace("_", "/")
        if output == "log_volatility":
            held = f"long, aimed at a volatility of {self.volatility_target:.0%} a year"
        return f"{held}, {self.fee + self.slippage:g} basis points a side"


class TouchTrading(Spec):
    """Positions of one unit from predictions on a book, by market orders that pay the spread.

    Attributes:
        hook: entry point in the group atb.backtests.
        threshold: percentage points by which up and down must differ, or basis points of a
            predicted move, for a prediction to be traded.
        latency: events between a prediction and the book its order meets.
        hold: events a position is kept after the last prediction that asked for it; None takes the
            horizon that is traded.
        fee: basis points of the traded value, per side.
    """

    market: ClassVar[Market] = "book"
    way: ClassVar[str] = "a book is traded at the touch, one unit at most"
    kind: Literal["touch"] = "touch"
    hook: str = "touch"
    threshold: float = Field(0.0, ge=0)
    latency: int = Field(1, ge=0, le=100_000)
    hold: int | None = Field(None, ge=1, le=100_000)
    fee: float = Field(0.1, ge=0)

    def over(self, horizon: int) -> Self:
        """The rules for predictions over so many events, which are held as long if not told."""
        return self if self.hold is not None else self.model_copy(update={"hold": horizon})

    def said(self, output: Output) -> str:  # noqa: ARG002 (one way for all outputs)
        """How predictions are traded, for people."""
        late = f"{self.latency} event{'s' if self.latency != 1 else ''} late"
        return (
            f"market orders at the touch, {late}, the spread and {self.fee:g} basis points a side"
        )


AnyTrading = TradingSpec | TouchTrading
Trading = Annotated[AnyTrading, Field(discriminator="kind"), tagged("kind", "bars")]
TRADINGS: dict[str, type[AnyTrading]] = by_tag("kind", AnyTrading)
