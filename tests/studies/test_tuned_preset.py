"""The best recipe becomes a file that loads as what it was, and replaces nothing of anyone's."""

from __future__ import annotations

from pathlib import Path

import pytest

from atb import presets
from atb.config.judgement import SelectionSpec
from atb.errors import IntegrityError, UsageError
from atb.studies import tuned_preset

VALUES = {
    "window": 30,
    "model": {"filters": [48], "pool": [2]},
    "training.learning_rate": 1.2e-05,
    "training.optimizer.kind": "adamw",
}
CHOSEN = SelectionSpec(trials=50, deviation=0.01, study="20261121T000000Z-tune-0")


def written(tmp_path, recipe, name="my-tuned.yaml"):
    path = tmp_path / "deep" / name
    fields = tuned_preset.fields_of(recipe, VALUES, 104, CHOSEN)
    tuned_preset.write(path, "balanced: tuned, 'on' 1e3", ["Trial 3 of 50", "no: test"], fields)
    return path


def test_it_is_the_recipe_with_the_best_values_and_how_it_was_chosen(tmp_path):
    options = {"candles": Path("/data/btc.parquet"), "end": "2024-01-01", "timeframe": "5m"}
    recipe = presets.resolve("balanced", "TEST", target="direction", horizon=(1, 5), **options)
    path = written(tmp_path, recipe)
    found = presets.resolve(str(path), "ETHUSDT")
    searched = presets.searched(
        recipe, {name: value for name, value in VALUES.items() if name != "selection"}
    )
    data = recipe.config.data.model_copy(update={"path": None, "end": None})
    dataset = recipe.config.dataset.model_copy(update={"first_end": 104})
    changes = {"name": "my-tuned", "symbol": "ETHUSDT", "data": data, "dataset": dataset}
    assert found.config == searched.model_copy(update={**changes, "selection": CHOSEN})
    assert found.config.training.optimizer.kind == "adamw"
    assert found.preset.description == "balanced: tuned, 'on' 1e3"
    assert path.read_text().startswith("# Trial 3 of 50\n# no: test\ndescription:")
    assert found.preset.search == {}
    assert [one.name for one in path.parent.iterdir()] == ["my-tuned.yaml"]


def test_the_fold_of_a_study_is_none_of_the_preset(tmp_path):
    recipe = presets.resolve("balanced", "TEST", assignments=["dataset.fold.splits=3"])
    assert presets.resolve(str(written(tmp_path, recipe)), "TEST").config.dataset.fold is None


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mine", "a preset file ends in .yaml; name mine.yaml"),
        ("mine.json", "a preset file ends in .yaml; name mine.yaml"),
        ("My Preset.yaml", "'My Preset' is not a model name"),
    ],
)
def test_a_file_that_is_no_preset_is_refused(tmp_path, name, message):
    with pytest.raises(UsageError, match=message):
        tuned_preset.require_preset_name(tmp_path / name)


def test_only_what_the_same_study_wrote_is_replaced(tmp_path):
    path = written(tmp_path, presets.resolve("balanced", "TEST"))
    tuned_preset.require_free(path, CHOSEN.study)
    for text in (path.read_text().replace(CHOSEN.study, "another"), "no preset", "[", ""):
        path.write_text(text)
        with pytest.raises(UsageError, match="it exists already; name another file"):
            tuned_preset.require_free(path, CHOSEN.study)


def test_what_would_not_be_read_back_the_same_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(tuned_preset.yaml, "safe_dump", lambda *_, **__: "description: other\n")
    with pytest.raises(IntegrityError, match="another recipe"):
        written(tmp_path, presets.resolve("balanced", "TEST"))
    assert not (tmp_path / "deep").exists()
