"""The main job through the shell, on real candles: train, list, verify, backtest, export."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
import zipfile
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

KEYS = {
    "version", "path", "onnx", "symbol", "preset", "data", "metrics", "baselines", "differences",
    "intervals", "bootstrap", "verdict", "headline", "significance", "calibration", "backtest",
    "parity", "stages", "epochs",
}  # fmt: skip
STAGES = {"data", "features", "dataset", "training", "evaluation", "export", "save", "total"}


CANARY = "c4n4ry-5e3d9f+A"
WATCHED = """
import os, sys

def note(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "socket.sendmsg"):
        with open(os.environ["ATB_TEST_SOCKETS"], "a") as stream:
            print(event, arguments, file=stream)

sys.addaudithook(note)
"""


@pytest.fixture(scope="module")
def btc(market_data):
    return market_data / "crypto_ohlcv" / "BTCUSDT_1h_2023-01-01_2024-12-31.feather"


@pytest.fixture(scope="module")
def trained(atb_in, tmp_path_factory, btc):
    """One training of two epochs: what it said and the folder it ran in."""
    folder, watched = tmp_path_factory.mktemp("main-job"), tmp_path_factory.mktemp("watched")
    (watched / "sitecustomize.py").write_text(WATCHED)
    words = ("BTCUSDT", "--preset", "fast", "--candles", btc, "--epochs", "2", "--json", "-vv")
    done = atb_in(
        "train",
        "model",
        *words,
        "--tensorboard",
        folder=folder,
        BINANCE_API_KEY=CANARY,
        ATB_TEST_SOCKETS=str(folder / "sockets"),
        PYTHONPATH=str(watched),
    )
    assert done.code == 0, done.err
    return done, folder


@pytest.fixture(scope="module")
def summary(trained):
    return trained[0].json


@pytest.fixture
def atb(atb_in, trained):
    """Run a command in the folder of the training."""

    def run(*words, **extra):
        return atb_in(*words, folder=trained[1], **extra)

    return run


def test_stdout_is_one_json_object(trained, summary):
    assert trained[0].out.count("\n") == 1
    assert set(summary) == KEYS
    assert (summary["symbol"], summary["preset"], summary["epochs"]) == ("BTCUSDT", "fast", 2)


def test_the_json_says_where_the_candles_came_from(summary):
    data = summary["data"]
    assert set(data) == {"source", "synthetic", "rows", "first", "last", "gaps"}
    assert (data["rows"], data["gaps"], data["synthetic"]) == (18000, 1, False)
    assert data["first"] == "2023-01-01T00:00:00Z"


def test_the_json_times_every_stage(summary):
    stages = summary["stages"]
    assert set(stages) >= STAGES
    assert 0 < sum(v for k, v in stages.items() if k != "total") <= stages["total"]


def test_the_json_holds_finite_numbers_beside_baselines(summary):
    assert "persistence" in summary["baselines"]
    persistence = summary["baselines"]["persistence"]
    assert summary["metrics"]["rmse"] <= 1.01 * persistence["rmse"]
    for difference in summary["differences"].values():
        assert difference["low"] <= difference["estimate"] <= difference["high"]


def test_people_see_header_progress_and_result_on_stderr(trained, summary):
    err = trained[0].err
    for part in ("BTCUSDT", "fast", "technical (15)", "60 bars", "conv_recurrent"):
        assert part in err
    assert "epoch 1/2" in err
    assert "epoch 2/2" in err
    assert "ETA" in err
    for part in ("rmse", "persistence", "buy and hold", "parity", summary["path"]):
        assert part in err
    for part in ("How sure that is", "Diebold-Mariano against persistence", "was to hold 90.0%"):
        assert part in err
    assert summary["verdict"].startswith(f"{summary['significance']['words']}: ")
    assert "SYNTHETIC" not in err
    assert "\x1b" not in err


def test_no_secret_is_left_anywhere(trained):
    """As text, in any file, the compressed ones within a network's file too."""
    done, folder = trained
    assert CANARY not in done.out + done.err
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"events.jsonl", "metadata.json", "report.html"}
    for path in files:
        assert CANARY.encode() not in path.read_bytes(), path
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                assert not any(CANARY.encode() in archive.read(name) for name in archive.namelist())


