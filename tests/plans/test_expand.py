"""Plans spelt out: which pieces of work, after which others, and what is refused before any."""

from __future__ import annotations

import pytest

from atb.clock import DAY_MS, now_ms, parse_time
from atb.config.plan import PlanSpec
from atb.errors import AtbError, ConfigError, UsageError
from atb.plans.expand import expanded

MODELS = {"train": {}, "evaluate": {"needs": ["train"]}}


def spec(steps, **more):
    given = {"description": "a plan", "symbols": ["BTCUSDT"], "recipes": ["fast"], **more}
    return PlanSpec.model_validate({**given, "steps": steps})


def plan(steps, **more):
    return expanded(spec(steps, **more), "plan", lambda dotted: f"here {dotted}")


def needs(made):
    return {name: node.needs for name, node in made.nodes.items()}


def test_symbols_times_recipes_times_seeds():
    made = plan(
        {"train": {}}, symbols=["BTCUSDT", "ETHUSDT"], recipes=["fast", "gru"], seeds=[1, 2]
    )
    assert needs(made) == {
        "BTCUSDT-data": (),
        **{f"BTCUSDT-{one}": ("BTCUSDT-data",) for one in ("fast-1", "fast-2", "gru-1", "gru-2")},
        "ETHUSDT-data": (),
        **{f"ETHUSDT-{one}": ("ETHUSDT-data",) for one in ("fast-1", "fast-2", "gru-1", "gru-2")},
    }
    config = made.nodes["ETHUSDT-gru-2"].recipe.config
    assert (config.symbol, config.name, config.training.seed) == ("ETHUSDT", "gru", 2)
    assert config.data == made.nodes["ETHUSDT-data"].data


def test_a_symbol_never_waits_for_another():
    made = plan(MODELS | {"promote": {"needs": ["evaluate"]}}, symbols=["BTCUSDT", "ETHUSDT"])
    for name, node in made.nodes.items():
        assert all(one.startswith(name.partition("-")[0]) for one in (*node.needs, *node.models))
    assert made.nodes["BTCUSDT-promote"].models == ("BTCUSDT-fast",)  # through the step between
    assert made.nodes["BTCUSDT-promote"].needs == (
        *("BTCUSDT-data", "BTCUSDT-fast", "BTCUSDT-evaluate"),
    )


def test_every_kind_of_step():
    steps = {
        "data": None,
        "features": {"needs": ["data"]},
        "first": {"kind": "train", "needs": ["features"]},
        "second": {"kind": "train", "recipes": ["gru", "fast"], "needs": ["features"]},
        "compare": {"needs": ["second"], "against": "fast"},
        "drift": {"needs": ["first"], "sample": 0.25},
        "tune": {"trials": 3, "search": {"window": {"choice": [30, 60]}}},
        "promote": {"needs": ["compare"], "gates": "strict"},
    }
    made = plan(steps)
    kinds = {name: node.kind for name, node in made.nodes.items()}
    assert kinds == {
        "BTCUSDT-data": "data",
        "BTCUSDT-features-technical": "features",
        "BTCUSDT-fast": "train",  # once, although two steps train it
        "BTCUSDT-gru": "train",
        "BTCUSDT-compare": "compare",
        "BTCUSDT-drift": "drift",
        "BTCUSDT-tune-fast": "tune",
        "BTCUSDT-promote": "promote",
    }
    assert made.nodes["BTCUSDT-compare"].settings == {"against": "BTCUSDT-fast"}
    assert made.nodes["BTCUSDT-drift"].settings == {"sample": 0.25}
    assert made.nodes["BTCUSDT-promote"].settings == {"gates": "strict"}
    assert list(made.nodes["BTCUSDT-tune-fast"].recipe.preset.search) == ["window"]


def test_what_is_promoted_says_of_how_many_it_was_chosen():
    alone = plan(MODELS, recipes=["fast", "gru"])
    chosen = plan(MODELS | {"promote": {"needs": ["train"]}}, recipes=["fast", "gru"])
    trials = [made.nodes["BTCUSDT-fast"].recipe.config.selection.trials for made in (alone, chosen)]
    assert trials == [1, 2]


def test_rows_are_shared_by_those_who_want_the_same():
    steps = {"train": {"recipes": ["fast", "gru"]}}
    assert len(plan(steps).of_kind("data")) == 1
    made = plan(steps, set={"data.end": "2024-01-01"})
    assert [node.data.end for node in made.of_kind("data")] == ["2024-01-01"]


