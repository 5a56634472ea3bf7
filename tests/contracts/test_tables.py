"""Tables in different rooms that must name the same things do."""

from __future__ import annotations

from typing import get_args

import pytest

from atb.backtest.predictions import LAWS
from atb.backtest.sizing import EDGES, RULES, SIDES
from atb.config.data import CandleData
from atb.config.dataset import DatasetSpec
from atb.config.targets import TARGETS
from atb.config.trading import SizingSpec, TradingSpec
from atb.evaluation.trials import TRIALS
from atb.market.load import SOURCES
from atb.presets import OPTION_FIELDS, create_config_from_preset, flat
from atb.runtime.session import UNITS
from atb.targets.build import BUILDERS

OUTPUTS = {target.output for target in TARGETS.values()}


def choices(spec: type, field: str) -> set[str]:
    return set(get_args(spec.model_fields[field].annotation))  # type: ignore[attr-defined]


def test_every_target_is_built_and_its_output_judged_and_traded() -> None:
    assert BUILDERS.keys() == TARGETS.keys()
    for table in (TRIALS, LAWS, SIDES, UNITS):
        assert table.keys() == OUTPUTS


def test_every_rule_of_sizing_that_can_be_named_exists_and_candles_can_be_sized_by_it() -> None:
    assert choices(SizingSpec, "rule") == RULES.keys()
    assert {*EDGES, "log_volatility", "move"} == OUTPUTS  # neither has odds, books trade one unit


def test_a_trial_has_its_headline_and_all_its_baselines() -> None:
    for trial in TRIALS.values():
        names = {contest.metric.name for contest in trial.contests}
        assert trial.headline[0] in names
        assert len(names) == len(trial.contests)
        assert {name for one in trial.contests for name in one.baselines} == trial.baselines.keys()


def test_every_output_has_a_head(tensorflow_ready: None) -> None:
    from atb.models.heads import ACTIVATIONS

    assert ACTIVATIONS.keys() == OUTPUTS


def test_every_scaler_and_source_that_can_be_named_exists() -> None:
    from atb.features.scaling import SCALERS

    assert choices(DatasetSpec, "scaler") == SCALERS.keys()
    assert choices(CandleData, "source") == SOURCES.keys()


def test_every_option_stands_for_a_field() -> None:
    recipes = (create_config_from_preset(name, "TEST") for name in ("balanced", "deeplob"))
    fields = {name for recipe in recipes for name, _ in flat(recipe)}
    assert set(OPTION_FIELDS.values()) <= fields


@pytest.mark.parametrize(
    ("group", "option", "spec", "field"),
    [
        ("train", "source", CandleData, "source"),
        ("backtest", "positions", TradingSpec, "positions"),
        ("backtest", "sizing", SizingSpec, "rule"),
    ],
)
def test_the_shell_offers_what_the_specs_take(
    group: str, option: str, spec: type, field: str
) -> None:
    from atb_cli.main import cli

    command = cli.commands[group]
    command = getattr(command, "commands", {"model": command})["model"]
    (found,) = (one for one in command.params if one.name == option)
    assert set(found.type.choices) == choices(spec, field)
