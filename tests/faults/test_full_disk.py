"""A full disk is an answer with exit code 7; what was whole stays whole, nothing half is left."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from atb import atomic, presets, runs
from atb.config.training import TrainingConfig
from atb.dataset.learner import Epoch
from atb.errors import StorageError
from atb.events import Event, StageStarted
from atb.market.sample import simulate
from atb.pipeline import resume_training, train_model
from atb.registry import promotion, store
from atb.registry.integrity import verify
from atb.registry.version import Version
from atb.runs import Recipe
from atb.training.checkpoint import Checkpoint, Checkpoints
from atb.training.state import State
from atb.workspace import Workspace

START_MS = 1_704_067_200_000  # 2024-01-01
NAME = "20240131T120000Z-7f3a91bc"
UNLIMITED = 10**9
FilesIn = Callable[[Path], dict[str, bytes]]


def refused(disk: Any, base: Path, act: Callable[[Path], object]) -> Iterator[Path]:
    """Act on a copy of a folder, once for each place at which the disk can be full by then.

    Yields each copy after a refusal, which must be a StorageError.
    """
    whole = base.with_name("whole")
    shutil.copytree(base, whole)
    with disk.holding(UNLIMITED):
        act(whole)
    places = disk.asked
    assert places > 0
    for room in range(places):
        copy = base.with_name(f"full-{room}")
        shutil.copytree(base, copy)
        full = pytest.raises(StorageError, match="No space left on device")
        with full as caught, disk.holding(room):
            act(copy)
        assert caught.value.exit_code == 7
        assert list(copy.rglob("*.tmp")) == []
        yield copy
        shutil.rmtree(copy)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    folder = tmp_path / "base"
    folder.mkdir()
    return folder


def test_a_file_is_the_old_or_the_new(disk: Any, base: Path, files_in: FilesIn) -> None:
    (base / "old.json").write_text("old")
    new, places = {"old.json": b"[\n  1\n]\n"}, 0
    for copy in refused(disk, base, lambda folder: atomic.write_json(folder / "old.json", [1])):
        assert files_in(copy) in ({"old.json": b"old"}, new)
        places += 1
    assert places == 5  # the folder, write, flush, rename, flush of the folder


def test_a_folder_is_there_whole_or_not_at_all(disk: Any, base: Path, files_in: FilesIn) -> None:
    def fill(folder: Path) -> None:
        with atomic.folder(folder / "deep" / "v1") as place:
            (place / "a").write_bytes(b"a" * 100_000)
            (place / "sub").mkdir()
            (place / "sub" / "b").write_text("b")

    whole = {"deep/v1/a": b"a" * 100_000, "deep/v1/sub/b": b"b"}
    left = [files_in(copy) for copy in refused(disk, base, fill)]
    assert len(left) >= 10
    assert all(files in ({}, whole) for files in left)
    assert left[-1] == whole and left[-3] == {}  # only the folder's own flush comes after


@pytest.mark.parametrize("place", ["made", "scratch"])
def test_a_folder_that_cannot_be_made(disk: Any, base: Path, files_in: FilesIn, place: str) -> None:
    def enter(folder: Path) -> None:
        if place == "made":
            atomic.make_folder(folder / "a" / "b")
        else:
            with atomic.scratch(folder / "a" / "b"):
                pass

    for copy in refused(disk, base, enter):
        assert files_in(copy) == {}


def test_a_folder_that_cannot_be_removed_stays(disk: Any, base: Path, files_in: FilesIn) -> None:
    (base / "v1").mkdir()
    (base / "v1" / "a").write_text("a")
    for copy in refused(disk, base, lambda folder: atomic.remove_folder(folder / "v1")):
        assert files_in(copy) == {"v1/a": b"a"}
    assert files_in(base.with_name("whole")) == {}


def checkpoint(epochs: int) -> Checkpoint:
    history = [Epoch(i, 1.0, 1 / i, 1e-3, 1.0, i == 1, {}) for i in range(1, epochs + 1)]
    draw = np.random.default_rng(epochs)
    arrays = [draw.normal(size=(50, 40)).astype(np.float32) for _ in range(4)]
    return Checkpoint(State(7, history=history), arrays[:2], arrays[2:3], arrays[3:])


def test_a_training_keeps_its_earlier_checkpoints(disk: Any, base: Path) -> None:
    for epochs in range(4):
        Checkpoints(base).save(checkpoint(epochs))
    epochs_left = []
    for copy in refused(disk, base, lambda folder: Checkpoints(folder).save(checkpoint(4))):
        found = Checkpoints(copy).newest()
        assert found is not None
        expected = checkpoint(found.state.epoch)
        assert all(map(np.array_equal, found.network, expected.network))
        epochs_left.append(found.state.epoch)
    assert len(epochs_left) > 15
    assert set(epochs_left) == {3, 4} and epochs_left == sorted(epochs_left)


def test_a_run_is_there_with_its_whole_recipe_or_not_at_all(
    disk: Any, base: Path, files_in: FilesIn
) -> None:
    config = TrainingConfig(symbol="BTCUSDT")
    candles = simulate("BTCUSDT", "1h", START_MS, START_MS + 200 * 3_600_000, seed=1)
    recipe = Recipe(config, candles, {})
    places = 0
    for copy in refused(disk, base, lambda f: runs.start(Workspace(f), NAME, recipe)):
        for run in runs.listing(Workspace(copy)):
            assert run.recipe().config == config
        assert runs.listing(Workspace(copy)) or files_in(copy) == {}
        places += 1
    assert places > 12


@pytest.fixture(scope="module")
def config() -> TrainingConfig:
    """A training of seconds."""
    small = ("window=20", "model.units=[6]", "model.filters=[6]", "model.dense=[4]")
    span = {"source": "sample", "start": "2024-01-01", "end": "2024-03-15", "epochs": 2}
    return presets.resolve("fast", "BTCUSDT", assignments=small, **span).config


@pytest.fixture(scope="module")
def registered(
    config: TrainingConfig, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any]]:
    """A workspace with one model in it, and what had written that model's files."""
    root = tmp_path_factory.mktemp("registered") / "base"
    add, kept = store.add, tmp_path_factory.mktemp("kept")
    taken: dict[str, Any] = {}

    def adding(workspace: Any, symbol: str, name: str, version: str, writers: Any) -> Version:
        made = add(workspace, symbol, name, version, writers)
        taken.update(writers)
        for file in ("model.onnx", "events.jsonl"):  # the walk removes what these copy
            shutil.copyfile(made.path / file, kept / file)
            taken[file] = partial(shutil.copyfile, kept / file)
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "add", adding)
        train_model(config, artifacts=root)
    return root, taken


