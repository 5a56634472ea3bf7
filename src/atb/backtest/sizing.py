"""From predictions to sides, and to positions in multiples of the equity.

How far a prediction is from neutral depends on its unit, how much is then held on a rule; a table
for either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from atb.backtest.costs import BASIS_POINT
from atb.backtest.predictions import Predictions
from atb.clock import YEAR_MS, timeframe_ms
from atb.config.targets import Output
from atb.config.trading import SizingSpec, TradingSpec

Float64 = npt.NDArray[np.float64]

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


@dataclass(frozen=True)
class Ask:
    """What M predictions are sized by.

    Attributes:
        predictions: `[M]`.
        volatility: `[M]` trailing volatility of one bar's return at each; NaN where unknown.
        bars_per_year: of a market that never closes.
        spec: the rule.
    """

    predictions: Predictions
    volatility: Float64
    bars_per_year: float
    spec: SizingSpec


def positions(
    predictions: Predictions, volatility: Float64, timeframe: str, spec: TradingSpec
) -> Float64:
    """The position `[M]` each prediction asks for, in multiples of the equity, short below 0.

    What has a side is traded where it is further from neutral than `spec.threshold`. A forecast
    volatility has none: it says how much to hold, and is never short. Where a rule needs a
    volatility that is not known yet, nothing is held.

    Args:
        predictions: `[M]`, in any unit of candles.
        volatility: `[M]` trailing volatility of one bar's return at each prediction, NaN if
            unknown.
        timeframe: length of the bars, for a volatility per year.
        spec: threshold, sides and sizing.
    """
    side = SIDES[predictions.unit](predictions, spec)
    ask = Ask(predictions, volatility, YEAR_MS / timeframe_ms(timeframe), spec.sizing)
    rule = _by_forecast if predictions.unit == "log_volatility" else RULES[spec.sizing.rule]
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):  # no volatility: the limit
        size = np.minimum(rule(ask), spec.sizing.limit)
    return np.where((side == 0) | np.isnan(size), 0.0, side * size)


def _allowed(predictions: Predictions, spec: TradingSpec) -> Float64:
    side = sides(predictions, spec.threshold)
    return side if spec.positions == "long_short" else np.maximum(side, 0.0)


def _long(predictions: Predictions, _spec: TradingSpec) -> Float64:
    return np.ones(len(predictions))


def _fixed(ask: Ask) -> Float64:
    return np.full(len(ask.predictions), ask.spec.size)


def _aimed(ask: Ask) -> Float64:
    """In inverse proportion to the trailing volatility (Moreira and Muir 2017 take the variance).

    A year is taken to have the bars of a market that never closes.
    """
    wanted = ask.spec.volatility_target / np.sqrt(ask.bars_per_year)
    size: Float64 = wanted / ask.volatility
    return size


def _by_forecast(ask: Ask) -> Float64:
    """The same by the volatility that is forecast."""
    wanted = ask.spec.volatility_target / np.sqrt(ask.bars_per_year)
    size: Float64 = wanted * np.exp(-ask.predictions.value)
    return size


def _kelly(ask: Ask) -> Float64:
    return ask.spec.kelly_fraction * np.abs(EDGES[ask.predictions.unit](ask))


def _over_variance(ask: Ask) -> Float64:
    """Predicted return over the variance of as many bars (Thorp 2006), taking logs for shares."""
    if ask.spec.horizon is None:
        raise ValueError("horizon is None: say over how many bars with spec.over(horizon)")
    edge: Float64 = ask.predictions.value / (ask.spec.horizon * ask.volatility**2)
    return edge


def _even_odds(ask: Ask) -> Float64:
    """`2p - 1` (Kelly 1956)."""
    edge: Float64 = 2 * ask.predictions.value - 1
    return edge


def _even_odds_or_nothing(ask: Ask) -> Float64:
    """`(up - down) / (up + down)`: flat gives the stake back, so it is no part of the odds."""
    down, up = ask.predictions.value[:, 0], ask.predictions.value[:, 2]
    edge: Float64 = (up - down) / (up + down)
    return edge


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


# How far from neutral a prediction is, and the unit of the threshold it is compared with.
DISTANCES: Mapping[Output, tuple[Callable[[Float64], Float64], float]] = {
    "return": (_itself, BASIS_POINT),
    "probability": (_from_even, PERCENTAGE_POINT),
    "probabilities": (_up_less_down, PERCENTAGE_POINT),
    "move": (_itself, 1.0),
}
SIDES: Mapping[Output, Callable[[Predictions, TradingSpec], Float64]] = {
    **dict.fromkeys(DISTANCES, _allowed),
    "log_volatility": _long,
}
EDGES: Mapping[Output, Callable[[Ask], Float64]] = {
    "return": _over_variance,
    "probability": _even_odds,
    "probabilities": _even_odds_or_nothing,
}
RULES: Mapping[str, Callable[[Ask], Float64]] = {
    "fixed": _fixed,
    "volatility_target": _aimed,
    "kelly": _kelly,
}
