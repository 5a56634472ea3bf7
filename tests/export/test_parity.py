from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from atb import presets
from atb.config.architectures import ConvRecurrent, Solved
from atb.errors import IntegrityError

CANDLES = [
    name
    for name in presets.names()
    if (config := presets.create_config_from_preset(name, "BTCUSDT")).data.kind == "candles"
    and not isinstance(config.model, Solved)
]
Exported = Callable[[str, str], tuple[Any, Path]]


def hostile(rows: int, count: int, seed: int = 0) -> np.ndarray:
    """`[count, rows, 5]`: random walks, constant prices, tiny and huge prices, no volume at all."""
    draw = np.random.default_rng(seed)
    walk = np.exp(np.cumsum(draw.normal(0, 0.01, (count, rows + 1)), axis=1))
    kind = np.arange(count) % 4
    walk[kind == 1] = 1.0
    level = np.where(kind == 2, 10 ** draw.uniform(-8, 8, count), draw.uniform(1, 1e5, count))
    close = walk[:, 1:] * level[:, np.newaxis]
    opened = walk[:, :-1] * level[:, np.newaxis]
    spread = np.where(kind == 1, 0.0, 1.0)[:, np.newaxis] * draw.uniform(0, 0.01, close.shape)
    high, low = np.maximum(opened, close) * (1 + spread), np.minimum(opened, close) * (1 - spread)
    volume = draw.lognormal(3, 2, close.shape)
    volume[kind == 3] = 0.0
    return np.stack([opened, high, low, close, volume], axis=-1).astype(np.float32)


@pytest.fixture(scope="module")
def real(candles: np.ndarray) -> Callable[[Any], np.ndarray]:
    from atb.export.sampling import sample

    def real(serving: Any) -> np.ndarray:
        rows = serving.input.shape[1]
        return sample(candles, np.arange(rows - 1, len(candles)), rows)

    return real


# Everything but the last activation is the same for both outputs.
BOTH = ("fast", "legacy")
PAIRS = [
    pytest.param(
        preset, output, marks=() if output == "return" or preset in BOTH else pytest.mark.slow
    )
    for preset in CANDLES
    for output in ("return", "probability")
]