def serves(model: Path) -> bool:
    """Whether a model is whole and loads where it is served."""
    import onnxruntime

    verify(model)
    session = onnxruntime.InferenceSession(model / "model.onnx")
    (candles,) = session.get_inputs()
    window = np.full((1, candles.shape[1], 5), 100, np.float32)
    return bool(np.isfinite(session.run(None, {candles.name: window})[0]).all())


def test_a_model_is_registered_whole_or_not_at_all(
    disk: Any, tmp_path: Path, registered: tuple[Path, dict[str, Any]], files_in: FilesIn
) -> None:
    """At every write of every real file of a model."""
    root, writers = registered
    base = tmp_path / "base"
    shutil.copytree(root, base)
    before, places = files_in(base), 0
    latest = before.pop("models/BTCUSDT/fast/latest.json")

    def add(folder: Path) -> None:
        store.add(Workspace(folder), "BTCUSDT", "fast", NAME, writers)

    for copy in refused(disk, base, add):
        left, found = files_in(copy), store.versions(Workspace(copy))
        newest = left.pop("models/BTCUSDT/fast/latest.json")
        assert {name: left[name] for name in before} == before
        for one in found:
            verify(one.path)
        assert left == before or len(found) == 2
        assert newest == latest or NAME.encode() in newest
        places += 1
    assert places > 30
    assert all(serves(one.path) for one in store.versions(Workspace(base)))


def test_a_promotion_changes_what_runs_at_its_end_or_not_at_all(disk: Any, base: Path) -> None:
    files = {"config.json": lambda path: path.write_text("{}") and None}
    one, other = (
        store.add(Workspace(base), "BTCUSDT", "fast", name, files) for name in (NAME, NAME)
    )

    def promote(folder: Path, version: Version = other) -> None:
        seen = promotion.read(Workspace(folder), "BTCUSDT")
        promotion.promote(Workspace(folder), version, seen, promotion.Grounds("", {}))

    promote(base, one)
    places = 0
    for copy in refused(disk, base, promote):
        running = promotion.promoted(Workspace(copy), "BTCUSDT")
        written = promotion.read(Workspace(copy), "BTCUSDT").running
        assert written is not None
        assert running.version == one.version or written.model == other.reference
        promote(copy)
        assert promotion.promoted(Workspace(copy), "BTCUSDT").version == other.version
        places += 1
    assert places > 7


