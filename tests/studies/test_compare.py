"""Presets compared: the same rows for all, paired figures, and what is left goes on."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from atb import bootstrap, presets
from atb.clock import parse_time
from atb.errors import DataError, ResourceError, StoppedError, UsageError
from atb.evaluation import significance
from atb.market import files
from atb.market.sample import simulate
from atb.registry import manifest
from atb.studies import compare
from atb.studies.study import RESULTS, Study
from atb.studies.tested import read

TESTED = np.arange(1200, 1500)  # rows of the candles below
SECONDS = {"fast": 10.0, "legacy": 40.0}
ERROR = {"fast": 0.011, "legacy": 0.010}  # what predictions miss the label by


@pytest.fixture(scope="module")
def candles(tmp_path_factory):
    start = parse_time("2024-01-01")
    made = simulate("SAMPLE", "1h", start, start + 1500 * 3_600_000, seed=5)
    path = tmp_path_factory.mktemp("candles") / "sample.parquet"
    files.write(made, path)
    return path


@pytest.fixture
def members(candles):
    return compare.recipes(("fast", "legacy"), "SAMPLE", 2, candles=candles)


def made_model(study: Any, member: str, rows: Any = TESTED) -> Path:
    """The files of a model that a comparison reads; its label is 0.01, or -0.01, in turn."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    config, folder = study.members[member], study.model(member)
    folder.mkdir(parents=True)
    history = study.history()
    actual = np.where(rows % 2 == 0, 0.01, -0.01)
    predicted = actual + ERROR[config.name] * (1 if member.endswith("1") else -1)
    columns = {
        "time": pa.array(history.time[rows], pa.timestamp("ms", tz="UTC")),
        "price": history.price[rows],
        "prediction": predicted,
        "actual": actual,
    }
    pq.write_table(pa.table(columns), folder / "predictions.parquet")
    metadata = {
        "version": folder.name,
        "data": {"synthetic": True, "rows": 1500},
        "dataset": {"windows": {}, "periods": {}, "target_scale": [0.01]},
        "training": {"epochs": 2, "best_epoch": 1, "parameters": 100},
        "stages": {"training": SECONDS[config.name]},
    }
    naive = {"persistence": {"rmse": 0.01}}
    (folder / "metadata.json").write_text(json.dumps(metadata))
    (folder / "metrics.json").write_text(json.dumps({"baselines": naive, "verdict": "level"}))
    with (folder / "history.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerows([["epoch", "validation_loss"], [1, 0.5], [2, 0.75]])
    manifest.write(folder)
    return folder


@pytest.fixture
def fleet(fleet_that):
    """Processes that leave models, tested on `rows` of their own by name."""

    def leave(job):
        rows = fleet.rows.get(job.name, TESTED)
        made_model(job.arguments["study"], job.arguments["member"], rows)

    fleet = fleet_that(leave)
    fleet.rows = {}
    return fleet


def test_presets_of_bonds_are_compared_too():
    found = compare.recipes(("fast", "basic"), "UST10Y", 1, bonds=Path("yields.csv"))
    assert {config.data.kind for config in found.values()} == {"bonds"}


def test_each_preset_has_each_seed_and_its_first_window_where_all_have_it(candles):
    made = compare.recipes(("fast", "legacy"), "SAMPLE", 2, candles=candles)
    assert list(made) == ["fast-1", "fast-2", "legacy-1", "legacy-2"]
    assert [one.training.seed for one in made.values()] == [7, 8, 7, 8]
    assert {one.dataset.first_end for one in made.values()} == {made["legacy-1"].reach - 1}
    assert {one.selection.trials for one in made.values()} == {4}  # whoever takes the best of them


def test_what_cannot_be_compared_is_refused(candles):
    for names, said in (
        (("fast",), "1 preset cannot be compared"),
        (("fast", "fast"), "named twice"),
        (("fast", "direction-lstm"), "fast and direction-lstm differ in target: "),
        (("fast", "deeplob"), "preset 'deeplob' learns from an order book"),
        (("ols", "ridge"), "preset 'ols' learns from an order book"),
    ):
        with pytest.raises(UsageError, match=said):
            compare.recipes(names, "SAMPLE", 1)


def test_a_tuned_preset_is_compared_though_it_says_where_its_first_window_ends(candles, tmp_path):
    tuned = tmp_path / "tuned.yaml"
    shipped = presets.read("fast").path.read_text()
    tuned.write_text(shipped.replace("dataset:", "dataset:\n  first_end: 300", 1))
    made = compare.recipes(("fast", str(tuned)), "SAMPLE", 1, candles=candles)
    assert {one.dataset.first_end for one in made.values()} == {300}


def test_models_of_a_fold_are_refused_before_anything_is_written(candles, tmp_path):
    folded = compare.recipes(
        ("fast", "legacy"), "SAMPLE", 1, ["dataset.fold.scheme=kfold"], candles=candles
    )
    with pytest.raises(UsageError, match="a fold of kfold makes no model to be kept"):
        compare.compare(folded, artifacts=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_figures_are_means_over_seeds_beside_the_yardstick(fleet, members, tmp_path):
    made, failures = compare.compare(members, artifacts=tmp_path, at_once=2)
    assert failures == {}
    assert (made["yardstick"], made["deciding"]) == ("legacy", "rmse")
    fast, legacy = made["presets"]["fast"], made["presets"]["legacy"]
    assert (fast["seconds"], fast["times_as_fast"], legacy["times_as_fast"]) == (10.0, 4.0, 1.0)
    assert fast["validation_loss"] == 0.5  # that of the best epoch, not of the last
    assert fast["metrics"]["rmse"]["value"] == pytest.approx(0.011)
    assert fast["metrics"]["rmse"]["spread"] == pytest.approx(0, abs=1e-12)
    assert fast["against"]["percent_worse"] == pytest.approx(10)
    assert fast["against"]["low"] == pytest.approx(10)  # the same rows, the same errors
    assert legacy["against"]["percent_worse"] == 0
    # Predictions always above, or always below, by more than the label: half the directions.
    assert fast["metrics"]["macro_f1"]["value"] == pytest.approx(1 / 3, abs=1e-3)
    assert "fast trains 4.0 times as fast as legacy and is worse than it" in made["words"][0]
    assert made["naive"]["persistence"]["rmse"] == 0.01
    assert [run["seed"] for run in fast["runs"]] == [7, 8]
    (folder,) = (tmp_path / "studies").glob("2*")
    assert json.loads((folder / RESULTS).read_text()) == made


def test_the_sharpe_ratio_is_that_of_the_steps(fleet, members, tmp_path, candles):
    from atb.backtest import vectorised
    from atb.backtest.predictions import Predictions

    made, _ = compare.compare(members, artifacts=tmp_path, at_once=2)
    history = files.read(candles, "SAMPLE", "1h")
    actual = np.where(TESTED % 2 == 0, 0.01, -0.01)
    spec = members["fast-1"].trading
    ratios = [
        vectorised.run(Predictions(TESTED, actual + sign * 0.011, "return"), history, spec)
        for sign in (1, -1)
    ]
    mean = np.mean([one.performance.sharpe or 0.0 for one in ratios])
    found = made["presets"]["fast"]["sharpe"]
    assert found["value"] == pytest.approx(mean, rel=1e-6)
    held = ratios[0].buy_and_hold.sharpe
    assert made["rival"] == {"name": "buy_and_hold", "sharpe": pytest.approx(held)}
    year = np.sqrt(365 * 24)
    samples = []
    for one in ratios:  # its interval is that of the mean over both seeds on the same resamples
        columns = np.stack([one.steps, one.steps**2], axis=1)
        block = bootstrap.block_length(len(columns), 1)
        first, second = bootstrap.resampled_means(columns, block, 7).T
        deviation = np.sqrt(second - first**2)
        samples.append(year * first / np.where(deviation > 0, deviation, np.inf))
    expected = bootstrap.interval(np.mean(samples, axis=0), len(columns) / block)
    assert (found["low"], found["high"]) == pytest.approx(expected, rel=1e-2)


@pytest.mark.parametrize(
    ("error", "side"),
    [
        (0.009, "is better than it: -10.00 % [-10.00, -10.00]"),
        (np.where(TESTED < 1350, 0.012, 0.0081), "is level with it: +"),
    ],
)
def test_a_side_is_taken_where_the_interval_leaves_out_none(
    fleet, members, tmp_path, monkeypatch, error, side
):
    monkeypatch.setitem(ERROR, "fast", error)
    made, _ = compare.compare(members, artifacts=tmp_path, at_once=2)
    assert side in made["words"][0]


def test_the_best_sharpe_ratio_is_the_best_of_all_models(fleet, members, tmp_path, monkeypatch):
    asked = []

    def deflated(steps, trials, deviation):
        asked.append((trials, deviation, significance.sharpe(steps)))
        return 0.25

    monkeypatch.setattr(significance, "deflated_sharpe", deflated)
    made, _ = compare.compare(members, artifacts=tmp_path, at_once=2)
    history = Study.read(Path(made["path"])).history()
    steps = [read(Study.read(Path(made["path"])), name, history).steps for name in members]
    ratios = [significance.sharpe(one) for one in steps]
    assert asked == [(4, pytest.approx(np.std(ratios, ddof=1)), max(ratios))]
    assert made["words"][-1].startswith("the best Sharpe ratio of 4 models, ")
    assert made["words"][-1].endswith(
        "what luck gives the best of so many with a probability of 25%"
    )


def test_what_failed_is_told_and_tried_again_alone(fleet, members, tmp_path):
    fleet.errors = {"legacy-1": ResourceError("memory does not suffice")}
    made, failures = compare.compare(members, artifacts=tmp_path, at_once=1)
    assert list(failures) == ["legacy-1"]
    assert len(made["presets"]["legacy"]["runs"]) == 1
    against = made["presets"]["fast"]["against"]  # still on the same resamples
    assert (against["low"], against["high"]) == pytest.approx((10, 10))
    fleet.errors = {}
    again, failures = compare.compare(members, artifacts=tmp_path, at_once=1)
    assert fleet.asked == ["legacy-1"]
    assert (again["study"], again["failures"], failures) == (made["study"], {}, {})


def test_without_the_yardstick_there_is_no_comparison(fleet, members, tmp_path):
    fleet.errors = dict.fromkeys(("legacy-1", "legacy-2"), ResourceError("no memory"))
    made, failures = compare.compare(members, artifacts=tmp_path, at_once=1)
    assert (made["presets"], list(failures)) == ({}, ["legacy-1", "legacy-2"])


def test_a_stop_says_how_far_it_came_and_leaves_no_results(fleet, members, tmp_path):
    fleet.errors = {"legacy-2": StoppedError("stopped after epoch 3")}
    with pytest.raises(StoppedError, match="3 of 4 are done; the same command goes on"):
        compare.compare(members, artifacts=tmp_path, at_once=1)
    assert not list(tmp_path.glob(f"studies/*/{RESULTS}"))


def test_models_tested_on_other_rows_are_not_compared(fleet, members, tmp_path):
    fleet.rows = {"legacy-1": TESTED[1:]}
    with pytest.raises(DataError, match="legacy-1 was tested on 299 rows, fast-1 on 300"):
        compare.compare(members, artifacts=tmp_path, at_once=1)


def test_a_yardstick_that_is_not_compared_is_refused(members, tmp_path):
    with pytest.raises(UsageError, match="'quality' is not compared; one of fast, legacy"):
        compare.compare(members, yardstick="quality", artifacts=tmp_path)
