"""Which presets a suite has, and that their recipes go together."""

from __future__ import annotations

from pathlib import Path

import pytest

from atb import presets
from atb.config.features import lookback
from atb.errors import AtbError, UsageError
from atb.studies import suite_recipes
from atb.studies.suite_recipes import chosen, recipes


def test_the_groups_are_ten_seven_three_and_thirteen_presets_for_books():
    sizes = {name: len(chosen(name)) for name in suite_recipes.GROUPS}
    assert sizes == {"all": 10, "deep": 7, "linear": 3, "extended": 13}
    found = recipes(chosen("extended"), "GOOG")
    assert list(found) == list(chosen("extended"))
    assert {config.data.kind for config in found.values()} == {"book"}
    assert {name for name, one in found.items() if one.model.architecture == "linear"} == set(
        chosen("linear")
    )


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("deeplob", ("deeplob",)),
        ("tlob, ols", ("tlob", "ols")),
        ("ridge,linear,ridge", ("ridge", "ols", "lasso")),
    ],
)
def test_names_and_groups_mix_and_nobody_is_named_twice(words, names):
    assert chosen(words) == names


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("deeplab", "unknown model 'deeplab'; did you mean 'deeplob'?"),
        ("ols,liner", "unknown model 'liner'; did you mean 'linear'?"),
        ("balanced", "atb train model SYMBOL --preset balanced"),
        (",", "no model is named"),
    ],
)
def test_what_is_no_model_for_books_is_refused(words, said):
    with pytest.raises(UsageError) as refused:
        chosen(words)
    assert said in str(refused.value)


def test_all_members_begin_at_the_same_row():
    found = recipes(chosen("extended"), None)
    (first,) = {config.dataset.first_end for config in found.values()}
    assert first == max(one.window + lookback(one.features) for one in found.values()) - 1
    assert {config.symbol for config in found.values()} == {suite_recipes.NAMELESS}


def test_options_reach_every_member():
    found = recipes(
        ("ols", "deeplob"),
        "GOOG",
        ("dataset.embargo=7", "dataset.first_end=5000"),
        book=Path("x.zip"),
        clock="time",
        every=2.0,
        horizon=(5, 9),
        sequence_length=30,
        epochs=3,
    )
    for config in found.values():
        data, ahead = config.data, config.target.horizons
        assert (data.path, data.clock, data.every, ahead) == (Path("x.zip"), "time", 2.0, (5, 9))
        assert (config.window, config.training.epochs, config.symbol) == (30, 3, "GOOG")
        assert (config.dataset.embargo, config.dataset.first_end) == (7, 5000)


def test_a_field_that_one_member_lacks_is_refused():
    with pytest.raises(AtbError, match="dense"):
        recipes(("lob-mlp", "ols"), "GOOG", ("model.dense=[8]",))


def test_a_network_of_moves_is_refused_before_anything_is_read():
    with pytest.raises(UsageError, match="lob-mlp would predict mid_change") as refused:
        recipes(("lob-mlp", "ols"), None, ("target.kind=mid_change",))
    assert refused.value.where == "target.kind"
    assert recipes(("ols",), None, ("target.kind=mid_change",))


def test_every_preset_for_books_can_be_a_member():
    kinds = {
        name: presets.read(name).fields.get("data", {}).get("kind", "candles")
        for name in presets.names()
    }
    books = [name for name, kind in kinds.items() if kind == "book"]
    assert chosen(",".join(books)) == tuple(books)
    assert set(books) >= set(chosen("extended"))
