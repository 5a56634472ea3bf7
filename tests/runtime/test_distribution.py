"""What a graph says of its quantiles is read strictly, and what cannot be true is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from atb.errors import IntegrityError
from atb.runtime.distribution import Levels, levels, require_possible

HERE = Path("model.onnx")
KNOWN = Levels((0.05, 0.5, 0.95), (0.05,))


def test_levels_are_read_from_what_the_graph_says() -> None:
    says = {"quantile_levels": "[0.05, 0.5, 0.95]", "shortfall_levels": "[0.05]"}
    assert levels(says, 4, HERE) == KNOWN


@pytest.mark.parametrize(
    ("quantiles", "shortfall", "words"),
    [
        ("", "[0.05]", "cannot be read"),
        ("[" * 100_000, "[0.05]", "cannot be read"),
        ("[0.05, 0.5, 1.0]", "[0.05]", "no shares between 0 and 1"),
        ('["a"]', "[0.05]", "no shares"),
        ("[0.05, NaN, 0.95]", "[0.05]", "no shares"),
        ("0.05", "[0.05]", "no shares"),
        ("[0.5, 0.05, 0.95]", "[0.5]", "do not rise"),
        ("[0.05, 0.5, 0.95]", "[0.5]", "do not begin with"),
        ("[0.05, 0.5, 0.95]", "[]", "gives 4 quantiles"),
    ],
)
def test_levels_that_cannot_be_are_refused(quantiles: str, shortfall: str, words: str) -> None:
    with pytest.raises(IntegrityError, match=words):
        levels({"quantile_levels": quantiles, "shortfall_levels": shortfall}, 4, HERE)


def test_quantiles_that_rise_with_a_mean_below_are_possible() -> None:
    require_possible(np.array([[-1.0, 0.0, 0.0, -1.5]]), KNOWN, HERE)


@pytest.mark.parametrize(
    "row", [[-1, 0, np.nan, -2], [-1, 0, np.inf, -2], [0, -1, 1, -2], [-1, 0, 1, -0.5]]
)
def test_others_are_not(row: list[float]) -> None:
    with pytest.raises(IntegrityError, match="1 of 2 windows"):
        require_possible(np.array([[-1.0, 0.0, 1.0, -1.5], row]), KNOWN, HERE)
