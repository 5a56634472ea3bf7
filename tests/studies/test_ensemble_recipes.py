"""Members that go together make one recipe; what keeps them apart is said of both sides."""

from __future__ import annotations

from pathlib import Path

import pytest

from atb.config.ensemble import Stacking, Voting
from atb.config.judgement import SelectionSpec
from atb.errors import ConfigError, EnsembleCompatibilityError, UsageError
from atb.presets import create_config_from_preset
from atb.studies.ensemble_recipes import of_presets, of_seeds, require_compatible

SAME = {"target": "ternary", "horizon": 20}


def config(preset: str = "fast", **options):
    return create_config_from_preset(preset, "BTCUSDT", **options)


def test_members_are_the_presets_with_their_own_training() -> None:
    rule = Voting(voting="weighted", weights=(0.7, 0.3))
    made = of_presets(["fast", "gru"], "BTCUSDT", rule, ["dataset.embargo=48"], epochs=3, **SAME)
    assert (made.name, made.symbol, made.dataset.embargo) == ("voting-fast-gru", "BTCUSDT", 48)
    assert made.ensemble.rule == rule
    parts = made.parts()
    for name in ("fast", "gru"):
        own = config(name, epochs=3, **SAME)
        assert (parts[name].model, parts[name].training) == (own.model, own.training)
    assert parts["gru"].training.batch == 512 != parts["fast"].training.batch


def test_seeds_count_up_from_the_presets_own() -> None:
    made = of_seeds("fast", "BTCUSDT", 3, seed=11)
    assert (made.name, made.ensemble.rule) == ("seeds-fast", Voting())
    parts = made.parts()
    assert {name: part.training.seed for name, part in parts.items()} == {
        "fast-11": 11,
        "fast-12": 12,
        "fast-13": 13,
    }
    assert {part.model for part in parts.values()} == {config().model}


def test_what_was_tried_to_choose_the_members_adds_up() -> None:
    one = {"selection": SelectionSpec(trials=50, deviation=0.1, study="a")}
    other = {"selection": SelectionSpec(trials=20, deviation=0.2)}
    from atb.studies.ensemble_recipes import _selection

    assert _selection([SelectionSpec(), SelectionSpec()]) == SelectionSpec()
    added = _selection([one["selection"], other["selection"]])
    assert added == SelectionSpec(trials=69, deviation=0.2, study="a")


LINE = {"assignments": ["model.architecture=linear"]}


@pytest.mark.parametrize(
    ("one", "other", "said", "remedy"),
    [
        (
            {},
            {"model_type": "linear"},
            "fast reads 3-D windows of 60 rows x 15 features (sequence model conv_recurrent), "
            "other reads 2-D rows of 900 numbers (tabular model linear)",
            "networks of windows",
        ),
        (
            {"features": "distinct"},
            {"features": "price"},
            "fast reads 31 features (distinct), other reads 5 features (price)",
            "--features distinct",
        ),
        (
            {},
            {"sequence_length": 90},
            "fast reads windows of 60 rows, other reads windows of 90 rows",
            "--sequence-length 60",
        ),
        (
            {"horizon": (1, 5)},
            {"target": "direction"},
            "fast predicts return (horizon [1, 5]), other predicts direction (horizon 1)",
            "--target return --horizon 1,5",
        ),
        (
            {},
            {"scaler": "minmax"},
            "fast has dataset.scaler standard, other has dataset.scaler minmax",
            "--set dataset.scaler=standard",
        ),
        ({}, {"train": 0.5}, "dataset.train 0.7, other has dataset.train 0.5", "dataset.train=0.7"),
        ({}, {"timeframe": "4h"}, "has data.timeframe 1h, other has", "data.timeframe=1h"),
        (
            {},
            {"preset": "deeplob"},
            "fast learns from candles, other learns from book",
            "one market",
        ),
    ],
)
def test_members_that_differ_in_what_they_read_or_predict_are_refused(
    one, other, said, remedy
) -> None:
    parts = {name: other.pop(name) for name in ("scaler", "train") if name in other}
    fast, rival = config(**one), config(**{"preset": "fast", **other})
    rival = rival.model_copy(
        update={"name": "other", "dataset": rival.dataset.model_copy(update=parts)}
    )
    with pytest.raises(EnsembleCompatibilityError) as refused:
        require_compatible({"fast": fast, "other": rival})
    assert said in refused.value.what
    assert remedy in refused.value.remedy
    assert isinstance(refused.value, ConfigError)


def test_the_remedy_makes_them_compatible() -> None:
    with pytest.raises(EnsembleCompatibilityError, match="--target return --horizon 1"):
        of_presets(["fast", "gru"], "BTCUSDT", Stacking())
    of_presets(["fast", "gru"], "BTCUSDT", Stacking(), target="return", horizon=1)


def test_an_ensemble_is_no_member_of_another(tmp_path: Path) -> None:
    nested = config(model_type="ensemble").model_copy(update={"name": "nested"})
    with pytest.raises(EnsembleCompatibilityError, match="ensemble"):
        require_compatible({"fast": config(), "nested": nested})


def test_an_ensemble_has_no_seeds() -> None:
    with pytest.raises(EnsembleCompatibilityError, match="fast is an ensemble of gru, tcn itself"):
        of_seeds("fast", "BTCUSDT", 3, model_type="ensemble")


def test_a_line_has_no_seeds() -> None:
    with pytest.raises(EnsembleCompatibilityError, match=r"2-D rows of 900 numbers.* no seed"):
        of_seeds("fast", "BTCUSDT", 3, model_type="linear")


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["fast"], "1 model is no ensemble"),
        (["fast", "fast"], "'fast' is named twice"),
        (["fast", "balancd"], "did you mean 'balanced'"),
    ],
)
def test_names_that_are_none_are_refused(names, said) -> None:
    with pytest.raises(UsageError, match=said):
        of_presets(names, "BTCUSDT", Voting())


def test_a_rule_that_does_not_go_with_its_members_is_refused() -> None:
    hard, three = Voting(voting="hard"), Voting(voting="weighted", weights=(1.0, 1.0, 1.0))
    with pytest.raises(UsageError, match="a hard vote is between classes"):
        of_presets(["fast", "balanced"], "BTCUSDT", hard, sequence_length=60)
    with pytest.raises(UsageError, match="3 weights are given for 2 members"):
        of_presets(["fast", "balanced"], "BTCUSDT", three, sequence_length=60)
