"""What the processes of a plan do: a training goes on where another left it, however it ended."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from atb import pipeline, presets, runs
from atb.clock import HOUR_MS, parse_time
from atb.errors import IntegrityError
from atb.events import silent
from atb.market import files, histories
from atb.market.sample import simulate
from atb.plans import done, jobs
from atb.registry import store
from atb.runs import Recipe
from atb.workspace import Workspace

KEY = "0123456789abcdef" * 4
START = parse_time("2024-01-01")
CONFIG = presets.create_config_from_preset("fast", "BTCUSDT")


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path)


@pytest.fixture
def history():
    return simulate("BTCUSDT", "1h", START, START + 50 * HOUR_MS, seed=3)


@pytest.fixture
def asked(monkeypatch, workspace):
    """What the pipeline was asked for; it registers a model and ends the run."""
    calls = []

    def trained(config, *, artifacts, version, history, listen):
        calls.append(("train", version, history.sha256()))
        return added(version)

    def resumed(name, *, artifacts, listen):
        calls.append(("resume", name))
        runs.end(runs.find(workspace, name))
        return added(name)

    def added(version):
        write = {"a.txt": lambda path: path.write_text("a")}
        return SimpleNamespace(path=store.add(workspace, "BTCUSDT", "fast", version, write).path)

    monkeypatch.setattr(pipeline, "train_model", trained)
    monkeypatch.setattr(pipeline, "resume_training", resumed)
    calls.append(added)
    return calls


def train(workspace, history):
    sha256 = histories.keep(workspace, history)
    return jobs.train(CONFIG, sha256, workspace.root, KEY, silent)


def test_a_training_has_its_key_in_its_name_and_leaves_a_record(workspace, history, asked):
    record = train(workspace, history)
    kind, version, sha256 = asked[-1]
    assert (kind, sha256) == ("train", history.sha256())
    assert version.endswith("Z-0123456789abcdef")
    assert record["model"] == f"BTCUSDT/fast/{version}" and record["recipe"] == "fast"
    assert done.read(workspace, KEY) == record


def test_a_run_of_the_same_key_goes_on(workspace, history, asked):
    name = f"20240101T000000Z-{KEY[:16]}"
    runs.start(workspace, name, Recipe(CONFIG, history, {}))
    runs.start(workspace, "20240101T000000Z-fedcba9876543210", Recipe(CONFIG, history, {}))
    record = train(workspace, history)
    assert asked[1:] == [("resume", name)]
    assert record["model"].endswith(name)


def test_a_model_that_nobody_could_write_down_is_found(workspace, history, asked):
    name = f"20240101T000000Z-{KEY[:16]}"
    runs.start(workspace, name, Recipe(CONFIG, history, {}))
    asked[0](name)
    record = train(workspace, history)
    assert asked[1:] == [] and record["model"].endswith(name)
    assert runs.listing(workspace) == []  # and what was left of its run is gone


def test_a_model_that_is_damaged_is_trained_again(workspace, history, asked):
    name = f"20240101T000000Z-{KEY[:16]}"
    (asked[0](name).path / "manifest.json").write_text("{}")
    assert not train(workspace, history)["model"].endswith(name)


def test_a_run_that_is_damaged_is_begun_anew(workspace, history, asked):
    name = f"20240101T000000Z-{KEY[:16]}"
    run = runs.start(workspace, name, Recipe(CONFIG, history, {}))
    place = run.path / "recipe" / "history.parquet"
    place.write_bytes(place.read_bytes()[:-1])
    assert not train(workspace, history)["model"].endswith(name)
    assert asked[-1][0] == "train" and runs.listing(workspace) == []


def test_rows_must_be_those_of_the_hash(workspace, history, asked):
    sha256 = histories.keep(workspace, history)
    files.write(history.rows(0, 40), histories.path(workspace, sha256))
    with pytest.raises(IntegrityError, match="SHA-256"):
        jobs.train(CONFIG, sha256, workspace.root, KEY, silent)


def test_rows_are_read_and_kept(workspace, history, tmp_path):
    path = tmp_path / "BTCUSDT.parquet"
    files.write(history, path)
    data = CONFIG.data.of_file(path)
    record = jobs.read_rows("BTCUSDT", data, workspace.root, "key", silent)
    assert record == {
        **done.of_history(workspace, history.sha256()),
        "source": "sample",
        "synthetic": True,
        "rows": 50,
        "first": "2024-01-01T00:00:00Z",
        "last": "2024-01-03T01:00:00Z",
        "gaps": 0,
    }
    assert done.read(workspace, "key") == record
    kept = histories.read(workspace, record["history"], "BTCUSDT", data)
    assert kept.sha256() == history.sha256()
