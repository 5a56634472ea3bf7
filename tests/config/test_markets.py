"""A recipe that is given rows of another market than its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from atb import presets
from atb.config.data import HISTORIES, BondData
from atb.config.features import market_of
from atb.config.markets import USUAL
from atb.config.targets import TARGETS
from atb.config.trading import TRADINGS, BondTrading, ExitSpec
from atb.errors import ConfigError, UsageError

YIELDS = Path("yields.csv")
OWN = """description: Days of a bond
data: {kind: bonds, coupon: 6.0}
features: rates-levels
target: {kind: fair_value_change, horizon: 5}
trading: {kind: fair_value, threshold: 1.0}
window: 10
"""


def test_what_is_usual_in_a_market_is_of_that_market():
    for market, fields in USUAL.items():
        assert presets.OPTION_FIELDS[market] == "data.path"
        assert fields["data.kind"] == market in HISTORIES
        assert market_of(fields["features"]) == market
        assert TARGETS[fields["target.kind"]].market == market
        assert TRADINGS[fields["trading.kind"]].market == market


def test_a_preset_of_candles_learns_from_bonds():
    recipe = presets.resolve("fast", "UST10Y", bonds=YIELDS, epochs=3)
    config, own = recipe.config, presets.resolve("fast", "UST10Y", epochs=3).config
    assert config.data == BondData(path=YIELDS)
    assert (config.features, config.target.kind, config.target.horizons) == (
        "rates",
        "fair_value_change",
        (1,),
    )
    assert config.trading == BondTrading()
    for name in ("window", "dataset", "model", "training"):
        assert getattr(config, name) == getattr(own, name)
    origins = {recipe.origins[name] for name in ("data.kind", "features", "trading.kind")}
    assert origins == {"--bonds"}


def test_what_else_is_asked_for_comes_after_what_is_usual():
    given = {"features": "rates-levels", "horizon": 5, "bonds": YIELDS}
    config = presets.resolve("fast", "UST2Y", assignments=["data.coupon=6.0"], **given).config
    assert (config.features, config.target.horizons) == ("rates-levels", (5,))
    assert config.data.coupon == 6.0


def test_what_a_preset_searches_is_not_of_another_market():
    own, of_bonds = (presets.resolve("basic", "UST10Y", bonds=path) for path in (None, YIELDS))
    assert {"features", "window"} <= own.preset.search.keys()
    assert of_bonds.preset.search == {
        name: values for name, values in own.preset.search.items() if name != "features"
    }


def test_a_preset_of_bonds_stays_as_it_is(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text(OWN)
    config = presets.resolve(str(path), "UST2Y", bonds=YIELDS).config
    bare = presets.resolve(str(path), "UST2Y").config
    assert config == bare.model_copy(update={"data": BondData(path=YIELDS, coupon=6.0)})
    assert (config.features, config.trading.threshold) == ("rates-levels", 1.0)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"features": "technical"}, "features 'technical' is for candles, the data are bonds"),
        ({"target": "ternary"}, "target 'ternary' is for candles, the data are bonds"),
    ],
)
def test_what_is_of_another_market_is_refused(options, what):
    with pytest.raises((UsageError, ConfigError), match=what):
        presets.resolve("fast", "UST10Y", bonds=YIELDS, **options)


def test_there_is_no_price_within_the_day_at_which_a_bond_could_be_stopped():
    with pytest.raises(ValidationError, match="no price within the day"):
        BondTrading(exits=ExitSpec(stop=0.01))
    assert not {"stop", "take_profit"} & BondTrading.options.keys()
