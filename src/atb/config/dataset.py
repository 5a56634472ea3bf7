"""How rows become train, validation and test windows."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from atb.config.folds import FoldSpec
from atb.config.spec import Spec


class DatasetSpec(Spec):
    """Time-ordered split, scaling and what to do about gaps.

    The shares are of the usable windows; what they leave is the test part, at the end.
    """

    train: float = Field(0.70, gt=0, lt=1, description="share of windows to fit on")
    validation: float = Field(0.15, gt=0, lt=1, description="share to stop and choose on")
    embargo: int = Field(24, ge=0, description="bars left out between the parts, beyond the purge")
    scaler: Literal["minmax", "standard", "robust"] = "minmax"
    max_gap: int = Field(0, ge=0, description="missing bars a window may contain")
    first_end: int = Field(
        0,
        ge=0,
        description="rows of an unbroken run before its first window may end, "
        "so that windows of two lengths end at the same rows",
    )
    fold: FoldSpec | None = Field(
        None, description="the fold of a cross-validation; null: one split by the shares"
    )

    @model_validator(mode="after")
    def _leaves_a_test_part(self) -> Self:
        if self.train + self.validation >= 1:
            raise ValueError(
                f"train {self.train} and validation {self.validation} leave nothing to test on"
            )
        return self
