"""What a suite comes to is what its models' folders say."""

from __future__ import annotations

import json

import pytest

from atb.errors import IntegrityError, ResourceError
from atb.report import performance
from atb.studies import suite_results
from atb.studies.suite import KIND, Suite
from atb.workspace import Workspace


@pytest.fixture
def begun(tmp_path, recipes, book):
    return Suite.begin(KIND, Workspace(tmp_path), recipes, book, {})


@pytest.fixture
def made(begun, made_model):
    made_model(begun, "ols", (0.45, 0.39, 0.3, 0.41))
    made_model(begun, "ridge", (0.39, 0.39, 0.3, 0.3))
    made_model(begun, "lob-mlp", (0.5, 0.5, 0.5, 0.5))
    return suite_results.of(begun, {})


def test_each_horizon_of_each_model_is_there_with_its_interval(made):
    assert made["horizons"] == [10, 20, 50, 100]
    assert list(made["models"]) == ["ols", "ridge", "lob-mlp"]
    network = made["models"]["lob-mlp"]["horizons"]["50"]
    assert network["metrics"]["accuracy"] == pytest.approx(
        {"value": 0.5, "low": 0.48, "high": 0.53}
    )
    assert set(network["metrics"]) == {"accuracy", "macro_f1", "mcc"}
    assert network["confusion"]["counts"][2] == [2, 2, 9]
    assert network["difference"]["baseline"] == "last_move"


def test_a_line_has_its_r2_and_the_accuracy_of_its_decisions(made):
    line = made["models"]["ols"]["horizons"]["10"]
    assert line["metrics"]["r2"] == pytest.approx({"value": 0.08, "low": 0.06, "high": 0.11})
    assert line["metrics"]["accuracy"]["value"] == 0.45
    assert line["confusion"]["classes"] == ["down", "flat", "up"]
    assert made["models"]["ols"]["output"] == "move"


def test_the_book_the_split_and_the_cost_are_told(made, begun):
    assert made["book"] == {
        "source": "sample",
        "synthetic": True,
        "rows": 1500,
        "first": "2024-01-02T14:30:00Z",
        "last": "2024-01-02T14:40:59Z",
        "sessions": 1,
        "sha256": "0" * 64,
        "clock": "event",
        "every": 1.0,
        "levels": 10,
        "tick": 0.01,
    }
    assert made["windows"] == {"train": 700, "validation": 150, "test": 150}
    assert (made["symbol"], made["path"]) == ("SAMPLE", str(begun.path))
    one = made["models"]["ridge"]
    assert (one["seconds"], one["parameters"], one["epochs"]) == (1.5, 1524, 1)
    assert one["path"] == str(begun.model("ridge"))
    assert one["backtest"]["trades"] == 12


def test_the_baselines_are_those_of_decisions(made):
    assert list(made["baselines"]) == ["random", "majority", "last_move"]
    assert made["baselines"]["majority"]["100"] == {"accuracy": 0.36, "macro_f1": 0.17, "mcc": 0.0}
    assert made["baselines"]["random"]["10"]["accuracy"] == pytest.approx(1 / 3)


def test_the_words_tell_what_is_above_the_best_baseline_from_noise(made):
    """Above where the difference to the last move, 0.38, less 0.02 for the interval, is."""
    assert made["words"] == [
        "more accurate than the best baseline at every horizon: lob-mlp",
        "more accurate than the best baseline at some horizons: ols (10, 100)",
        "level with the best baseline in accuracy, within noise, or below it: ridge",
        "of 12 comparisons at 95 %, 0.3 would lie above by luck alone",
    ]


def test_it_is_json_with_finite_numbers_and_can_be_shown(made):
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    titles = [table["title"] for table in performance.tables(made)]
    assert titles == ["Accuracy, %", "Macro F1, %", "Matthews correlation", "R2, %"]
    assert "1,500 rows from sample" in performance.facts(made)


def test_who_failed_is_told_and_the_others_stand(begun, made_model):
    made_model(begun, "ols", (0.4, 0.4, 0.4, 0.4))
    failures = {
        "ridge": ResourceError("memory does not suffice", remedy="give a smaller --batch-size"),
        "lob-mlp": IntegrityError("the graphs disagree"),
    }
    made = suite_results.of(begun, failures)
    assert list(made["models"]) == ["ols"]
    assert made["failures"] == {
        "ridge": {"error": "memory does not suffice; give a smaller --batch-size", "exit_code": 6},
        "lob-mlp": {"error": "the graphs disagree", "exit_code": 9},
    }


def test_all_may_fail(begun):
    made = suite_results.of(begun, {name: ResourceError("no memory") for name in begun.members})
    assert (made["models"], made["horizons"], made["words"]) == ({}, [], [])
    assert json.dumps(made, allow_nan=False)


def test_models_tested_on_other_rows_are_not_passed_off_as_comparable(begun, made_model):
    made_model(begun, "ols", (0.4, 0.4, 0.4, 0.4))
    periods = {part: ["a", "c"] for part in ("train", "validation", "test")}
    other = {"windows": {"train": 1, "validation": 1, "test": 1}, "periods": periods}
    made_model(begun, "ridge", (0.4, 0.4, 0.4, 0.4), dataset=other)
    made = suite_results.of(begun, {"lob-mlp": ResourceError("no memory")})
    assert made["words"][0] == "compare with care: ridge was tested on other rows than ols"


def test_a_model_that_was_tampered_with_is_refused(begun, made_model):
    for name in begun.members:
        folder = made_model(begun, name, (0.4, 0.4, 0.4, 0.4))
    (folder / "metrics.json").write_text("{}")
    with pytest.raises(IntegrityError):
        suite_results.of(begun, {})
