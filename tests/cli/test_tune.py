"""`atb tune`: what is shown of a study, and what is refused in one line."""

from __future__ import annotations

import json
import subprocess
import time

import pytest

from atb import presets
from atb.clock import parse_time
from atb.market import access
from atb.market.sample import simulate
from atb_cli import tune_view
from atb_cli.main import main

PRESET = "description: mine\nfeatures: price\nwindow: 8\nmodel: {architecture: mlp, dense: [4]}\n"


def trial(number, state, loss, units):
    values = {"model": {"filters": [8], "pool": [2]}, "model.cell": units}
    found = {"trial": number, "state": state, "loss": loss, "steps": 3, "problem": None}
    complete = state == "complete"
    return {**found, "epochs": 3 if complete else None, "sharpe": 0.01 if complete else None,
            "values": values}  # fmt: skip


def results(synthetic=False, trials=12):
    ranking = [trial(n, "complete", 0.9 + n / 100, "gru") for n in range(1, trials)]
    ranking.append(trial(trials, "failed", None, "lstm"))
    return {
        "symbol": "TEST",
        "synthetic": synthetic,
        "objective": "validation loss",
        "search": {"model": {}, "model.cell": {}},
        "trials": {"asked": trials, "complete": trials - 1, "pruned": 0, "failed": 1},
        "naive": 1.000123,
        "ranking": ranking,
        "words": ["validation loss 0.91: below", "chosen from 12 trials"],
        "output": "my new/my-tuned.yaml",
    }


def test_the_best_trials_stand_above_a_constant(capsys):
    tune_view.show(results(), presets.resolve("fast", "TEST"))
    shown = capsys.readouterr().err
    assert "validation loss: the best of 12 trials (11 complete, 1 failed)" in shown
    rows = [line.split() for line in shown.splitlines()]
    assert ["1", "0.910000", "3", "0.010000", "filters", "[8],", "pool", "[2]", "gru"] in rows
    assert ["constant", "1.000123", "-", "-", "-", "-"] in rows
    assert ["10", "1.000000"] in [row[:2] for row in rows]
    assert ["11", "1.010000"] not in [row[:2] for row in rows]  # the ten best
    assert "atb train model TEST --preset 'my new/my-tuned.yaml'" in shown
    assert "chosen from 12 trials" in shown
    assert "SYNTHETIC" not in shown


def test_the_new_preset_is_tested_on_the_rows_of_the_study(capsys):
    given = {"candles": "my candles.csv", "timeframe": "4h", "end": "2024-01-31", "epochs": 2}
    tune_view.show(results(), presets.resolve("fast", "TEST", **given))
    words = "--preset 'my new/my-tuned.yaml' --candles 'my candles.csv' --end 2024-01-31"
    assert f"atb train model TEST {words}" in " ".join(capsys.readouterr().err.split())
    tune_view.show(results(), presets.resolve("fast", "UST2Y", bonds="yields.csv"))
    assert "--bonds yields.csv" in capsys.readouterr().err


def test_a_failed_trial_and_a_simulator_are_not_hidden(capsys):
    tune_view.show(results(synthetic=True, trials=2), presets.resolve("fast", "TEST"))
    shown = capsys.readouterr().err
    assert "SYNTHETIC DATA" in shown
    assert any(line.split()[:3] == ["2", "failed", "-"] for line in shown.splitlines())


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--trials", "0"], 2, "0 is not in the range x>=1"),
        (["--preset", "nonsense"], 2, "unknown preset 'nonsense'"),
        (["--preset", "lob-mlp"], 4, "lob-mlp.yaml: has no search block, so there is nothing to"),
        (["--preset", "fast", "--from", "TEST/fast"], 2, "--from: trials begin with weights of"),
        (["--preset", "fast", "--output", "a.json"], 2, "--output a.json: a preset file ends in"),
        (["--preset", "p.yaml"], 4, "p.yaml:6: unknown key 'windw'; did you mean 'window'?"),
        (["--preset", "fast", "--model-type", "tcn"], 4, "fast.yaml:27: unknown key 'model.units'"),
    ],
)
def test_what_cannot_be_tuned_ends_in_one_line(tmp_path, monkeypatch, capsys, words, code, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.yaml").write_text(f"{PRESET}search:\n  windw: {{choice: [4, 8]}}\n")
    assert main(["tune", "TEST", *words]) == code
    done = capsys.readouterr()
    assert message in done.err.splitlines()[-1]
    assert done.out == ""
    assert not (tmp_path / "artifacts").exists()


def test_what_would_be_tried_is_shown_with_the_preset(capsys):
    assert main(["presets", "show", "fast"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["search.window", "one", "of", "30,", "60,", "90", "preset", "fast"] in lines
    assert main(["presets", "show", "fast", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert shown["search"]["training.learning_rate"] == {"log_range": [5e-4, 1e-2]}


@pytest.mark.slow
def test_a_study_that_was_killed_goes_on_and_its_preset_trains(atb_in, atb_words, tmp_path):
    candles = simulate("TEST", "1h", parse_time("2024-01-01"), parse_time("2024-02-03"), seed=5)
    access.keep(candles, tmp_path / "c.parquet")
    search = "search:\n  window: {choice: [4, 8]}\n  model.dropout: {range: [0.0, 0.5]}\n"
    (tmp_path / "p.yaml").write_text(PRESET + search)
    words = ["tune", "TEST", "--preset", "p.yaml", "--candles", "c.parquet", "--epochs", "5",
             "--trials", "6", "--output", "mine.yaml"]  # fmt: skip
    log = tmp_path / "log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            [*atb_words, *words], cwd=tmp_path, stderr=stream, stdout=subprocess.DEVNULL
        )
    until = time.monotonic() + 300
    while "validation loss" not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.05)
    process.kill()
    process.wait()
    assert not (tmp_path / "mine.yaml").exists()
    done = atb_in(*words, "--json", folder=tmp_path)
    assert done.code == 0, done.err
    (study,) = (tmp_path / "artifacts" / "studies").glob("*-tune-*")
    assert (study.name, "are over" in done.err) == (done.json["study"], True)
    assert sum(done.json["trials"][state] for state in ("complete", "pruned")) == 6
    assert done.json["best"]["loss"] == min(one["loss"] for one in done.json["ranking"])
    words = ["train", "model", "TEST", "--preset", "mine.yaml", "--candles", "c.parquet", "--json"]
    model = atb_in(*words, folder=tmp_path)
    assert model.code == 0, model.err
    assert "after 6 trials" in model.err
