"""What a model must come up to before it may be promoted."""

from __future__ import annotations

from pydantic import Field

from atb.config.spec import Spec


class Limits(Spec):
    """The limits of one set of gates; none has a default, so that a file says all it asks for.

    A model that is damaged, contradicts itself or learned from simulated rows passes no set.

    Attributes:
        description: one line for people.
        minimum_improvement: share of the best baseline's headline metric by which the worse end of
            the 95 % interval must be better than it; just that much is too little.
        minimum_accuracy: share of right classes, or of right directions; null does not ask.
        maximum_p_value: of the test of skill, adjusted for the recipes tried.
        maximum_calibration_error: expected calibration error of probabilities, or distance of the
            intervals' coverage from what they promise.
        maximum_parity_difference: of ONNX and Keras, in the output's unit and in deviations.
        maximum_age_days: from the last row of the data until now.
        maximum_worsening: share of the promoted model's headline metric by which this one may be
            worse at the worse end of the 95 % interval; null does not ask.
        minimum_shared_rows: test rows that both must have predicted to be compared row by row.
    """

    description: str
    minimum_improvement: float = Field(ge=-1)
    minimum_accuracy: float | None = Field(ge=0, le=1)
    maximum_p_value: float = Field(ge=0, le=1)
    maximum_calibration_error: float = Field(ge=0, le=1)
    maximum_parity_difference: float = Field(ge=0)
    maximum_age_days: float = Field(ge=0)
    maximum_worsening: float | None = Field(ge=0)
    minimum_shared_rows: int = Field(ge=30)
