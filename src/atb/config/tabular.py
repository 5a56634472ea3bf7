"""One spec per tabular learner: scikit-learn's estimators on flattened windows.

What each does is in `atb.tabular.<architecture>`.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from atb.config.spec import Listed, Spec

Trees = Annotated[int, Field(ge=1, le=5_000)]
Leaves = Annotated[int, Field(ge=2, le=1_024)]
Strength = Annotated[float, Field(gt=0)]
Rate = Annotated[float, Field(gt=0, le=1)]
Level = Annotated[float, Field(gt=0, lt=0.5)]


class Basic(Spec):
    """Ridge regression of quantities, logistic regression of classes (Hoerl and Kennard 1970).

    Attributes:
        strengths: of the penalty, beside a mean over windows; the one with the smallest validation
            loss is taken.
    """

    architecture: Literal["basic"] = "basic"
    strengths: Listed[Strength] = Field((1e-3, 1e-2, 1e-1, 1.0, 10.0), min_length=1)


class Boosted(Spec):
    """What everything that boosts trees has (Friedman 2001; Ke et al. 2017 for histograms).

    Attributes:
        trees: of the ensemble, at most.
        leaves: of a tree, at most.
        learning_rate: share of each tree's answer that is added.
        smallest_leaf: train windows in a leaf, at least.
        penalty: on the squares of the leaves' answers.
        patience: trees without a smaller validation loss after which no more are added.
    """

    trees: Trees = 400
    leaves: Leaves = 15
    learning_rate: Rate = 0.05
    smallest_leaf: int = Field(100, ge=1)
    penalty: float = Field(1.0, ge=0)
    patience: int = Field(20, ge=1)


class Enhanced(Boosted):
    """Histogram gradient boosting, stopped early by validation windows."""

    architecture: Literal["enhanced"] = "enhanced"


class Advanced(Spec):
    """Extremely randomised trees (Geurts et al. 2006) and boosted ones, joined by a line.

    The line is fitted to answers for train windows that the joined had not learned from: those at
    the end, after a purge and an embargo.

    Attributes:
        trees: of the random ensemble.
        leaves: of a tree of theirs, at most, however many windows there are.
        smallest_leaf: train windows in a leaf of theirs, at least.
        boosted: the other member.
        held_out: share of the train windows that the line is fitted to.
    """

    architecture: Literal["advanced"] = "advanced"
    trees: Trees = 200
    leaves: Leaves = 32
    smallest_leaf: int = Field(50, ge=1)
    boosted: Boosted = Boosted()
    held_out: float = Field(0.25, gt=0, lt=1)


class Automl(Spec):
    """The best of basic, enhanced and advanced with the best of many settings, by Optuna.

    Attributes:
        trials: settings that are tried; validation windows decide.
    """

    architecture: Literal["automl"] = "automl"
    trials: int = Field(20, ge=1, le=10_000)


class Regime(Spec):
    """A Gaussian mixture tells regimes apart (Hamilton 1989); each has a line of its own.

    The answer is the mean of the lines' answers, each as likely as its regime.

    Attributes:
        regimes: components of the mixture.
        strength: of the lines' penalty, beside a mean over windows.
    """

    architecture: Literal["regime"] = "regime"
    regimes: int = Field(3, ge=2, le=16)
    strength: Strength = 1.0


class Factor(Spec):
    """A line over the principal components of the windows (Stock and Watson 2002).

    Attributes:
        factors: how many components may be kept; the number with the smallest validation loss is
            taken.
        strength: of the line's penalty, beside a mean over windows.
    """

    architecture: Literal["factor"] = "factor"
    factors: Listed[Annotated[int, Field(ge=1, le=512)]] = Field((1, 3, 5, 10, 20), min_length=1)
    strength: Strength = 1e-3


class TailRisk(Spec):
    """Boosted trees for quantiles: value at risk and expected shortfall (Koenker and Bassett 1978).

    The median is the forecast that is traded.

    Attributes:
        levels: tails for which the value at risk and the expected shortfall are said; the same
            shares from the upper end bound the intervals.
        boosted: how each quantile is learned.
    """

    architecture: Literal["tail_risk"] = "tail_risk"
    levels: Listed[Level] = Field((0.01, 0.05), min_length=1, max_length=8)
    boosted: Boosted = Boosted()

    @model_validator(mode="after")
    def _levels_rise(self) -> Self:
        if list(self.levels) != sorted(set(self.levels)):
            raise ValueError(f"levels must rise, each once, not {list(self.levels)}")
        return self


class Bayesian(Spec):
    """A line whose coefficients are uncertain, and so are its answers (MacKay 1992).

    Attributes:
        levels: tails outside the intervals, as in `TailRisk`.
    """

    architecture: Literal["bayesian"] = "bayesian"
    levels: Listed[Level] = Field((0.025, 0.05), min_length=1, max_length=8)


AnyTabular = Basic | Enhanced | Advanced | Automl | Regime | Factor | TailRisk | Bayesian
