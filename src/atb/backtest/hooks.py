"""From the name of a backtest to the callable: entry points in the group `atb.backtests`.

The one place where code from outside is looked up. Declare your own in your package's metadata and
name it in the config field `trading.hook`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from atb.backtest.predictions import Predictions
from atb.backtest.result import Backtest
from atb.config.trading import TradingSpec
from atb.errors import ConfigError, UsageError, nearest
from atb.market.candles import Candles

Hook = Callable[[Predictions, Candles, TradingSpec], Backtest]

GROUP = "atb.backtests"


def find(name: str) -> Hook:
    """The backtest registered under a name, as a callable that returns a `Backtest` or raises.

    Raises:
        UsageError: when none has this name.
        ConfigError: when several packages use the name, the entry point names nothing callable,
            or, once called, the hook returns something else.
    """
    points = [point for point in entry_points(group=GROUP) if point.name == name]
    if not points:
        known = {point.name for point in entry_points(group=GROUP)}
        raise UsageError(f"unknown backtest {name!r}", remedy=nearest(name, known))
    if len({point.value for point in points}) > 1:
        raise ConfigError(
            f"several packages declare it: {', '.join(point.value for point in points)}",
            where=f"backtest {name!r}",
            remedy="rename all but one",
        )
    return _checked(points[0])


def _checked(point: EntryPoint) -> Hook:
    place = f"backtest {point.name!r} ({point.value})"
    hook = _loaded(point, place)

    @wraps(hook)
    def call(predictions: Predictions, candles: Candles, spec: TradingSpec) -> Backtest:
        result = hook(predictions, candles, spec)
        if not isinstance(result, Backtest):
            raise ConfigError(
                f"returned {type(result).__name__}",
                where=place,
                remedy="a backtest hook returns an atb.backtest.result.Backtest",
            )
        return result

    return call


def _loaded(point: EntryPoint, place: str) -> Callable[..., Any]:
    try:
        hook = point.load()
    except AttributeError as error:
        raise ConfigError(
            f"there is no such function: {error}", where=place, remedy="mend the entry point"
        ) from error
    if not callable(hook):
        raise ConfigError(
            f"is of type {type(hook).__name__}, not callable",
            where=place,
            remedy="name a function (predictions, candles, spec) -> Backtest",
        )
    found: Callable[..., Any] = hook
    return found
