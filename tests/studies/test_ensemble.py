"""The parts of an ensemble are trained side by side, then joined; what is done stays done."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from atb import atomic
from atb.config.ensemble import Stacking
from atb.errors import DataError, DivergedError, ResourceError, StoppedError, UsageError
from atb.fleet import scheduler
from atb.fleet.job import Outcome
from atb.market import files, sample
from atb.registry import manifest
from atb.runs import Run
from atb.studies import ensemble
from atb.studies.ensemble_recipes import of_presets, of_seeds

START, HOUR = 1_704_067_200_000, 3_600_000
NAME = "seeds-fast"


@pytest.fixture(scope="module")
def candles(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("candles") / "candles.parquet"
    files.write(sample.simulate("BTCUSDT", "1h", START, START + 1500 * HOUR, seed=1), path)
    return path


@pytest.fixture
def config(candles):
    return of_seeds("fast", "BTCUSDT", 3, candles=candles, sequence_length=20)


class Fleet:
    """Stands in for processes: each job leaves what it is for, or ends as it is told to."""

    def __init__(self) -> None:
        self.errors = {}
        self.asked = []

    def run(self, jobs, limits, logs, listen=None):
        self.asked.append([job.name for job in jobs])
        return [self.end(job) for job in jobs]

    def end(self, job):
        error = self.errors.get(job.name)
        if error is None:
            study = job.arguments["study"]
            if part := job.arguments.get("part"):
                saved = study.checkpoints(part) / "000001-000000000"
                saved.mkdir(parents=True)
                atomic.write_json(study.learned(part), {})
            else:
                registered(study)
        return Outcome(job.name, None, error, 1.0)


def registered(study) -> Path:
    """The files of an ensemble's model that are read."""
    folder = study.model(study.ensemble)
    folder.mkdir(parents=True)
    members = {part: {"loss": 1.0, "weight": 0.3} for part in study.parts}
    metadata = {
        "symbol": "BTCUSDT",
        "data": {"rows": 900},
        "parity": {"windows": 1000},
        "stages": {"training": 1.0},
        "training": {"epochs": 1, "ensemble": {"members": members}},
    }
    atomic.write_json(folder / "metadata.json", metadata)
    atomic.write_json(folder / "metrics.json", {"verdict": "level"})
    manifest.write(folder)
    return folder


@pytest.fixture
def fleet(monkeypatch):
    fleet = Fleet()
    monkeypatch.setattr(scheduler, "run", fleet.run)
    return fleet


MEMBERS = ["fast-7", "fast-8", "fast-9"]


def test_all_parts_come_before_the_ensemble(fleet, config, tmp_path):
    made, failures = ensemble.train(config, artifacts=tmp_path, at_once=2)
    assert (fleet.asked, failures) == ([MEMBERS, [NAME]], {})
    assert (made["preset"], made["verdict"]) == (NAME, "level")
    assert list(made["ensemble"]["members"]) == MEMBERS
    (study,) = (tmp_path / "studies").glob("2*")
    assert made["study"] == study.name
    assert json.loads((study / "results.json").read_text()) == made
    assert made["path"] == str(tmp_path / f"models/BTCUSDT/{NAME}/{study.name}-{NAME}")


def test_a_stack_has_a_part_for_each_fold(fleet, candles, tmp_path):
    options = {"candles": candles, "sequence_length": 20}
    config = of_presets(["fast", "balanced"], "BTCUSDT", Stacking(splits=2), **options)
    ensemble.train(config, artifacts=tmp_path, at_once=2)
    folds = [f"{name}-fold-{n}" for n in (1, 2) for name in ("fast", "balanced")]
    assert fleet.asked == [["fast", "balanced", *folds], ["stacking-fast-balanced"]]


@pytest.mark.parametrize("error", [ResourceError("no memory"), DivergedError("it is nan")])
def test_what_failed_is_told_and_tried_again_alone(fleet, config, tmp_path, error):
    fleet.errors = {"fast-8": error}
    made, failures = ensemble.train(config, artifacts=tmp_path, at_once=1)
    assert (made, list(failures)) == ({}, ["fast-8"])
    assert fleet.asked == [MEMBERS]
    assert not list((tmp_path / "studies").glob("2*/results.json"))
    fleet.errors = {}
    made, failures = ensemble.train(config, artifacts=tmp_path, at_once=1)
    assert fleet.asked[1:] == [["fast-8"], [NAME]]
    assert made["verdict"] == "level"
    assert len(list((tmp_path / "studies").glob("2*"))) == 1


def test_one_that_was_stopped_goes_on(fleet, config, tmp_path):
    fleet.errors = {"fast-9": StoppedError("stopped"), "fast-8": StoppedError("stopped")}
    with pytest.raises(StoppedError, match=r"1 of 4 are done.*the same command goes on"):
        ensemble.train(config, artifacts=tmp_path, at_once=1)
    (run,) = (tmp_path / "runs").glob("2*")
    assert Run(run.name, run).begun and Run(run.name, run).started
    fleet.errors = {}
    ensemble.train(config, artifacts=tmp_path, at_once=1)
    assert fleet.asked[1:] == [["fast-8", "fast-9"], [NAME]]


def test_one_that_was_killed_before_its_results_trains_nothing_again(fleet, config, tmp_path):
    made, _ = ensemble.train(config, artifacts=tmp_path, at_once=1)
    (results,) = (tmp_path / "studies").glob("2*/results.json")
    results.unlink()
    again, _ = ensemble.train(config, artifacts=tmp_path, at_once=1)
    assert fleet.asked == [MEMBERS, [NAME]]
    assert again == made
    assert not list((tmp_path / "runs").glob("2*"))  # the one the stub left was ended


def test_too_few_rows_are_refused_before_anything_is_written(fleet, candles, tmp_path):
    config = of_seeds("fast", "BTCUSDT", 3, candles=candles, sequence_length=1400)
    with pytest.raises(DataError, match="1500 rows are too few"):
        ensemble.train(config, artifacts=tmp_path / "out")
    options = {"candles": candles, "sequence_length": 20, "end": "2024-02-07"}
    config = of_presets(["fast", "balanced"], "BTCUSDT", Stacking(splits=2), **options)
    with pytest.raises(DataError, match=r"888 rows are too few: .*, fold 1 of 2, leave"):
        ensemble.train(config, artifacts=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert fleet.asked == []


def test_an_ensemble_of_one_fold_is_not_kept(fleet, candles, tmp_path):
    options = {"candles": candles, "sequence_length": 20}
    config = of_seeds("fast", "BTCUSDT", 2, ["dataset.fold.scheme=kfold"], **options)
    with pytest.raises(UsageError, match="a fold of kfold makes no model to be kept"):
        ensemble.train(config, artifacts=tmp_path / "out")
    assert not (tmp_path / "out").exists()
