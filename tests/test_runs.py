from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from atb import runs
from atb.config.targets import TernaryTarget
from atb.config.training import TrainingConfig
from atb.errors import (
    AtbError,
    DivergedError,
    IntegrityError,
    ResourceError,
    StoppedError,
    StorageError,
    UsageError,
)
from atb.market.candles import COLUMNS, Candles
from atb.market.sample import simulate
from atb.runs import Recipe, Run
from atb.workspace import Workspace

START_MS = 1_704_067_200_000  # 2024-01-01
NAME = "20240131T120000Z-7f3a91bc"
CONFIG = TrainingConfig(symbol="BTCUSDT", target=TernaryTarget(horizon=(5, 20)))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "artifacts")


@pytest.fixture
def candles() -> Candles:
    return simulate("BTCUSDT", "1h", START_MS, START_MS + 500 * 3_600_000, seed=1)


@pytest.fixture
def recipe(candles: Candles) -> Recipe:
    return Recipe(CONFIG, candles, {"batch": {"asked": 48}})


@pytest.fixture
def run(workspace: Workspace, recipe: Recipe) -> Run:
    return runs.start(workspace, NAME, recipe)


def checkpoint(run: Run) -> None:
    (run.checkpoints / "000001-000000000").mkdir(parents=True)


def test_a_run_holds_its_recipe_and_its_candles_bit_for_bit(run: Run, candles: Candles) -> None:
    recipe = run.recipe()
    assert (recipe.config, recipe.notes) == (CONFIG, {"batch": {"asked": 48}})
    kept = recipe.history
    assert (kept.source, kept.synthetic) == (candles.source, True)
    assert kept.sha256() == candles.sha256()
    for column in ("time", *COLUMNS):
        assert np.array_equal(getattr(kept, column), getattr(candles, column))


@pytest.mark.parametrize("file", ["config.json", "history.parquet"])
def test_a_changed_recipe_is_refused(run: Run, file: str) -> None:
    path = run.path / "recipe" / file
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(IntegrityError, match="the manifest says"):
        run.recipe()


def test_a_run_is_found_by_its_name_and_by_its_folder(workspace: Workspace, run: Run) -> None:
    assert runs.find(workspace, NAME) == run
    assert runs.find(Workspace(Path("elsewhere")), str(run.path)).path == run.path
    assert runs.listing(workspace) == [run]
    assert run.workspace == workspace


@pytest.mark.parametrize("name", ["20240131T120000Z-7f3a91bd", "..", "", "/", "a b", "../models"])
def test_what_is_no_run_is_refused_and_the_nearest_named(
    workspace: Workspace, run: Run, name: str
) -> None:
    with pytest.raises(UsageError, match="there is no stopped training"):
        runs.find(workspace, name)


def test_a_run_that_is_done_is_removed(run: Run) -> None:
    with runs.kept_until_done(run):
        checkpoint(run)
    assert not run.path.exists()


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), SystemExit(1), StoppedError("stopped so")])
def test_a_stopped_run_is_kept_with_the_command_that_goes_on(run: Run, stop: BaseException) -> None:
    said = pytest.raises(StoppedError, match=r"go on with: atb train resume \S+-7f3a91bc$")
    with said as caught, runs.kept_until_done(run):
        checkpoint(run)
        raise stop
    assert caught.value.exit_code == 130
    assert run.started


def test_a_run_stopped_before_its_first_checkpoint_is_removed(run: Run) -> None:
    with pytest.raises(KeyboardInterrupt), runs.kept_until_done(run):
        raise KeyboardInterrupt
    assert not run.path.exists()


def test_an_error_keeps_the_run_only_with_a_checkpoint(
    workspace: Workspace, recipe: Recipe, run: Run
) -> None:
    with pytest.raises(StorageError), runs.kept_until_done(run):
        raise StorageError("the disk is full")
    assert not run.path.exists()
    again = runs.start(workspace, NAME, recipe)
    with pytest.raises(StorageError), runs.kept_until_done(again):
        checkpoint(again)
        raise StorageError("the disk is full")
    assert again.started


def test_a_run_that_another_process_ended_is_not_trained_again(run: Run) -> None:
    runs.end(run)
    ended = pytest.raises(UsageError, match="has ended in another process")
    with ended, runs.kept_until_done(run):
        pytest.fail("there is nothing to train")
    assert not run.path.exists()


def test_what_is_half_written_is_no_run(workspace: Workspace, run: Run) -> None:
    (workspace.runs / f".{NAME}.0123.tmp" / "recipe").mkdir(parents=True)
    assert runs.listing(workspace) == [run]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (DivergedError("nan", remedy="lower it"), r"nan; lower it; the last good checkpoint is in"),
        (StorageError("full", remedy="make room"), r"make room; then go on with: atb train resume"),
        (ResourceError("oom", remedy="smaller"), r"smaller; then go on with: atb train resume"),
        (IntegrityError("they differ"), r"they differ; then go on with: atb train resume"),
    ],
)
def test_an_error_says_what_is_kept(run: Run, error: AtbError, said: str) -> None:
    with pytest.raises(type(error), match=said), runs.kept_until_done(run):
        checkpoint(run)
        raise error


def test_two_processes_never_train_one_run(run: Run) -> None:
    checkpoint(run)
    with pytest.raises(StoppedError), runs.kept_until_done(run):
        with (
            pytest.raises(StorageError, match="another process trains this run"),
            runs.kept_until_done(run),
        ):
            pytest.fail("the lock was not held")
        assert run.started
        raise KeyboardInterrupt


def test_what_a_crash_left_is_swept(workspace: Workspace, recipe: Recipe, run: Run) -> None:
    leftover = workspace.runs / f".{NAME}.0123.tmp"
    leftover.mkdir()
    runs.start(workspace, "20240131T120001Z-7f3a91bc", recipe)
    assert not leftover.exists() and len(runs.listing(workspace)) == 2


def test_a_full_disk_leaves_no_run(
    workspace: Workspace, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    from atb import atomic

    flush, left = atomic.flush, [0]

    def full(path: Path) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        flush(path)

    monkeypatch.setattr(atomic, "flush", full)
    for flushes in range(7):
        left[0] = flushes
        with pytest.raises(StorageError, match="No space left") as caught:
            runs.start(workspace, NAME, recipe)
        assert caught.value.exit_code == 7
        for run in runs.listing(workspace):  # refused only once the folder had its name
            assert flushes == 6 and run.recipe().config == CONFIG
        assert not list(workspace.root.rglob("*.tmp"))
