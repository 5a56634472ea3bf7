"""Two registered models traded over the same rows of one file.

Is the new one better than the one that runs? Knows both folders; nothing of how they were trained.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from atb.backtest.comparison import Comparison, compare
from atb.backtest.predictions import Predictions
from atb.config.training import TrainingConfig
from atb.errors import DataError, UsageError
from atb.events import Event, Listener, Warned, silent
from atb.market.history import History
from atb.registry.integrity import verify
from atb.runtime.replay import Replay, Said, changed, recipe, rows, speak, traded


@dataclass(frozen=True)
class Duel:
    """What became of both.

    Attributes:
        first: the backtest of A.
        second: the backtest of B, over the same rows.
        rows: rows at which both predict.
        comparison: their difference and the verdict.
    """

    first: Replay
    second: Replay
    rows: int
    comparison: Comparison

    def to_json(self) -> dict[str, Any]:
        """Both backtests as `a` and `b`, and their comparison."""
        return {
            "rows": self.rows,
            "a": _figures(self.first),
            "b": _figures(self.second),
            "comparison": self.comparison.to_json(),
        }


def duel(
    models: tuple[Path, Path],
    path: Path,
    *,
    start: str | None = None,
    end: str | None = None,
    trading: Mapping[str, Any] | None = None,
    listen: Listener = silent,
) -> Duel:
    """Trade two models on one file, at the rows that both predict, each by its own rules.

    Args:
        models: both folders; every checksum is verified before anything is parsed.
        path: the file, with rows as both know them.
        start: first row to predict at, ISO 8601, UTC; earlier ones only warm up.
        end: rows before this time.
        trading: as for `replay`, for both.
        listen: told where a model learned from these rows, and where costs or rules differ.

    Raises:
        UsageError: when the models are of other markets, or for a field that trading does not have.
        IntegrityError: when a folder is not what its manifest says.
        DataError: when the rows are damaged, or there are too few that both predict.
    """
    for model in models:
        verify(model)
    recipes = [recipe(model) for model in models]
    _require_one_market(*recipes)
    rules = [changed(one.trading, trading or {}).over(one.target.horizons[0]) for one in recipes]
    said = _at_shared_rows(
        *(
            speak(model, history, start)
            for model, history in zip(models, _rows(recipes, path, end, listen), strict=True)
        )
    )
    ways = [rule.said(one.predictions.unit) for rule, one in zip(rules, said, strict=True)]
    if ways[0] != ways[1]:
        listen(Warned(f"A is traded {ways[0]}; B is traded {ways[1]}"))
    first = traded(said[0], rules[0], _naming("A", listen))
    second = traded(said[1], rules[1], _naming("B", listen))
    horizon = max(one.horizon for one in said)
    found = compare(first.backtest, second.backtest, horizon)
    return Duel(first, second, len(said[0].predictions), found)


def _figures(done: Replay) -> dict[str, Any]:
    traded, rules = done.backtest.to_json(), done.trading.model_dump()
    model = {"model": str(done.said.model), "learned_until": done.said.learned_until}
    return {**model, "trading": rules, **traded}


def _require_one_market(first: TrainingConfig, second: TrainingConfig) -> None:
    """Refuse models of another symbol, or of rows counted otherwise."""
    facts = [
        {"symbol": one.symbol, "market": one.data.kind, **one.data.facts()}
        for one in (first, second)
    ]
    for name in facts[0] | facts[1]:
        ours, theirs = (fact.get(name) for fact in facts)
        if ours != theirs and name != "levels":  # how deep a book is read moves no row
            raise UsageError(
                f"A is of {name} {ours}, B of {name} {theirs}",
                remedy="compare models of one market and one length of rows",
            )


def _rows(
    recipes: Sequence[TrainingConfig], path: Path, end: str | None, listen: Listener
) -> list[History]:
    """The file as each recipe reads it, read once where they read it alike."""
    first = rows(recipes[0], path, end, listen)
    alike = recipes[0].data.of_file(path) == recipes[1].data.of_file(path)
    return [first, first if alike else rows(recipes[1], path, end, listen)]


def _at_shared_rows(first: Said, second: Said) -> tuple[Said, Said]:
    """Both, with the predictions for rows that both predict."""
    shared = np.intersect1d(first.predictions.rows, second.predictions.rows)
    if not len(shared):
        raise DataError(
            "there is no row that both models predict",
            where=first.history.source,
            remedy="give a longer range",
        )
    return _only(first, shared), _only(second, shared)


def _only(said: Said, shared: npt.NDArray[np.int64]) -> Said:
    """The same, with the predictions made at some of its rows."""
    made = said.predictions
    kept = np.isin(made.rows, shared)
    return replace(said, predictions=Predictions(shared, made.value[kept], made.unit))


def _naming(name: str, listen: Listener) -> Listener:
    """A listener that is told which of the two a warning is about."""

    def named(event: Event) -> None:
        listen(Warned(f"{name}: {event.message}") if isinstance(event, Warned) else event)

    return named
