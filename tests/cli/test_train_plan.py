"""`atb train plan`, and `atb train model` of several: what is shown and refused, how it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from atb.clock import HOUR_MS, parse_time
from atb.errors import DivergedError
from atb.market import files
from atb.market.sample import simulate
from atb.plans import estimate, reading, run
from atb_cli import plan_view, render
from atb_cli.main import main

PLAN = """description: two models and what they are worth
symbols: [BTCUSDT]
recipes: [fast, gru]
steps:
  train:
  evaluate: {needs: [train]}
"""
TRAINED = ["plan", "{folder}/plan.yaml", "--candles", "{folder}/candles"]
EVALUATED = {
    "rows": 1234,
    "first": "2024-01-01T00:00:00Z",
    "last": "2024-02-01T00:00:00Z",
    "sample": 0.5,
    "models": {"BTCUSDT-fast": {"verdict": "level with persistence"}},
}
COMPARED = {
    "against": "BTCUSDT-gru",
    "models": {
        "BTCUSDT-fast": {"metrics": [{"metric": "rmse", "a": 1.0, "b": 2.0, "better": "a"}]}
    },
}
DRIFT = {"start": "2024-01-20", "sample": 0.1, "models": {"BTCUSDT-fast": {"verdict": "stable"}}}


def summary(synthetic: bool = False, **failures: Any) -> dict[str, Any]:
    headline = {"metric": "rmse", "value": 0.00512, "naive": 0.005}
    model = {
        "job": "BTCUSDT-fast",
        "symbol": "BTCUSDT",
        "recipe": "fast",
        "seed": 7,
        "model": "BTCUSDT/fast/v",
        "path": "artifacts/models/BTCUSDT/fast/v",
        "headline": headline,
        "verdict": "no evidence of skill (p = 0.5): level with persistence",
        "backtest": {"total_return": -0.0775},
        "new": False,
    }
    return {
        "plan": "plan",
        "path": "artifacts/plans/plan-1",
        "synthetic": synthetic,
        "jobs": [{"state": "done"}, {"state": "was done"}, {"state": "done"}],
        "models": [model],
        "results": {"BTCUSDT-e": EVALUATED, "BTCUSDT-c": COMPARED, "BTCUSDT-d": DRIFT},
        "outputs": {"BTCUSDT-tune": "artifacts/studies/x/fast-tuned.yaml"},
        "failures": failures,
    }


@pytest.fixture
def folder(tmp_path):
    start = parse_time("2024-01-01")
    for symbol in ("BTCUSDT", "ETHUSDT"):
        made = simulate(symbol, "1h", start, start + 400 * HOUR_MS, seed=5)
        files.write(made, tmp_path / "candles" / f"{symbol}_1h.parquet")
    (tmp_path / "plan.yaml").write_text(PLAN)
    return tmp_path


@pytest.fixture
def carried_out(monkeypatch):
    """What was to be done; two of it are done, and some failed."""
    asked: dict[str, Any] = {"failures": {}}

    def ran(plan, **settings):
        asked.update(settings, plan=plan)
        return run.Result(Path("artifacts/plans/plan-1"), asked["failures"], summary())

    monkeypatch.setattr(run, "run", ran)
    return asked


def lines(said: str) -> list[str]:
    return [" ".join(line.split()) for line in said.splitlines()]


def test_how_all_models_are_traded_is_said_once(capsys):
    plan_view.header(reading.read("eleven-steps-rates", bonds=Path("yields.csv")))
    said = " ".join(capsys.readouterr().err.split())
    assert said.count("1.28125 basis points a side; carry, roll-down") == 1


def test_models_and_what_was_found_of_them_are_shown(capsys):
    plan_view.show(summary(synthetic=True, other={"error": "it diverged"}))
    said = capsys.readouterr()
    shown = lines(said.err)
    assert said.out == ""
    assert any("SYNTHETIC DATA" in line for line in shown)
    expected = (
        "BTCUSDT fast 7 rmse 0.00512 0.005 -7.75% no evidence of skill (p = 0.5)",
        "BTCUSDT-e: 1,234 test rows that all predicted, from 2024-01-01T00:00:00Z",
        "BTCUSDT-fast level with persistence",
        "BTCUSDT-c: paired on shared test rows",
        "BTCUSDT-fast rmse 1 2 it is",
        "BTCUSDT-d: rows from 2024-01-20",
        "BTCUSDT-fast stable",
        "jobs 2 done, 1 was done",
        "other it diverged",
        "BTCUSDT-tune artifacts/studies/x/fast-tuned.yaml",
        "results artifacts/plans/plan-1",
    )
    assert [line for line in expected if line not in shown] == []


@pytest.mark.parametrize("as_json", [False, True])
def test_a_plan_is_carried_out_and_ends_as_what_failed(folder, carried_out, capsys, as_json):
    carried_out["failures"] = {"ETHUSDT-fast": DivergedError("the loss is not finite")}
    words = ["train", "plan", str(folder / "plan.yaml"), "ETHUSDT", "--jobs", "1", "--epochs", "2"]
    more = ["--candles", str(folder / "candles"), *(["--json"] if as_json else [])]
    assert main([*words, *more]) == 5
    said = capsys.readouterr()
    plan = carried_out["plan"]
    assert [*plan.nodes] == ["ETHUSDT-data", "ETHUSDT-fast", "ETHUSDT-gru", "ETHUSDT-evaluate"]
    assert plan.nodes["ETHUSDT-gru"].recipe.config.training.epochs == 2
    assert (carried_out["engine"].name, carried_out["engine"].at_once) == ("local", 1)
    shown = lines(said.err)
    assert "plan plan: train, evaluate" in shown and "jobs 4, 2 of them trainings" in shown
    assert "1 of 4 jobs failed; ETHUSDT-fast: the loss is not finite" in shown[-1]
    answer = said.out.splitlines()[-1]
    assert (json.loads(answer) if as_json else answer) == (
        summary() if as_json else "artifacts/plans/plan-1"
    )


def test_several_symbols_and_presets_are_a_plan(folder, carried_out):
    words = ["train", "model", "BTCUSDT", "ETHUSDT", "--preset", "fast,gru"]
    assert main([*words, "--candles", str(folder / "candles")]) == 0
    trained = [node.name for node in carried_out["plan"].of_kind("train")]
    assert trained == ["BTCUSDT-fast", "BTCUSDT-gru", "ETHUSDT-fast", "ETHUSDT-gru"]


def test_a_dry_run_says_what_would_be_done(folder, monkeypatch, capsys):
    found = {
        "plan": "plan",
        "jobs": [
            {"name": "a", "step": "train", "state": "to do", "seconds": 90.0, "memory": 2**30},
            {"name": "b", "step": "drift", "state": "done", "seconds": None, "memory": None},
        ],
        "states": {"to do": 1, "done": 1},
        "seconds": 90.0,
        "unknown": 0,
        "memory": 2**31,
        "at_once": 2,
    }
    monkeypatch.setattr(estimate, "estimate", lambda *_plan, **_settings: found)
    words = ["train", "plan", str(folder / "plan.yaml"), "--dry-run"]
    more = ["--candles", str(folder / "candles"), "--artifacts", str(folder / "out")]
    assert main([*words, *more]) == 0
    shown = lines(capsys.readouterr().out)
    assert "a train to do 90.0 s 1.0 GiB" in shown and "b drift done - -" in shown
    assert "jobs 1 to do, 1 done" in shown
    assert "time 90.0 s with every epoch a network may take, 2 at once" in shown
    assert main([*words, *more, "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == found
    assert not (folder / "out").exists()


@pytest.mark.parametrize(
    ("states", "unknown", "said"),
    [
        (["to do", "unknown"], 2, "not known: nothing of this was done here before"),
        (
            ["to do", "to do"],
            1,
            "9.0 s with every epoch a network may take, 1 at once, without 1 j",
        ),
        (["done", "done"], 0, "0.0 ms with every epoch"),
    ],
)
def test_what_nobody_knows_is_not_made_up(states, unknown, said, capsys):
    job = {"name": "a", "step": "train", "seconds": None, "memory": None}
    found = {
        "plan": "plan",
        "jobs": [job | {"state": state} for state in states],
        "states": {},
        "seconds": 9.0 if "done" not in states else 0.0,
        "unknown": unknown,
        "memory": 0,
        "at_once": 1,
    }
    render.print_answer(*plan_view.estimated(found))
    assert said in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["plan", "nothing"], 2, "unknown plan 'nothing'"),
        (["plan", "{folder}/plan.yaml", "--candles", "{folder}"], 3, "no file is named BTCUSDT"),
        ([*TRAINED, "--engine", "dusk"], 2, "there is no engine 'dusk'"),
        (["plan", "{folder}/plan.yaml", "--set", "window=x"], 2, "window"),
        (["model", "BTCUSDT", "ETHUSDT", "--auto-batch-size"], 2, "train one model"),
        (["model", "BTCUSDT", "BTCUSDT"], 2, "BTCUSDT is named twice"),
        (["model", "BTCUSDT", "--preset", "fast,"], 3, "no file is named BTCUSDT"),
        (["model", "BTCUSDT", "--preset", "fast,fst"], 2, "did you mean 'fast'"),
        (["model"], 2, "Missing argument"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_written(
    folder, capsys, words, code, said
):
    asked = [word.format(folder=folder) for word in words]
    if "--candles" not in asked:
        asked += ["--candles", str(folder)]
    out = folder / "out"
    assert main(["train", *asked, "--artifacts", str(out)]) == code
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("error: ") and said in last
    assert not out.exists()
