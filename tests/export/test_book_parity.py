"""Networks of order books at their full windows, on a real book and on a simulated one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from atb import presets
from atb.config.data import BookData
from atb.market.lob import files
from atb.market.lob.sample import simulate

GOOG = "LOBSTER_GOOG_2012-06-21_34200000_50400000_10.zip"
CONFIGS = {
    name: config
    for name in presets.names()
    if (config := presets.create_config_from_preset(name, "GOOG")).data.kind == "book"
}
# What the battery of architectures cannot ask of its short windows, at least of two networks.
CASES = [
    name if name in ("bin-ctabl", "deeplob") else pytest.param(name, marks=pytest.mark.slow)
    for name in CONFIGS
]

pytestmark = pytest.mark.usefixtures("tensorflow_ready")


@pytest.fixture(scope="module")
def books(market_data: Path) -> list[Any]:
    real = files.read(market_data / "lob" / GOOG)
    return [real.rows(0, 12_000), simulate("GOOG", 6_000, seed=4)]


def served(name: str, book: Any) -> Any:
    """A preset's serving model, scaled on a book, with no weight at its initial value."""
    import keras

    from atb.export.graph import serving_model
    from atb.features import scaling
    from atb.features.layer import compute
    from atb.models.build import network

    config = CONFIGS[name]
    matrix = compute(config.features, book)
    keras.utils.set_random_seed(7)
    built = network(config.model, config.target, (config.window, matrix.shape[1]))
    draw = np.random.default_rng(11)
    for weight in built.weights:
        value = weight.numpy()
        if np.issubdtype(value.dtype, np.floating):
            weight.assign(value + draw.uniform(-0.05, 0.05, value.shape))
    return serving_model(
        built,
        features=config.features,
        columns=len(book.columns),
        window=config.window,
        scaling=scaling.fit("standard", matrix[np.isfinite(matrix).all(axis=1)]),
        target=config.target,
        target_scale=np.full(len(config.target.horizons), 2.0),
        target_offset=np.zeros(len(config.target.horizons)),
    )


@pytest.mark.parametrize("name", CASES)
def test_every_preset_agrees_on_real_and_simulated_windows(name, books, tmp_path):
    import onnx

    from atb.export import parity, sampling
    from atb.export.onnx import export

    serving = served(name, books[0])
    path = tmp_path / "model.onnx"
    export(serving, path, {"symbol": "GOOG"})
    rows = serving.input.shape[1]
    for book in books:
        ends = np.arange(rows - 1, len(book))
        found = parity.check(serving, path, sampling.sample(book.matrix(), ends, rows, 200))
        assert (found.windows, found.batches) == (200, (1, 7, 256))
    operators = {node.op_type for node in onnx.load(path).graph.node}
    assert not operators & {"Loop", "Scan", "If"}
    assert BookData().kind in {one.name for one in onnx.load(path).graph.input}
