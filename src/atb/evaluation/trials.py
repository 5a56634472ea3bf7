"""By unit: which metrics are measured, against which naive forecasts, and which one decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from atb.config.targets import Output
from atb.evaluation import (
    baselines,
    classification,
    probability,
    regression,
    volatility,
    volatility_baselines,
)
from atb.evaluation.metric import Baseline, Metric

OF_THREE: Mapping[str, Baseline] = {
    "last_move": baselines.last_move,
    "random": baselines.random(3),
}


@dataclass(frozen=True)
class Contest:
    """A metric and the baselines it stands beside.

    Attributes:
        metric: the figure of merit.
        baselines: names, at least one.
    """

    metric: Metric
    baselines: tuple[str, ...]


@dataclass(frozen=True)
class Trial:
    """How predictions in one unit are judged.

    Attributes:
        contests: every metric with its baselines.
        baselines: what forecasts by each name.
        headline: the metric that decides whether a model is better, and its name for people.
        tested: the loss of single rows by which a model is tested against its baselines.
        classes: names of the classes in order; none for a quantity.
    """

    contests: tuple[Contest, ...]
    baselines: Mapping[str, Baseline]
    headline: tuple[str, str]
    tested: Contest
    classes: tuple[str, ...] = ()

    @property
    def deciding(self) -> Metric:
        """The metric that decides."""
        return next(one.metric for one in self.contests if one.metric.name == self.headline[0])


def _of_classes(
    classes: int,
    given: tuple[Metric, ...],
    more: Mapping[str, Baseline],
    headline: tuple[str, str] = ("log_loss", "log loss"),
) -> Trial:
    """Everything stands beside class frequencies, decisions as a whole also beside the others.

    Who always says one class finds all of it and none of the others: nothing for one class.

    Args:
        classes: how many there are.
        given: metrics of probabilities, the first of which is a loss of single rows; where there
            are none, decisions are tested.
        more: baselines for decisions as a whole, beside the majority class.
        headline: see `Trial`.
    """
    naive = {"majority": baselines.majority(classes), **more}
    every = "class_frequency"
    decided = Contest(classification.ERROR, (*naive, every))
    return Trial(
        contests=(
            *(Contest(metric, (every,)) for metric in given),
            *(Contest(metric, (*naive, every)) for metric in classification.OVERALL),
            *(Contest(metric, (every,)) for metric in classification.per_class(classes)),
        ),
        baselines={every: baselines.class_frequency(classes), **naive},
        headline=headline,
        tested=Contest(given[0], (every,)) if given else decided,
        classes=classification.NAMES[classes],
    )


def _of_changes(metrics: tuple[Metric, ...], headline: tuple[str, str]) -> Trial:
    """Errors stand beside no change at all, the direction beside the more frequent one."""
    return Trial(
        contests=(
            *(Contest(metric, ("persistence",)) for metric in metrics),
            Contest(regression.DIRECTION, ("majority",)),
        ),
        baselines={
            "persistence": baselines.persistence,
            "majority": baselines.majority_direction,
        },
        headline=headline,
        tested=Contest(regression.LOSS, ("persistence",)),
    )


DECIDED = _of_classes(3, (), OF_THREE, headline=("macro_f1", "macro F1"))
TRIALS: Mapping[Output, Trial] = {
    "return": _of_changes(regression.METRICS, ("rmse", "RMSE")),
    "probability": _of_classes(2, (*probability.METRICS, probability.AUC), {}),
    "probabilities": _of_classes(3, probability.METRICS, OF_THREE),
    "move": _of_changes(regression.MOVES, ("move_rmse", "RMSE")),
    "log_volatility": Trial(
        contests=tuple(Contest(metric, ("har", "ewma")) for metric in volatility.METRICS),
        baselines={"har": volatility_baselines.har, "ewma": volatility_baselines.ewma},
        headline=("log_rmse", "RMSE of log volatility"),
        tested=Contest(regression.LOSS, ("har", "ewma")),
    ),
}
