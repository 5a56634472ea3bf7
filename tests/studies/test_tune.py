"""A study from its first trial to the preset: what it says, refuses, settles and goes on with."""

from __future__ import annotations

import json

import numpy as np
import pytest

from atb import atomic, presets
from atb.clock import parse_time
from atb.errors import (
    AtbError,
    ConfigError,
    DataError,
    DivergedError,
    ResourceError,
    StoppedError,
    StorageError,
    UsageError,
)
from atb.events import Noted, Progress, Within
from atb.fleet.policy import Limits
from atb.market import access
from atb.market.sample import simulate
from atb.studies import side_by_side, tune
from atb.studies.tune import WHAT_TO_WRITE

PRESET = """
description: mine
features: price
window: 8
model: {architecture: mlp, dense: [4]}
"""
SEARCH = """
search:
  window: {choice: [4, 8, 16]}
  training.learning_rate: {log_range: [1e-4, 1e-2]}
"""


@pytest.fixture
def path(tmp_path):
    candles = simulate("TEST", "1h", parse_time("2024-01-01"), parse_time("2024-05-01"), seed=5)
    access.keep(candles, tmp_path / "c.parquet")
    (tmp_path / "my.yaml").write_text(PRESET + SEARCH)
    return tmp_path


def recipe_of(path, *assignments, **options):
    options = {"candles": path / "c.parquet", **options}
    return presets.resolve(str(path / "my.yaml"), "TEST", assignments=assignments, **options)


class Fleet:
    """Stands in for processes: trials of the same journal, with the losses it is told."""

    def __init__(self, monkeypatch):
        self.losses, self.errors, self.rounds, self.at_once = {}, {}, [], None
        self.given_up = set()
        monkeypatch.setattr(side_by_side, "carry_out", self.carry_out)
        monkeypatch.setattr(tune.limits, "of_machine", lambda at_once, _: Limits(at_once or 2))

    def carry_out(self, study, jobs, at_once, listen, engine):
        self.at_once = at_once
        self.rounds.append([job.name for job in jobs])
        failures = {}
        for job in jobs:
            error = self._work(**job.arguments, listen=listen)
            if isinstance(error, StoppedError):
                raise StoppedError("stopped", where=study.name, remedy="the same command goes on")
            if error is not None:
                failures[job.name] = error
        return failures

    def _work(self, study, worker, left, count, listen):
        journal, left = study.journal(), list(left)
        for _ in range(count):
            attempt = journal.begin(left.pop(0)) if left else journal.claim()
            if attempt is None:
                return None
            attempt.note(worker=worker)
            error = self.errors.pop(attempt.number, None)
            if error is not None:
                return error
            self._end(study, attempt)
            done = study.trials - len(study.missing())
            listen(Within(worker, Progress("trials", done, study.trials)))
            listen(Progress("jobs", 1, 2))
        return None

    def _end(self, study, attempt):
        loss = self.losses.get(attempt.number, 1.0 + attempt.number / 100)
        if loss is None:
            attempt.fail("the loss became nan")
            return
        attempt.report(1, loss)
        if attempt.number in self.given_up:
            attempt.prune()
            return
        luck = np.random.default_rng(attempt.number)
        returns = luck.normal(0, 0.01, 200)
        place = study.returns(attempt.number)
        with atomic.file(place) as temporary, temporary.open("wb") as stream:
            np.save(stream, returns)
        sharpe = float(returns.mean() / returns.std())
        attempt.note(naive=1.01, epochs=3, sharpe=sharpe)
        attempt.complete(loss)


@pytest.fixture
def fleet(monkeypatch):
    return Fleet(monkeypatch)


def tuned(path, recipe=None, **options):
    options = {"trials": 4, "artifacts": path / "art", **options}
    return tune.tune(recipe or recipe_of(path), **options)


