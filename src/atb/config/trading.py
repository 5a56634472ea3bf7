"""How predictions are traded in a backtest, and what that costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from atb.config.data import Market
from atb.config.spec import Spec, by_tag, tagged
from atb.config.targets import Output


class CostSpec(Spec):
    """What trading costs, in basis points.

    Attributes:
        buy_fee: of the value bought; of a short position that is its closing.
        sell_fee: of the value sold.
        spread: between bid and ask; each side pays half of it.
        slippage: of the value traded, on either side.
        slippage_per_volatility: further slippage, as a multiple of the trailing volatility of one
            bar: 0.1 is a tenth of a bar's usual move, on either side.
        funding: of the value held, per 8 hours, long or short: what a short position may receive is
            not counted on.
    """

    buy_fee: float = Field(10.0, ge=0, le=10_000)
    sell_fee: float = Field(10.0, ge=0, le=10_000)
    spread: float = Field(0.0, ge=0, le=10_000)
    slippage: float = Field(2.0, ge=0, le=10_000)
    slippage_per_volatility: float = Field(0.0, ge=0, le=100)
    funding: float = Field(0.0, ge=0, le=10_000)

    def said(self) -> str:
        """For people."""
        sides = [fee + self.spread / 2 + self.slippage for fee in (self.buy_fee, self.sell_fee)]
        even = f"{sides[0]:g} basis points a side"
        uneven = f"{sides[0]:g} basis points to buy, {sides[1]:g} to sell"
        parts = [even if sides[0] == sides[1] else uneven]
        if self.slippage_per_volatility:
            parts.append(f"{self.slippage_per_volatility:g} of the volatility")
        if self.funding:
            parts.append(f"{self.funding:g} for every 8 hours")
        return " and ".join(parts)


class SizingSpec(Spec):
    """How much is held, in multiples of the equity.

    A forecast volatility has no side: it is held long at `volatility_target`, whatever the rule.

    Attributes:
        rule: `fixed` holds `size`; `volatility_target` what gives that volatility a year, by the
            trailing volatility; `kelly` a share of what lets the equity grow fastest (Kelly 1956):
            of a return the prediction over the trailing variance (Thorp 2006), of probabilities the
            edge of a bet at even odds.
        size: of `fixed`, up to `limit`.
        volatility_target: share of the equity per year.
        kelly_fraction: share of the Kelly position that is held.
        limit: the largest position, long or short; above 1 money is borrowed.
        horizon: bars that a predicted return is over; None takes the horizon that is traded.
    """

    rule: Literal["fixed", "volatility_target", "kelly"] = "fixed"
    size: float = Field(1.0, gt=0, le=100)
    volatility_target: float = Field(0.2, gt=0, le=10)
    kelly_fraction: float = Field(0.5, gt=0, le=1)
    limit: float = Field(1.0, gt=0, le=100)
    horizon: int | None = Field(None, ge=1, le=100_000)

    def said(self) -> Iterator[str]:
        """What is not as usual, for people."""
        if self.rule == "volatility_target":
            yield f"aimed at a volatility of {self.volatility_target:.0%} a year"
        if self.rule == "kelly":
            yield f"{self.kelly_fraction:g} of Kelly"
        if self.rule == "fixed" and (held := min(self.size, self.limit)) != 1:
            yield f"{held:g} times the equity"
        if self.rule != "fixed" and self.limit != 1:
            yield f"at most {self.limit:g} times the equity"


class ExitSpec(Spec):
    """When a position is closed before its signal changes; it is not opened again until then.

    Attributes:
        stop: loss at which it is closed, as a share of the entry price; None: never.
        take_profit: gain at which it is closed, as a share of the entry price; None: never.
    """

    stop: float | None = Field(None, ge=1e-6, lt=1)
    take_profit: float | None = Field(None, ge=1e-6, le=100)

    def said(self) -> Iterator[str]:
        """What is not as usual, for people."""
        if self.stop is not None:
            yield f"stopped at a loss of {self.stop:.4g} of the price"
        if self.take_profit is not None:
            yield f"closed at a gain of {self.take_profit:.4g} of the price"


class TradingSpec(Spec):
    """Positions from predictions, with costs for each change of position.

    Attributes:
        hook: entry point in the group atb.backtests.
        positions: whether what is predicted to fall is sold short.
        threshold: how far a prediction must be from neutral to be traded: basis points of return,
            percentage points of probability away from 50, or by which up and down must differ.
        volatility_bars: bars whose returns the trailing volatility is taken from.
        costs: what trading costs.
        sizing: how much is held.
        exits: when a position is closed early.
    """

    market: ClassVar[Market] = "candles"
    way: ClassVar[str] = "candles are traded bar by bar"
    options: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "threshold": ("threshold",),
        "positions": ("positions",),
        "fee": ("costs.buy_fee", "costs.sell_fee"),
        "spread": ("costs.spread",),
        "slippage": ("costs.slippage",),
        "funding": ("costs.funding",),
        "sizing": ("sizing.rule",),
        "limit": ("sizing.limit",),
        "stop": ("exits.stop",),
        "take_profit": ("exits.take_profit",),
    }

    kind: Literal["bars"] = "bars"
    hook: str = "vectorised"
    positions: Literal["long_flat", "long_short"] = "long_flat"
    threshold: float = Field(0.0, ge=0)
    volatility_bars: int = Field(100, ge=2, le=10_000)
    costs: CostSpec = CostSpec()
    sizing: SizingSpec = SizingSpec()
    exits: ExitSpec = ExitSpec()

    def over(self, horizon: int) -> Self:
        """The rules for predictions over so many bars, which Kelly's rule goes by if not told."""
        if self.sizing.horizon is not None:
            return self
        return self.model_copy(
            update={"sizing": self.sizing.model_copy(update={"horizon": horizon})}
        )

    def said(self, output: Output) -> str:
        """How predictions of this output are traded, for people."""
        sizing, held = self.sizing, self.positions.replace("_", "/")
        if output == "log_volatility":
            held, sizing = "long", sizing.model_copy(update={"rule": "volatility_target"})
        return ", ".join([held, *sizing.said(), *self.exits.said(), self.costs.said()])


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
    options: ClassVar[Mapping[str, tuple[str, ...]]] = {
        name: (name,) for name in ("threshold", "latency", "hold", "fee")
    }

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


