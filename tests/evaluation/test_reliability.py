"""What calibration promised beside what came true, by hand and against the metrics."""

from __future__ import annotations

import json

import numpy as np
import pytest

from atb.calibration import Calibration
from atb.config.judgement import CalibrationSpec
from atb.evaluation.calibration import fit
from atb.evaluation.reliability import Coverage, Reliability, measured

PLAIN = Calibration()


def test_bins_by_hand():
    """0.9 twice, right once; 0.7 as 0.3 of the other, right; all in bins of a fifteenth."""
    served = np.array([0.9, 0.1, 0.3])
    found = measured(PLAIN, 0, served, served, np.array([1.0, 1.0, 0.0]))
    assert isinstance(found, Reliability)
    answer = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert [one["rows"] for one in answer["reliability"]] == [1, 2]
    low, high = answer["reliability"]
    assert (low["confidence"], low["accuracy"]) == pytest.approx((0.7, 1.0))
    assert (high["confidence"], high["accuracy"]) == pytest.approx((0.9, 0.5))
    assert (high["low"], high["high"]) == pytest.approx((13 / 15, 14 / 15))
    assert answer["error"] == answer["uncalibrated_error"] == pytest.approx((0.3 + 2 * 0.4) / 3)
    assert answer["brier"] == pytest.approx((0.01 + 0.81 + 0.09) / 3)
    assert answer["log_loss"] == pytest.approx(-np.log([0.9, 0.1, 0.7]).mean())
    assert (answer["method"], answer["parameters"]) == ("none", {})


@pytest.mark.parametrize("method", ["temperature", "isotonic"])
def test_calibration_improves_what_was_too_sure(method):
    random = np.random.default_rng(0)
    logits = random.normal(0, 1, (6000, 1))
    rose = (random.random(logits.shape) < 1 / (1 + np.exp(-logits))).astype(float)
    raw = 4 * logits
    plain = 1 / (1 + np.exp(-raw))
    learned, test = slice(0, 3000), slice(3000, None)
    taught = fit(CalibrationSpec(method=method), raw[learned], plain[learned], rose[learned], 2)
    served = taught.applied(1 / (1 + np.exp(-taught.logits(raw[test]))))
    found = measured(taught, 0, served[:, 0], plain[test, 0], rose[test, 0])
    assert found.method == method
    assert found.error < 0.03
    assert found.uncalibrated_error > 0.15
    assert found.brier < found.uncalibrated_brier
    assert found.log_loss < found.uncalibrated_log_loss
    weights = np.array([(one.rows, one.accuracy - one.confidence) for one in found.reliability])
    assert found.error == pytest.approx(np.abs(weights.prod(axis=1)).sum() / 3000)
    assert json.dumps(found.to_json(), allow_nan=False)


def test_three_classes_have_bins_of_the_likeliest():
    served = np.array([[0.5, 0.3, 0.2], [0.1, 0.3, 0.6]])
    found = measured(PLAIN, 0, served, served, np.array([0.0, 0.0]))
    assert [(one.confidence, one.accuracy) for one in found.reliability] == [(0.5, 1), (0.6, 0)]


def test_coverage_by_hand():
    taught = Calibration(half_width=np.array([1.0, 2.0]), coverage=0.9)
    actual = np.array([0.5, -1.0, 1.5, 3.0])
    found = measured(taught, 1, np.zeros(4), np.zeros(4), actual)
    assert found == Coverage("conformal", 0.9, 2.0, 0.75, pytest.approx(0.15))
    assert found.to_json()["achieved"] == 0.75
    assert measured(taught, 0, np.zeros(4), np.zeros(4), actual).achieved == 0.5
