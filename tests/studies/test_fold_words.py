"""A cross-validation says evidence where a training would."""

from __future__ import annotations

import pytest

from atb.evaluation import skill
from atb.studies import fold_words


def made(p_value):
    """As much of the results as the first sentence is made of."""
    figures = {"mean": 0.5, "each": [0.4, 0.6]}
    one = {
        "differences": {"rmse": {"baseline": "persistence", "p_value": p_value, "better": 2}},
        "metrics": {"rmse": figures},
        "baselines": {"persistence": {"rmse": {"mean": 0.7}}},
    }
    return {"horizons": {"1": one}, "deciding": "rmse", "distribution": {}, "failures": {}}


@pytest.mark.parametrize(
    ("p_value", "trials", "said"),
    [
        (skill.LEVEL, 1, "evidence of skill (p = 0.025)"),
        (0.026, 1, "no evidence of skill (p = 0.026)"),
        (0.01, 3, "no evidence of skill (p = 0.03 after 3 trials)"),
        (None, 1, "no evidence of skill"),
    ],
)
def test_what_is_evidence_counts_the_trials(p_value, trials, said):
    (words,) = fold_words.of(made(p_value), "RMSE", trials)
    assert (
        words == f"{said}: RMSE 0.5 on average over 2 folds, persistence 0.7; better in 2 of them"
    )
