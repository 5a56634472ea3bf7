"""Fixtures every test may use: market data, a prepared TensorFlow, results, random markets."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import numpy as np

    from atb.backtest.predictions import Predictions
    from atb.config.trading import TradingSpec
    from atb.market.candles import Candles

ROOT = Path(__file__).resolve().parents[1]

# As `atb` does, for a test that imports onnxruntime before it: nothing is reported to anybody.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


LOOSE_GATES = """
description: loose
minimum_improvement: -1.0
minimum_accuracy: null
maximum_p_value: 1.0
maximum_calibration_error: 1.0
maximum_parity_difference: 1e-5
maximum_age_days: 100000
maximum_worsening: 1.0
minimum_shared_rows: 30
"""


@pytest.fixture(scope="session")
def loose_gates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set of gates that nearly every real model passes."""
    file = tmp_path_factory.mktemp("gates") / "loose.yaml"
    file.write_text(LOOSE_GATES)
    return file


@pytest.fixture(scope="session")
def market_data() -> Path:
    """The folder of real market data; its absence fails in CI and skips elsewhere."""
    folder = Path(os.environ.get("ATB_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        message = f"no market data in {folder}; set ATB_TEST_DATA to the folder that holds it"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return folder


@pytest.fixture(scope="session")
def tensorflow_ready() -> None:
    """TensorFlow imported quietly, on one thread, deterministic."""
    from atb.backend import prepare

    prepare(seed=7)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """SIGINT raises KeyboardInterrupt; a shell that runs tests in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


_HORIZONS = (10, 50)


def _judged(output: str, accuracy: float) -> dict[str, Any]:
    """One model at one horizon."""
    metrics = {"accuracy": accuracy, "macro_f1": accuracy - 0.02, "mcc": 0.05}
    if output == "move":
        metrics["r2"] = 0.081
    return {
        "metrics": {
            name: {"value": value, "low": value - 0.011, "high": value + 0.012}
            for name, value in metrics.items()
        },
        "difference": {"baseline": "last_move", "estimate": 0.1, "low": 0.05, "high": 0.15},
        "verdict": "better than last move",
        "confusion": {
            "classes": ["down", "flat", "up"],
            "counts": [[301, 202, 103], [14, 505, 106], [7, 208, 1309]],
        },
    }


def _model(name: str, output: str, accuracy: float) -> dict[str, Any]:
    """One model."""
    ticks = {"per_trade": -2.345, "low": -3.0, "high": -1.5}
    traded = {f"{kind}_ticks_{key}": ticks[key] for kind in ("gross", "net") for key in ticks}
    traded |= {"trades": 1234, "win_rate": 0.25}
    return {
        "path": f"artifacts/models/GOOG/{name}/v1",
        "version": "v1",
        "output": output,
        "features": "lob40",
        "window": 100,
        "parameters": 60_691,
        "epochs": 7,
        "seconds": 123.4,
        "horizons": {str(h): _judged(output, accuracy + h / 1000) for h in _HORIZONS},
        "backtest": {**traded, "last_move": traded},
    }


def _results(models: int = 2, synthetic: bool = False, failed: bool = False) -> dict[str, Any]:
    """A line and networks on one book, and perhaps one that failed."""
    names = {"ridge": "move"} | {f"deeplob-{n}": "probabilities" for n in range(1, models)}
    naive = {"random": (1 / 3, 0.33), "majority": (0.361, 0.17), "last_move": (0.384, 0.29)}
    failures = {"tlob": {"error": "its process was <killed>", "exit_code": 6}}
    return {
        "suite": "20261121T120000Z-1a2b3c4d",
        "created": "2026-11-21T12:00:00Z",
        "atb": "0.1.0",
        "symbol": "GOOG",
        "book": {
            "source": "sample" if synthetic else "lobster",
            "synthetic": synthetic,
            "rows": 100_048,
            "first": "2012-06-21T13:30:00Z",
            "last": "2012-06-21T18:00:00Z",
            "sessions": 1,
            "sha256": "0" * 64,
        },
        "windows": {"train": 70_000, "validation": 14_000, "test": 14_321},
        "periods": {part: ["2012-06-21", "2012-06-21"] for part in ("train", "validation", "test")},
        "horizons": list(_HORIZONS),
        "baselines": {
            name: {str(h): {"accuracy": one, "macro_f1": two} for h in _HORIZONS}
            for name, (one, two) in naive.items()
        },
        "models": {
            name: _model(name, output, 0.40 + index / 100)
            for index, (name, output) in enumerate(names.items())
        },
        "failures": failures if failed else {},
        "words": ["above the best baseline: ridge", "noise: deeplob-1"],
    }


@pytest.fixture(scope="session")
def suite_results() -> object:
    """Makes a suite's results, as `atb.studies.suite_results` does, by hand and small."""
    return _results


def _path(seed: int, bars: int = 60, move: float = 0.03) -> tuple[Candles, Predictions]:
    """A random market with gaps and random predictions of a return, some rows left out."""
    import numpy as np

    from atb.backtest.predictions import Predictions
    from atb.market.candles import Candles

    random = np.random.default_rng(seed)
    price = 100 * np.exp(np.cumsum(random.normal(0, move, bars + 1)))
    opens, closes = price[:-1], price[1:] * np.exp(random.normal(0, 0.01, bars))
    wicks = np.exp(np.abs(random.normal(0, 0.02, (2, bars))))
    columns = {
        "time": 1_704_067_200_000 + np.cumsum(random.integers(1, 3, bars)) * 3_600_000,
        "open": opens,
        "high": np.maximum(opens, closes) * wicks[0],
        "low": np.minimum(opens, closes) / wicks[1],
        "close": closes,
        "volume": np.ones(bars),
    }
    rows = np.flatnonzero(random.random(bars) < random.uniform(0.2, 1))
    rows = np.union1d(rows, [int(random.integers(0, bars - 1))])
    value = random.normal(0, 0.01, len(rows)) * (random.random(len(rows)) < 0.9)
    return Candles.from_columns("BTCUSDT", "1h", columns), Predictions(rows, value, "return")


def _rules(random: np.random.Generator) -> TradingSpec:
    """Any rules there are; each cost and each exit is left out in a third of them."""
    from atb.config.trading import CostSpec, ExitSpec, SizingSpec, TradingSpec

    def maybe(most: float) -> float:
        return float(random.uniform(0, most)) * bool(random.random() < 2 / 3)

    return TradingSpec(
        positions=("long_flat", "long_short")[random.integers(2)],
        threshold=maybe(20),
        volatility_bars=int(random.integers(2, 30)),
        costs=CostSpec(
            buy_fee=maybe(50),
            sell_fee=maybe(50),
            spread=maybe(20),
            slippage=maybe(20),
            slippage_per_volatility=maybe(0.5),
            funding=maybe(30),
        ),
        sizing=SizingSpec(
            rule=("fixed", "volatility_target", "kelly")[random.integers(3)],
            size=random.uniform(0.1, 4),
            volatility_target=random.uniform(0.1, 5),
            kelly_fraction=random.uniform(0.1, 1),
            limit=random.choice([0.5, 1.0, 4.0]),
            horizon=int(random.integers(1, 10)),
        ),
        exits=ExitSpec(stop=maybe(0.1) or None, take_profit=maybe(0.1) or None),
    )


@pytest.fixture(scope="session")
def random_path() -> Callable[..., tuple[Candles, Predictions]]:
    """`random_path(seed, bars=60, move=0.03)`: a market with gaps, and predictions, some silent."""
    return _path


@pytest.fixture(scope="session")
def random_rules() -> Callable[[np.random.Generator], TradingSpec]:
    """`random_rules(random)`: any rules that candles may be traded by."""
    return _rules


@pytest.fixture(scope="session")
def small_network() -> bytes:
    """A serving graph by hand: six candles, a convolution, a GRU, a line; features beside them."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    draw = np.random.default_rng(5)
    shapes = {"kernel": (32, 5, 1, 3), "W": (1, 96, 32), "R": (1, 96, 32), "line": (32, 1)}
    constants = {name: draw.normal(0, 0.2, shape) for name, shape in shapes.items()}
    constants |= {"share": 0.01, "one": 1.0, "unit": 0.005, "vanishing": 1e-30}
    constants["sizes"] = [50, 50, 50, 50, 0.5]
    places = {
        "zeroth": [0],
        "last": [5],
        "end": [6],
        "bars": [1],
        "across": [2],
        "time": [1, 2],
        "single": [-1, 1],
    }
    given = [numpy_helper.from_array(np.float32(v), k) for k, v in constants.items()]
    given += [numpy_helper.from_array(np.int64(v), k) for k, v in places.items()]
    steps = [
        ("Mul", ["candles", "share"], "matrix"),
        ("Slice", ["matrix", "last", "end", "bars"], "bar"),
        ("Squeeze", ["bar", "bars"], "features"),
        ("Slice", ["candles", "zeroth", "bars", "bars"], "first"),
        ("Div", ["candles", "first"], "ratio"),
        ("Sub", ["ratio", "one"], "moved"),
        ("Mul", ["moved", "sizes"], "scaled"),
        ("Transpose", ["scaled"], "columns", {"perm": [0, 2, 1]}),
        ("Unsqueeze", ["columns", "across"], "series"),
        ("Conv", ["series", "kernel"], "filtered"),
        ("Relu", ["filtered"], "active"),
        ("Squeeze", ["active", "across"], "rows"),
        ("Transpose", ["rows"], "steps", {"perm": [2, 0, 1]}),
        ("GRU", ["steps", "W", "R"], "states", {"hidden_size": 32, "linear_before_reset": 1}),
    ]
    nodes = [
        helper.make_node(kind, inputs, [output], output, **(more[0] if more else {}))
        for kind, inputs, output, *more in steps
    ]
    nodes[-1].output[:] = ["", "state"]
    nodes += [
        helper.make_node("Squeeze", ["state", "zeroth"], ["hidden"], "hidden"),
        helper.make_node("MatMul", ["hidden", "line"], ["raw"], "raw"),
        helper.make_node("Mul", ["raw", "unit"], ["signal"], "signal"),
        helper.make_node("Mul", ["candles", "vanishing"], ["tiny"], "tiny"),
        helper.make_node("ReduceSum", ["tiny", "time"], ["damage"], "damage", keepdims=0),
        helper.make_node("Reshape", ["damage", "single"], ["guard"], "guard"),
        helper.make_node("Add", ["signal", "guard"], ["return"], "return"),
    ]
    whole = helper.make_model(
        helper.make_graph(
            nodes,
            "serving",
            [helper.make_tensor_value_info("candles", TensorProto.FLOAT, ["batch", 6, 5])],
            [
                helper.make_tensor_value_info("return", TensorProto.FLOAT, ["batch", 1]),
                helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", 5]),
            ],
            given,
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=9,
    )
    said = {"symbol": "BTCUSDT", "market": "candles", "timeframe": "1h", "target": "return"}
    said |= {"columns": "open,high,low,close,volume", "window": "4", "lookback": "2"}
    helper.set_model_props(whole, {**said, "max_gap": "0"})
    return bytes(whole.SerializeToString())


@pytest.fixture(scope="session")
def serving_example() -> Callable[[str], str]:
    """`serving_example(language)`: the lines in docs/serving.md that serve a file without atb."""

    def example(language: str) -> str:
        page = (ROOT / "docs" / "serving.md").read_text()
        blocks = re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)
        (found,) = (block for block in blocks if "InferenceSession" in block)
        return str(found)

    return example
