"""`atb train lob`: several models on one book, and what comes of asking again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from atb.market.lob import files
from atb.market.lob.sample import simulate
from atb_cli.main import main

SMALL = ["--features", "of", "--sequence-length", 5, "--horizon", "10,20", "--epochs", 1]


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """A file with a simulated book."""
    path = tmp_path_factory.mktemp("book") / "book.parquet"
    files.write(simulate("TEST", 1500, seed=3), path)
    return path


@pytest.fixture(scope="module")
def trained(atb_in, book, tmp_path_factory):
    """A suite of a line and a network, in a folder of its own."""
    folder = tmp_path_factory.mktemp("suite")
    words = ["train", "lob", book, "--suite", "ols,lob-mlp", *SMALL]
    return folder, words, atb_in(*words, "--json", folder=folder)


def test_both_are_trained_and_compared(trained):
    folder, _, done = trained
    assert done.code == 0, done.err
    results = done.json
    path = folder / results["path"]
    assert json.loads((path / "results.json").read_text()) == results
    assert list(results["models"]) == ["ols", "lob-mlp"]
    assert (results["symbol"], results["book"]["rows"]) == ("TEST", 1500)
    assert results["failures"] == {}
    assert results["horizons"] == [10, 20]
    for name, one in results["models"].items():
        model = folder / one["path"]
        assert (model / "model.onnx").is_file()
        assert (model / "report.html").is_file()
        assert one["version"] == model.name == f"{results['suite']}-{name}"
        for judged in one["horizons"].values():
            for figure in judged["metrics"].values():
                assert figure["low"] <= figure["value"] <= figure["high"]
            tested = sum(map(sum, judged["confusion"]["counts"]))
            assert tested == results["windows"]["test"]
    line, network = (one["horizons"]["20"]["metrics"] for one in results["models"].values())
    assert set(line) == {"accuracy", "macro_f1", "mcc", "r2"}
    assert set(network) == {"accuracy", "macro_f1", "mcc"}
    for name, by_horizon in results["baselines"].items():
        assert set(by_horizon) == {"10", "20"}, name
    assert results["baselines"]["random"]["10"]["accuracy"] == pytest.approx(1 / 3)
    assert (path / "performance.png").read_bytes().startswith(b"\x89PNG")
    assert "TEST: 2 models on one book" in (path / "performance.html").read_text()
    assert list((folder / "artifacts" / "runs").glob("2*")) == []


def test_the_screen_shows_them_beside_the_baselines(trained):
    _, _, done = trained
    assert "SYNTHETIC DATA" in done.err
    for line in ("ols ", "lob-mlp ", "random ", "majority ", "last move "):
        assert sum(said.startswith(line) for said in done.err.splitlines()) >= 2, line
    assert "lob-mlp: epoch 1/1" in done.err
    assert "the best baseline" in done.err


def test_what_was_interrupted_before_its_results_trains_nothing_again(trained, atb_in):
    folder, words, done = trained
    suite = folder / done.json["path"]
    (suite / "results.json").unlink()
    (suite / "performance.png").unlink()
    again = atb_in(*words, "--json", folder=folder)
    assert again.code == 0, again.err
    assert "goes on where it stopped; done: ols, lob-mlp" in again.err
    assert "training" not in again.err.replace("what training took", "")
    assert again.json["models"] == done.json["models"]
    assert (suite / "performance.png").is_file()
    assert len(list((folder / "artifacts" / "studies").glob("2*"))) == 1


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--suite", "deeplab"], 2, "did you mean 'deeplob'?"),
        (["--suite", "balanced"], 2, "preset 'balanced' is for candles"),
        (["--suite", "deeplob", "--epochs", "0"], 2, "training.epochs"),
        (["--suite", "ols", "--set", "model.penalti=none"], 2, "penalty"),
        (["--suite", "ols", "--jobs", "0"], 2, "--jobs"),
        (["--suite", "ols", "--symbol", "../x"], 2, "is not a symbol"),
        (["--suite", "ols", "--set", "data.levels=5"], 2, "reads 10 levels, data.levels is 5"),
        (["--suite", "lob-mlp", "--set", "target.kind=mid_change"], 2, "predict mid_change"),
        (["--suite", "ols", "--set", "data.levels=99"], 3, "it has 10 levels, 99 are asked for"),
        (["--suite", "ols", "--clock", "time", "--every", "60"], 3, "too few"),
    ],
)
def test_what_cannot_be_trained_is_one_line_and_leaves_nothing(
    monkeypatch, capfd, tmp_path, book, words, code, said
):
    monkeypatch.chdir(tmp_path)
    assert main(["train", "lob", str(book), *words]) == code
    out, err = capfd.readouterr()
    assert said in err.splitlines()[-1]
    assert out == ""
    assert list(tmp_path.iterdir()) == []


def test_a_model_of_it_trades_another_book_by_the_rules_of_books(trained, atb_in, book, tmp_path):
    folder, _, done = trained
    model = done.json["models"]["ols"]["path"]
    other = tmp_path / "other.parquet"
    files.write(simulate("OTHER", 400, seed=4), other)
    words = ("backtest", model, "--book", other)
    late = atb_in(*words, "--latency", 3, "--hold", 7, "--json", folder=folder)
    assert late.code == 0, late.err
    assert (late.json["trading"]["latency"], late.json["trading"]["hold"]) == (3, 7)
    assert f"warning: {other} is of OTHER: it is taken for TEST" in late.err
    assert "is taken for" not in atb_in("backtest", model, "--book", book, folder=folder).err
    for option in (("--slippage", 1), ("--positions", "long_flat")):
        refused = atb_in(*words, *option, folder=folder)
        assert (refused.code, refused.out) == (2, "")
        assert f"{option[0]}: a book is traded at the touch" in refused.said


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "--source sample"),
        (["nope.zip"], 3, "nope.zip"),
        (["torn.zip"], 3, "torn.zip"),
        (["GOOG", "--symbol", "MSFT"], 2, "two symbols"),
        (["torn.zip", "--source", "sample"], 2, "leave out one"),
    ],
)
def test_a_book_must_be_named_and_be_whole(monkeypatch, capfd, tmp_path, words, code, said):
    monkeypatch.chdir(tmp_path)
    Path("torn.zip").write_bytes(b"PK\x03\x04 torn")
    assert main(["train", "lob", *words, "--suite", "ols"]) == code
    out, err = capfd.readouterr()
    assert said in err.splitlines()[-1]
    assert out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["torn.zip"]


class Training:
    """An `atb train lob` process and what it says."""

    def __init__(self, atb_words, folder: Path, *words: object) -> None:
        self.log = folder / f"{time.monotonic()}.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*atb_words, "train", "lob", *map(str, words)], cwd=folder, stderr=log,
                stdout=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip

    def wait_for(self, *words: str) -> None:
        until = time.monotonic() + 300
        while not all(word in self.log.read_text() for word in words):
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < until, self.log.read_text()
            time.sleep(0.1)


def children(pid: int) -> list[int]:
    """Processes below this one, whatever became of those between."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if fields[0] != "Z":
            parents[int(stat.parent.name)] = int(fields[1])
    found, known = [], [pid]
    while known:
        below = [child for child, parent in parents.items() if parent in known]
        found += below
        known = below
    return found


