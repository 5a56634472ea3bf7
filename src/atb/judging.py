"""From what was learned to how good it is: the only place where test rows are predicted.

Knows predictions, labels and prices; nothing of how anything was learned or is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from atb.backtest.hooks import Hook
from atb.backtest.predictions import Predictions
from atb.backtest.result import Result
from atb.config.training import TrainingConfig
from atb.dataset.build import Dataset
from atb.evaluation import profit, reliability, tails
from atb.evaluation.metric import Evidence
from atb.evaluation.profit import Earned
from atb.evaluation.reliability import Coverage, Reliability
from atb.evaluation.tails import Distribution, Tails
from atb.evaluation.verdict import Verdict, judge
from atb.learning import Learned
from atb.market.history import History
from atb.runs import Recipe


@dataclass(frozen=True)
class Judged:
    """What a model said of test rows, how good that is, and what it would have earned.

    Attributes:
        served: `[M, K]` or `[M, K, 3]` predictions of every horizon for test rows.
        predictions: those of the horizon that is traded.
        verdicts: by horizon.
        calibrations: what test rows say of them, by horizon.
        backtest: of `predictions`.
        earned: how sure its profit is.
        distribution: its quantiles of the horizon that is traded; None where it has none.
        tails: how good they are; None likewise.
    """

    served: Any
    predictions: Predictions
    verdicts: dict[int, Verdict]
    calibrations: dict[int, Reliability | Coverage]
    backtest: Result
    earned: Earned
    distribution: Distribution | None
    tails: Tails | None


def judged(recipe: Recipe, learned: Learned, hook: Hook) -> Judged:
    """Predict the test rows, the only time that is done, and judge it."""
    config, history, dataset = recipe.config, recipe.history, learned.dataset
    test, taught, first = dataset.split.test, learned.calibration, config.target.horizons[0]
    raw = learned.fitted.predict(test)
    plain, served = dataset.served(raw), learned.served(raw)
    predictions = Predictions(test, served[:, 0], config.target.output)
    backtest = hook(predictions, history, config.trading.over(first))
    distribution = _distribution(learned)
    return Judged(
        served,
        predictions,
        verdicts=_verdicts(config, history, dataset, served),
        calibrations={
            horizon: reliability.measured(
                taught, k, served[:, k], plain[:, k], dataset.labels.value[test, k]
            )
            for k, horizon in enumerate(config.target.horizons)
        },
        backtest=backtest,
        earned=profit.earned(backtest, config.chosen, first, config.training.seed),
        distribution=distribution,
        tails=_tails(recipe, learned, distribution),
    )


def _distribution(learned: Learned) -> Distribution | None:
    """The quantiles of the first horizon for test rows, in the target's unit."""
    dataset, known = learned.dataset, learned.fitted.quantiles
    if known is None:
        return None
    fitted = known.predict(dataset.split.test)
    said = fitted * dataset.target_scale[0] + dataset.target_offset[0]
    count = len(known.levels)
    return Distribution(known.levels, said[:, :count], said[:, count:])


def _tails(recipe: Recipe, learned: Learned, said: Distribution | None) -> Tails | None:
    """The verdict on the quantiles of the first horizon."""
    if said is None:
        return None
    evidence = _evidence(recipe.config, recipe.history, learned.dataset, 0)
    return tails.judge(said, evidence, recipe.config.training.seed)


def _verdicts(
    config: TrainingConfig, history: History, dataset: Dataset, served: Any
) -> dict[int, Verdict]:
    """The verdict on each horizon's predictions for test rows."""
    target = config.target
    verdicts = {}
    for column, horizon in enumerate(target.horizons):
        evidence = _evidence(config, history, dataset, column)
        scale, seed = float(dataset.target_scale[column]), config.training.seed
        predicted, trials = served[:, column], config.chosen.trials
        verdicts[horizon] = judge(target.output, predicted, evidence, scale, seed, trials)
    return verdicts


def _evidence(config: TrainingConfig, history: History, dataset: Dataset, column: int) -> Evidence:
    """What one horizon, known by its column, is judged on."""
    labels, split = dataset.labels.value[:, column], dataset.split
    horizon = config.target.horizons[column]
    return Evidence(history.price, labels, split.train, split.test, horizon)
