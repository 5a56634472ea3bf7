"""What a trial trains and reports: to the bit whatever test rows hold, and after a stop."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from atb import presets
from atb.clock import parse_time
from atb.events import EpochEnded, Noted, Progress, silent
from atb.market.sample import simulate
from atb.runs import Recipe
from atb.studies import tune, tuned_preset
from atb.studies.tune_jobs import TRIALS
from atb.studies.tuning import KIND, Tuning, first_values
from atb.workspace import Workspace

pytestmark = pytest.mark.usefixtures("tensorflow_ready")

PRESET = """
description: tiny
features: price
target: {kind: direction, horizon: 1}
window: 8
dataset: {train: 0.5, validation: 0.3, embargo: 2}
model: {architecture: mlp, dense: [4]}
training: {epochs: 2, batch: 64}
search:
  window: {choice: [4, 8]}
  training.learning_rate: {log_range: [5e-4, 1e-1]}
"""


@pytest.fixture(scope="module")
def candles():
    return simulate("TEST", "1h", parse_time("2024-01-01"), parse_time("2024-02-03"), seed=5)


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(PRESET)
    return presets.resolve(str(path), "TEST")


def begun(folder, recipe, candles, trials=2, splits=None):
    """A study of it in a folder, planned."""
    if splits:
        path = recipe.preset.path
        folded = [f"dataset.fold.splits={splits}"]
        recipe = presets.resolve(str(path), "TEST", assignments=folded)
    first_end = tune.recipes(recipe, trials, bool(splits))[0].dataset.first_end
    members = {"tiny": tune._base(recipe, first_end, bool(splits))}
    search = {name: one.model_dump(mode="json") for name, one in recipe.preset.search.items()}
    settings = {"trials": trials, "search": search}
    study = Tuning.taken_up(KIND, Workspace(folder), members, candles, settings)
    study.journal().plan(trials, first_values(study.search, study.config))
    return study


def tried(study, left=(), listen=silent):
    from atb.studies.tune_jobs import try_recipes

    try_recipes(study, "worker-1", left, 10, listen)
    return outcome(study)


def outcome(study):
    """All that a study knows of its trials, to the bit."""
    trials = study.journal().trials()
    return trials, [np.load(study.returns(trial.number)).tobytes() for trial in trials]


def split_of(study):
    """The windows of the study's recipe."""
    from atb import pipeline

    recipe = Recipe(study.config, study.history(), {})
    learned = pipeline.learn(recipe, study.workspace, study.place("split"))
    return learned.dataset.split


def spoiled(candles, rows):
    """The candles with other prices and volumes in these rows."""
    columns = {name: getattr(candles, name).copy() for name in ("open", "high", "low", "close")}
    for column in columns.values():
        column[rows] *= np.linspace(1.5, 3, len(rows))
    volume = candles.volume.copy()
    volume[rows] *= 10
    return replace(candles, **columns, volume=volume)


@pytest.fixture(scope="module")
def plain(tmp_path_factory, candles):
    """A study that ran through, and what came of it."""
    folder = tmp_path_factory.mktemp("plain")
    (folder / "tiny.yaml").write_text(PRESET)
    study = begun(folder, presets.resolve(str(folder / "tiny.yaml"), "TEST"), candles)
    heard = []
    return study, tried(study, listen=heard.append), heard


def test_trials_are_measured_beside_a_constant_and_told_of(plain):
    study, (trials, _), heard = plain
    assert [trial.state for trial in trials] == ["complete", "complete"]
    first = trials[0]
    assert first.values == {"window": 8, "training.learning_rate": 0.001}
    assert (first.steps, first.notes["epochs"], first.notes["worker"]) == (2, 2, "worker-1")
    losses = [event.validation_loss for event in heard if isinstance(event, EpochEnded)]
    assert first.loss == min(losses[:2])
    assert first.notes["naive"] == trials[1].notes["naive"] == pytest.approx(np.log(2), abs=0.02)
    told = [one for one in heard if isinstance(one, Progress) and one.task == TRIALS]
    assert [one.done for one in told] == [1, 2]
    assert any(isinstance(one, Noted) and "trial-2: window" in one.message for one in heard)
    assert not list(study.path.glob("members/*/checkpoints"))
    assert study.missing() == []


