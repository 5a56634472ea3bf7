"""A model depends on its recipe and its rows, not on what is made beside it or before it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import onnx
import pandas as pd
import pytest
from onnx import numpy_helper

from atb.clock import HOUR_MS, parse_time
from atb.fleet.engines.local import Local
from atb.market import files
from atb.market.sample import simulate
from atb.plans import shorthand
from atb.plans.run import run

SYMBOLS = ("AAA", "BBB", "CCC", "DDD")
START = parse_time("2024-01-01")


@pytest.fixture(scope="module")
def candles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file of each symbol."""
    folder = tmp_path_factory.mktemp("candles")
    for seed, symbol in enumerate(SYMBOLS):
        made = simulate(symbol, "1h", START, START + 900 * HOUR_MS, seed=seed)
        files.write(made, folder / f"{symbol}_1h.parquet")
    return folder


def trained(
    symbols: tuple[str, ...], candles: Path, artifacts: Path, at_once: int
) -> dict[str, Path]:
    """The folder of each symbol's model."""
    plan = shorthand.several(symbols, ("fast",), (), candles=candles, epochs=1)
    result = run(plan, artifacts=artifacts, engine=Local(at_once))
    assert not result.failures
    return {one["symbol"]: Path(one["path"]) for one in result.summary["models"]}


def numbers(model: Path) -> Counter[bytes]:
    """All tensors of the graph that serves, bit by bit; what they are called is tf2onnx's whim."""
    graph = onnx.load(model / "model.onnx").graph
    found = Counter(numpy_helper.to_array(one).tobytes() for one in graph.initializer)
    assert len(found) > 10
    return found


def predictions(model: Path) -> pd.DataFrame:
    """What the model said of its test rows."""
    found = pd.read_parquet(model / "predictions.parquet")
    assert len(found) > 10
    return found


def test_recipes_are_the_same_in_any_order_and_company(candles: Path) -> None:
    def recipes(*symbols: str) -> dict[str, str]:
        plan = shorthand.several(symbols, ("fast", "balanced"), (), candles=candles)
        made = {name: node.recipe for name, node in plan.nodes.items() if node.recipe}
        return {name: recipe.config.sha256() for name, recipe in made.items()}

    all_of_them = recipes(*SYMBOLS)
    assert recipes(*reversed(SYMBOLS)) == all_of_them
    assert recipes("CCC").items() <= all_of_them.items()


@pytest.mark.slow
def test_models_are_the_same_alone_and_beside_three_others(candles: Path, tmp_path: Path) -> None:
    alone = trained(("CCC",), candles, tmp_path / "alone", 1)["CCC"]
    beside = trained(tuple(reversed(SYMBOLS)), candles, tmp_path / "beside", 4)["CCC"]
    assert alone.parent.parts[-2:] == beside.parent.parts[-2:] == ("CCC", "fast")
    assert numbers(alone) == numbers(beside)
    assert (alone / "metrics.json").read_text() == (beside / "metrics.json").read_text()
    assert predictions(alone).equals(predictions(beside))
