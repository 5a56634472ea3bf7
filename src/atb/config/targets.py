"""What a model predicts, and in which unit it says so.

`output` names the serving graph's output: `return` is a log return, `probability` that of a rise,
`probabilities` those of down, flat and up, `log_volatility` the log of a standard deviation per
bar, `move` a change of the mid price in basis points. `classes` is how many classes there are, 1
for a quantity.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from atb.config.data import Market
from atb.config.spec import Listed, Spec, by_tag, tagged

Output = Literal["return", "probability", "probabilities", "log_volatility", "move"]
Bars = Annotated[int, Field(ge=1, le=10_000)]
Span = Annotated[int, Field(ge=2, le=10_000)]
Multiple = Annotated[float, Field(gt=0, le=100)]


class _Ahead(Spec):
    """Something about the next rows: one horizon, or several with an output for each."""

    market: ClassVar[Market] = "candles"
    output: ClassVar[Output]
    classes: ClassVar[int] = 1
    horizon: Bars | Listed[Bars] = Field(1, description="bars ahead; several: [1, 5, 20]")

    @property
    def horizons(self) -> tuple[int, ...]:
        """Every horizon in rows, rising; the first is the one that is traded."""
        return (self.horizon,) if isinstance(self.horizon, int) else self.horizon

    @model_validator(mode="after")
    def _horizons_rise(self) -> Self:
        given = self.horizons
        if not given or list(given) != sorted(set(given)):
            raise ValueError(f"horizons must rise, each once, not {list(given)}")
        return self


class ReturnTarget(_Ahead):
    """Log return of the close over the next `horizon` bars (regression)."""

    output: ClassVar[Output] = "return"
    kind: Literal["return"] = "return"


class DirectionTarget(_Ahead):
    """Whether the close is higher after `horizon` bars (binary)."""

    output: ClassVar[Output] = "probability"
    classes: ClassVar[int] = 2
    kind: Literal["direction"] = "direction"


class TernaryTarget(_Ahead):
    """Down, flat or up: whether the log return over `horizon` bars exceeds a threshold.

    Attributes:
        threshold: basis points, or multiples of the volatility expected over the horizon.
        unit: which of the two; volatility is the root mean square of the log returns of the last
            `span` bars, times the square root of the horizon.
        span: bars of trailing volatility.
    """

    output: ClassVar[Output] = "probabilities"
    classes: ClassVar[int] = 3
    kind: Literal["ternary"] = "ternary"
    threshold: float = Field(0.5, gt=0, le=10_000)
    unit: Literal["volatility", "basis_points"] = "volatility"
    span: Span = 100


class TripleBarrierTarget(_Ahead):
    """Which of three barriers the price meets first: stop (down), time (flat) or profit (up).

    Attributes:
        horizon: bars until the time barrier.
        profit: distance of the upper barrier, in volatilities over the horizon.
        stop: distance of the lower barrier, likewise.
        span: bars of trailing volatility.
    """

    output: ClassVar[Output] = "probabilities"
    classes: ClassVar[int] = 3
    kind: Literal["triple_barrier"] = "triple_barrier"
    horizon: Bars = 20
    profit: Multiple = 1.0
    stop: Multiple = 1.0
    span: Span = 100

    @field_validator("horizon", mode="before")
    @classmethod
    def _one_horizon(cls, value: Any) -> Any:
        if isinstance(value, list | tuple):
            raise ValueError(f"this target has one horizon, not the {len(value)} of {list(value)}")
        return value


class VolatilityTarget(_Ahead):
    """Log of the realised volatility per bar over the next `horizon` bars (regression)."""

    output: ClassVar[Output] = "log_volatility"
    kind: Literal["volatility"] = "volatility"
    horizon: Bars | Listed[Bars] = Field(20, description="bars ahead; several: [5, 20]")


class MidPriceTarget(_Ahead):
    """Down, flat or up: whether the smoothed mid price of a book moves more than a threshold.

    Attributes:
        smoothing: what is compared over a horizon of k events. `ahead`: the mean of the next k
            mids with the present one (Ntakaris et al. 2018); `both`: with the mean of the last k
            (Zhang, Zohren and Roberts 2019); `apart`: the mean of the `length` mids that end k
            events ahead with that of those that end now (Berti and Kasneci 2025). The past half
            of the last two is known already: following the last move does well there.
        length: mids in a mean of `apart`; k where k is less.
        threshold: basis points, or `balanced`: as much as a third of the train rows of each
            horizon does not exceed.
    """

    market: ClassVar[Market] = "book"
    output: ClassVar[Output] = "probabilities"
    classes: ClassVar[int] = 3
    kind: Literal["mid_price"] = "mid_price"
    horizon: Bars | Listed[Bars] = (10, 20, 50, 100)
    smoothing: Literal["ahead", "both", "apart"] = "ahead"
    length: Bars = 10
    threshold: Literal["balanced"] | Annotated[float, Field(ge=0, le=10_000)] = "balanced"


class MidChangeTarget(_Ahead):
    """Change of the mid price of a book over the next `horizon` events, in basis points."""

    market: ClassVar[Market] = "book"
    output: ClassVar[Output] = "move"
    kind: Literal["mid_change"] = "mid_change"
    horizon: Bars | Listed[Bars] = (10, 20, 50, 100)


class FairValueChangeTarget(_Ahead):
    """Log return of a bond against its fair value over the next `horizon` days (regression).

    The fair value of a day's bond is what it is worth on the next day if the curve does not move:
    carry and roll-down are in it, so what is predicted is what the curve's move makes.
    """

    market: ClassVar[Market] = "bonds"
    output: ClassVar[Output] = "return"
    kind: Literal["fair_value_change"] = "fair_value_change"


AnyTarget = (
    ReturnTarget
    | DirectionTarget
    | TernaryTarget
    | TripleBarrierTarget
    | VolatilityTarget
    | MidPriceTarget
    | MidChangeTarget
    | FairValueChangeTarget
)
Target = Annotated[AnyTarget, Field(discriminator="kind"), tagged("kind", "return")]
TARGETS: dict[str, type[AnyTarget]] = by_tag("kind", AnyTarget)
