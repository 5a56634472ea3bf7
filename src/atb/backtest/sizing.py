"""From predictions to sides, and to positions in multiples of the equity: a rule for each unit."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from atb.backtest.costs import BASIS_POINT
from atb.backtest.predictions import Predictions
from atb.clock import YEAR_MS, timeframe_ms
from atb.config.targets import Output
from atb.config.trading import TradingSpec

Float64 = npt.NDArray[np.float64]
Rule = Callable[[Predictions, TradingSpec, str], Float64]

PERCENTAGE_POINT = 0.01


def sides(predictions: Predictions, threshold: float) -> Float64:
    """1 for up, -1 for down, 0 for neither: `[M]`, by how far a prediction is from neutral.

    Args:
        predictions: `[M]`, of anything that has a side.
        threshold: what must be exceeded: basis points of a return or a move, percentage points of a
            probability away from 50, or by which up and down differ.
    """
    distance, unit = DISTANCES[predictions.unit]
    found = distance(predictions.value)
    return np.where(np.abs(found) > threshold * unit, np.sign(found), 0.0)


def positions(predictions: Predictions, spec: TradingSpec, timeframe: str) -> Float64:
    """The position `[M]` each prediction asks for: 1 is all long, 0 flat, -1 all short.

    What has a side is traded all or nothing, where it is further from neutral than
    `spec.threshold`. Volatility has no side: it says how much to hold, and is never short.

    Args:
        predictions: `[M]`, in any unit.
        spec: threshold, sides and the volatility aimed at.
        timeframe: length of the bars, for a volatility per year.
    """
    return RULES[predictions.unit](predictions, spec, timeframe)


def _itself(value: Float64) -> Float64:
    return value


def _from_even(value: Float64) -> Float64:
    return value - 0.5


def _up_less_down(value: Float64) -> Float64:
    """By how much up is likelier than down.

    How likely flat is does not matter: where most rows are flat, up would hardly ever be the
    likeliest class, though it may be twice as likely as down. The threshold asks for more.
    """
    difference: Float64 = value[:, 2] - value[:, 0]
    return difference


def _by_side(predictions: Predictions, spec: TradingSpec, _timeframe: str) -> Float64:
    position = sides(predictions, spec.threshold)
    return position if spec.positions == "long_short" else np.maximum(position, 0.0)


def _by_volatility(predictions: Predictions, spec: TradingSpec, timeframe: str) -> Float64:
    """Long, in inverse proportion to the forecast volatility, and never more than the equity.

    After the volatility-managed portfolios of Moreira and Muir (2017), who scale by the variance.
    A year is taken to have the bars of a market that never closes.
    """
    bars_per_year = YEAR_MS / timeframe_ms(timeframe)
    with np.errstate(over="ignore"):  # a volatility of nearly nothing: as much as there is
        wanted = spec.volatility_target / np.sqrt(bars_per_year) * np.exp(-predictions.value)
    held: Float64 = np.minimum(wanted, 1.0)
    return held


# How far from neutral a prediction is, and the unit of the threshold it is compared with.
DISTANCES: Mapping[Output, tuple[Callable[[Float64], Float64], float]] = {
    "return": (_itself, BASIS_POINT),
    "probability": (_from_even, PERCENTAGE_POINT),
    "probabilities": (_up_less_down, PERCENTAGE_POINT),
    "move": (_itself, 1.0),
}
RULES: Mapping[Output, Rule] = {
    **dict.fromkeys(DISTANCES, _by_side),
    "log_volatility": _by_volatility,
}
