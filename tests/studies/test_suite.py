"""A suite is found again by its book and its recipes, until it is finished."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from atb.config.targets import MidPriceTarget
from atb.errors import ConfigError, IntegrityError
from atb.market.lob import files
from atb.studies import suite_recipes
from atb.studies.study import RESULTS
from atb.studies.suite import KIND, Suite
from atb.studies.train_suite import _jobs
from atb.workspace import Workspace


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "artifacts")


@pytest.fixture
def begun(workspace, recipes, book):
    return Suite.begin(KIND, workspace, recipes, book, {})


def unfinished(workspace, recipes, book):
    return Suite.unfinished(KIND, workspace, recipes, book, {})


def test_its_folder_holds_the_book_and_the_recipes(workspace, recipes, book, begun):
    assert begun.path == workspace.studies / begun.name
    kept = files.read(begun.path / "history.parquet")
    assert (kept.sha256(), kept.symbol, kept.synthetic) == (book.sha256(), "SAMPLE", True)
    for name, config in begun.members.items():
        assert (config.symbol, config.data.path) == ("SAMPLE", begun.path / "history.parquet")
        assert config.data.source == "file"
        assert config.model == recipes[name].model
    said = json.loads((begun.path / "study.json").read_text())
    assert (said["kind"], said["settings"]) == ("suite", {})
    assert list(said["members"]) == ["ols", "ridge", "lob-mlp"]
    assert sorted(path.name for path in begun.path.iterdir()) == ["history.parquet", "study.json"]


def test_the_same_asked_again_is_found_again(workspace, recipes, book, begun):
    found = unfinished(workspace, recipes, book)
    assert found == begun
    elsewhere = suite_recipes.recipes(recipes, None, source="auto", book=Path("moved.parquet"))
    assert unfinished(workspace, elsewhere, book) == begun


def test_one_that_was_moved_learns_from_the_book_beside_it(
    workspace, recipes, book, begun, tmp_path
):
    workspace.root.rename(tmp_path / "moved")
    found = unfinished(Workspace(tmp_path / "moved"), recipes, book)
    assert found is not None
    assert {one.data.path for one in found.members.values()} == {found.path / "history.parquet"}


def test_another_book_or_recipe_is_another_suite(workspace, recipes, book, begun):
    other = replace(book, traded=np.append(book.traded[:-1], np.float32(1)))
    assert unfinished(workspace, recipes, other) is None
    assert unfinished(workspace, recipes, replace(book, symbol="OTHER")) is None
    longer = suite_recipes.recipes(recipes, None, source="file", book=Path("b.zip"), epochs=99)
    assert unfinished(workspace, longer, book) is None
    fewer = {name: recipes[name] for name in ("ols", "ridge")}
    assert unfinished(workspace, fewer, book) is None


def test_it_is_finished_once_all_are_there_and_compared(
    workspace, recipes, book, begun, made_model
):
    assert begun.missing() == ["ols", "ridge", "lob-mlp"]
    for name in begun.members:
        made_model(begun, name, (0.4, 0.4, 0.4, 0.4))
    assert begun.missing() == []
    assert unfinished(workspace, recipes, book) == begun
    (begun.path / RESULTS).write_text("{}")
    assert unfinished(workspace, recipes, book) is None
    begun.decisions("ridge").unlink()
    assert begun.missing() == ["ridge"]  # a line that is not judged yet
    assert unfinished(workspace, recipes, book) == begun


def test_the_newest_counts(workspace, recipes, book, begun, made_model):
    older = begun.path.rename(begun.path.with_name(f"20200101T000000Z-suite-{begun.name[-8:]}"))
    newer = Suite.begin(KIND, workspace, recipes, book, {})
    assert unfinished(workspace, recipes, book) == newer
    assert older.is_dir()


def test_one_of_another_version_of_atb_says_so(workspace, recipes, book, begun):
    content = json.loads((begun.path / "study.json").read_text())
    content["members"]["ols"]["spirit"] = 1
    (begun.path / "study.json").write_text(json.dumps(content))
    with pytest.raises(ConfigError, match="spirit"):
        unfinished(workspace, recipes, book)


@pytest.mark.parametrize(
    "damage",
    [
        lambda said: [],
        lambda said: {**said, "members": ["ols"]},
        lambda said: {**said, "members": {}},
        lambda said: {**said, "settings": None},
        lambda said: {**said, "settings": {"trials": 3}},
        lambda said: {**said, "members": {**said["members"], "ols": said["members"]["ridge"]}},
    ],
)
def test_one_that_does_not_hold_what_was_asked_is_not_gone_on_with(
    workspace, recipes, book, begun, damage
):
    file = begun.path / "study.json"
    file.write_text(json.dumps(damage(json.loads(file.read_text()))))
    with pytest.raises(IntegrityError, match=r"study\.json: .*; remove its folder"):
        unfinished(workspace, recipes, book)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000])
def test_one_that_cannot_be_read_says_so(workspace, recipes, book, begun, content):
    (begun.path / "study.json").write_bytes(content)
    with pytest.raises(IntegrityError, match=r"study\.json: the study cannot be read"):
        unfinished(workspace, recipes, book)


def test_names_of_runs_and_models_follow_from_the_suites(begun):
    version = f"{begun.name}-lob-mlp"
    assert begun.run("lob-mlp").name == version
    assert begun.run("lob-mlp").path == begun.workspace.runs / version
    assert begun.model("lob-mlp") == begun.workspace.models("SAMPLE", "lob-mlp") / version


def test_lines_share_a_job_and_each_network_has_its_own(begun):
    asked = dict(_jobs(begun, begun.missing()))
    assert [job.name for job in asked.values()] == ["ols+ridge", "lob-mlp"]
    assert asked["ols", "ridge"].arguments == {"suite": begun, "members": ["ols", "ridge"]}
    assert next(iter(_jobs(begun, ["ridge"])))[0] == ("ridge",)


def test_lines_of_two_windows_do_not_share_a_job(begun):
    wide = {**begun.members, "ridge": begun.members["ridge"].model_copy(update={"window": 3})}
    asked = dict(_jobs(replace(begun, members=wide), ["ols", "ridge"]))
    assert list(asked) == [("ols",), ("ridge",)]


def test_lines_are_judged_by_the_classes_of_the_networks(begun):
    assert begun.target == begun.members["lob-mlp"].target
    alone = replace(begun, members={"ols": begun.members["ols"]})
    assert alone.target == MidPriceTarget()