def test_the_best_trial_becomes_a_preset_that_knows_its_trials(path, fleet):
    fleet.losses = {3: 0.99}
    heard = []
    results = tuned(path, listen=heard.append)
    assert results["best"]["trial"] == 3
    assert results["as_it_was"] == 1.01
    assert [one["trial"] for one in results["ranking"]] == [3, 1, 2, 4]
    assert results["trials"] == {"asked": 4, "complete": 4, "pruned": 0, "failed": 0}
    assert results["deviation"] == pytest.approx(
        np.std([one["sharpe"] for one in results["ranking"]], ddof=1)
    )
    assert results["words"] == [
        "validation loss 0.990000 of trial 3: below the 1.010000 of a constant (-1.98%)",
        "the preset as it was has 1.010000 (-1.98% from there)",
        "chosen from 4 trials on validation rows; the test part was not looked at",
    ]
    written = json.loads((path / "art" / "studies" / results["study"] / "results.json").read_text())
    assert written == json.loads(json.dumps(results))
    assert results["output"].endswith(f"{results['study']}/my-tuned.yaml")
    config = presets.resolve(results["output"], "TEST").config
    assert config.window == results["best"]["values"]["window"]
    rate = results["best"]["values"]["training.learning_rate"]
    assert config.training.learning_rate == rate
    chosen = config.selection
    assert (chosen.trials, chosen.study) == (4, results["study"])
    assert chosen.deviation == results["deviation"]
    reaches = [recipe_of(path, sequence_length=window).config.reach for window in (4, 8, 16)]
    assert config.dataset.first_end == max(reaches) - 1
    assert [one for one in heard if isinstance(one, Progress)][-1] == Progress("trials", 4, 4)
    assert not any(isinstance(one, Progress) and one.task == "jobs" for one in heard)
    assert any(isinstance(one, Noted) and one.message.endswith(": 4 trials") for one in heard)


def test_what_was_given_up_is_not_the_best_however_low_its_loss_was(path, fleet):
    fleet.losses, fleet.given_up = {2: 0.5, 3: 0.99}, {2}
    results = tuned(path)
    assert [one["trial"] for one in results["ranking"]] == [3, 1, 4, 2]
    assert results["trials"] == {"asked": 4, "complete": 3, "pruned": 1, "failed": 0}
    assert results["best"]["loss"] == 0.99


def test_folds_say_how_likely_the_choice_is_luck(path, fleet):
    results = tuned(path, cv=True, output=path / "new" / "my-cv.yaml")
    assert results["objective"] == (
        "mean validation loss of 5 walk-forward folds before the test part"
    )
    found = results["overfitting"]
    assert 0 <= found["probability"] <= 1
    assert (found["trials"], found["steps"]) == (4, 200)
    assert "probability of backtest overfitting" in results["words"][-1]
    assert results["words"][1] == "nothing was better than the preset as it was"
    assert presets.resolve(str(path / "new" / "my-cv.yaml"), "TEST").config.dataset.fold is None


def test_trials_of_an_earlier_study_count_as_well(path, fleet):
    first = tuned(path, output=path / "once.yaml")
    (path / "my.yaml").write_text((path / "once.yaml").read_text() + SEARCH)
    tuned(path, trials=3, output=path / "twice.yaml")
    chosen = presets.resolve(str(path / "twice.yaml"), "TEST").config.selection
    assert chosen.trials == 4 + 3
    assert chosen.study != first["study"]


def test_a_study_that_was_stopped_goes_on(path, fleet):
    fleet.errors = {2: StoppedError("stopped")}
    with pytest.raises(StoppedError, match="1 of 4 trials are over; the same command goes on"):
        tuned(path)
    heard = []
    results = tuned(path, listen=heard.append)
    assert fleet.rounds == [["worker-1", "worker-2"]] * 2
    assert any(isinstance(e, Noted) and "4 trials, 1 are over" in e.message for e in heard)
    assert len(list((path / "art" / "studies").glob("*-tune-*"))) == 1
    assert results["trials"]["complete"] == 4


@pytest.mark.parametrize("error", [ResourceError("killed"), AtbError("its process died")])
def test_a_trial_that_kills_its_process_has_failed_and_others_go_on(path, fleet, error):
    fleet.errors = {1: error, 2: error}
    results = tuned(path)
    assert fleet.rounds == [["worker-1", "worker-2"]] * 2
    assert results["trials"] == {"asked": 4, "complete": 2, "pruned": 0, "failed": 2}
    assert [one["problem"] for one in results["ranking"]] == [None, None, str(error), str(error)]
    assert results["as_it_was"] is None
    assert presets.resolve(results["output"], "TEST").config.selection.trials == 4


