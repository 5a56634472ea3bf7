"""A training that begins with a registered model begins with its very bits, or is refused."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from atb import parents, presets
from atb.clock import iso, parse_time
from atb.errors import AtbError, ConfigError, DataError, IntegrityError, StoppedError, UsageError
from atb.market.load import load
from atb.pipeline import resume_training, train_model
from atb.registry.integrity import verify
from atb.workspace import Workspace

SMALL = ("window=20", "model.units=[6]", "model.filters=[6]", "model.dense=[4]")
FILE = "BTCUSDT_1h_2023-01-01_2024-12-31.feather"
Config = Callable[..., Any]


@pytest.fixture(scope="module")
def config(market_data: Path) -> Config:
    """`config(start, end, *assignments, **options)`: a small recipe on real candles."""

    def config(start: str, end: str, *assignments: str, **options: Any) -> Any:
        call = {"candles": market_data / "crypto_ohlcv" / FILE, "epochs": 1, **options}
        chosen = presets.resolve(
            "fast", "BTCUSDT", assignments=(*SMALL, *assignments), start=start, end=end, **call
        )
        return chosen.config

    return config


@pytest.fixture(scope="module")
def parent(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A registered model of the first four months of 2024, alone in its workspace."""
    artifacts = tmp_path_factory.mktemp("parent") / "artifacts"
    return train_model(config("2024-01-01", "2024-05-01"), artifacts=artifacts)


@pytest.fixture
def artifacts(parent: Any, tmp_path: Path) -> Path:
    """A workspace of this test that holds the parent."""
    shutil.copytree(parent.path.parents[3], tmp_path / "artifacts")
    return tmp_path / "artifacts"


@pytest.fixture(scope="module")
def warm_start(tensorflow_ready: None) -> Any:
    """The module, imported once TensorFlow is ready."""
    from atb.training import warm_start

    return warm_start


