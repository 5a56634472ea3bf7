"""`kill -9` at any moment costs no step that was reported and needs no hand to go on."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

SHELL = [sys.executable, "-c", "import sys; from atb_cli.main import main; sys.exit(main())"]
EPOCH = re.compile(r"epoch (\d+)/\d+ ")
SAVING = Path(__file__).with_name("saving.py")


class Training:
    """An `atb train ...` process and what it said on stderr."""

    def __init__(self, folder: Path, *words: object) -> None:
        command = [*SHELL, "train", *map(str, words)]
        environment = {k: v for k, v in os.environ.items() if k != "ATB_ARTIFACTS"}
        self.process = subprocess.Popen(
            command, cwd=folder, env=environment, stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line)

    @property
    def epochs(self) -> list[int]:
        """The epochs it reported."""
        return [int(found[1]) for line in self.lines if (found := EPOCH.match(line))]

    def wait_until(self, line: str) -> None:
        """Return once it has said a line that begins so, or is over."""
        until = time.monotonic() + 120
        while not any(said.startswith(line) for said in list(self.lines)):
            assert time.monotonic() < until, self.lines
            if self.process.poll() is not None:
                return
            time.sleep(0.01)

    def train_for(self, seconds: float, epochs: int) -> None:
        """Return after so many seconds; sooner on a machine so fast that it reports many epochs."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and len(self.epochs) < epochs:
            time.sleep(0.002)

    def kill(self) -> None:
        """`kill -9`."""
        self.process.kill()
        self.process.wait()
        self._reader.join()

    def end(self) -> None:
        """Wait for its end, which must be a good one."""
        self.process.wait(timeout=400)
        self._reader.join()
        assert self.process.returncode == 0, "".join(self.lines)


@pytest.fixture
def trainings() -> Iterator[list[Training]]:
    """Every training a test started; none outlives it."""
    started: list[Training] = []
    yield started
    for one in started:
        one.kill()


def newest_epoch(run: Path, copy: Path) -> int:
    """Epochs in the newest whole checkpoint, read from a copy: reading sweeps."""
    from atb.training.checkpoint import Checkpoints

    shutil.copytree(run / "checkpoints", copy)
    found = Checkpoints(copy).newest()
    shutil.rmtree(copy)
    assert found is not None
    return found.state.epoch


def same_model(one: Path, other: Path) -> None:
    """Every constant of the graph, every figure and every prediction."""
    import onnx
    import pandas as pd
    from onnx import numpy_helper

    constants, histories, metrics = [], [], []
    for model in (one, other):
        tensors = onnx.load(model / "model.onnx").graph.initializer
        constants.append(sorted(numpy_helper.to_array(tensor).tobytes() for tensor in tensors))
        table = pd.read_csv(model / "history.csv")
        histories.append(table.drop(columns="seconds"))
        metrics.append(json.loads((model / "metrics.json").read_text()))
    assert constants[0] == constants[1]
    pd.testing.assert_frame_equal(*histories, check_exact=True)
    assert metrics[0] == metrics[1]
    predictions = [pd.read_parquet(model / "predictions.parquet") for model in (one, other)]
    pd.testing.assert_frame_equal(*predictions, check_exact=True)


def only_model(artifacts: Path) -> Path:
    (model,) = artifacts.glob("models/BTCUSDT/fast/2*/")
    return model


@pytest.mark.parametrize(
    ("kills", "epochs"), [(3, 20), pytest.param(50, 300, marks=pytest.mark.slow)]
)
@pytest.mark.timeout(3000)
def test_a_training_killed_again_and_again_makes_the_same_model(
    market_data: Path, tmp_path: Path, trainings: list[Training], kills: int, epochs: int
) -> None:
    candles = market_data / "crypto_ohlcv" / "BTCUSDT_1h_2023-01-01_2024-12-31.feather"
    words = ["model", "BTCUSDT", "--preset", "fast", "--candles", candles]
    words += ["--start", "2024-09-01", "--epochs", epochs, "--patience", epochs]

    def training(*command: object) -> Training:
        trainings.append(Training(tmp_path, *command))
        return trainings[-1]

    whole = training(*words, "--artifacts", "whole")  # beside the others, to save time
    draw = random.Random(kills)
    killed = training(*words, "--artifacts", "parts")
    killed.wait_until("epoch 1/")
    done = 0
    for _ in range(kills):
        killed.train_for(draw.uniform(0.0, 2.0), epochs=4)
        killed.kill()
        assert killed.process.returncode == -9, "it was over before it could be killed"
        reported = max([done, *killed.epochs])
        (run,) = (path for path in tmp_path.glob("parts/runs/*/") if path.name[0] == "2")
        done = newest_epoch(run, tmp_path / "copy")
        assert done in (reported, reported + 1)  # saved before it is said: nothing said is lost
        killed = training("resume", run)
        killed.wait_until("training ...")
    killed.end()
    assert killed.epochs == list(range(done + 1, epochs + 1))
    whole.end()
    assert list(tmp_path.rglob("*.tmp")) == []
    assert [path.name for path in (tmp_path / "parts" / "runs").iterdir()] == [".lock"]
    same_model(only_model(tmp_path / "whole"), only_model(tmp_path / "parts"))


@pytest.mark.parametrize("kills", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_a_process_killed_while_it_saves_leaves_the_newest_checkpoint_whole(
    tmp_path: Path, kills: int
) -> None:
    words = [sys.executable, SAVING, tmp_path / "checkpoints", kills, kills]
    done = subprocess.run(
        list(map(str, words)), capture_output=True, text=True, check=False, timeout=500
    )
    assert done.returncode == 0, done.stderr
    *found, end = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == kills
    for one in found:
        assert not one["behind"], "a checkpoint that was acknowledged is lost"
        assert not one["ahead"] and one["bits"], "what is read is not what was written"
        assert one["unswept"] == 0
    assert sum(one["acknowledged"] for one in found) > kills / 2
    assert sum(one["leftovers"] > 0 for one in found) > kills / 10  # kills fell into writes
    assert end["kept"] <= 3  # the last two and the best
