"""The line of a stacking ensemble as the weights of a dense layer."""

from __future__ import annotations

import numpy as np
import pytest

from atb.errors import DataError
from atb.tabular.stacking import line

N = 4_000


def test_quantities_of_each_horizon_have_a_line_of_their_own() -> None:
    """y1 = 0.5 + 2 a1 + 0 b1 and y2 = -1 + 0.25 a2 + 3 b2, from [a1 a2 b1 b2]."""
    raw = np.random.default_rng(1).normal(size=(N, 2, 2, 1))
    actual = np.stack(
        [
            0.5 + 2 * raw[:, 0, 0, 0],
            -1 + 0.25 * raw[:, 0, 1, 0] + 3 * raw[:, 1, 1, 0],
        ],
        axis=1,
    )
    kernel, bias = line(raw, actual, 1)
    np.testing.assert_allclose(kernel, [[2, 0], [0, 0.25], [0, 0], [0, 3]], atol=1e-9)
    np.testing.assert_allclose(bias, [0.5, -1], atol=1e-9)


def test_no_member_counts_against_its_word() -> None:
    raw = np.random.default_rng(1).normal(size=(N, 2, 1, 1))
    kernel, _ = line(raw, raw[:, 0, 0] - raw[:, 1, 0], 1)
    assert kernel[1, 0] == 0 and kernel[0, 0] == pytest.approx(1, abs=0.05)


def test_two_classes_are_drawn_with_the_probability_that_is_found() -> None:
    """Drawn from the first member's word alone: it counts in full, the other not at all."""
    draw = np.random.default_rng(2)
    raw = draw.normal(size=(N, 2, 1, 1)) * 2
    actual = draw.uniform(size=(N, 1)) < 1 / (1 + np.exp(-raw[:, 0, 0]))
    kernel, bias = line(raw, actual.astype(float), 2)
    np.testing.assert_allclose(kernel, [[1], [0]], atol=0.1)
    np.testing.assert_allclose(bias, [0], atol=0.1)


def test_logits_of_three_classes_are_mixed_as_they_were() -> None:
    """Drawn from a mixture of the second member's logits; all classes share a free number."""
    draw = np.random.default_rng(2)
    raw = draw.normal(size=(N, 2, 1, 3)) * 2
    mixed = np.array([[1, 0.5, 0], [0, 1, 0], [-0.5, 0, 1]])  # from a logit, to a logit
    word = raw[:, 1, 0] @ mixed + draw.gumbel(size=(N, 3))
    kernel, bias = line(raw, word.argmax(axis=1)[:, np.newaxis].astype(float), 3)
    centred = kernel - kernel.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(centred[:3], 0, atol=0.1)
    np.testing.assert_allclose(centred[3:], mixed - mixed.mean(axis=1, keepdims=True), atol=0.12)
    np.testing.assert_allclose(bias - bias.mean(), 0, atol=0.12)


def test_a_class_that_never_came_is_told() -> None:
    raw = np.random.default_rng(1).normal(size=(20, 2, 1, 3))
    with pytest.raises(DataError, match="class 1 came true on none of the 20 rows"):
        line(raw, np.array([[0.0], [2.0]] * 10), 3)