@contextmanager
def largest_file(size: int, stage: str = "") -> Iterator[Callable[[Event], None]]:
    """The kernel refuses files of more than so many bytes, from a stage on if one is named.

    Yields the listener that hears of the stage.
    """
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def listen(event: Event) -> None:
        if isinstance(event, StageStarted) and event.stage == stage:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))

    listen(StageStarted(""))
    try:
        yield listen
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_the_kernel_refuses_each_file_of_a_model(
    tmp_path: Path, registered: tuple[Path, dict[str, Any]], files_in: FilesIn
) -> None:
    """Each file in turn is the first that is too large; among them are those of HDF5 and Arrow."""
    root, writers = registered
    shutil.copytree(root, tmp_path / "base")
    workspace = Workspace(tmp_path / "base")
    before = files_in(workspace.root)
    (model,) = store.versions(workspace)
    for name, write in writers.items():
        size = (model.path / name).stat().st_size
        full = pytest.raises(StorageError, match="File too large")
        with full as caught, largest_file(size // 2):
            store.add(workspace, "BTCUSDT", "fast", NAME, {name: write})
        assert caught.value.exit_code == 7
        assert files_in(workspace.root) == before
    assert serves(model.path)


STAGES = [("data", 0), ("data", 3000), ("training", 0), ("training", 2000), ("save", 8000)]
MORE = [("data", 100), ("export", 0), ("export", 10_000), ("save", 0), ("save", 1500)]


@pytest.mark.parametrize(
    "limits", [STAGES, pytest.param(MORE, marks=pytest.mark.slow)], ids=["some", "more"]
)
def test_the_kernel_refuses_what_a_training_writes(
    config: TrainingConfig,
    tmp_path: Path,
    registered: tuple[Path, dict[str, Any]],
    files_in: FilesIn,
    limits: list[tuple[str, int]],
) -> None:
    """At every stage that writes; a run with a checkpoint goes on once there is room."""
    root, _ = registered
    shutil.copytree(root, tmp_path / "base")
    workspace = Workspace(tmp_path / "base")
    before = files_in(workspace.root)
    (model,) = store.versions(workspace)
    for stage, size in limits:
        full = pytest.raises(StorageError, match="File too large")
        with full as caught, largest_file(size, stage) as listen:
            train_model(config, artifacts=workspace.root, listen=listen)
        assert caught.value.exit_code == 7
        assert list(workspace.root.rglob("*.tmp")) == []
        assert store.versions(workspace) == [model] and serves(model.path)
        left = files_in(workspace.root)
        assert {n: c for n, c in left.items() if not n.startswith("runs/")} == before
        assert len(runs.listing(workspace)) == (stage in ("export", "save"))
        if (stage, size) != limits[-1]:
            shutil.rmtree(workspace.runs)
    (run,) = runs.listing(workspace)
    resumed = resume_training(run.name, artifacts=workspace.root)
    assert serves(resumed.path) and resumed.version == run.name
    assert runs.listing(workspace) == []


@pytest.mark.slow
def test_trainings_on_a_disk_that_is_too_small(
    tmp_path: Path, registered: tuple[Path, dict[str, Any]]
) -> None:
    """A real one, in memory: full at the recipe, at a checkpoint, at the model's files."""
    alone = ["unshare", "--user", "--map-root-user", "--mount"]
    if shutil.which("unshare") is None or subprocess.run([*alone, "true"], check=False).returncode:
        pytest.skip("this system lets nobody mount a disk of their own")
    (tmp_path / "disk").mkdir()
    script = Path(__file__).with_name("small_disk.py")
    words = [*alone, sys.executable, script, tmp_path / "disk", registered[0]]
    done = subprocess.run(
        list(map(str, words)), capture_output=True, text=True, check=False, timeout=500
    )
    assert done.returncode == 0, done.stderr
    *found, end = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == 6
    for one in found:
        assert one["code"] == 7 and "No space left on device" in one["said"]
        assert one["models"] == 1 and one["whole"] and one["tmp"] == 0
        assert ("go on with: atb train resume" in one["said"]) == bool(one["runs"])
    assert not found[0]["runs"] and "history.parquet" in found[1]["said"]
    assert len(found[-1]["runs"]) == 1
    assert end == {"models": 2, "runs": []}
