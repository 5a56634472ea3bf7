"""Whether a model is better than its best baseline by more than luck and choice explain.

Knows losses of forecasts row by row and how many recipes were tried; not what is forecast.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from atb.evaluation.significance import adjusted, diebold_mariano

Float64 = npt.NDArray[np.float64]

TEST = "Diebold-Mariano"
LEVEL = 0.025  # one-sided: what lies on one side of a 95 % interval
FEWEST = 4  # rows for each that errors may be correlated over, see `diebold_mariano`


@dataclass(frozen=True)
class Significance:
    """A test of a model's losses against those of a baseline.

    Attributes:
        test: its name.
        baseline: the one with the smallest mean loss on these rows.
        statistic: below 0 where the model is better.
        p_value: of so much better a model, were it as good as the baseline; one-sided.
        trials: recipes that the model was chosen from, itself included.
        adjusted_p_value: of the best of so many (Sidak).
        words: what it comes to.
    """

    test: str
    baseline: str
    statistic: float
    p_value: float
    trials: int
    adjusted_p_value: float
    words: str

    def to_json(self) -> dict[str, Any]:
        """The fields, ready for JSON."""
        return asdict(self)


def compared(
    model: Float64, naive: Mapping[str, Float64], horizon: int, trials: int, *, better: bool
) -> Significance:
    """Test the losses `[M]` of a model against those of the best of its baselines.

    Args:
        model: loss at each row.
        naive: the same of each baseline, by name.
        horizon: rows ahead that was forecast.
        trials: recipes that the model was chosen from.
        better: whether the interval of the metric that decides is on the better side as well;
            there is no evidence otherwise.
    """
    rival = min(naive, key=lambda name: float(naive[name].mean()))
    over = max(1, min(horizon, (len(model) + 2) // FEWEST))
    found = diebold_mariano(model, naive[rival], over)
    p_value = adjusted(found.p_value, trials)
    sure = "evidence" if better and p_value <= LEVEL else "no evidence"
    after = f"{said(p_value)} after {trials:,} trial{'s' if trials > 1 else ''}"
    words = f"{sure} of skill ({after})"
    return Significance(TEST, rival, found.statistic, found.p_value, trials, p_value, words)


def said(p_value: float) -> str:
    """A p-value as people read it.

    >>> said(0.4123), said(0.00312), said(1e-9)
    ('p = 0.41', 'p = 0.003', 'p < 0.001')
    """
    if p_value < 0.001:
        return "p < 0.001"
    return f"p = {p_value:.{2 if p_value >= 0.1 else 3}f}"