@pytest.mark.parametrize("kind", ["return", "direction", "ternary"])
def test_a_constant_is_the_best_that_needs_no_model(recipe, candles, kind, tmp_path):
    from atb import learning
    from atb.events import Stopwatch
    from atb.studies import tried
    from atb.targets.build import build

    config = presets.resolve(str(recipe.preset.path), "TEST", target=kind, horizon=3).config
    asked = Recipe(config, candles, {})
    labels = build(config.target, candles, 0)
    dataset = learning.prepare(asked, labels, Workspace(tmp_path), Stopwatch())
    rows, train = dataset.split.validation, dataset.split.train
    labels = dataset.labels.value[:, 0]
    if kind == "return":
        spread = labels[train].std()
        expected = min(np.mean((labels[rows] - one) ** 2) for one in (0, labels[train].mean()))
        expected /= spread**2
    else:
        classes = np.arange(2 if kind == "direction" else 3)
        shares = np.array([np.sum(labels[train] == one) + 1 for one in classes]) / (
            len(train) + len(classes)
        )
        expected = -np.log(shares)[labels[rows].astype(int)].mean()
    found = tried.naive_loss(asked, learning.Learned(dataset, None, None))
    assert found == pytest.approx(expected, rel=1e-5)


def test_nothing_in_test_rows_changes_a_trial(plain, tmp_path, recipe, candles):
    study, found, _ = plain
    test = split_of(study).test
    beyond = np.arange(test[0], len(candles))
    assert len(beyond) > 100
    assert tried(begun(tmp_path / "test", recipe, spoiled(candles, beyond))) == found
    within = np.arange(test[0] - 40, test[0])  # validation rows, which must tell
    other, _ = tried(begun(tmp_path / "val", recipe, spoiled(candles, within), trials=1))
    assert other[0].loss != found[0][0].loss


def test_nothing_in_test_rows_changes_a_trial_over_folds(plain, tmp_path, recipe, candles):
    test = split_of(plain[0]).test
    beyond = np.arange(test[0], len(candles))
    study = begun(tmp_path / "a", recipe, candles, trials=1, splits=2)
    found = tried(study)
    (trial,), _ = found
    assert (trial.state, trial.steps, trial.notes["epochs"]) == ("complete", 2, 4)
    assert len(np.load(study.returns(1))) > 100
    again = begun(tmp_path / "b", recipe, spoiled(candles, beyond), trials=1, splits=2)
    assert tried(again) == found


def test_a_trial_that_was_stopped_ends_as_if_it_had_not_been(plain, tmp_path, recipe, candles):
    study = begun(tmp_path, recipe, candles, trials=1)

    def impatient(event):
        if isinstance(event, EpochEnded):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tried(study, listen=impatient)
    assert [trial.state for trial in study.journal().trials()] == ["running"]
    trials, returns = tried(study, left=[1])
    assert (trials, returns) == (plain[1][0][:1], plain[1][1][:1])


def test_values_that_do_not_go_together_are_a_trial_that_failed(tmp_path, candles):
    model = "{architecture: transformer, width: 192, heads: 64}"
    search = "search:\n  model.width: {range: [64, 128]}\n"
    text = PRESET.partition("search:")[0].replace("{architecture: mlp, dense: [4]}", model)
    (tmp_path / "wide.yaml").write_text(text + search)
    recipe = presets.resolve(str(tmp_path / "wide.yaml"), "TEST")  # both ends are valid
    study = begun(tmp_path, recipe, candles, trials=1)
    from atb.studies.tune_jobs import try_recipes

    try_recipes(study, "worker-1", (), 10, silent)
    (trial,) = study.journal().trials()
    assert (trial.state, study.missing()) == ("failed", [])
    width = trial.values["model.width"]
    said = f"model.width {width}: model.transformer: width {width} is no multiple of heads 64"
    assert trial.notes["problem"] == said


def test_the_new_preset_learns_what_its_trial_learned(plain, tmp_path, recipe, candles):
    from atb import pipeline
    from atb.config.judgement import SelectionSpec

    study, (trials, _), _ = plain
    best = min(trials, key=lambda trial: trial.loss)
    fields = tuned_preset.fields_of(
        recipe, best.values, study.config.dataset.first_end, SelectionSpec(trials=2)
    )
    tuned_preset.write(tmp_path / "tiny-tuned.yaml", "tiny, tuned", [], fields)
    config = presets.resolve(str(tmp_path / "tiny-tuned.yaml"), "TEST").config
    learned = pipeline.learn(Recipe(config, candles, {}), study.workspace, tmp_path / "points")
    assert min(epoch.validation_loss for epoch in learned.fitted.history) == best.loss
