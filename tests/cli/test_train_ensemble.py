"""`atb train ensemble`: what is refused at once, and one that was stopped and goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time

import pytest

from atb_cli.main import main

TWO = ["--members", "fast,balanced", "--sequence-length", "30"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--kind", "bagging"], 2, "bagging"),
        (["--kind", "voting"], 2, "--kind voting needs --members"),
        (["--kind", "seed", "--seeds", "3"], 2, "--kind seed needs --preset"),
        (["--kind", "seed", "--preset", "fast", "--seeds", "1"], 2, "--seeds"),
        (["--kind", "seed", "--preset", "fast", "--weights", "1,2"], 2, "--weights does not go"),
        (["--kind", "stacking", *TWO, "--voting", "soft"], 2, "--voting does not go with"),
        (["--kind", "voting", *TWO, "--splits", "3"], 2, "--splits does not go with"),
        (["--kind", "voting", *TWO, "--weights", "1,2"], 2, "weights are for a weighted vote"),
        (
            ["--kind", "voting", *TWO, "--voting", "weighted", "--weights", "1,x"],
            2,
            "no list of numbers as 0.7,0.3",
        ),
        (
            ["--kind", "voting", *TWO, "--voting", "weighted", "--weights", "1,2,3"],
            2,
            "3 weights are given for 2 members",
        ),
        (["--kind", "voting", *TWO, "--voting", "hard"], 2, "a hard vote is between classes"),
        (["--kind", "voting", "--members", "fast,balanced"], 4, "give all --sequence-length 60"),
        (["--kind", "voting", "--members", "fast,gru"], 4, "--target return --horizon 1"),
        (
            ["--kind", "voting", "--members", "fast,line.yaml"],
            4,
            "reads 3-D windows of 60 rows x 15 features (sequence model conv_recurrent), line "
            "reads 2-D rows of 900 numbers (tabular model linear)",
        ),
        (
            ["--kind", "stacking", "--members", "fast,direction-lstm"],
            4,
            "fast reads 15 features (technical), direction-lstm reads 31 features (distinct)",
        ),
    ],
)
def test_what_does_not_go_together_is_one_line_and_leaves_nothing(
    monkeypatch, capfd, tmp_path, words, code, said
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "line.yaml").write_text(
        "description: a line\nfeatures: technical\nwindow: 60\nmodel: {architecture: linear}\n"
        "dataset: {scaler: standard}\n"
    )
    assert main(["train", "ensemble", "BTCUSDT", *words]) == code
    out, err = capfd.readouterr()
    assert said in err.splitlines()[-1]
    assert out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["line.yaml"]


@pytest.mark.slow
def test_one_that_was_stopped_goes_on_and_is_a_model_like_any_other(atb_words, atb_in, tmp_path):
    words = ["train", "ensemble", "BTCUSDT", "--kind", "stacking", "--members", "fast,gru"]
    words += ["--source", "sample", "--start", "2024-01-01", "--end", "2024-03-15"]
    words += ["--target", "direction", "--horizon", "1", "--sequence-length", "12"]
    words += ["--epochs", "6", "--patience", "6", "--set", "model.units=[4,4]", "--splits", "2"]
    log = tmp_path / "log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            [*atb_words, *words], cwd=tmp_path, stderr=stream, start_new_session=True
        )
    until = time.monotonic() + 300
    while "fast: done" not in log.read_text():
        assert process.poll() is None and time.monotonic() < until, log.read_text()
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(timeout=120) == 130
    assert log.read_text().splitlines()[-1].endswith("the same command goes on where it stopped")

    done = atb_in(*words, "--json", folder=tmp_path, timeout=500)
    assert done.code == 0, done.err
    assert "fast: " not in done.err.replace("stacking-fast", "")  # it was done
    assert "gru-fold-2: done" in done.err
    made = done.json
    assert list(made["ensemble"]["members"]) == ["fast", "gru"]
    assert set(made["ensemble"]["ensemble"]) == {"loss", "accuracy", "macro_f1"}
    assert made["parity"]["max_difference"] <= 1e-5
    assert list((tmp_path / "artifacts" / "runs").glob("2*")) == []
    model = tmp_path / made["path"]
    assert json.loads((model / "config.json").read_text())["model"]["architecture"] == "ensemble"
    assert atb_in("models", "verify", made["path"], folder=tmp_path).code == 0
    again = atb_in("export", "onnx", made["path"], "--output", "again.onnx", folder=tmp_path)
    assert again.code == 0, again.err