def tree(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def metadata(model: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((model / "metadata.json").read_text())
    return found


def network_weights(model: Path) -> list[Any]:
    """The weights of the network inside a registered model, in their order."""
    from atb.export.rewrite import load

    weights: list[Any] = load(model / "model.keras").get_layer("conv_recurrent").get_weights()
    return weights


def stopped(monkeypatch: pytest.MonkeyPatch, config: Any, artifacts: Path) -> str:
    """Stop a training before its first step; the run."""
    from atb.training.loop import Loop

    def stop(loop: Any, batches: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(StoppedError) as said:
        patch.setattr(Loop, "_advance", stop)
        train_model(config, artifacts=artifacts)
    run: str = said.value.remedy.rpartition(" ")[2]
    return run


def begun(run: str) -> list[bytes]:
    """The bits of every variable of the network at step 0."""
    from atb.training.checkpoint import Checkpoints

    found = Checkpoints(Path(run) / "checkpoints").newest()
    assert found is not None and (found.state.epoch, found.state.step) == (0, 0)
    return [value.tobytes() for value in found.network]


def test_it_begins_with_the_bits_of_its_parent_and_goes_on_when_stopped(
    config: Config, parent: Any, artifacts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = config("2024-04-01", "2024-09-01", warm_start="BTCUSDT/fast", epochs=2)
    run = stopped(monkeypatch, later, artifacts)
    theirs = [value.tobytes() for value in network_weights(parent.path)]
    ours = begun(run)
    rest = iter(ours)
    assert all(any(one == other for other in rest) for one in theirs)  # in their order
    cold = stopped(monkeypatch, later.model_copy(update={"warm_start": None}), artifacts)
    assert sum(one != other for one, other in zip(begun(cold), ours, strict=True)) > 8

    whole = train_model(later, artifacts=artifacts)
    resumed = resume_training(run)  # "BTCUSDT/fast" is the model just made by now
    pairs = zip(network_weights(whole.path), network_weights(resumed.path), strict=True)
    assert all(one.tobytes() == other.tobytes() for one, other in pairs)
    origin = {
        "version": f"BTCUSDT/fast/{parent.version}",
        "learned_until": metadata(parent.path)["learned_until"],
        "synthetic": metadata(parent.path)["synthetic"],
    }
    assert metadata(whole.path)["warm_start"] == metadata(resumed.path)["warm_start"] == origin
    assert metadata(parent.path)["warm_start"] is None
    for model in (whole, resumed):
        verify(model.path)


def test_a_parent_of_another_workspace_is_remembered_by_its_folder(
    config: Config, parent: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(parent.path.parent)
    later = config("2024-04-01", "2024-09-01", warm_start=parent.version)
    run = stopped(monkeypatch, later, tmp_path / "artifacts")
    monkeypatch.chdir(tmp_path)
    made = metadata(resume_training(run).path)
    assert made["warm_start"]["version"] == f"BTCUSDT/fast/{parent.version}"


@pytest.mark.parametrize(
    ("assignments", "options", "said"),
    [
        ((), {"features": "full"}, "the model expects 15 features, the data gives 39"),
        ((), {"features": "price"}, "the model expects 15 features, the data gives 5"),
        (("window=30",), {}, "the model expects windows of 20 rows, the data gives 30"),
        (("dataset.scaler=minmax",), {}, "features scaled by standard, the data gives minmax"),
        ((), {"timeframe": "4h"}, "rows of timeframe 1h, the data gives timeframe 4h"),
        (("model.units=[7]",), {}, r"has units \[6\], the recipe asks for \[7\]"),
        (("target.horizon=3",), {}, "has horizon 1, the recipe asks for 3"),
        (("target.kind=direction",), {}, "has kind return, the recipe asks for direction"),
        (("model.cell=lstm",), {}, "has cell gru, the recipe asks for lstm"),
    ],
)
def test_a_parent_that_does_not_fit_is_refused_and_both_sides_are_named(
    config: Config,
    artifacts: Path,
    assignments: tuple[str, ...],
    options: dict[str, Any],
    said: str,
) -> None:
    other = config("2024-04-01", "2024-09-01", *assignments, warm_start="BTCUSDT/fast", **options)
    with pytest.raises(ConfigError, match=said) as caught:
        parents.find(Workspace(artifacts), "BTCUSDT/fast", other)
    assert (caught.value.exit_code, caught.value.where) == (4, "--from BTCUSDT/fast")


def test_dropout_may_change(config: Config, artifacts: Path, parent: Any) -> None:
    other = config("2024-04-01", "2024-09-01", "model.dropout=0.5", warm_start="BTCUSDT/fast")
    found = parents.find(Workspace(artifacts), "BTCUSDT/fast", other)
    assert found.version.version == parent.version


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"features": "full"}, ConfigError),
        ({"warm_start": "BTCUSDT/fats"}, UsageError),
        ({"start": "2024-01-01", "end": "2024-04-01"}, DataError),
    ],
)
def test_a_refusal_leaves_nothing(
    config: Config, artifacts: Path, options: dict[str, Any], kind: type[AtbError]
) -> None:
    call = {"start": "2024-04-01", "end": "2024-09-01", "warm_start": "BTCUSDT/fast", **options}
    before = tree(artifacts)
    with pytest.raises(kind):
        train_model(config(**call), artifacts=artifacts)
    left = {one for one in tree(artifacts) - before if not one.startswith("cache")}
    assert left <= {"runs", "runs/.lock"}


@pytest.mark.parametrize("file", ["model.keras", "config.json", "metadata.json"])
def test_a_damaged_parent_is_refused(config: Config, artifacts: Path, file: str) -> None:
    (path,) = artifacts.glob(f"models/BTCUSDT/fast/*/{file}")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    later = config("2024-04-01", "2024-09-01", warm_start="BTCUSDT/fast")
    with pytest.raises(IntegrityError, match=f"{file}: its SHA-256 is") as caught:
        parents.find(Workspace(artifacts), "BTCUSDT/fast", later)
    assert caught.value.exit_code == 9


def test_a_parent_may_have_learned_up_to_the_first_test_row_and_no_bar_further(
    warm_start: Any, config: Config, parent: Any, artifacts: Path
) -> None:
    later = config("2024-01-01", "2024-09-01", warm_start="BTCUSDT/fast")
    candles = load("BTCUSDT", later.data, Workspace(artifacts))
    until = parse_time(metadata(parent.path)["learned_until"])
    (row,) = np.flatnonzero(candles.close_time == until)

    def tested_from(first: int) -> Any:
        rows = np.arange(first, len(candles))
        return SimpleNamespace(split=SimpleNamespace(test=rows))

    for first in (row, row + 1, row + 500):
        warm_start.require_unseen(until, candles, tested_from(first))
    for first in (row - 1, row - 500):
        with pytest.raises(DataError, match="the model has learned from rows up to") as caught:
            warm_start.require_unseen(until, candles, tested_from(first))
        assert iso(until) in caught.value.what
        assert iso(int(candles.close_time[first])) in caught.value.what
        assert caught.value.exit_code == 3


def test_what_a_grandparent_learned_from_stays_learned(
    config: Config, parent: Any, artifacts: Path
) -> None:
    """The child stops learning 300 bars before its test rows, its parent 24."""
    wide = "dataset.embargo=300"
    child = train_model(
        config("2024-01-01", "2024-05-01", wide, warm_start="BTCUSDT"), artifacts=artifacts
    )
    until = metadata(parent.path)["learned_until"]
    assert metadata(child.path)["learned_until"] == until
    between = config("2024-01-01", "2024-04-25", wide, warm_start=str(child.path))
    with pytest.raises(DataError, match=f"learned from rows up to {until}"):
        train_model(between, artifacts=artifacts)
    later = config("2024-01-01", "2024-05-03", wide, warm_start=str(child.path))
    found = metadata(train_model(later, artifacts=artifacts).path)
    assert found["warm_start"] == {
        "version": f"BTCUSDT/fast/{child.version}",
        "learned_until": until,
        "synthetic": False,
    }
    assert found["learned_until"] == until  # of the three


@pytest.mark.slow
def test_it_is_an_option_of_the_shell(
    market_data: Path, parent: Any, artifacts: Path, tmp_path: Path
) -> None:
    words = ["train", "model", "BTCUSDT", "--preset", "fast", "--from", "BTCUSDT/fast", "--json"]
    words += ["--candles", str(market_data / "crypto_ohlcv" / FILE), "--epochs", "1"]
    words += ["--start", "2024-04-01", "--end", "2024-09-01"]
    words += [word for one in SMALL for word in ("--set", one)]
    code = "import sys; from atb_cli.main import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    made = tmp_path / json.loads(done.stdout)["path"]
    assert metadata(made)["warm_start"]["version"] == f"BTCUSDT/fast/{parent.version}"
