"""Shares of members: small cases by hand, and the optimum as scipy finds it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from atb.tabular import shares


def test_two_members_whose_errors_are_unrelated_share_by_inverse_variance() -> None:
    """Bates and Granger 1969: with variances 1 and 4, 4/5 and 1/5."""
    errors = np.array([[1, -1, 1, -1], [2, 2, -2, -2]], float)
    np.testing.assert_allclose(shares.of_quantities(errors), [0.8, 0.2], atol=1e-5)


def test_a_member_that_helps_nobody_gets_nothing() -> None:
    errors = np.array([[1, -1, 1, -1], [3, -3, 3, -3]], float)
    np.testing.assert_allclose(shares.of_quantities(errors), [1, 0], atol=1e-6)


def test_one_that_is_never_sure_gets_the_rest_of_one_that_is_wrong_a_quarter_of_the_time() -> None:
    """Three hits of 0.9, one of 0.1 against 0.5: w = 0.625 ends 0.9w + 0.5(1 - w) at 3/4."""
    hits = np.array([[0.9, 0.9, 0.9, 0.1], [0.5, 0.5, 0.5, 0.5]])
    np.testing.assert_allclose(shares.of_classes(hits), [0.625, 0.375], atol=1e-4)


@settings(max_examples=10, deadline=None)
@given(st.integers(2, 6), st.integers(0, 2**32 - 1))
def test_no_other_shares_are_better(members: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    errors = draw.normal(size=(members, 50)) + draw.normal(size=50) * draw.uniform(0, 5)
    hits = draw.uniform(0.01, 0.99, (members, 50))
    found, chosen = shares.of_quantities(errors), shares.of_classes(hits)
    for one in (found, chosen):
        assert one.sum() == pytest.approx(1) and (one >= 0).all()
    assert np.square(found @ errors).mean() <= best(lambda w: np.square(w @ errors).mean(), members)
    assert -np.log(chosen @ hits).mean() <= best(lambda w: -np.log(w @ hits).mean(), members)


def best(loss, members: int) -> float:
    bounds, total = [(0, 1)] * members, {"type": "eq", "fun": lambda w: w.sum() - 1}
    start = np.full(members, 1 / members)
    return minimize(loss, start, bounds=bounds, constraints=total).fun + 1e-5
