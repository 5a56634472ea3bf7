from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("tensorflow_ready")

X = np.random.default_rng(0).normal(size=(3, 8, 4)).astype(np.float32)


def model_of(layer: Any) -> Any:
    import keras

    inputs = keras.Input((8, 4))
    model = keras.Model(inputs, layer(inputs))
    for weight in model.weights:
        weight.assign(np.random.default_rng(1).normal(size=weight.shape))
    return model


def test_one_step_by_hand() -> None:
    """With these weights: z = sigmoid(0.75), r = sigmoid(1), c = tanh(0.5 + r * 0.3)."""
    import keras

    from atb.export.recurrent import fusable

    inputs = keras.Input((1, 1))
    model = keras.Model(inputs, keras.layers.GRU(1)(inputs))
    values = [[0.5, 1.0, 0.25]], [[9.0, 9.0, 9.0]], [[0.25, -0.25, 0.0], [-0.5, -0.75, 0.3]]
    model.set_weights([np.float32(value) for value in values])
    z, r = (1 / (1 + np.exp(-v)) for v in (1.0 + 0.25 - 0.5, 2.0 - 0.25 - 0.75))
    expected = (1 - z) * np.tanh(0.5 + r * 0.3)
    assert float(fusable(model)(np.float32([[[2.0]]]))[0, 0]) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("sequences", [True, False])
@pytest.mark.parametrize("both_ways", [True, False])
def test_the_rewritten_layer_computes_the_same(sequences: bool, both_ways: bool) -> None:
    from keras import layers

    from atb.export.recurrent import PlainBidirectionalGRU, PlainGRU, fusable

    gru = layers.GRU(5, return_sequences=sequences)
    model = model_of(layers.Bidirectional(gru) if both_ways else gru)
    rewritten = fusable(model)
    kind = PlainBidirectionalGRU if both_ways else PlainGRU
    assert isinstance(rewritten.layers[-1], kind)
    assert rewritten.output.shape == model.output.shape
    np.testing.assert_allclose(rewritten(X), model(X), atol=2e-6)


def test_everything_else_is_shared_not_copied() -> None:
    import keras

    from atb.export.recurrent import fusable

    inputs = keras.Input((8, 4))
    dense, lstm, gru = keras.layers.Dense(3), keras.layers.LSTM(3), keras.layers.GRU(2)
    inner = keras.Model(inputs, [lstm(dense(inputs)), gru(inputs)])
    outer = keras.Model(inputs, inner(inputs))
    rewritten = fusable(outer).layers[-1]
    assert dense in rewritten.layers and lstm in rewritten.layers
    assert gru not in rewritten.layers


@pytest.mark.parametrize("fields", [{"activation": "relu"}, {"reset_after": False}])
def test_a_gru_the_operator_cannot_express_is_left_alone(fields: dict[str, Any]) -> None:
    from keras import layers

    from atb.export.recurrent import fusable

    model = model_of(layers.GRU(5, **fields))
    assert fusable(model).layers[-1] is model.layers[-1]


@pytest.mark.parametrize("both_ways", [True, False])
def test_an_lstm_with_recurrent_dropout_is_copied_without_it(both_ways: bool) -> None:
    from keras import layers

    from atb.export.recurrent import fusable

    lstm = layers.LSTM(5, recurrent_dropout=0.5)
    model = model_of(layers.Bidirectional(lstm) if both_ways else lstm)
    copy = fusable(model)
    inner = copy.layers[-1].forward_layer if both_ways else copy.layers[-1]
    assert inner.recurrent_dropout == 0 and copy.layers[-1] is not model.layers[-1]
    np.testing.assert_allclose(copy(X), model(X), atol=1e-6)