class BondTrading(TradingSpec):
    """Positions in a bond of constant maturity, from predictions of its return against fair value.

    What is predicted on a day is traded at that day's curve and held to the next. What is made is
    counted beyond carry and roll-down: what they earn beyond the cost of money is missing from a
    long position's profit and from a short one's loss. The bond is exchanged for a new one each
    day at no cost.

    Attributes:
        costs: of the price; by default a spread of a 64th of a point, and half a basis point more.
    """

    market: ClassVar[Market] = "bonds"
    way: ClassVar[str] = "a bond is traded once a day, at the day's curve"
    options: ClassVar[Mapping[str, tuple[str, ...]]] = {
        name: fields
        for name, fields in TradingSpec.options.items()
        if name not in ("stop", "take_profit")
    }

    kind: Literal["fair_value"] = "fair_value"  # type: ignore[assignment]
    positions: Literal["long_flat", "long_short"] = "long_short"
    costs: CostSpec = CostSpec(buy_fee=0.0, sell_fee=0.0, spread=1.5625, slippage=0.5)

    @model_validator(mode="after")
    def _once_a_day(self) -> Self:
        if self.exits != ExitSpec():
            raise ValueError("a curve a day says no price within the day: exits have no place")
        return self

    def said(self, output: Output) -> str:
        """How predictions are traded and what is not counted, for people."""
        return f"{super().said(output)}; carry, roll-down and the daily new bond are not counted"


AnyTrading = TradingSpec | TouchTrading | BondTrading
Trading = Annotated[AnyTrading, Field(discriminator="kind"), tagged("kind", "bars")]
TRADINGS: dict[str, type[AnyTrading]] = by_tag("kind", AnyTrading)
