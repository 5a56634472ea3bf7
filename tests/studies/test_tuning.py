"""Where a study of tuning keeps things, and which recipe a trial trains."""

from __future__ import annotations

import pytest

from atb import presets
from atb.clock import parse_time
from atb.config.search import combinations
from atb.market.sample import simulate
from atb.studies.study import RESULTS
from atb.studies.tuning import KIND, Tuning, first_values
from atb.workspace import Workspace

TUNED = [name for name in presets.names() if presets.read(name).search]


@pytest.fixture(scope="module")
def candles():
    return simulate("TEST", "1h", parse_time("2024-01-01"), parse_time("2024-01-08"), seed=5)


def begun(folder, recipe, candles, trials=3):
    search = {name: one.model_dump(mode="json") for name, one in recipe.preset.search.items()}
    members = {recipe.config.name: recipe.config}
    settings = {"trials": trials, "search": search}
    return Tuning.taken_up(KIND, Workspace(folder), members, candles, settings)


@pytest.mark.parametrize("name", TUNED)
def test_a_trial_trains_what_its_values_make_of_the_preset(tmp_path, candles, name):
    recipe = presets.resolve(name, "TEST")
    study = begun(tmp_path, recipe, candles)
    assert dict(study.search) == dict(recipe.preset.search)
    for values in list(combinations(recipe.preset.search))[::50]:
        data = study.config.data
        expected = presets.searched(recipe, values).model_copy(update={"data": data})
        assert study.recipe(values) == expected


def test_the_first_values_are_those_of_the_preset(tmp_path, candles):
    recipe = presets.resolve("balanced", "TEST", batch_size=50)
    study = begun(tmp_path, recipe, candles)
    assert first_values(study.search, study.config) == {
        "window": 90,
        "model": {"filters": [48, 96], "pool": [2, 2]},
        "model.units": [80, 40],
        "model.dropout": 0.2,
        "training.learning_rate": 1e-3,
    }  # 50 is none of the batches that are tried


def test_another_kind_drops_the_settings_of_the_preset(tmp_path, candles):
    path = tmp_path / "p.yaml"
    path.write_text(
        "description: mine\nmodel: {architecture: lstm, units: [8], recurrent_dropout: 0.1}\n"
        "search:\n  model.units: {choice: [[4], [8]]}\n"
        "  model.architecture: {choice: [lstm, gru]}\n"
    )
    recipe = presets.resolve(str(path), "TEST")
    study = begun(tmp_path, recipe, candles)
    same = study.recipe({"model.architecture": "lstm", "model.units": [4]}).model
    other = study.recipe({"model.units": [4], "model.architecture": "gru"}).model
    assert (same.architecture, same.units, same.recurrent_dropout) == ("lstm", (4,), 0.1)
    assert (other.architecture, other.units, other.recurrent_dropout) == ("gru", (4,), 0.0)


def test_a_study_goes_on_until_its_results_are_written(tmp_path, candles):
    recipe = presets.resolve("fast", "TEST")
    study = begun(tmp_path, recipe, candles)
    study.journal().plan(2, {})
    study.journal().claim().complete(1.0)
    assert study.missing() == ["trial-2"]
    assert begun(tmp_path, recipe, candles) == study
    assert begun(tmp_path, recipe, candles, trials=4).name != study.name
    (study.path / RESULTS).write_text("{}")
    asked = (KIND, study.workspace, study.members, candles, study.settings)
    assert Tuning.unfinished(*asked) is None
