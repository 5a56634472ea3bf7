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


@pytest.mark.parametrize(("classes", "logits"), [(2, 1), (3, 3)])
def test_classes_are_drawn_with_the_probabilities_that_are_found(classes: int, logits: int) -> None:
    """Labels drawn from the first member's word alone: it counts in full, the other not at all."""
    draw = np.random.default_rng(2)
    raw = draw.normal(size=(N, 2, 1, logits)) * 2
    word = raw[:, 0, 0] if classes == 3 else np.hstack([np.zeros((N, 1)), raw[:, 0, 0]])
    actual = (word + draw.gumbel(size=word.shape)).argmax(axis=1)[:, None].astype(float)
    kernel, bias = line(raw, actual, classes)
    if classes == 3:  # logits are known up to a number that all classes share
        kernel, bias = kernel - kernel.mean(axis=1, keepdims=True), bias - bias.mean()
        expected = np.eye(3) - 1 / 3
    else:
        expected = np.ones((1, 1))
    np.testing.assert_allclose(kernel[:logits], expected, atol=0.12)
    np.testing.assert_allclose(kernel[logits:], 0, atol=0.1)
    np.testing.assert_allclose(bias, 0, atol=0.12)


def test_a_class_that_never_came_is_told() -> None:
    raw = np.random.default_rng(1).normal(size=(20, 2, 1, 3))
    with pytest.raises(DataError, match="class 1 came true on none of the 20 rows"):
        line(raw, np.array([[0.0], [2.0]] * 10), 3)
