"""What one prediction asks for, worked out alone: the sizing of the event-driven twin.

Plain numbers, one row at a time, and nothing of `sizing.py`: that both agree is the test of either.
A paper account sizes by it too.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from atb.clock import YEAR_MS, timeframe_ms

if TYPE_CHECKING:
    from atb.config.targets import Output
    from atb.config.trading import SizingSpec, TradingSpec

Said: TypeAlias = Any  # a number, or the probabilities of down, flat and up


def position(
    said: Said, unit: Output, volatility: float, timeframe: str, spec: TradingSpec
) -> float:
    """The position, in multiples of the equity, that one prediction asks for."""
    aim = spec.sizing.volatility_target / math.sqrt(YEAR_MS / timeframe_ms(timeframe))
    if unit == "log_volatility":
        return min(_ratio(aim, math.exp(said)), spec.sizing.limit)
    distance, threshold, edge = UNITS[unit]
    away = distance(said)
    wrong_side = away < 0 and spec.positions == "long_flat"
    if abs(away) <= spec.threshold * threshold or wrong_side:
        return 0.0
    sizes = {
        "fixed": lambda: spec.sizing.size,
        "volatility_target": lambda: _ratio(aim, volatility),
        "kelly": lambda: spec.sizing.kelly_fraction * abs(edge(said, volatility, spec.sizing)),
    }
    size = sizes[spec.sizing.rule]()
    return 0.0 if math.isnan(size) else math.copysign(min(size, spec.sizing.limit), away)


class Trailing:
    """Root mean square of the last one-bar log returns, close by close.

    Args:
        bars: how many returns it is taken over; fewer where there are no more yet.
        closes: what came before, oldest first; all but the newest `bars + 1` are forgotten.
    """

    def __init__(self, bars: int, closes: Iterable[float] = ()) -> None:
        self.closes: deque[float] = deque(maxlen=bars + 1)
        self._squares: deque[float] = deque(maxlen=bars)
        for close in closes:
            self._add(close)

    def take(self, close: float) -> float:
        """The volatility of one bar's return once this close is known, see `value`."""
        self._add(close)
        return self.value

    @property
    def value(self) -> float:
        """The volatility of one bar's return; NaN for fewer than two returns.

        The sum is rounded once, so that it does not depend on what was forgotten.
        """
        squares = self._squares
        return math.sqrt(math.fsum(squares) / len(squares)) if len(squares) >= 2 else math.nan

    def _add(self, close: float) -> None:
        if self.closes:
            self._squares.append(math.log(close / self.closes[-1]) ** 2)
        self.closes.append(close)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.inf


def _of_return(said: Said, volatility: float, sizing: SizingSpec) -> float:
    return _ratio(abs(said), float(sizing.horizon or math.nan) * volatility**2)


def _of_probability(said: Said, _volatility: float, _sizing: SizingSpec) -> float:
    return float(2 * said - 1)


def _of_classes(said: Said, _volatility: float, _sizing: SizingSpec) -> float:
    down, _, up = said
    return float((up - down) / (up + down))


# How far a prediction is from neutral, the unit of the threshold in it, and Kelly's share.
UNITS: Mapping[
    str,
    tuple[Callable[[Said], float], float, Callable[[Said, float, SizingSpec], float]],
] = {
    "return": (lambda said: said, 0.0001, _of_return),
    "probability": (lambda said: said - 0.5, 0.01, _of_probability),
    "probabilities": (lambda said: said[2] - said[0], 0.01, _of_classes),
}
