"""From predictions to positions, in multiples of the equity: one rule for each unit."""

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
Rule = Callable[[Float64, TradingSpec, str], Float64]

PERCENTAGE_POINT = 0.01


def positions(predictions: Predictions, spec: TradingSpec, timeframe: str) -> Float64:
    """The position `[M]` each prediction asks for: 1 is all long, 0 flat, -1 all short.

    Returns and probabilities are traded all or nothing, where they are further from neutral than
    `spec.threshold`. Volatility has no side: it says how much to hold, and is never short.

    Args:
        predictions: `[M]`, in any unit.
        spec: threshold, sides and the volatility aimed at.
        timeframe: length of the bars, for a volatility per year.
    """
    return RULES[predictions.unit](predictions.value, spec, timeframe)


def _by_return(value: Float64, spec: TradingSpec, _timeframe: str) -> Float64:
    return _sides(value, spec.threshold * BASIS_POINT, spec)


def _by_probability(value: Float64, spec: TradingSpec, _timeframe: str) -> Float64:
    return _sides(value - 0.5, spec.threshold * PERCENTAGE_POINT, spec)


def _by_probabilities(value: Float64, spec: TradingSpec, _timeframe: str) -> Float64:
    """By how much up is likelier than down.

    How likely flat is does not matter: where most bars are flat, up would hardly ever be the
    likeliest class, though it may be twice as likely as down. The threshold asks for more.
    """
    return _sides(value[:, 2] - value[:, 0], spec.threshold * PERCENTAGE_POINT, spec)


def _sides(signal: Float64, threshold: float, spec: TradingSpec) -> Float64:
    position = np.where(np.abs(signal) > threshold, np.sign(signal), 0.0)
    return position if spec.positions == "long_short" else np.maximum(position, 0.0)


def _by_volatility(value: Float64, spec: TradingSpec, timeframe: str) -> Float64:
    """Long, in inverse proportion to the forecast volatility, and never more than the equity.

    After the volatility-managed portfolios of Moreira and Muir (2017), who scale by the variance.
    A year is taken to have the bars of a market that never closes.
    """
    bars_per_year = YEAR_MS / timeframe_ms(timeframe)
    with np.errstate(over="ignore"):  # a volatility of nearly nothing: as much as there is
        wanted = spec.volatility_target / np.sqrt(bars_per_year) * np.exp(-value)
    held: Float64 = np.minimum(wanted, 1.0)
    return held


RULES: Mapping[Output, Rule] = {
    "return": _by_return,
    "probability": _by_probability,
    "probabilities": _by_probabilities,
    "log_volatility": _by_volatility,
}