@pytest.mark.parametrize(("preset", "output"), PAIRS)
def test_every_preset_agrees_on_1000_real_and_1000_hostile_windows(
    exported: Exported, real: Callable[[Any], np.ndarray], preset: str, output: str
) -> None:
    from atb.export.parity import check

    serving, path = exported(preset, output)
    windows = np.concatenate([real(serving), hostile(serving.input.shape[1], 1000)])
    result = check(serving, path, windows)
    assert (result.windows, result.batches) == (2000, (1, 7, 256))
    assert result.max_difference <= result.max_standardised_difference <= result.tolerance == 1e-5
    assert 0 < result.max_feature_difference <= result.tolerance
    served = serving.predict_on_batch(windows[:: len(windows) // 50])
    assert np.isfinite(served).all() and len(np.unique(served)) > 25


@pytest.mark.slow
@pytest.mark.parametrize("preset", CANDLES)
def test_every_preset_agrees_on_10000_hostile_windows(exported: Exported, preset: str) -> None:
    from atb.export.parity import check

    serving, path = exported(preset, "return")
    check(serving, path, hostile(serving.input.shape[1], 10_000, seed=1))


def corrupted(path: Path, to: Path, operator: str, change: Callable[[np.ndarray], Any]) -> Path:
    """The file with the first output's weights changed in the last operator of a kind."""
    model = onnx.load(path)
    known = {tensor.name: tensor for tensor in model.graph.initializer}
    node = [node for node in model.graph.node if node.op_type == operator][-1]
    tensor = known[node.input[1]]
    weights = numpy_helper.to_array(tensor).copy()
    weights[..., 0] = change(weights[..., 0])
    tensor.CopyFrom(numpy_helper.from_array(weights, tensor.name))
    onnx.save(model, to)
    return to


@pytest.mark.parametrize("output", ["return", "probability"])
@pytest.mark.parametrize("operator", ["Conv", "GRU", "MatMul"])
def test_wrong_weights_are_found(
    exported: Exported,
    real: Callable[[Any], np.ndarray],
    tmp_path: Path,
    operator: str,
    output: str,
) -> None:
    from atb.export.parity import check

    serving, path = exported("fast", output)
    wrong = corrupted(path, tmp_path / "wrong.onnx", operator, lambda weight: weight + 1)
    with pytest.raises(IntegrityError, match="ONNX and Keras differ by"):
        check(serving, wrong, real(serving)[:20])


def test_an_error_small_in_returns_and_large_in_deviations_is_found(
    exported: Exported, real: Callable[[Any], np.ndarray], tmp_path: Path
) -> None:
    from atb.export.parity import check

    serving, path = exported("fast", "return")
    wrong = corrupted(path, tmp_path / "wrong.onnx", "MatMul", lambda weight: weight + 1e-4)
    with pytest.raises(IntegrityError, match=r"by \d\.\de-0[678], which is \d\.\de-0[345] of"):
        check(serving, wrong, real(serving)[:20])


def test_a_number_on_one_side_only_is_found(
    exported: Exported, real: Callable[[Any], np.ndarray], tmp_path: Path
) -> None:
    from atb.export.parity import check

    serving, path = exported("fast", "return")
    wrong = corrupted(path, tmp_path / "wrong.onnx", "MatMul", lambda _: np.nan)
    with pytest.raises(IntegrityError, match="0 of 20 Keras outputs are not finite, and 20"):
        check(serving, wrong, real(serving)[:20])


def test_outputs_that_are_no_numbers_prove_nothing(
    serve: Callable[..., Any], candles: np.ndarray, tmp_path: Path
) -> None:
    from atb.export.onnx import export
    from atb.export.parity import check

    serving = serve(ConvRecurrent(filters=(), pool=(), units=(3,), dense=()), "price", 8, "return")
    serving.weights[-1].assign([np.nan])
    export(serving, tmp_path / "model.onnx", {})
    windows = candles[np.newaxis, : serving.input.shape[1]]
    with pytest.raises(IntegrityError, match="1 of 1 Keras outputs are not finite, and 0 differ"):
        check(serving, tmp_path / "model.onnx", windows)


def test_another_output_is_found(exported: Exported, real: Callable[[Any], np.ndarray]) -> None:
    import keras

    from atb.export.parity import check

    serving, path = exported("fast", "return")
    twice = keras.layers.Concatenate(name="twice")([serving.output, serving.output])
    with pytest.raises(IntegrityError, match=r"gives \['return', 'features'\], Keras \['twice'"):
        check(keras.Model(serving.input, twice), path, real(serving)[:20])


def test_an_output_of_another_shape_is_found() -> None:
    from atb.export.parity import _difference

    with pytest.raises(IntegrityError, match=r"here: .* shape \(20, 1\), Keras with \(20, 2\)"):
        _difference(np.zeros((20, 2)), np.zeros((20, 1)), "here")


def test_a_wrong_feature_is_found(
    exported: Exported, real: Callable[[Any], np.ndarray], tmp_path: Path
) -> None:
    """The features leave by a way of their own, which alone is bent here."""
    from onnx import helper

    from atb.export.parity import check

    serving, path = exported("fast", "return")
    model = onnx.load(path)
    (last,) = (node for node in model.graph.node if node.output[0] == "features")
    last.output[0] = "right"
    by = numpy_helper.from_array(np.array(1.001, np.float32), "by")
    model.graph.initializer.append(by)
    model.graph.node.append(helper.make_node("Mul", ["right", "by"], ["features"]))
    onnx.save(model, tmp_path / "wrong.onnx")
    with pytest.raises(IntegrityError, match=r"differ by \d\.\de-0[2-4] in a scaled feature"):
        check(serving, tmp_path / "wrong.onnx", real(serving)[:20])


def test_the_result_is_ready_for_json() -> None:
    from atb.export.parity import Parity

    result = Parity(1000, (1, 7, 256), 1e-9, 2e-7, 3e-7, 1e-5)
    assert json.loads(json.dumps(result.to_json())) == {
        "windows": 1000,
        "batches": [1, 7, 256],
        "max_difference": 1e-9,
        "max_standardised_difference": 2e-7,
        "max_feature_difference": 3e-7,
        "tolerance": 1e-5,
        "turned": 0.0,
    }


def test_a_sample_is_spread_evenly_and_holds_the_rows_up_to_its_ends() -> None:
    from atb.export.sampling import sample

    candles = np.repeat(np.arange(100, dtype=np.float32)[:, np.newaxis], 5, axis=1)
    windows = sample(candles, np.arange(9, 100), 10, 4)
    assert windows.shape == (4, 10, 5)
    assert windows[:, -1, 0].tolist() == [9.0, 39.0, 69.0, 99.0]
    assert windows[0, :, 3].tolist() == list(range(10))
    assert sample(candles, np.array([50, 60]), 10, 1000).shape == (2, 10, 5)
