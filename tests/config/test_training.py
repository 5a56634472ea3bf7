from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from atb.config.book_architectures import Linear
from atb.config.data import BookData
from atb.config.judgement import SelectionSpec
from atb.config.optimisation import Optimisation, Regularisation
from atb.config.tabular import Automl
from atb.config.targets import DirectionTarget, MidPriceTarget, ReturnTarget, VolatilityTarget
from atb.config.trading import TouchTrading
from atb.config.training import TrainingConfig


@pytest.mark.parametrize("asked", [{"class_weights": "balanced"}, {"label_smoothing": 0.1}])
@pytest.mark.parametrize("target", [ReturnTarget(), VolatilityTarget()])
def test_only_classes_are_weighed_and_smoothed(asked: dict[str, Any], target: Any) -> None:
    training = Optimisation(regularisation=Regularisation(**asked))
    assert TrainingConfig(symbol="BTCUSDT", target=DirectionTarget(), training=training)
    with pytest.raises(ValidationError, match=f"are for classes, not for a {target.kind}"):
        TrainingConfig(symbol="BTCUSDT", target=target, training=training)


def test_a_straight_line_predicts_no_classes() -> None:
    assert TrainingConfig(symbol="BTCUSDT", target=ReturnTarget(), model=Linear())
    with pytest.raises(ValidationError, match="a direction target has 2 classes"):
        TrainingConfig(symbol="BTCUSDT", target=DirectionTarget(), model=Linear())


def test_a_book_is_as_deep_as_its_features_read() -> None:
    recipe: dict[str, Any] = {
        "symbol": "GOOG",
        "target": MidPriceTarget(),
        "trading": TouchTrading(),
        "data": BookData(levels=5),
    }
    assert TrainingConfig(**recipe, features="ofi")
    with pytest.raises(ValidationError, match=r"'lob38' reads 10 levels, data\.levels is 5"):
        TrainingConfig(**recipe, features="lob38")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"data": {"kind": "candles"}}, "features 'lob40' is for book, the data are candles"),
        ({"features": "price"}, "features 'price' is for candles, the data are book"),
        ({"target": ReturnTarget()}, "target 'return' is for candles, the data are book"),
        ({"trading": {"kind": "bars"}}, "trading 'bars' is for candles, the data are book"),
    ],
)
def test_a_recipe_is_of_one_market(changed: dict[str, Any], message: str) -> None:
    book: dict[str, Any] = {
        "symbol": "GOOG",
        "data": BookData(),
        "features": "lob40",
        "target": MidPriceTarget(),
        "trading": TouchTrading(),
    }
    assert TrainingConfig(**book)
    with pytest.raises(ValidationError, match=message):
        TrainingConfig(**{**book, **changed})


def test_what_is_tried_within_a_recipe_counts_as_tried() -> None:
    tuned = SelectionSpec(trials=3, study="of three")
    assert TrainingConfig(symbol="BTCUSDT", selection=tuned).chosen == tuned
    chosen = TrainingConfig(symbol="BTCUSDT", selection=tuned, model=Automl(trials=20)).chosen
    assert (chosen.trials, chosen.study) == (60, "of three")
