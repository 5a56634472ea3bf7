"""A walk's results become the profile that drift is measured against."""

from __future__ import annotations

import json

import numpy as np
import pytest

from atb.config.features import columns
from atb.config.targets import DirectionTarget, TernaryTarget
from atb.monitor.distribution import counted
from atb.monitor.profile import Profile, residuals
from atb.report import profile


def test_features_are_those_of_train_rows_unscaled(run):
    made = profile.of(run)
    train = run.dataset.matrix[run.dataset.split.train]
    assert [one.name for one in made.features] == list(columns(run.config.features))
    for one, column in zip(made.features, train.T, strict=True):
        assert counted(one.edges, column).tolist() == one.counts.tolist()


def test_scaling_is_undone(run, monkeypatch):
    monkeypatch.setattr(run.dataset.scaling, "scale", 4.0)
    monkeypatch.setattr(run.dataset.scaling, "offset", 1.0)
    train = (run.dataset.matrix[run.dataset.split.train] - 1.0) / 4.0
    first = profile.of(run).features[0]
    assert counted(first.edges, train[:, 0]).tolist() == first.counts.tolist()


@pytest.mark.parametrize("target", [DirectionTarget(), TernaryTarget(horizon=(1, 3))])
def test_predictions_and_residuals_are_those_of_test_rows(make_run, target):
    run = make_run(target)
    made = profile.of(run)
    truth = run.dataset.labels.value[run.dataset.split.test, 0]
    missed = residuals(target.classes, run.predictions.value, truth)
    assert counted(made.residual.edges, missed).tolist() == made.residual.counts.tolist()
    assert (made.classes, made.predictions[0].rows) == (target.classes, 190)


def test_the_file_is_one_small_line(run, tmp_path):
    profile.write(run, tmp_path / "profile.json")
    text = (tmp_path / "profile.json").read_text()
    assert text.count("\n") == 1 and len(text) < 40_000
    again, made = Profile.from_json(json.loads(text)), profile.of(run)
    assert np.array_equal(again.error.edges, made.error.edges)
