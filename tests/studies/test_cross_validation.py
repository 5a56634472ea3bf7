"""Folds side by side: each judged on its own windows, what failed or stopped goes on alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from atb import atomic
from atb.backtest import vectorised
from atb.backtest.predictions import Predictions
from atb.clock import parse_time
from atb.config.folds import FoldSpec
from atb.config.training import TrainingConfig
from atb.dataset import folds
from atb.errors import DataError, ResourceError, StoppedError, UsageError
from atb.evaluation.metric import Evidence
from atb.evaluation.verdict import judge
from atb.market import files
from atb.market.sample import simulate
from atb.presets import create_config_from_preset
from atb.studies import cross_validation, out_of_fold
from atb.studies.spread import p_value
from atb.studies.study import RESULTS
from atb.targets.build import build

BARS = 3000


@pytest.fixture(scope="module")
def candles(tmp_path_factory):
    start = parse_time("2024-01-01")
    made = simulate("SAMPLE", "1h", start, start + BARS * 3_600_000, seed=5)
    path = tmp_path_factory.mktemp("candles") / "sample.parquet"
    files.write(made, path)
    return path


@pytest.fixture
def config(candles):
    return create_config_from_preset("fast", "SAMPLE", candles=candles, horizon=(1, 5))


def scheme(name: str, splits: int) -> FoldSpec:
    return FoldSpec.of(scheme=name, splits=splits)


def made_fold(study: Any, member: str, skill: float = 0.0) -> None:
    """The files of a fold whose predictions lie between what is neutral and what came true."""
    config, history = study.members[member], study.history()
    labels = build(config.target, history, 0)
    ends = np.arange(config.reach - 1, len(history) - config.target.horizons[-1])
    split = folds.split(ends, labels.known_at[ends], config.dataset)
    rows, horizons = split.test, config.target.horizons
    output, neutral = config.target.output, 0.5 * (config.target.classes == 2)
    served = neutral + skill * (labels.value[rows] - neutral)
    out_of_fold.keep(study, member, rows, served, labels.value[rows])
    groups = folds.under_test(config.dataset.fold)
    spec = config.trading.over(horizons[0])
    traded = vectorised.run(Predictions(rows, served[:, 0], output), history, spec)
    verdicts = {
        str(horizon): judge(
            output,
            served[:, column],
            Evidence(history.price, labels.value[:, column], split.train, rows, horizon),
            1.0,
            7,
        ).to_json()
        for column, horizon in enumerate(horizons)
    }
    figures = {
        "groups": [group + 1 for group in groups],
        "windows": {name: len(part) for name, part in vars(split).items()},
        "periods": {name: ["2024-01-01T00:00:00Z"] * 2 for name in vars(split)},
        "horizons": verdicts,
        "backtest": traded.to_json() if len(groups) == 1 else None,
        "rival": traded.rival,
    }
    atomic.write_json(study.judged(member), figures)


@pytest.fixture
def fleet(fleet_that):
    """Processes that leave folds of a given `skill`."""

    def leave(job):
        made_fold(job.arguments["study"], job.arguments["member"], fleet.skill)

    fleet = fleet_that(leave)
    fleet.skill = 0.0
    return fleet


def validated(config: TrainingConfig, folds: FoldSpec, path: Path) -> tuple[Any, Any]:
    return cross_validation.cross_validate(config, folds, artifacts=path, at_once=2)


def read(made: Any) -> Any:
    import pyarrow.parquet as pq

    return pq.read_table(made["predictions"]).to_pydict()


def test_every_figure_is_the_mean_over_folds_beside_its_baseline(fleet, config, tmp_path):
    fleet.skill = 0.5
    made, failures = validated(config, scheme("walk-forward", 3), tmp_path)
    assert (failures, fleet.asked) == ({}, ["fold-1", "fold-2", "fold-3"])
    assert (made["deciding"], list(made["horizons"])) == ("rmse", ["1", "5"])
    windows = [fold["windows"] for fold in made["folds"].values()]
    share = np.mean([one["test"] / (one["train"] + one["validation"]) for one in windows])
    for horizon, one in made["horizons"].items():
        judged = [made["folds"][name]["horizons"][horizon] for name in made["folds"]]
        own = [one["metrics"]["rmse"] for one in judged]
        naive = [one["baselines"]["persistence"]["rmse"] for one in judged]
        # half of every move is foretold, so half of the error is left
        assert own == pytest.approx([value / 2 for value in naive])
        assert one["metrics"]["rmse"]["each"] == own
        assert one["metrics"]["rmse"]["mean"] == pytest.approx(np.mean(own))
        assert one["metrics"]["rmse"]["deviation"] == pytest.approx(np.std(own, ddof=1))
        assert one["baselines"]["persistence"]["rmse"]["each"] == naive
        difference = one["differences"]["rmse"]
        assert (difference["baseline"], difference["better"]) == ("persistence", 3)
        assert difference["each"] == pytest.approx([-value / 2 for value in naive])
        assert difference["p_value"] == pytest.approx(p_value([v / 2 for v in naive], share))
    assert made["words"][0].startswith("1 ahead: evidence of skill (p = ")
    assert made["words"][0].endswith("; better in 3 of them")
    assert made["backtest"]["rival"] == "buy_and_hold"
    assert len(made["backtest"]["model"]["total_return"]["each"]) == 3
    (folder,) = (tmp_path / "studies").glob("2*")
    assert json.loads((folder / RESULTS).read_text()) == made
    assert not (tmp_path / "models").exists()


def test_the_baseline_is_the_one_that_is_best_on_average(fleet, candles, tmp_path):
    config = create_config_from_preset("fast", "SAMPLE", candles=candles, target="direction")
    fleet.skill = 0.5
    made, _ = validated(config, scheme("expanding", 3), tmp_path)
    one = made["horizons"]["1"]
    naive = {name: known["accuracy"]["mean"] for name, known in one["baselines"].items()}
    assert len(set(naive.values())) == len(naive) > 1
    difference = one["differences"]["accuracy"]
    assert difference["baseline"] == max(naive, key=lambda name: naive[name])
    assert (one["metrics"]["accuracy"]["mean"], difference["better"]) == (1.0, 3)
    assert difference["p_value"] < 0.01
    assert made["deciding"] == "log_loss"


def test_out_of_fold_predictions_make_one_series_of_all_tested_windows(fleet, config, tmp_path):
    made, _ = validated(config, scheme("kfold", 4), tmp_path)
    table = read(made)
    assert list(table)[:4] == ["fold", "path", "row", "time"]
    assert table["row"] == list(range(config.reach - 1, BARS - 5))  # every window, once
    assert set(table["path"]) == {1}
    assert table["fold"] == sorted(table["fold"])
    assert (made["scheme"], made["splits"], made["tested"]) == ("kfold", 4, 1)
    assert (len(made["paths"]), made["distribution"]) == (1, {})
    assert made["paths"][0]["windows"] == len(table["row"])
    assert made["paths"][0]["rmse"] == pytest.approx(np.sqrt(np.mean(np.square(table["actual_1"]))))


def test_combinations_give_a_distribution_of_whole_paths(fleet, config, tmp_path):
    made, _ = validated(config, scheme("combinatorial", 4), tmp_path)
    assert (made["splits"], made["tested"]) == (4, 2)
    assert (len(made["folds"]), len(made["paths"]), made["backtest"]) == (6, 3, None)
    table = read(made)
    rows = np.arange(config.reach - 1, BARS - 5)
    for path in (1, 2, 3):
        own = [row for row, of in zip(table["row"], table["path"], strict=True) if of == path]
        assert sorted(own) == rows.tolist()
    one = made["distribution"]["total_return"]
    held = [path["backtest"]["buy_and_hold"]["total_return"] for path in made["paths"]]
    assert one["naive"] == pytest.approx(held[0]) == pytest.approx(held[-1])
    assert list(one["quantiles"]) == ["0.05", "0.25", "0.5", "0.75", "0.95"]
    assert "no evidence of skill" in made["words"][0]


def test_what_failed_is_told_and_tried_again_alone(fleet, config, tmp_path):
    fleet.errors = {"fold-2": ResourceError("memory does not suffice")}
    made, failures = validated(config, scheme("kfold", 3), tmp_path)
    assert (list(failures), list(made["folds"])) == (["fold-2"], ["fold-1", "fold-3"])
    assert (made["paths"], set(read(made)["fold"])) == ([], {1, 3})
    assert made["words"][-1].startswith("1 of 3 folds failed")
    fleet.errors = {}
    again, failures = validated(config, scheme("kfold", 3), tmp_path)
    assert (fleet.asked, failures, len(again["paths"])) == (["fold-2"], {}, 1)
    assert again["study"] == made["study"]


def test_where_every_fold_failed_there_are_figures_of_none(fleet, config, tmp_path):
    fleet.errors = dict.fromkeys(("fold-1", "fold-2"), ResourceError("no memory"))
    made, failures = validated(config, scheme("kfold", 2), tmp_path)
    assert (made["horizons"], made["paths"], made["predictions"], len(failures)) == (
        {},
        [],
        None,
        2,
    )


def test_a_finished_one_asked_again_begins_anew_and_a_stopped_one_goes_on(
    fleet, config, tmp_path, monkeypatch
):
    from atb.studies import study

    fleet.errors = {"fold-2": StoppedError("stopped after epoch 3")}
    with pytest.raises(StoppedError, match="1 of 2 are done; the same command goes on"):
        validated(config, scheme("expanding", 2), tmp_path)
    assert not list(tmp_path.glob(f"studies/*/{RESULTS}"))
    fleet.errors = {}
    made, _ = validated(config, scheme("expanding", 2), tmp_path)
    assert fleet.asked == ["fold-2"]
    now = study.now_ms()
    monkeypatch.setattr(study, "now_ms", lambda: now + 1000)
    anew, _ = validated(config, scheme("expanding", 2), tmp_path)
    assert fleet.asked == ["fold-1", "fold-2"]
    assert anew["study"] != made["study"]


def test_another_embargo_is_another_study(fleet, config, tmp_path):
    fleet.errors = {"fold-1": StoppedError("stopped")}
    for embargo in (0, 48):
        dataset = config.dataset.model_copy(update={"embargo": embargo})
        with pytest.raises(StoppedError):
            validated(config.model_copy(update={"dataset": dataset}), scheme("kfold", 2), tmp_path)
    assert len(list(tmp_path.glob("studies/2*"))) == 2


def test_too_few_rows_are_refused_before_anything_is_written(fleet, config, tmp_path):
    with pytest.raises(DataError, match="fewer splits") as caught:
        validated(config, scheme("walk-forward", 20), tmp_path / "out")
    assert caught.value.what.startswith(f"{BARS} rows are too few: ")
    assert not (tmp_path / "out" / "studies").exists()


def test_a_fold_that_would_begin_with_a_model_is_refused(config):
    with pytest.raises(UsageError, match="may have learned from windows that folds are tested on"):
        cross_validation.recipes(
            config.model_copy(update={"warm_start": "SAMPLE/fast"}), scheme("kfold", 2)
        )


def test_names_of_many_folds_sort_as_they_count(config):
    names = list(cross_validation.recipes(config, scheme("combinatorial", 5)))
    assert names == sorted(names)
    assert (names[0], names[-1]) == ("fold-01", "fold-10")
