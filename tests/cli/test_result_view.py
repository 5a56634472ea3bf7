"""What people are shown before a training starts."""

from __future__ import annotations

from atb.presets import resolve
from atb_cli import result_view


def shown(capsys, *assignments, **options):
    result_view.header(resolve("fast", "BTCUSDT", assignments=assignments, **options).config)
    return capsys.readouterr().err


def test_what_is_as_usual_is_not_said(capsys):
    said = shown(capsys)
    assert "begins with" not in said
    for name in ("jitter", "class weights", "precision", "devices", "accumulation"):
        assert name not in said


def test_bonds_are_said_to_be_priced_from_yields_and_what_their_trading_leaves_out(capsys):
    result_view.header(resolve("fast", "UST10Y", bonds="yields.csv").config)
    said = " ".join(capsys.readouterr().err.split())
    assert "one issued each day, at par, priced from par yields of yields.csv" in said
    assert "carry, roll-down and the daily new bond are not counted" in said


def test_what_is_not_as_usual_is_said(capsys):
    assignments = [
        f"training.{field}"
        for field in (
            "regularisation.class_weights=balanced",
            "regularisation.jitter=0.01",
            "hardware.accumulation=4",
        )
    ]
    said = shown(
        capsys, *assignments, target="direction", precision="mixed_float16", warm_start="A/b"
    )
    assert "class weights balanced, jitter 0.01" in said
    assert "precision mixed_float16, accumulation 4" in said
    (line,) = [line for line in said.splitlines() if line.startswith("begins with")]
    assert line.split() == ["begins", "with", "A/b"]


def test_what_has_no_epochs_is_said_to_be_solved(capsys):
    result_view.header(resolve("basic", "BTCUSDT").config)
    said = capsys.readouterr().err
    assert "solved, seed 7" in said
    assert "epochs" not in said and "learning rate" not in said


def test_a_model_that_serves_a_smaller_graph_says_what_was_measured_of_it():
    measured = {
        "metric": {"name": "rmse", "change": -2.5e-07},
        "rows": 2583,
        "difference": {"share": 0.0293},
    }
    metadata = {
        "data": {"source": "file", "rows": 9, "gaps": 0, "synthetic": False},
        "dataset": {"periods": {}, "windows": {}},
        "training": {"best_epoch": 1, "epochs": 1, "reason": "done", "parameters": 5},
    }
    assert "serves" not in dict(result_view.description(metadata))
    served = {**metadata, "serves": "model.int8.onnx", "smaller": measured}
    assert dict(result_view.description(served))["serves"] == (
        "model.int8.onnx: rmse moved by -2.5e-07 on 2,583 validation windows, answers by 2.93% of "
        "their deviation; metrics are those of model.onnx"
    )
