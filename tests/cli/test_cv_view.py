"""A cross-validation as people see it."""

from __future__ import annotations

from typing import Any

import pytest

from atb.config.folds import FoldSpec
from atb.presets import resolve
from atb.studies import spread
from atb_cli import cv_view


def horizon(own: list[float], naive: list[float]) -> dict[str, Any]:
    """One horizon of two folds, judged by RMSE."""
    return {
        "metrics": {"rmse": spread.over(own), "mae": spread.over(own)},
        "baselines": {"persistence": {"rmse": spread.over(naive)}},
        "differences": {"rmse": {"baseline": "persistence", "better": 1, "p_value": 0.4}},
    }


def results(*, synthetic: bool = False, groups: int = 1) -> dict[str, Any]:
    """Two folds at two horizons, of which the first is traded."""
    fold = {
        "groups": list(range(1, groups + 1)),
        "periods": {"test": ["2024-01-01T00:00:00Z", "2024-02-03T00:00:00Z"]},
    }
    earned = {"total_return": spread.over([0.1, -0.05])}
    backtest = {"bars": 9, "first": "a", "last": "b", "total_return": 0.045}
    path = {"rival": "buy_and_hold", "backtest": {**backtest, "buy_and_hold": backtest}}
    several = {
        "rmse": {**spread.distribution([0.005, 0.006]), "naive": None},
        "total_return": {**spread.distribution([0.1, -0.05]), "naive": 0.2},
    }
    return {
        "data": {"synthetic": synthetic},
        "deciding": "rmse",
        "horizons": {
            "1": horizon([0.005, 0.006], [0.0051, 0.0059]),
            "20": horizon([0.02, 0.03], [0.02, 0.04]),
        },
        "folds": {"fold-1": fold, "fold-2": fold},
        "backtest": {"rival": "buy_and_hold", "model": earned, "naive": earned}
        if groups == 1
        else None,
        "paths": [path] * groups,
        "distribution": several if groups > 1 else {},
        "words": ["1 ahead: no evidence of skill"],
        "predictions": "artifacts/studies/x/predictions.parquet",
        "path": "artifacts/studies/x",
    }


def shown(capsys: pytest.CaptureFixture[str], made: dict[str, Any]) -> list[list[str]]:
    """What is said on stderr, line by line, as words; nothing is said on stdout."""
    cv_view.show(made)
    said = capsys.readouterr()
    assert said.out == ""
    return [line.split() for line in said.err.splitlines()]


def test_one_row_for_the_mean_the_deviation_and_each_fold_with_naive_beside(capsys) -> None:
    lines = shown(capsys, results())
    at = lines.index(["On", "test", "windows", "of", "each", "fold,", "1", "ahead"])
    names, _, mean, deviation, one, two = lines[at + 1 : at + 7]
    assert " ".join(names) == (
        "fold tested RMSE, basis points persistence return, net, % buy and hold"
    )
    assert mean == ["mean", "55.000", "55.000", "2.50", "2.50"]
    assert deviation == ["deviation", "7.071", "5.657", "10.61", "10.61"]
    assert one == ["1", "2024-01-01", "to", "2024-02-03", "50.000", "51.000", "10.00", "10.00"]
    assert two[-4:] == ["60.000", "59.000", "-5.00", "-5.00"]
    other = lines.index(["On", "test", "windows", "of", "each", "fold,", "20", "ahead"])
    assert "return," not in lines[other + 1]  # only the first horizon is traded
    assert ["total_return", "4.50%", "4.50%"] in lines
    assert ["1", "ahead:", "no", "evidence", "of", "skill"] in lines


def test_within_a_day_minutes_are_said(capsys) -> None:
    made = results()
    for fold in made["folds"].values():
        fold["periods"] = {"test": ["2024-01-02T14:30:29Z", "2024-01-02T18:53:05Z"]}
    lines = shown(capsys, made)
    assert any("2024-01-02 14:30 to 2024-01-02 18:53" in " ".join(line) for line in lines)


def test_combinations_show_how_their_paths_lie(capsys) -> None:
    lines = shown(capsys, results(groups=2))
    assert ["1", "groups", "1", "and", "2", "50.000", "51.000"] in lines
    row = next(line for line in lines if line[:2] == ["total", "return"])
    assert row == [
        *("total", "return", "2.50%", "10.61%", "-4.25%", "-1.25%"),
        *("2.50%", "6.25%", "9.25%", "50%", "20.00%"),
    ]


def test_synthetic_data_are_said_loudly_before_and_after(capsys) -> None:
    loud = "SYNTHETIC DATA"
    cv_view.show(results(synthetic=True))
    assert loud in capsys.readouterr().err
    cv_view.show(results())
    assert loud not in capsys.readouterr().err
    config = resolve("fast", "TEST", source="sample", horizon=(1, 20)).config
    cv_view.header(config, FoldSpec(scheme="combinatorial", splits=5))
    said = capsys.readouterr().err
    assert loud in said
    assert "10, combinatorial over 5 groups that are tested" in said
    assert "return, 1, 20 bars ahead" in said


def test_where_every_fold_failed_nothing_is_shown(capsys) -> None:
    assert shown(capsys, {**results(), "folds": {}}) == []
