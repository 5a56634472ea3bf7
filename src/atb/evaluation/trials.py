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
        classes: names of the classes in order; none for a quantity.
    """

    contests: tuple[Contest, ...]
    baselines: Mapping[str, Baseline]
    headline: tuple[str, str]
    classes: tuple[str, ...] = ()


def _of_classes(classes: int, *more: Metric) -> Trial:
    """Everything stands beside class frequencies, decisions as a whole also beside the majority.

    Who always says one class finds all of it and none of the others: nothing for one class.
    """
    given = (*probability.METRICS, *more)
    return Trial(
        contests=(
            *(Contest(metric, ("class_frequency",)) for metric in given),
            *(Contest(one, ("majority", "class_frequency")) for one in classification.OVERALL),
            *(Contest(one, ("class_frequency",)) for one in classification.per_class(classes)),
        ),
        baselines={
            "class_frequency": baselines.class_frequency(classes),
            "majority": baselines.majority(classes),
        },
        headline=("log_loss", "log loss"),
        classes=classification.NAMES[classes],
    )


TRIALS: Mapping[Output, Trial] = {
    "return": Trial(
        contests=(
            *(Contest(metric, ("persistence",)) for metric in regression.METRICS),
            Contest(regression.DIRECTION, ("majority",)),
        ),
        baselines={
            "persistence": baselines.persistence,
            "majority": baselines.majority_direction,
        },
        headline=("rmse", "RMSE"),
    ),
    "probability": _of_classes(2, probability.AUC),
    "probabilities": _of_classes(3),
    "log_volatility": Trial(
        contests=tuple(Contest(metric, ("har", "ewma")) for metric in volatility.METRICS),
        baselines={"har": volatility_baselines.har, "ewma": volatility_baselines.ewma},
        headline=("log_rmse", "RMSE of log volatility"),
    ),
}
