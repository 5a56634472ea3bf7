"""How predictions are calibrated, and how much luck stood behind a recipe's choice."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from atb.config.spec import Spec


class CalibrationSpec(Spec):
    """What validation rows teach about predictions after training; both become part of the model.

    Attributes:
        method: how probabilities are calibrated: `temperature` divides logits by one number (Guo et
            al. 2017), `isotonic` maps them by a rising function (Zadrozny and Elkan 2002).
            Quantities have no probabilities and stay as they are.
        coverage: share of outcomes that a split-conformal interval around a quantity shall hold.
    """

    method: Literal["none", "temperature", "isotonic"] = "temperature"
    coverage: float = Field(0.9, gt=0, lt=1)


class SelectionSpec(Spec):
    """How a recipe was chosen: the more were tried, the more its figures owe to luck.

    Attributes:
        trials: recipes tried before this one was chosen, itself included.
        deviation: standard deviation of the trials' Sharpe ratios per bar; None where unknown.
        study: name of the tuning study.
    """

    trials: int = Field(1, ge=1, le=10_000_000)
    deviation: float | None = Field(None, ge=0)
    study: str | None = None
