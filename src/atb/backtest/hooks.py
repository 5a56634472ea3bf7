"""From the name of a backtest to the callable: entry points in the group `atb.backtests`.

The one place where code from outside is looked up. Declare your own in your package's metadata and
name it in the config field `trading.hook`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

import numpy as np

from atb.backtest.predictions import Predictions
from atb.backtest.result import Result
from atb.config.data import Market
from atb.config.trading import Trading
from atb.errors import ConfigError, UsageError, nearest

Hook = Callable[[Predictions, Any, Any], Result]  # of a history and the spec of its market
F = TypeVar("F", bound=Callable[..., Any])

GROUP = "atb.backtests"


def trades(*markets: Market) -> Callable[[F], F]:
    """Mark a hook with what it trades: `candles`, as without a mark, a `book` or `bonds`."""

    def marked(hook: F) -> F:
        hook.__dict__["markets"] = markets
        return hook

    return marked


def find(spec: Trading) -> Hook:
    """The backtest that trading names, as a callable that returns a `Result` or raises.

    Raises:
        UsageError: when none has this name.
        ConfigError: when several packages use the name, the entry point names nothing callable or
            what trades another market, or, once called, the hook returns something else, or curves
            that are not finite.
    """
    name = spec.hook
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
    return _checked(points[0], spec.market)


def _checked(point: EntryPoint, market: Market) -> Hook:
    place = f"backtest {point.name!r} ({point.value})"
    hook = _loaded(point, place)
    traded = getattr(hook, "markets", ("candles",))
    if market not in traded:
        raise ConfigError(
            f"trades {' and '.join(traded)}, and this recipe is of market {market}",
            where=place,
            remedy="name another one with --set trading.hook=NAME",
        )

    @wraps(hook)
    def call(predictions: Predictions, history: Any, spec: Any) -> Result:
        result = hook(predictions, history, spec)
        if not isinstance(result, Result):
            raise ConfigError(
                f"returned {type(result).__name__}",
                where=place,
                remedy="a backtest hook returns a Result of atb.backtest.result",
            )
        if not np.isfinite(np.concatenate([*result.curves, result.steps])).all():
            raise ConfigError(
                "its curves or steps hold what is no finite number",
                where=place,
                remedy="mend the hook: of such a backtest nothing can be said",
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
            remedy="name a function (predictions, history, spec) -> Result",
        )
    found: Callable[..., Any] = hook
    return found
