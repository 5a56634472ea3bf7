"""A search block is refused early, by file and line; every value it can take is a valid recipe."""

from __future__ import annotations

import pytest

from atb import presets, strict_yaml
from atb.config.search import LARGEST, combinations, parse
from atb.errors import ConfigError

GOOD = "description: mine\nmodel: {architecture: transformer, width: 64, heads: 4}\nsearch:\n"
TUNED = [name for name in presets.names() if presets.read(name).search]


def written(tmp_path, lines):
    path = tmp_path / "p.yaml"
    path.write_text(GOOD + "".join(f"  {line}\n" for line in lines))
    return str(path)


def checked(path):
    recipe = presets.resolve(path, "BTCUSDT")
    for name, dimension in recipe.preset.search.items():
        for value in dimension.corners():
            presets.searched(recipe, {name: value})
    return [presets.searched(recipe, one) for one in combinations(recipe.preset.search)]


def test_most_presets_for_candles_can_be_tuned():
    assert {"fast", "balanced", "quality", "legacy", "direction-lstm"} <= set(TUNED)


@pytest.mark.parametrize("name", TUNED)
def test_every_value_of_a_shipped_search_is_a_valid_recipe_and_holds_the_preset(name):
    assert checked(name)
    recipe = presets.resolve(name, "BTCUSDT")
    plain = recipe.config.model_dump(mode="json")
    for dotted, dimension in recipe.preset.search.items():
        value = plain
        for part in dotted.split("."):
            value = value[part]
        assert dimension.held(value) is not None, dotted


def test_corners_are_all_choices_the_ends_of_a_range_and_each_of_a_few_integers():
    search = parse(
        {
            "window": {"choice": [30, 60]},
            "model.heads": {"range": [2, 4]},
            "training.batch": {"log_range": [16, 512]},
            "model.dropout": {"range": [0, 0.5]},
        },
        str,
    )
    corners = {name: one.corners() for name, one in search.items()}
    assert corners == {
        "window": (30, 60),
        "model.heads": (2, 3, 4),
        "training.batch": (16, 512),
        "model.dropout": (0, 0.5),
    }
    assert [search["model.heads"].held(one) for one in (1, 2, 2.5, True)] == [None, 2, None, None]
    assert [search["model.dropout"].held(one) for one in (0.3, 0.6)] == [0.3, None]
    assert len(list(combinations(search))) == 2 * 3 * 2 * 2


def test_fields_in_a_mapping_are_set_together(tmp_path):
    path = written(tmp_path, ["model: {choice: [{width: 32, heads: 2}, {width: 64, heads: 4}]}"])
    found = [(one.model.width, one.model.heads) for one in checked(path)]
    assert found == [(32, 2), (64, 4)]
    search = presets.read(path).search["model"]
    assert search.held({"width": 64, "heads": 4, "blocks": 3}) == {"width": 64, "heads": 4}
    assert search.held({"width": 64, "heads": 2}) is None


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("windw: {choice: [3, 4]}", r":4: unknown key 'windw'; did you mean 'window'\?"),
        (
            "training.learning_rat: {range: [0.1, 0.2]}",
            r":4: unknown key 'training.learning_rat'; did you mean 'learning_rate'\?",
        ),
        ("window: {chioce: [3, 4]}", r":4: unknown key 'search.window.chioce'; did you mean 'choi"),
        ("training: {batch: {choice: [3, 4]}}", r":4: unknown key .*; fields are written with dot"),
        ("window: 60", r":4: search.window is not one of choice, range, log_range; write one"),
        ("window: {choice: [60]}", r":4: search.window.choice: .*at least 2"),
        ("window: {choice: [60, 60]}", r":4: search.window.choice: 60 stands there twice"),
        ("window: {range: [60, 30]}", r":4: search.window.range: 60 is not less than 30"),
        ("window: {log_range: [0, 30]}", r":4: search.window.log_range: a log range begins above"),
        ("window: {range: [a, 30]}", r":4: search.window.range: .*valid"),
        ("window: {range: [0, 30]}", r":4: window: .*got 0"),
        ("training.batch: {range: [0.5, 30]}", r":4: training.batch: .*got 0.5"),
        ("model.heads: {range: [2, 4]}", r":4: model: .*width 64.*3"),
        ("model.dropout: {choice: [0.1, x]}", r":4: model.dropout: .*got 'x'"),
        ("window.size: {choice: [1, 2]}", r":4: window: .*integer"),
        ("target.horizon: {choice: [1, 2]}", r":4: 'target.horizon' cannot be searched: valid"),
        ("training.seed: {choice: [1, 2]}", r":4: 'training.seed' cannot be searched: valid"),
        ("training.hardware.devices: {choice: [1, 2]}", r":4: .* cannot be searched: valid"),
        ("training: {choice: [{seed: 1}, {seed: 2}]}", r":4: 'training.seed' cannot be searched"),
        ("dataset.train: {range: [0.5, 0.6]}", r":4: 'dataset.train' cannot be searched"),
        ("symbol: {choice: [A, B]}", r":4: 'symbol' cannot be searched"),
    ],
)
def test_a_wrong_search_is_answered_with_file_line_and_remedy(tmp_path, line, message):
    with pytest.raises(ConfigError, match=r"p\.yaml" + message):
        checked(written(tmp_path, [line]))


def test_values_that_do_not_go_together_are_named(tmp_path):
    path = written(tmp_path, ["model.width: {choice: [64, 96]}", "model.heads: {choice: [4, 64]}"])
    with pytest.raises(ConfigError, match=r"p\.yaml:3: with model.width 96, model.heads 64: model"):
        checked(path)


def test_an_empty_search_says_what_to_write(tmp_path):
    document = strict_yaml.parse("description: mine\nsearch: {}")
    with pytest.raises(ConfigError, match=r"p\.yaml:2: search names no field; write one line"):
        presets.parsed(document, tmp_path / "p.yaml")


def test_more_combinations_than_can_be_looked_at_are_refused():
    search = parse({f"model.x{i}": {"choice": [1, 2]} for i in range(15)}, str)
    assert LARGEST < 2**15
    with pytest.raises(ConfigError, match="search has 32,768 combinations"):
        next(combinations(search))
