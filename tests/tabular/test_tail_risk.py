"""Quantile trees: levels that rise, stretched to what validation windows say, with a shortfall."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from atb.config.tabular import Boosted, TailRisk
from atb.tabular import tail_risk
from atb.tabular.part import Lesson, Part, Sample

pytestmark = pytest.mark.usefixtures("tensorflow_ready")

SPEC = TailRisk(levels=(0.05, 0.2), boosted=Boosted(trees=60, leaves=4, patience=5))
Drawn = tuple[Lesson, Sample]


@pytest.fixture(scope="module")
def drawn() -> Drawn:
    """Normal outcomes whose deviation, 1 or 3, is seen in the second column."""
    random = np.random.default_rng(4)

    def sample(rows: int) -> Sample:
        wild = random.integers(0, 2, rows)
        windows = np.stack([random.normal(size=rows), wild], axis=1).astype(np.float32)
        ends = np.arange(rows)
        return Sample(windows, (1 + 2 * wild) * random.normal(size=rows), ends, ends + 1)

    return Lesson(sample(4000), sample(3000), classes=1, embargo=0, seed=1), sample(4000)


@pytest.fixture(scope="module")
def part(drawn: Drawn) -> Part:
    with threadpool_limits(1):
        return tail_risk.solve(SPEC, drawn[0])


def said(make: Any, sample: Sample) -> Any:
    source = keras.Input((2,))
    return np.asarray(keras.Model(source, make(source))(sample.windows), np.float64)


def test_each_quantile_has_its_share_below_whatever_the_deviation(drawn: Drawn, part: Part) -> None:
    _, unseen = drawn
    assert part.quantiles is not None
    quantiles = said(part.quantiles.of, unseen)[:, :5]
    assert part.quantiles.levels == (0.05, 0.2, 0.5, 0.8, 0.95)
    below = unseen.actual[:, np.newaxis] < quantiles
    for wild in (0, 1):
        rows = unseen.windows[:, 1] == wild
        assert below[rows].mean(axis=0) == pytest.approx(part.quantiles.levels, abs=0.03)
    assert (np.diff(quantiles) >= 0).all()


def test_the_shortfall_is_the_mean_of_what_is_below(drawn: Drawn, part: Part) -> None:
    _, unseen = drawn
    assert part.quantiles is not None
    answers = said(part.quantiles.of, unseen)
    for number in range(2):
        rows = unseen.actual < answers[:, number]
        assert answers[rows, 5 + number].mean() == pytest.approx(
            unseen.actual[rows].mean(), rel=0.1
        )


def test_the_median_is_the_answer(drawn: Drawn, part: Part) -> None:
    _, unseen = drawn
    middle = part.estimators["quantile_0.5"].predict(unseen.windows)
    assert said(part.raw, unseen)[:, 0] == pytest.approx(middle, abs=1e-6)


def test_too_narrow_quantiles_are_stretched() -> None:
    actual = np.arange(-10.0, 11.0)
    factor, depth = tail_risk._beyond(0.1, np.full(21, -4.0), actual)
    assert factor == 2  # a tenth of the 21 lies at or below -8
    assert depth == pytest.approx((8 + 9 + 10) / 3 / 8)
