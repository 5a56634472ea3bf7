"""Backtest paths: whole series of out-of-fold predictions, each measured and traded.

Knows series and the market they were predicted from, not which fold said what.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from atb.backtest import hooks
from atb.backtest.predictions import Predictions
from atb.config.training import TrainingConfig
from atb.evaluation import significance
from atb.evaluation.metric import Outcome
from atb.evaluation.trials import TRIALS
from atb.market.history import History
from atb.studies import spread
from atb.studies.out_of_fold import Series

Json = dict[str, Any]


def judged(found: Sequence[Series], config: TrainingConfig, history: History) -> list[Json]:
    """The figures of each path, JSON-ready.

    `windows`; the deciding metric by its name; `probabilistic_sharpe`, the probability that the
    true Sharpe ratio is above zero; `backtest`, and in `rival` the name of the naive rule in it.

    Args:
        found: the paths.
        config: the recipe; says how predictions are traded.
        history: what they were made from.

    Raises:
        UsageError: when there is no such backtest any more.
    """
    spec = config.trading.over(config.target.horizons[0])
    hook, output = hooks.find(spec), config.target.output
    deciding = TRIALS[output].deciding
    figures = []
    for path in found:
        traded = hook(Predictions(path.rows, path.predicted, output), history, spec)
        outcome = Outcome(path.predicted, path.actual, history.price[path.rows], 1.0)
        figures.append(
            {
                "windows": len(path.rows),
                deciding.name: deciding.of(outcome),
                "probabilistic_sharpe": significance.probabilistic_sharpe(traded.steps),
                "backtest": traded.to_json(),
                "rival": traded.rival,
            }
        )
    return figures


def distribution(found: Sequence[Json]) -> Json:
    """How each figure lies over several paths, beside the naive rule's; nothing of a single one."""
    if len(found) < 2:
        return {}
    flat = [{**path["backtest"], **path} for path in found]
    naive = spread.of_each([path["backtest"][path["rival"]] for path in found])
    return {
        name: {
            **spread.distribution(values),
            "naive": spread.over(naive[name])["mean"] if name in naive else None,
        }
        for name, values in spread.of_each(flat).items()
    }