def test_training_from_a_file_talks_to_nobody(trained):
    """A library may look whether there is IPv6; no name is asked for, nothing is sent anywhere."""
    assert not (trained[1] / "sockets").exists()


def test_tensorboard_is_told(trained, summary):
    boards = trained[1] / "artifacts" / "tensorboard"
    (board,) = boards.iterdir()
    assert board.name == f"BTCUSDT-fast-{summary['version']}"


def test_tensorflow_is_quiet(trained):
    assert "oneDNN" not in trained[0].err
    assert "WARNING" not in trained[0].err


def test_models_are_listed(atb, summary):
    (listed,) = atb("models", "list", "--json").json["models"]
    assert listed["symbol"] == "BTCUSDT"
    assert listed["version"] == summary["version"]
    assert atb("models", "list", "ETHUSDT", "--json").json["models"] == []
    assert summary["version"] in atb("models", "list").out


@pytest.mark.parametrize("reference", ["{path}", "BTCUSDT/fast", "BTCUSDT/fast/{version}"])
def test_a_model_is_shown(atb, summary, reference):
    done = atb("models", "show", reference.format(**summary), "--json")
    assert done.json["version"] == summary["version"]
    assert done.json["metrics"] == summary["metrics"]
    assert atb("models", "show", reference.format(**summary)).code == 0


def test_models_are_verified(atb, summary):
    assert atb("models", "verify").code == 0
    (verified,) = atb("models", "verify", summary["path"], "--json").json["models"]
    assert verified == {"path": summary["path"], "intact": True}


