"""What a monitor says of rows that have drifted, and of rows that have not."""

from __future__ import annotations

import json

import numpy as np
import pytest

from atb.monitor.drift import ALPHA, Drift, Monitor
from atb.monitor.profile import Profile

NAMES = tuple("abcdefgh")


def autoregressive(rows: int, columns: int, seed: int, rho: float = 0.9) -> np.ndarray:
    """`[rows, columns]` of deviation 1 whose neighbours are alike."""
    noise = np.random.default_rng(seed).normal(0, np.sqrt(1 - rho**2), (rows + 100, columns))
    found = np.zeros_like(noise)
    for i in range(1, len(found)):
        found[i] = rho * found[i - 1] + noise[i]
    return found[100:]


@pytest.fixture(scope="module")
def profile() -> Profile:
    draw = np.random.default_rng(0)
    said = draw.normal(0, 0.1, 3000)
    return Profile.of(
        NAMES, autoregressive(10_000, 8, 1), said, draw.normal(size=3000), draw.normal(size=500), 1
    )


def watched(
    profile: Profile, rows: int, seed: int, shift: float = 0.0, error: float = 1.0, bias: float = 0
) -> Drift:
    draw, monitor = np.random.default_rng(seed), Monitor(profile)
    features = autoregressive(rows, 8, seed)
    features[:, 3] += shift
    said = draw.normal(0, 0.1, rows)
    monitor.observe(features.astype(np.float32), said)
    monitor.mature(said, draw.normal(0, error, rows) + bias)
    return monitor.report()


def test_rows_of_the_same_process_are_stable_and_false_alarms_are_rare(profile):
    found = [watched(profile, rows, seed) for seed in range(100, 130) for rows in (100, 700)]
    assert sum(one.drifted for one in found) <= 2  # of 60, at ALPHA = 1 %
    assert ALPHA == 0.01


def test_a_test_that_takes_rows_for_independent_would_cry_wolf(profile):
    from scipy.stats import ks_2samp

    reference = autoregressive(10_000, 8, 1)
    alarms = [
        ks_2samp(reference[:, 0], autoregressive(700, 8, seed)[:, 0]).pvalue < ALPHA
        for seed in range(100, 120)
    ]
    assert np.mean(alarms) > 0.3


def test_a_shifted_feature_is_named_first(profile):
    found = watched(profile, 700, 7, shift=1.5)
    worst = found.columns[0]
    assert found.drifted
    assert (worst.name, worst.part, worst.state) == ("d", "feature", "drifted")
    assert worst.psi > 0.25 and worst.ks > 0.4 and worst.adjusted_p_value < 0.001
    assert worst.effective_rows < 200 < worst.rows == 700
    assert [one.state for one in found.columns[1:]] == ["stable"] * 9
    assert found.words() == "drifted: d"


def test_a_small_shift_that_is_sure_is_told_and_no_alarm(profile):
    found = watched(profile, 12_000, 8, shift=0.4)
    assert found.columns[0].state == "shifted" and found.columns[0].psi < 0.25
    assert not found.drifted
    assert found.words() == "stable: none of 10 columns drifted; shifted a little: d"


def test_a_handful_of_dependent_rows_says_nothing(profile):
    found = watched(profile, 12, 9, shift=1.5)
    assert {one.name for one in found.columns if one.state == "undecided"} == set(NAMES)
    assert found.words() == "stable: none of 10 columns drifted; too few rows to tell of 8"
    single = watched(profile, 1, 9)
    assert single.words() == "undecided; too few rows to tell of 10"


def test_larger_errors_are_drift_and_smaller_ones_are_not(profile):
    worse, better = (watched(profile, 1000, 10, error=size) for size in (2.0, 0.3))
    assert worse.drifted and worse.errors is not None
    assert worse.errors.state == "drifted" and worse.errors.recent_rank > 0.6
    assert 0 < (worse.errors.changed_at or 0) < 1000
    assert "the level of errors" in worse.words()
    assert better.errors is not None and better.errors.changes > 0
    assert better.errors.state == "shifted" and better.errors.recent_rank < 0.4


def test_a_bias_is_found_in_the_residuals(profile):
    found = watched(profile, 1000, 11, bias=1.0)
    assert found.columns[0].part == "residual" and found.columns[0].state == "drifted"


def test_predictions_that_became_constant_are_found(profile):
    monitor = Monitor(profile)
    monitor.observe(autoregressive(300, 8, 12), np.zeros(300))
    found = monitor.report()
    assert (found.columns[0].part, found.columns[0].state) == ("prediction", "drifted")
    assert found.errors is None and found.words().endswith("no outcome is known yet")


def test_one_row_at_a_time_or_all_at_once_is_the_same(profile):
    draw = np.random.default_rng(3)
    features, said = autoregressive(400, 8, 3), draw.normal(0, 0.1, 400)
    truth = draw.normal(0, 1.5, 400)
    whole, single = Monitor(profile), Monitor(profile)
    whole.observe(features, said)
    whole.mature(said, truth)
    for i in range(400):
        single.observe(features[i : i + 1], said[i : i + 1])
        if i >= 20:  # an outcome is known later than the prediction
            single.mature(said[i - 20 : i - 19], truth[i - 20 : i - 19])
    single.mature(said[-20:], truth[-20:])
    assert single.report().columns == whole.report().columns
    ours, theirs = (vars(one.report().errors) for one in (single, whole))
    assert ours.pop("mean_rank") == pytest.approx(theirs.pop("mean_rank"))
    assert ours == theirs and ours["changes"] > 0
    json.dumps(whole.report().to_json(), allow_nan=False)


def test_values_that_are_no_numbers_are_beyond_the_reference(profile):
    monitor = Monitor(profile)
    monitor.observe(np.full((200, 8), np.nan), np.zeros(200))
    features = [one for one in monitor.report().columns if one.part == "feature"]
    assert {(one.outside, one.state) for one in features} == {(1.0, "drifted")}


def test_other_columns_are_refused(profile):
    with pytest.raises(ValueError, match="shorter"):
        Monitor(profile).observe(np.zeros((5, 7)), np.zeros(5))
    with pytest.raises(ValueError, match="nothing was observed"):
        Monitor(profile).report()