@pytest.mark.slow
@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_a_suite_that_ended_early_goes_on_where_it_stopped(
    atb_words, atb_in, tmp_path, book, ending
):
    words = [book, "--suite", "ols,lob-mlp,lob-lstm", *SMALL[:-2], "--epochs", 60]
    words += ["--patience", 60, "--batch-size", 8, "--jobs", 3]
    training = Training(atb_words, tmp_path, *words)
    training.wait_for("ols: done", "lob-mlp: epoch 3/", "lob-lstm: epoch 3/")
    below = children(training.process.pid)
    assert len(below) >= 2
    os.kill(training.process.pid, ending)
    if ending == signal.SIGKILL:  # the children too, before they can save
        for pid in below:
            os.kill(pid, ending)
    code = training.process.wait(timeout=120)
    said = training.log.read_text()
    assert code == (130 if ending == signal.SIGINT else -9), said
    if ending == signal.SIGINT:
        assert said.splitlines()[-1].endswith("the same command goes on where it stopped")
        assert "stopped: 1 of 3 models are done" in said
        assert "stopping after this step; again to kill" in said
        assert "atb train resume" not in said
    assert not any(Path(f"/proc/{pid}/cmdline").read_bytes() for pid in below if
                   Path(f"/proc/{pid}").exists())  # fmt: skip
    (suite,) = tmp_path.glob("artifacts/studies/2*")
    (ols,) = tmp_path.glob("artifacts/models/TEST/ols/2*")
    made = ols.stat().st_mtime_ns

    again = Training(atb_words, tmp_path, *words)
    again.wait_for("goes on where it stopped; done: ols; goes on: lob-mlp, lob-lstm")
    again.wait_for("lob-mlp: epoch", "lob-lstm: epoch")
    assert "lob-mlp: epoch 1/" not in again.log.read_text()
    assert "ols: " not in again.log.read_text().replace("done: ols", "")
    os.kill(again.process.pid, signal.SIGTERM)
    assert again.process.wait(timeout=120) == 130

    done = atb_in("train", "lob", *words, "--json", folder=tmp_path, timeout=500)
    assert done.code == 0, done.err
    assert list(done.json["models"]) == ["ols", "lob-mlp", "lob-lstm"]
    assert tmp_path / done.json["path"] == suite
    assert ols.stat().st_mtime_ns == made
    assert done.json["models"]["lob-mlp"]["epochs"] == 60
