from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from atb.config.book_architectures import BinCtabl
from atb.config.targets import MidPriceTarget

pytestmark = pytest.mark.usefixtures("tensorflow_ready")

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(3, 6, 4)).astype(np.float32)


def disturbed(layer: Any) -> dict[str, np.ndarray]:
    """Every weight by name, none at its initial value."""
    layer(X)
    for weight in layer.weights:
        weight.assign(np.abs(weight + DRAW.uniform(0.01, 0.3, weight.shape)))
    return {weight.name: weight.numpy().astype(np.float64) for weight in layer.weights}


def test_normalised_by_hand_along_time_and_along_features() -> None:
    from atb.models.bilinear import VARIANCE, BilinearNormalisation

    layer = BilinearNormalisation()
    w = disturbed(layer)
    x = X.astype(np.float64)

    def scores(axis: int) -> np.ndarray:
        deviation = np.sqrt(x.var(axis=axis, keepdims=True) + VARIANCE)
        return (x - x.mean(axis=axis, keepdims=True)) / deviation

    columns = scores(1) * w["column_gain"] + w["column_offset"]
    rows = scores(2) * w["row_gain"] + w["row_offset"]
    expected = w["shares"][0] * columns + w["shares"][1] * rows
    np.testing.assert_allclose(layer(X), expected, atol=1e-6)
    assert {name: value.shape for name, value in w.items()} == {
        "column_gain": (4,),
        "column_offset": (4,),
        "row_gain": (6, 1),
        "row_offset": (6, 1),
        "shares": (2,),
    }


def test_normalised_prices_forget_their_level_and_stillness_is_zero() -> None:
    from atb.models.bilinear import BilinearNormalisation

    layer, far = BilinearNormalisation(), np.full((1, 6, 1), 4096, np.float32)
    layer.build((None, 6, 1))
    layer.shares.assign([1.0, 0.0])
    assert not np.any(layer(far))
    step = np.arange(6, dtype=np.float32).reshape(1, 6, 1) / 4
    np.testing.assert_array_equal(layer(far + step), layer(step))


def test_normalisation_keeps_nan_and_float32_in_any_precision() -> None:
    import keras

    from atb.models.bilinear import BilinearNormalisation

    damaged = X.copy()
    damaged[0, 2, 1] = np.nan
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        output = np.asarray(BilinearNormalisation()(damaged))
    finally:
        keras.config.set_dtype_policy(policy)
    assert output.dtype == np.float32
    assert np.isnan(output[0]).any() and np.isfinite(output[1:]).all()


def test_bilinear_by_hand() -> None:
    from atb.models.bilinear import Bilinear

    layer = Bilinear(steps=5, features=3, max_norm=10.0)
    w = disturbed(layer)
    x = X.astype(np.float64)
    expected = np.einsum("ut,btf,fg->bug", w["time_kernel"], x, w["feature_kernel"]) + w["bias"]
    assert layer(X).shape == (3, 5, 3)
    np.testing.assert_allclose(layer(X), expected, rtol=1e-5, atol=1e-5)


def test_attended_by_hand() -> None:
    from atb.models.bilinear import TemporallyAttended

    layer = TemporallyAttended(width=2, max_norm=10.0)
    w = disturbed(layer)
    hidden = X.astype(np.float64) @ w["kernel"]
    weights = w["attention"].copy()
    np.fill_diagonal(weights, 1 / 6)
    power = np.exp(np.einsum("ut,btg->bug", weights, hidden))
    attention = power / power.sum(axis=1, keepdims=True)
    attended = w["share"] * attention * hidden + (1 - w["share"]) * hidden
    expected = np.einsum("btg,t->bg", attended, w["time_kernel"][:, 0]) + w["bias"]
    np.testing.assert_allclose(layer(X), expected, rtol=1e-5, atol=1e-5)


def test_a_step_keeps_weights_within_their_limits() -> None:
    import keras

    from atb.models.bin_ctabl import network

    model = network(BinCtabl(max_norm=0.5), MidPriceTarget(), (10, 40))
    kept = {weight.path: weight for weight in model.trainable_weights}
    for weight in model.trainable_weights:
        weight.assign(np.full(weight.shape, -3.0))
    keras.optimizers.SGD(0.0).apply(
        [np.zeros(weight.shape, np.float32) for weight in kept.values()], [*kept.values()]
    )
    assert np.array_equal(kept["normalised/shares"], [0.0, 0.0])
    assert float(kept["probabilities_head/share"].numpy()) == 0.0
    for path, axis in (
        ("bilinear_1/feature_kernel", 0),
        ("bilinear_1/time_kernel", 1),
        ("probabilities_head/kernel", 0),
        ("probabilities_head/time_kernel", 0),
    ):
        norms = np.linalg.norm(kept[path].numpy(), axis=axis)
        np.testing.assert_allclose(norms, 0.5, rtol=1e-5, err_msg=path)


def test_as_published_it_has_11446_weights() -> None:
    from atb.models.bin_ctabl import network

    assert network(BinCtabl(), MidPriceTarget(horizon=10), (10, 40)).count_params() == 11_446


def test_whoever_knows_the_table_loads_what_was_saved(tmp_path: Path) -> None:
    import keras

    from atb.models.bin_ctabl import network
    from atb.models.custom import OBJECTS

    model = network(BinCtabl(), MidPriceTarget(), (10, 40))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", custom_objects=dict(OBJECTS))
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in model.layers]
