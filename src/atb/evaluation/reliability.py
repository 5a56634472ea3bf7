"""How far test rows bear out what calibration promised.

Knows predictions before and after calibration and what came true.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from atb.calibration import Calibration
from atb.evaluation import probability
from atb.evaluation.metric import Outcome

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Bin:
    """Rows whose likeliest class has a probability above `low`, up to `high`.

    Attributes:
        low, high: see above.
        rows: how many there are.
        confidence: mean of these probabilities.
        accuracy: share of the rows in which that class came true.
    """

    low: float
    high: float
    rows: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Reliability:
    """Of probabilities: whether they come true as often as they say.

    Attributes:
        method: of calibration.
        error: expected calibration error (Guo et al. 2017), over 15 bins.
        uncalibrated_error: that of the network's own probabilities.
        brier: Brier score.
        uncalibrated_brier: likewise.
        log_loss: in nats.
        uncalibrated_log_loss: likewise.
        parameters: what calibration learned from validation rows.
        reliability: the bins that have rows.
    """

    method: str
    error: float
    uncalibrated_error: float
    brier: float
    uncalibrated_brier: float
    log_loss: float
    uncalibrated_log_loss: float
    parameters: Mapping[str, Any]
    reliability: tuple[Bin, ...]

    def to_json(self) -> dict[str, Any]:
        """The fields, ready for JSON."""
        return asdict(self) | {"reliability": [asdict(one) for one in self.reliability]}


@dataclass(frozen=True)
class Coverage:
    """Of quantities: whether intervals around them hold as many outcomes as they promise.

    Attributes:
        method: how they were made.
        coverage: share of outcomes promised.
        half_width: from the prediction to either end, in its unit.
        achieved: share of test outcomes inside.
        error: what lies between the two shares.
    """

    method: str
    coverage: float
    half_width: float
    achieved: float
    error: float

    def to_json(self) -> dict[str, Any]:
        """The fields, ready for JSON."""
        return asdict(self)


def measured(
    calibration: Calibration, column: int, served: Float64, plain: Float64, actual: Float64
) -> Reliability | Coverage:
    """What test rows say of the calibration of one horizon.

    Args:
        calibration: of all K horizons.
        column: which of them.
        served: `[M]` quantities or probabilities of a rise, or `[M, 3]` probabilities.
        plain: the same before calibration.
        actual: `[M]` what came true.
    """
    if calibration.half_width is not None and calibration.coverage is not None:
        half, promised = float(calibration.half_width[column]), calibration.coverage
        achieved = float(np.mean(np.abs(actual - served) <= half))
        return Coverage(calibration.method, promised, half, achieved, abs(achieved - promised))
    after, before = _figures(served, actual), _figures(plain, actual)
    return Reliability(
        method=calibration.method,
        error=after["calibration_error"],
        uncalibrated_error=before["calibration_error"],
        brier=after["brier"],
        uncalibrated_brier=before["brier"],
        log_loss=after["log_loss"],
        uncalibrated_log_loss=before["log_loss"],
        parameters=calibration.parameters(column),
        reliability=tuple(_bins(served, actual)),
    )


def _figures(predicted: Float64, actual: Float64) -> dict[str, float]:
    outcome = Outcome(predicted, actual, close=actual, scale=1.0)
    return {metric.name: metric.of(outcome) for metric in probability.METRICS}


def _bins(predicted: Float64, actual: Float64) -> Iterator[Bin]:
    confidence, right = probability.likeliest(predicted, actual)
    number = probability.bin_of(confidence)
    for one in np.unique(number):
        rows = number == one
        yield Bin(
            low=float(one / probability.BINS),
            high=float((one + 1) / probability.BINS),
            rows=int(rows.sum()),
            confidence=float(confidence[rows].mean()),
            accuracy=float(right[rows].mean()),
        )