def test_what_a_process_had_done_before_it_died_stays(path, fleet):
    fleet.errors = {3: ResourceError("killed")}
    results = tuned(path)
    assert [one["trial"] for one in results["ranking"]] == [1, 2, 4, 3]
    assert [one["state"] for one in results["ranking"]] == ["complete"] * 3 + ["failed"]


@pytest.mark.parametrize("error", [StorageError("disk full"), DataError("too few")])
def test_what_can_be_mended_is_raised_and_tried_again(path, fleet, error):
    fleet.errors = {1: error}
    with pytest.raises(type(error), match=r"1 of 4 trials are not over; worker-1: .*; the same"):
        tuned(path)
    assert tuned(path)["trials"]["complete"] == 4


def test_a_study_without_a_complete_trial_says_why(path, fleet):
    fleet.losses = dict.fromkeys(range(1, 5))
    with pytest.raises(DivergedError, match=r"none of 4 trials .*; trial 1: the loss became nan"):
        tuned(path)


def test_many_trials_have_processes_enough(path, fleet):
    tuned(path, trials=11, at_once=1)
    assert (fleet.rounds, fleet.at_once) == ([["worker-1", "worker-2"]], 1)
    tuned(path, trials=1, at_once=2)
    assert fleet.rounds[1:] == [["worker-1"]]


def test_no_better_than_a_constant_is_said(path, fleet):
    fleet.losses = dict.fromkeys(range(1, 5), 1.02)
    assert "not below the 1.010000 of a constant (+0.99%)" in tuned(path)["words"][0]


def test_a_preset_without_a_search_says_what_to_write(path, fleet):
    (path / "my.yaml").write_text(PRESET)
    with pytest.raises(ConfigError, match=r"my.yaml: has no search .*; add a line such as search:"):
        tuned(path)
    (path / "my.yaml").write_text(PRESET + WHAT_TO_WRITE)
    assert tuned(path)["best"]["values"].keys() == {"window", "training.learning_rate"}
    (path / "my.yaml").write_text(PRESET + SEARCH.replace("learning_rate", "learnin_rate"))
    with pytest.raises(ConfigError, match=r"my.yaml:9: .*; did you mean 'learning_rate'"):
        tuned(path)


@pytest.mark.parametrize(
    ("assignments", "options", "error", "message"),
    [
        ((), {"trials": 0}, UsageError, "--trials: 0 trials; try one"),
        (("warm_start=TEST/my",), {}, UsageError, "--from: trials begin with weights of chance"),
        (("dataset.fold.splits=3",), {}, UsageError, "one fold of a cross-validation; add --cv"),
        (
            ("dataset.fold.scheme=combinatorial",),
            {"cv": True},
            UsageError,
            "cannot be traded as one; take walk-forward",
        ),
        (("trading.hook=mine",), {}, UsageError, "unknown backtest 'mine'"),
        (("dataset.embargo=900",), {}, DataError, "rows are too few"),
        (("dataset.embargo=90",), {"cv": True}, DataError, "rows are too few: .*, fold 1 of 5,"),
    ],
)
def test_what_cannot_be_tuned_is_refused_before_anything_is_written(
    path, assignments, options, error, message
):
    with pytest.raises(error, match=message):
        tuned(path, recipe_of(path, *assignments), **options)
    assert not list((path / "art").glob("studies/*"))


def test_a_window_too_long_for_the_data_is_refused(path):
    (path / "my.yaml").write_text(PRESET + SEARCH.replace("16]", "2800]"))
    with pytest.raises(DataError, match="rows are too few"):
        tuned(path)


def test_a_file_of_someone_else_is_not_replaced(path, fleet):
    other = path / "other.yaml"
    other.write_text(PRESET)
    with pytest.raises(UsageError, match=r"--output .*other.yaml: it exists already"):
        tuned(path, output=other)
    assert fleet.rounds == []
    assert other.read_text() == PRESET
