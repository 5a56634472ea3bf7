"""What a profile keeps of a model, and what its residuals are."""

from __future__ import annotations

import json

import numpy as np
import pytest

from atb.monitor.profile import Profile, residuals


def test_residuals_of_quantities_are_signed():
    assert residuals(1, np.array([1.0, 2.0]), np.array([3.0, 1.0])).tolist() == [2.0, -1.0]


def test_residuals_of_classes_are_what_was_not_given_to_the_truth():
    two = residuals(2, np.array([0.9, 0.9]), np.array([1.0, 0.0]))
    assert two == pytest.approx([0.1, 0.9])
    said = np.array([[0.7, 0.2, 0.1], [0.7, 0.2, 0.1], [0.0, 0.0, 1.0]])
    assert residuals(3, said, np.array([0.0, 2.0, 2.0])) == pytest.approx([0.3, 0.9, 0.0])


def profile(classes: int = 3, columns: int = 2) -> Profile:
    draw = np.random.default_rng(0)
    names = [f"feature_{i}" for i in range(columns)]
    said = draw.dirichlet(np.ones(3), 400) if classes == 3 else draw.random(400)
    truth = draw.integers(0, max(classes, 2), 400).astype(float)
    return Profile.of(names, draw.normal(size=(2000, columns)), said, truth, truth, classes)


@pytest.mark.parametrize("classes", [1, 2, 3])
def test_it_survives_json(classes):
    made = profile(classes)
    again = Profile.from_json(json.loads(json.dumps(made.to_json())))
    assert again.classes == classes
    assert [one.name for one in again.features] == ["feature_0", "feature_1"]
    named = ["down", "flat", "up"] if classes == 3 else ["prediction"]
    assert [one.name for one in again.predictions] == named
    assert again.error.edges.tolist() == made.error.edges.tolist()


def test_forty_columns_are_some_tens_of_kilobytes():
    assert len(json.dumps(profile(3, 40).to_json())) < 50_000


def test_another_form_is_refused():
    said = profile().to_json()
    with pytest.raises(ValueError, match="format 2 is unknown"):
        Profile.from_json({**said, "format": 2})
    del said["error"]
    with pytest.raises(KeyError):
        Profile.from_json(said)


def test_as_many_names_as_columns():
    with pytest.raises(ValueError, match="argument 2 is longer"):
        Profile.of(["one"], np.zeros((10, 2)), np.zeros(5), np.zeros(5), np.zeros(10), 1)


@pytest.mark.parametrize("classes", [1, 3])
def test_how_long_errors_stay_large_is_asked_of_train_rows_too(classes):
    """Test rows whose errors are independent, after train rows with calm and wild seasons."""
    draw = np.random.default_rng(4)
    wild = np.repeat(draw.random(40) < 0.5, 100)
    learned = draw.normal(0, np.where(wild, 3.0, 0.3))
    truth = draw.normal(size=1000)
    said = np.zeros(1000)
    if classes == 3:
        learned, truth = np.where(wild, 2.0, 1.0), draw.integers(0, 3, 1000).astype(float)
        said = np.full((1000, 3), 1 / 3) + draw.normal(0, 0.01, (1000, 1)) * [1, 0, -1]
    made = Profile.of(["x"], draw.normal(size=(4000, 1)), said, truth, learned, classes)
    assert made.error.effective(1000) < 40
    alone = Profile.of(["x"], draw.normal(size=(4000, 1)), said, truth, truth, classes)
    assert alone.error.effective(1000) > 300
