"""Small model folders: a graph written by hand, that answers with the return over its window."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from atb.market.candles import Candles
from atb.registry import manifest, promotion, store
from atb.registry.version import Version
from atb.workspace import Workspace

ROWS = 6
SAYS = {
    "symbol": "BTCUSDT",
    "market": "candles",
    "timeframe": "1h",
    "columns": "open,high,low,close,volume",
    "window": "4",
    "lookback": "2",
    "max_gap": "0",
    "target": "return",
}


def graph(
    says: dict[str, str],
    *,
    rows: int = ROWS,
    columns: int = 5,
    source: str,
    output: str,
    second: str | None = "features",
) -> bytes:
    """`log(last close / first open)` of each window, as `[B, 1]`, and the last row as features."""
    from onnx import TensorProto, helper, numpy_helper

    def constant(name: str, values: Any) -> Any:
        return numpy_helper.from_array(np.asarray(values, np.int64), name)

    nodes = [
        helper.make_node("Slice", [source, "last", "end", "axes"], ["bar"]),
        helper.make_node("Slice", [source, "zero", "one", "axes"], ["first"]),
        helper.make_node("Slice", ["bar", "close", "volume", "columns"], ["up"]),
        helper.make_node("Slice", ["first", "zero", "one", "columns"], ["down"]),
        helper.make_node("Div", ["up", "down"], ["ratio"]),
        helper.make_node("Log", ["ratio"], ["logarithm"]),
        helper.make_node("Reshape", ["logarithm", "shape"], [output]),
    ]
    if second:
        nodes.append(helper.make_node("Squeeze", ["bar", "axes"], [second]))
    constants = [
        constant("last", [rows - 1]),
        constant("end", [rows]),
        constant("zero", [0]),
        constant("one", [1]),
        constant("axes", [1]),
        constant("columns", [2]),
        constant("close", [3]),
        constant("volume", [4]),
        constant("shape", [-1, 1]),
    ]
    given = helper.make_tensor_value_info(source, TensorProto.FLOAT, ["batch", rows, columns])
    made = [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", 1])]
    if second:
        made.append(helper.make_tensor_value_info(second, TensorProto.FLOAT, ["batch", columns]))
    whole = helper.make_model(
        helper.make_graph(nodes, "test", [given], made, constants),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=9,
    )
    helper.set_model_props(whole, says)
    return bytes(whole.SerializeToString())


@pytest.fixture
def model(tmp_path: Path) -> Callable[..., Path]:
    """`model(**changed properties)`: a verified folder around the graph."""

    def model(
        content: bytes | None = None,
        *,
        source: str = "candles",
        output: str = "return",
        second: str | None = "features",
        width: int = 5,
        **says: Any,
    ) -> Path:
        properties = {k: v for k, v in {**SAYS, **says}.items() if v is not None}
        folder = tmp_path / f"model{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        if content is None:
            content = graph(properties, columns=width, source=source, output=output, second=second)
        (folder / "model.onnx").write_bytes(content)
        manifest.write(folder)
        return folder

    return model


@pytest.fixture(scope="session")
def make_candles() -> Callable[..., Candles]:
    """`make_candles(bars, missing)`: a random market, one bar absent after each of `missing`."""

    def make(bars: int, missing: Any = (), **changed: Any) -> Candles:
        random = np.random.default_rng(0)
        steps = np.ones(bars, np.int64)
        steps[np.asarray(missing, int) + 1] += 1
        price = 100 * np.exp(np.cumsum(random.normal(0, 0.01, bars)))
        columns = dict.fromkeys(("open", "high", "low", "close"), price)
        time = 1_704_067_200_000 + np.cumsum(steps) * 3_600_000
        names = {"symbol": "BTCUSDT", "timeframe": "1h", **changed}
        return Candles.from_columns(
            names["symbol"],
            names["timeframe"],
            {**columns, "time": time, "volume": np.ones(bars)},
        )

    return make


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty workspace."""
    return Workspace(tmp_path / "art")


@pytest.fixture
def registered(workspace: Workspace) -> Callable[..., Version]:
    """`registered(number, trading={...})`: a whole model of the graph, added to the workspace."""
    from atb.config.data import CandleData
    from atb.config.trading import TradingSpec
    from atb.config.training import TrainingConfig

    def registered(
        number: int = 1,
        *,
        rows: int = ROWS,
        timeframe: str = "1h",
        trading: dict[str, Any] | None = None,
        synthetic: bool = False,
        learned_until: str = "2020-01-01T00:00:00Z",
        **more: Any,
    ) -> Version:
        says = {**SAYS, "timeframe": timeframe, "window": str(rows - int(SAYS["lookback"]))}
        config = TrainingConfig(
            symbol="BTCUSDT",
            name="hand",
            data=CandleData(timeframe=timeframe),
            trading=TradingSpec.of(**(trading or {})),
        )
        contents = {
            "config.json": config.model_dump(mode="json"),
            "metadata.json": {
                "timeframe": timeframe,
                "synthetic": synthetic,
                "learned_until": learned_until,
            },
            **more,
        }
        files = {name: json.dumps(content).encode() for name, content in contents.items()}
        files["model.onnx"] = graph(says, rows=rows, source="candles", output="return")
        writers = {name: partial(_write, content) for name, content in files.items()}
        version = f"2026010{number}T000000Z-{number:08d}"
        return store.add(workspace, "BTCUSDT", "hand", version, writers)

    return registered


@pytest.fixture
def promote(workspace: Workspace) -> Callable[[Version], None]:
    """Let a model run, whatever the gates would say."""

    def promote(version: Version) -> None:
        seen = promotion.read(workspace, version.symbol)
        promotion.promote(workspace, version, seen, promotion.Grounds("by hand", {}))

    return promote


def _write(content: bytes, path: Path) -> None:
    path.write_bytes(content)
