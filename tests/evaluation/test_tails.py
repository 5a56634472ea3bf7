"""The verdict on quantiles: figures by hand, and simulated distributions that are known."""

from __future__ import annotations

import json
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
import pytest

from atb.errors import DivergedError
from atb.evaluation.metric import Evidence
from atb.evaluation.tails import Distribution, judge

Labels = Callable[..., Evidence]

LEVELS = (0.05, 0.5, 0.95)


def constant(
    levels: tuple[float, ...], quantiles: list[float], means: list[float], rows: int
) -> Distribution:
    return Distribution(levels, np.tile(quantiles, (rows, 1)), np.tile(means, (rows, 1)))


def normal(deviation: npt.NDArray[np.float64]) -> Distribution:
    """The true quantiles and shortfall of normal outcomes with these deviations."""
    edges = np.array([NormalDist().inv_cdf(level) for level in LEVELS])
    shortfall = -NormalDist().pdf(edges[0]) / LEVELS[0]
    column = deviation[:, np.newaxis]
    return Distribution(LEVELS, column * edges, column * [shortfall])


def test_pinball_loss_costs_each_side_its_share(given_labels: Labels) -> None:
    evidence = given_labels([0.0, 4.0], [1.0, -1.0, 3.0, 3.0])
    found = judge(constant((0.25, 0.75), [0.0, 2.0], [-1.0], 4), evidence, 1)
    low, high = found.pinball
    assert low.loss == pytest.approx((0.25 + 0.75 + 0.75 + 0.75) / 4)
    assert high.loss == pytest.approx((0.25 * 1 + 0.25 * 3 + 0.75 + 0.75) / 4)
    # quantiles of the train labels are 1 and 3
    assert low.naive == pytest.approx((0 + 0.75 * 2 + 0.25 * 2 * 2) / 4)
    assert low.difference == pytest.approx(low.loss - low.naive)


def test_the_naive_one_knows_train_labels_only(given_labels: Labels) -> None:
    evidence = given_labels(np.arange(101.0), [0.0, 2.0, 50.0, 99.0])
    found = judge(constant(LEVELS, [-1.0, 0.0, 100.0], [-2.0], 4), evidence, 1)
    (tail,), (interval,) = found.tails, found.intervals
    assert (tail.naive.count, tail.model.count) == (2, 0)  # 5 of 0, 1, 2, ... are below 5
    assert interval.promised == pytest.approx(0.9)
    assert (interval.achieved, interval.naive) == (1.0, 0.25)  # 50 lies from 5 to 95
    assert (interval.width, interval.naive_width) == (101, 90)


def test_overlapping_outcomes_are_tested_once(given_labels: Labels) -> None:
    evidence = given_labels(np.arange(50.0), np.zeros(41), horizon=4)
    found = judge(constant(LEVELS, [1.0, 2.0, 3.0], [0.0], 41), evidence, 1)
    assert found.tails[0].model.rows == 11
    assert found.rows == 41


def test_the_truth_beats_historical_quantiles_and_keeps_its_promises(given_labels: Labels) -> None:
    random, rows = np.random.default_rng(5), 6000
    deviation = np.exp(np.sin(np.arange(rows) / 300))
    labels = deviation * random.standard_normal(rows)
    evidence = given_labels(labels[:3000], labels[3000:])
    found = judge(normal(deviation[3000:]), evidence, 3)
    assert found.words.startswith("better than historical quantiles")
    assert found.words.endswith("no test rejects value at risk or expected shortfall")
    assert found.intervals[0].achieved == pytest.approx(0.9, abs=0.015)
    assert found.tails[0].naive.coverage.p_value < 0.001


def test_half_the_deviation_is_rejected_and_worse(given_labels: Labels) -> None:
    labels = np.random.default_rng(6).standard_normal(4000)
    evidence = given_labels(labels[:2000], labels[2000:])
    found = judge(normal(np.full(2000, 0.5)), evidence, 3)
    assert found.words.startswith("worse than")
    assert found.words.endswith("tests reject value at risk of 5.0%, expected shortfall of 5.0%")


def test_what_is_no_number_is_refused(given_labels: Labels) -> None:
    evidence = given_labels([0.0, 1.0], [0.0, 1.0, 2.0, 3.0])
    with pytest.raises(DivergedError, match="not a finite number"):
        judge(constant(LEVELS, [0.0, np.nan, 1.0], [0.0], 4), evidence, 1)


def test_it_is_plain_json(given_labels: Labels) -> None:
    evidence = given_labels([0.0, 1.0], [0.0, 1.0, 2.0, 3.0])
    found = judge(constant(LEVELS, [-1.0, 0.0, 1.0], [-2.0], 4), evidence, 1).to_json()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert list(found) == ["verdict", "pinball", "tails", "intervals", "rows", "block"]
    assert found["tails"][0]["model"]["depth"] is None
