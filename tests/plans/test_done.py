"""Keys and records: what decides a key, and what still counts as done."""

from __future__ import annotations

import json
from hashlib import sha256

import pytest

from atb.config.plan import PlanSpec
from atb.plans import done
from atb.plans.expand import expanded
from atb.registry import store
from atb.registry.version import Version
from atb.workspace import Workspace

ROWS = {"BTCUSDT-data": "a" * 64}
STEPS = {"train": {}, "evaluate": {"needs": ["train"]}, "tune": {}}


def keys(rows=ROWS, **more):
    said = {"description": "a plan", "symbols": ["BTCUSDT"], "recipes": ["fast"], "steps": STEPS}
    return done.keys(expanded(PlanSpec.model_validate(said | more), "plan", str), rows)


def test_a_key_depends_on_recipe_rows_seed_and_code(monkeypatch):
    first = keys()
    assert list(first) == ["BTCUSDT-fast", "BTCUSDT-evaluate", "BTCUSDT-tune-fast"]
    assert len(set(first.values())) == 3 and first == keys()
    changed = (
        keys({"BTCUSDT-data": "b" * 64}),
        keys(set={"training.seed": 8}),
        keys(set={"training.epochs": 3}),
        keys(set={"data.timeframe": "2h"}),
    )
    for other in changed:
        assert not set(first.values()) & set(other.values())
    monkeypatch.setattr(done, "code_sha256", lambda: "another version")
    assert not set(first.values()) & set(keys().values())


def test_where_rows_came_from_does_not_matter():
    assert keys(set={"data.end": "2024-01-01"}) == keys(set={"data.source": "sample"})


def test_settings_of_one_step_are_none_of_anothers():
    other = keys(steps=STEPS | {"evaluate": {"needs": ["train"], "sample": 0.5}})
    assert {name for name, key in keys().items() if other[name] != key} == {"BTCUSDT-evaluate"}


def test_what_comes_before_a_training_changes_nothing_of_it():
    other = keys(steps={"features": {}, **STEPS, "train": {"needs": ["features"]}})
    assert {name: other[name] for name in keys()} == keys()


def test_each_kind_of_work_on_the_same_has_a_key_of_its_own():
    drift = {"drift": {"needs": ["train"], "sample": 1.0}}
    made = keys(steps={"features": {}, **STEPS, **drift})
    assert len(set(made.values())) == len(made) == 5


def test_what_is_searched_decides_on_a_tuning_alone():
    other = keys(steps=STEPS | {"tune": {"search": {"window": {"choice": [30, 60]}}}})
    assert {name for name, key in keys().items() if other[name] != key} == {"BTCUSDT-tune-fast"}


def test_what_needs_unknown_rows_has_no_key():
    assert keys({}) == {}
    two = keys(symbols=["BTCUSDT", "ETHUSDT"])
    assert two == keys()


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path)


def added(workspace):
    files = {"a.txt": lambda path: path.write_text("a")}
    return store.add(workspace, "BTCUSDT", "fast", "20240101T000000Z", files)


def test_a_record_counts_as_long_as_its_model_is_what_it_was(workspace):
    assert done.read(workspace, "k") is None
    version = added(workspace)
    record = {**done.of_model(version), "recipe": "fast"}
    done.write(workspace, "k", record)
    assert done.read(workspace, "k") == record
    assert done.model(workspace, record) == Version.at(version.path)
    (version.path / "a.txt").write_text("b")
    assert done.read(workspace, "k") is None
    (version.path / "a.txt").write_text("a")
    manifest = version.path / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b'"size": 1', b'"size": 2'))
    assert done.read(workspace, "k") is None
    manifest.unlink()
    assert done.read(workspace, "k") is None


def test_rows_and_files_must_be_there(workspace, tmp_path):
    done.write(workspace, "k", {"output": "studies/best.yaml"})
    name = "a" * 64
    done.write(workspace, "r", {"history": name, "file": sha256(b"rows").hexdigest()})
    assert done.read(workspace, "k") is done.read(workspace, "r") is None
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "best.yaml").touch()
    assert done.read(workspace, "k") == {"output": "studies/best.yaml"}
    workspace.histories.mkdir(parents=True)
    rows = workspace.histories / f"{name}.parquet"
    rows.write_bytes(b"rows")
    assert done.read(workspace, "r") == done.of_history(workspace, name)
    rows.write_bytes(b"rowz")
    assert done.read(workspace, "r") is None


@pytest.mark.parametrize(
    "text", ["", "[]", "nonsense", '{"model": 3}', '{"model": "A/b/c"}', '{"history": "x"}']
)
def test_a_damaged_record_counts_for_nothing(workspace, text):
    done.write(workspace, "k", {})
    (workspace.plans / "done" / "k.json").write_text(text)
    assert done.read(workspace, "k") is None


def test_records_are_all_there_are(workspace):
    done.write(workspace, "a", {"result": 1})
    done.write(workspace, "b", {"output": "gone"})
    (workspace.plans / "done" / "c.json").write_text("{")
    assert sorted(map(json.dumps, done.records(workspace))) == [
        '{"output": "gone"}',
        '{"result": 1}',
    ]