def test_an_open_end_is_the_last_midnight_so_that_a_day_has_the_same_rows():
    (node,) = plan({"train": {}}).of_kind("data")
    assert parse_time(node.data.end) == now_ms() // DAY_MS * DAY_MS
    (node,) = plan({"train": {}}, set={"data.source": "sample"}).of_kind("data")
    assert node.data.end is None


def test_fields_are_set_on_top_of_every_recipe():
    made = plan({"train": {}}, recipes=["fast", "gru"], set={"training.epochs": 3})
    assert [node.recipe.config.training.epochs for node in made.of_kind("train")] == [3, 3]


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ({"train": {"needs": ["data"]}}, "here steps.train.needs: step 'train' needs 'data'"),
        (
            {"train": {"needs": ["evaluate"]}, "evaluate": {"needs": ["train"]}},
            "steps need each other: train needs evaluate needs train",
        ),
        ({"train": {"needs": ["train"]}}, "train needs train"),
        ({"evaluate": {}}, "needs models of BTCUSDT, and the steps before it train none"),
        ({"train": {}, "drift": {}}, "here steps.drift.needs"),
        ({"train": {}, "compare": {"needs": ["train"]}}, "needs two models of BTCUSDT"),
        ({"train": {"recipes": ["fst"]}}, "here steps.train.recipes: fst: unknown preset"),
        (
            {
                "train": {"recipes": ["fast", "gru"]},
                "compare": {"needs": ["train"], "against": "x"},
            },
            "here steps.compare.against: step 'compare' compares with 'x'",
        ),
        ({"tune": {"search": {"windw": {"choice": [1]}}}}, "here steps.tune.search.windw"),
        (
            {"tune": {"search": {"windw": {"choice": [1, 2]}}}},
            "here steps.tune: unknown key 'windw'; did you mean 'window'",
        ),
        ({"tune": {"search": {"window": {"choice": [5, 0]}}}}, "here steps.tune: window: Input"),
        (
            {"train": {}, "promote": {"needs": ["train"], "gates": "strct"}},
            "here steps.promote.gates: unknown gates 'strct'; did you mean 'strict'",
        ),
        (
            {"train": {}, "fast": {"kind": "evaluate", "needs": ["train"]}},
            "here steps.fast: what train and evaluate make would both be named BTCUSDT-fast",
        ),
        ({"tune": {"recipes": ["ridge"]}}, "no search block"),
    ],
)
def test_what_cannot_be_done_is_refused(steps, said):
    with pytest.raises(AtbError) as refused:
        plan(steps)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("more", "error", "said"),
    [
        ({"symbols": []}, UsageError, "no symbol is named"),
        ({"symbols": ["btc"]}, UsageError, "'btc' is not a symbol"),
        ({"recipes": []}, ConfigError, "names no recipe"),
        ({"set": {"training.epoch": 3}}, UsageError, "unknown key 'training.epoch'"),
        ({"set": {"warm_start": "BTCUSDT/fast"}}, UsageError, "weights of chance"),
        ({"recipes": ["ridge"], "candles": "x.csv"}, UsageError, "no recipe learns from any"),
    ],
)
def test_what_no_step_can_mend_is_refused(more, error, said):
    with pytest.raises(error, match=said):
        plan({"train": {}}, **more)


def test_models_of_different_rows_are_not_judged_together(tmp_path):
    (tmp_path / "daily.yaml").write_text("description: daily\ndata: {timeframe: 1d}\n")
    recipes = ["fast", str(tmp_path / "daily.yaml")]
    made = plan({"features": {}, "train": {}}, recipes=recipes)
    assert [node.name for node in made.of_kind("data", "features")] == [
        *("BTCUSDT-data", "BTCUSDT-features-technical"),
        *("BTCUSDT-data-2", "BTCUSDT-features-technical-2"),
    ]
    with pytest.raises(ConfigError, match="models of different rows"):
        plan(MODELS, recipes=recipes)


def test_two_recipes_of_one_name_are_refused(tmp_path):
    (tmp_path / "fast.yaml").write_text("description: mine\n")
    with pytest.raises(ConfigError, match="would both make models named fast"):
        plan({"train": {}}, recipes=["fast", str(tmp_path / "fast.yaml")])