def test_a_flipped_bit_is_found(atb, trained, summary, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(trained[1] / summary["path"], copy)
    graph = copy / "model.onnx"
    content = bytearray(graph.read_bytes())
    content[len(content) // 2] ^= 1
    graph.write_bytes(content)
    for words in (["models", "show"], ["backtest", "--candles", "x"]):
        done = atb(*words, copy)
        assert (done.code, done.out) == (9, "")
        assert "model.onnx: its SHA-256 is" in done.said
    done = atb("models", "verify", copy, "--json")
    assert (done.code, done.json) == (9, {"models": [{"path": str(copy), "intact": False}]})
    assert "model.onnx: its SHA-256 is" in done.said


def test_a_model_that_is_not_there(atb):
    done = atb("models", "show", "BTCUSDT/none")
    assert (done.code, done.out) == (2, "")
    assert "BTCUSDT/none" in done.said


def test_a_backtest_on_other_candles(atb, summary, market_data):
    other = market_data / "crypto_ohlcv" / "ETHUSDT_perp_1h_20230101_20250630.parquet"
    free = atb(
        "backtest", summary["path"], "--candles", other, "--fee", 0, "--slippage", 0, "--json"
    )
    costly = atb("backtest", summary["path"], "--candles", other, "--fee", 20, "--json")
    assert free.code == costly.code == 0, free.err + costly.err
    for done, fee in ((free, 0.0), (costly, 20.0)):
        paid = done.json["trading"]["costs"]
        assert (paid["buy_fee"], paid["sell_fee"]) == (fee, fee)
    assert free.json["trades"] == costly.json["trades"]
    assert free.json["total_return"] > costly.json["total_return"]
    refused = atb("backtest", summary["path"], "--candles", other, "--latency", 1)
    assert (refused.code, refused.out) == (2, "")
    assert "--latency: candles are traded bar by bar" in refused.said


def test_a_backtest_on_candles_it_learned_from_says_so(atb, summary, btc):
    """A bar that closes when the last label became known is the first that is new."""
    metadata = json.loads((Path(summary["path"]) / "metadata.json").read_text())
    until = datetime.fromisoformat(metadata["learned_until"])
    starts = [(until - timedelta(hours=hours)).isoformat() for hours in (2, 1)]
    call = ("backtest", summary["path"], "--candles", btc, "--start")
    seen, unseen = (atb(*call, start) for start in starts)
    said = f"warning: the model learned from rows up to {metadata['learned_until']}"
    assert (seen.code, unseen.code) == (0, 0) and said in seen.err
    assert "warning" not in unseen.err
    assert "trading long/flat, 12 basis points a side" in " ".join(unseen.out.split())


def test_a_backtest_writes_its_tables_where_it_is_told(atb, summary, btc, trained):
    rules = ("--sizing", "kelly", "--limit", 2, "--stop", 0.01, "--set", "costs.sell_fee=3")
    call = ("backtest", "model", summary["path"], "--candles", btc, "--start", "2024-11-01")
    done = atb(*call, *rules, "--output", "tables", "--json")
    assert done.code == 0, done.err
    trading = done.json["trading"]
    assert (trading["sizing"]["rule"], trading["sizing"]["limit"]) == ("kelly", 2.0)
    assert (trading["costs"]["sell_fee"], trading["exits"]["stop"]) == (3.0, 0.01)
    folder = trained[1] / "tables"
    assert {path.name for path in folder.iterdir()} == set(done.json["files"])
    assert (folder / "returns.csv").read_text().startswith('"date","return","buy_and_hold"\n')
    refused = atb("backtest", summary["path"], "--candles", btc, "--set", "costs.sell=3")
    assert refused.code == 2 and "did you mean 'sell_fee'" in refused.said


def test_two_models_are_compared(atb, summary, btc):
    """A model is no better than itself, whatever it earns."""
    call = ("backtest", "compare", "BTCUSDT/fast", summary["path"], "--candles", btc)
    done = atb(*call, "--start", "2024-11-01", "--json")
    assert done.code == 0, done.err
    assert done.json["a"] == done.json["b"] | {"model": done.json["a"]["model"]}
    assert done.json["comparison"]["verdict"].startswith("no evidence that either earns more")
    shown = atb(*call, "--start", "2024-11-01")
    assert "no evidence" in shown.out and "paired block bootstrap" in shown.out


def test_a_backtest_needs_no_tensorflow(trained, summary, btc):
    words = ["backtest", summary["path"], "--candles", str(btc)]
    code = (
        f"import sys; from atb_cli.main import main; code = main({words!r});"
        "print({'tensorflow', 'keras'} & set(sys.modules), file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=trained[1], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.rstrip().endswith("set()")
    assert "buy and hold" in done.stdout


def test_the_graph_is_exported(atb, trained, summary, tmp_path):
    target = tmp_path / "signal.onnx"
    done = atb("export", "onnx", summary["path"], "--output", target, "--json")
    assert done.code == 0, done.err
    assert Path(done.json["onnx"]) == target
    assert done.json["parity"]["max_difference"] <= 1e-5
    candles = np.exp(np.random.default_rng(7).normal(0, 0.1, (3, 300, 5))).astype(np.float32)
    first, second = (
        onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        for path in (target, trained[1] / summary["onnx"])
    )
    rows = first.get_inputs()[0].shape[1]
    feed = {"candles": candles[:, :rows]}
    assert np.array_equal(first.run(None, feed)[0], second.run(None, feed)[0])
    assert first.get_modelmeta().custom_metadata_map == second.get_modelmeta().custom_metadata_map


def test_newer_candles_are_compared_with_those_a_model_knows(atb, summary, btc, tmp_path):
    """The market it was tested on is no alarm; the same with moves six times as large is one."""
    import pandas as pd

    drift = ("models", "drift", "BTCUSDT/fast", "--candles")
    few = atb(*drift, btc)  # one bar lies after the test rows: its label was unknown
    assert few.code == 0 and "verdict  undecided; too few rows" in few.out
    same = atb(*drift, btc, "--start", "2024-10-05", "--json")
    assert "warning: the model was trained and judged on rows up to" in same.err
    assert (same.code, same.json["drifted"]) == (0, False), same.err
    assert len(same.json["columns"]) == 17 and same.json["errors"]["rows"] > 2000
    wild = pd.read_feather(btc).tail(2000).reset_index(drop=True)
    for column in ("open", "high", "low", "close"):
        wild[column] = wild["close"].iloc[0] * (wild[column] / wild["close"].iloc[0]) ** 6
    wild.to_parquet(tmp_path / "wild.parquet")
    found = atb(*drift, tmp_path / "wild.parquet", "--start", "2024-10-30")
    assert found.code == 8 and "verdict  drifted: " in found.out, found.err
    assert found.out.index("drifted") < found.out.index("stable")


def test_an_export_never_lands_in_the_model(atb, summary):
    done = atb("export", "onnx", summary["path"], "--output", f"{summary['path']}/model.onnx")
    assert (done.code, done.out) == (2, "")
    assert "whose files are final" in done.said
    assert atb("models", "verify").code == 0


def test_a_smaller_graph_is_registered_and_serves_alone(
    atb_in, trained, btc, tmp_path, serving_example
):
    shutil.copytree(trained[1] / "artifacts", tmp_path / "artifacts")
    done = atb_in("export", "onnx", "BTCUSDT/fast", "--quantize", "static", folder=tmp_path)
    assert done.code == 0, done.err
    assert "TOO MUCH" not in done.err and " serves model.int8.onnx" in done.err
    model = tmp_path / done.out.removesuffix("\n")
    assert model.name.endswith("-int8")
    measured = json.loads((model / "metadata.json").read_text())["smaller"]
    assert measured["rows"] > 2000
    assert measured["bytes"]["smaller"] < 0.6 * measured["bytes"]["float32"]
    import pandas as pd

    pd.read_feather(btc).tail(400).to_csv(model / "candles.csv", index=False)
    said = [
        subprocess.run(
            [sys.executable, "-I", "-c", serving_example("python").replace("model.onnx", name)],
            cwd=model, capture_output=True, text=True, check=True,
        ).stdout.split()
        for name in ("model.onnx", "model.int8.onnx")
    ]  # fmt: skip
    (unit, exact), (_, small) = said
    assert unit == "return"
    assert 0 < abs(float(small) - float(exact)) < 1e-4  # a fiftieth of an hour's deviation


def test_without_json_the_answer_is_the_path_and_synthetic_candles_are_marked(atb_in, tmp_path):
    words = ("BTCUSDT", "--preset", "fast", "--source", "sample", "--epochs", "1")
    span = ("--start", "2024-06-01", "--end", "2024-11-01")
    done = atb_in("train", "model", *words, *span, folder=tmp_path)
    assert done.code == 0, done.err
    model = tmp_path / done.out.removesuffix("\n")
    assert json.loads((model / "metadata.json").read_text())["synthetic"] is True
    assert done.err.count("SYNTHETIC DATA") == 2


def stopped(words, folder, stop, after):
    """Run a command until it says a line that begins with `after`, then send it a signal."""
    with subprocess.Popen(words, cwd=folder, stderr=subprocess.PIPE, text=True) as running:
        for line in running.stderr:
            if line.startswith(after):
                break
        running.send_signal(stop)
        said = running.stderr.read().rstrip().splitlines()
    return running.returncode, said


@pytest.mark.parametrize(
    "stop", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]
)
def test_a_stopped_training_says_how_to_go_on_and_goes_on(atb_in, atb_words, tmp_path, btc, stop):
    words = ["train", "model", "BTCUSDT", "--preset", "fast", "--candles", str(btc)]
    words += ["--start", "2024-09-01", "--epochs", "12", "--artifacts", "kept here"]
    code, said = stopped([*atb_words, *words], tmp_path, stop, "epoch 1/")
    assert code == 130
    assert re.fullmatch(
        r"stopped after epoch \d+ and \d+ of \d+ steps; everything is saved; "
        r"go on with: atb train resume 'kept here/runs/\S+'",
        said[-1],
    )
    assert list((tmp_path / "kept here").rglob("model.onnx")) == []
    assert list(tmp_path.rglob("*.tmp")) == []
    _, _, command = said[-1].partition("go on with: atb ")
    done = atb_in(*shlex.split(command), "--json", folder=tmp_path)
    assert done.code == 0, done.err
    assert done.json["epochs"] == 12
    assert list((tmp_path / "kept here" / "runs").iterdir()) == [
        tmp_path / "kept here" / "runs" / ".lock"
    ]
    again = atb_in(*shlex.split(command), folder=tmp_path)
    assert again.code == 2 and "there is no stopped training" in again.said


def test_a_training_stopped_before_its_first_step_leaves_nothing(atb_words, tmp_path, btc):
    words = ["train", "model", "BTCUSDT", "--preset", "fast", "--candles", str(btc)]
    code, said = stopped([*atb_words, *words], tmp_path, signal.SIGTERM, "startup ...")
    assert code == 130
    assert said[-1].startswith("interrupted: nothing was left half-written; again: atb train")
    assert list(tmp_path.rglob("manifest.json")) == []
