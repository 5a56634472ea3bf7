"""Columns that tell a distribution: quantiles that rise, and means beyond them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from atb.tabular.distribution import around, line, normal, rising, stretched, with_means_beyond

pytestmark = pytest.mark.usefixtures("tensorflow_ready")


def answers(given: Any, make: Any) -> Any:
    """What a graph `[B, C] -> [B, W]` says of rows."""
    rows = np.asarray(given, np.float32)
    source = keras.Input((rows.shape[1],))
    return np.asarray(keras.Model(source, make(source))(rows))


def test_levels_lie_around_the_middle() -> None:
    assert around((0.025, 0.05)) == (0.025, 0.05, 0.5, 0.95, 0.975)


def test_a_line_has_the_weights_it_is_given() -> None:
    said = answers([[1, 2]], lambda one: line(one, np.array([[3.0], [4.0]]), np.array([5.0])))
    assert said.tolist() == [[16.0]]


def test_normal_quantiles_and_shortfall_are_those_of_tables() -> None:
    said = answers([[1.0, 2.0]], lambda one: normal(one[:, :1], one[:, 1:], (0.05,)))
    edge, beyond = 1.6448536, 2.0627128
    assert said[0] == pytest.approx([1 - 2 * edge, 1, 1 + 2 * edge, 1 - 2 * beyond], abs=1e-5)


def test_stretched_quantiles_are_so_many_times_as_far_from_the_middle() -> None:
    def make(one: Any) -> Any:
        columns = stretched([one[:, k : k + 1] for k in range(3)], (1.5, 1.0, 2.0))
        return keras.layers.Concatenate()(columns)

    assert answers([[-3, 1, 2]], make).tolist() == [[-5, 1, 3]]


def test_quantiles_that_cross_become_their_neighbour_towards_the_middle() -> None:
    crossed = [[-1, -2, 0, -0.5, 3], [2, -2, 1, 4, 3]]
    said = answers(crossed, lambda one: rising([one[:, k : k + 1] for k in range(5)]))
    assert said.tolist() == [[-2, -2, 0, 0, 3], [-2, -2, 1, 4, 4]]


def test_means_beyond_lie_further_from_the_middle_by_their_depths() -> None:
    said = answers([[-3, -1, 1, 2, 9]], lambda one: with_means_beyond(one, (1.5, 2.0)))
    assert said.tolist() == [[-3, -1, 1, 2, 9, 1 - 1.5 * 4, 1 - 2 * 2]]
