"""What is left of a suite is trained, what failed is told, and what is done stays."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from atb import atomic
from atb.errors import DataError, ResourceError, StoppedError, StorageError, UsageError
from atb.fleet import scheduler
from atb.fleet.job import Outcome
from atb.market.lob import files
from atb.studies import study, suite_recipes
from atb.studies import train_suite as studies
from atb.studies.study import RESULTS
from atb.studies.suite import KIND, Suite
from atb.workspace import Workspace

ACCURACIES = (0.4, 0.4, 0.4, 0.4)


@pytest.fixture
def path(tmp_path, book):
    files.write(book, tmp_path / "book.parquet")
    return tmp_path / "book.parquet"


@pytest.fixture
def recipes(path):
    return suite_recipes.recipes(("ols", "ridge", "lob-mlp"), None, book=path)


class Fleet:
    """Stands in for processes: each job leaves its models, or ends as it is told to."""

    def __init__(self, made_model) -> None:
        self.made_model = made_model
        self.errors = {}
        self.asked = []
        self.at_once = None

    def run(self, jobs, limits, logs, listen=None):
        self.asked, self.at_once = [job.name for job in jobs], limits.processes
        return [self.end(job) for job in jobs]

    def end(self, job):
        error = self.errors.get(job.name)
        if error is None:
            suite = job.arguments.get("suite") or job.arguments["study"]
            for name in job.arguments.get("members") or [job.arguments["member"]]:
                self.made_model(suite, name, ACCURACIES)
        return Outcome(job.name, None, error, 1.0)


@pytest.fixture
def fleet(monkeypatch, made_model):
    fleet = Fleet(made_model)
    monkeypatch.setattr(scheduler, "run", fleet.run)
    return fleet


def test_all_are_trained_and_compared_and_asked_again_trained_anew(
    fleet, recipes, tmp_path, monkeypatch
):
    monkeypatch.setattr(study, "now_ms", lambda: 1_704_067_200_000)
    made, failures = studies.train(recipes, artifacts=tmp_path / "out", at_once=3)
    assert (fleet.asked, fleet.at_once) == (["ols+ridge", "lob-mlp"], 3)
    assert failures == {}
    (folder,) = (tmp_path / "out" / "studies").glob("2*")
    assert json.loads((folder / RESULTS).read_text()) == made
    assert {p.name for p in folder.glob("performance.*")} == {"performance.png", "performance.html"}
    assert made["path"] == str(folder)
    monkeypatch.undo()
    monkeypatch.setattr(scheduler, "run", fleet.run)
    anew, _ = studies.train(recipes, artifacts=tmp_path / "out", at_once=3)
    assert fleet.asked == ["ols+ridge", "lob-mlp"]
    assert anew["suite"] != made["suite"] == folder.name
    assert folder.name.startswith("20240101T000000Z-")


def test_what_failed_is_told_and_tried_again_alone(fleet, recipes, tmp_path):
    fleet.errors = {"lob-mlp": ResourceError("memory does not suffice")}
    made, failures = studies.train(recipes, artifacts=tmp_path, at_once=1)
    assert list(failures) == ["lob-mlp"]
    assert list(made["models"]) == ["ols", "ridge"]
    assert made["failures"]["lob-mlp"]["exit_code"] == 6
    fleet.errors = {}
    told = []
    again, failures = studies.train(recipes, artifacts=tmp_path, at_once=1, listen=told.append)
    assert fleet.asked == ["lob-mlp"]
    assert (again["suite"], again["failures"], failures) == (made["suite"], {}, {})
    assert list(again["models"]) == ["ols", "ridge", "lob-mlp"]
    said = "goes on where it stopped; done: ols, ridge; to train: lob-mlp"
    assert any(said in getattr(event, "message", "") for event in told)


def test_a_line_that_was_done_before_its_job_failed_stands(fleet, recipes, tmp_path, made_model):
    def half(job):
        if job.name == "ols+ridge":
            made_model(job.arguments["suite"], "ols", ACCURACIES)
            return Outcome(job.name, None, ResourceError("no memory"), 1.0)
        return Fleet.end(fleet, job)

    fleet.end = half
    made, failures = studies.train(recipes, artifacts=tmp_path, at_once=1)
    assert list(failures) == ["ridge"]
    assert list(made["models"]) == ["ols", "lob-mlp"]


def test_all_may_fail(fleet, recipes, tmp_path):
    fleet.errors = dict.fromkeys(("ols+ridge", "lob-mlp"), ResourceError("no memory"))
    made, failures = studies.train(recipes, artifacts=tmp_path, at_once=1)
    assert (made["models"], list(failures)) == ({}, ["ols", "ridge", "lob-mlp"])
    assert not list(tmp_path.glob("studies/*/performance.*"))


def test_a_stop_says_how_far_it_came_and_leaves_no_results(fleet, recipes, tmp_path):
    fleet.errors = {"lob-mlp": StoppedError("stopped after epoch 3")}
    with pytest.raises(StoppedError, match="2 of 3 are done; the same command goes on"):
        studies.train(recipes, artifacts=tmp_path, at_once=1)
    assert not list(tmp_path.glob(f"studies/*/{RESULTS}"))


def test_the_run_of_a_model_that_is_registered_is_removed(
    fleet, recipes, tmp_path, book, made_model
):
    begun = Suite.begin(KIND, Workspace(tmp_path), recipes, book, {})
    for name in recipes:
        made_model(begun, name, ACCURACIES)
    (begun.run("ols").path / "recipe").mkdir(parents=True)
    studies.train(recipes, artifacts=tmp_path, at_once=1)
    assert fleet.asked == []
    assert not begun.run("ols").path.exists()


def test_two_processes_do_not_train_the_same(fleet, recipes, tmp_path, book):
    begun = Suite.begin(KIND, Workspace(tmp_path), recipes, book, {})
    with (
        atomic.locked(begun.path / ".lock"),
        pytest.raises(StorageError, match="another process is at it"),
    ):
        studies.train(recipes, artifacts=tmp_path, at_once=1)


def test_too_few_rows_are_refused_before_anything_is_written(fleet, path, tmp_path):
    recipes = suite_recipes.recipes(("ols",), None, book=path, clock="event", every=5.0)
    with pytest.raises(DataError, match="too few") as few:
        studies.train(recipes, artifacts=tmp_path / "out", at_once=1)
    assert few.value.where == str(path)
    assert few.value.remedy.startswith("give a longer book, a smaller --every")
    assert not (tmp_path / "out").exists()


def test_a_volume_clock_needs_trades(fleet, book, tmp_path):
    files.write(replace(book, traded=0 * book.traded), tmp_path / "quiet.parquet")
    recipes = suite_recipes.recipes(
        ("ols",), None, book=tmp_path / "quiet.parquet", clock="volume", every=5.0
    )
    with pytest.raises(DataError, match=r"the book has no trades.*--clock event or time"):
        studies.train(recipes, artifacts=tmp_path / "out", at_once=1)
    assert not (tmp_path / "out").exists()


def test_models_of_a_fold_are_refused_before_anything_is_written(path, tmp_path):
    folded = suite_recipes.recipes(("ols",), None, ["dataset.fold.scheme=kfold"], book=path)
    with pytest.raises(UsageError, match="a fold of kfold makes no model to be kept"):
        studies.train(folded, artifacts=tmp_path / "out")
    assert not (tmp_path / "out").exists()
