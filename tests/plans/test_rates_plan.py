"""The eleven steps on bonds: every preset is of candles, every training is of days of a bond."""

from __future__ import annotations

from pathlib import Path

import pytest

from atb.config.data import BondData
from atb.errors import UsageError
from atb.plans import reading

YIELDS = Path("yields.parquet")
LEARNERS = ("basic", "enhanced", "advanced", "automl", "regime", "factor", "tail_risk", "bayesian")


@pytest.fixture(scope="module")
def plan():
    return reading.read("eleven-steps-rates", ["UST2Y", "UST10Y"], bonds=YIELDS)


def test_there_are_eleven_steps_and_the_first_eight_wait_for_rows_alone(plan):
    assert plan.steps == (*LEARNERS, "evaluation", "drift", "tuning")
    trained = plan.of_kind("train")
    assert {node.step for node in trained} == set(LEARNERS)
    assert {node.needs for node in trained} == {("UST2Y-data",), ("UST10Y-data",)}


def test_every_recipe_learns_from_bonds_and_predicts_what_they_make(plan):
    nodes = [node for node in plan.nodes.values() if node.recipe]
    assert len(nodes) == 2 * (len(LEARNERS) + 1)
    for node in nodes:
        config = node.recipe.config
        assert config.data == BondData(path=YIELDS)
        assert (config.features, config.target.kind) == ("rates", "fair_value_change")
        assert config.trading.kind == "fair_value"


def test_samples_are_shares(plan):
    assert {node.settings["sample"] for node in plan.of_kind("evaluate")} == {1.0}
    assert {node.settings["sample"] for node in plan.of_kind("drift")} == {0.1}


def test_without_yields_or_for_what_is_no_bond_nothing_is_begun():
    with pytest.raises(UsageError, match="no file of par yields is named for UST2Y"):
        reading.read("eleven-steps-rates")
    with pytest.raises(UsageError, match="BTCUSDT names no bond"):
        reading.read("eleven-steps-rates", ["UST2Y", "BTCUSDT"], bonds=YIELDS)
    simulated = reading.read("eleven-steps-rates", (), ["data.source=sample"])
    assert {node.data for node in simulated.of_kind("data")} == {BondData(source="sample")}
