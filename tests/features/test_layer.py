from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from atb.config.features import SETS, depth, lookback, market_of, width
from atb.errors import DataError, UsageError
from atb.market.candles import Candles
from atb.market.history import History
from atb.market.lob.book import Book

Float32 = npt.NDArray[np.float32]
Histories = dict[str, History]

pytestmark = pytest.mark.usefixtures("tensorflow_ready")
every_set = pytest.mark.parametrize("name", SETS)
RAW = {"candles": 5, "book": 42, "bonds": 9}


def windows(history: History, bars: int, count: int) -> Float32:
    """`[count, bars, C]` spread over the rows."""
    rows = history.matrix()
    return np.stack(
        [
            rows[start : start + bars]
            for start in np.linspace(0, len(rows) - bars, count).astype(int)
        ]
    )


def test_the_sets_have_their_sizes() -> None:
    assert {name: width(name) for name in SETS} == {
        "price": 5,
        "technical": 15,
        "full": 39,
        "distinct": 31,
        "raw40": 40,
        "lob40": 40,
        "ofi": 5,
        "mlofi": 10,
        "of": 20,
        "micro": 18,
        "lob38": 38,
        "rates": 16,
        "rates-levels": 20,
    }
    assert set(SETS["price"]) < set(SETS["technical"]) < set(SETS["full"])
    assert set(SETS["distinct"]) < set(SETS["full"])
    assert [depth(name) for name in ("full", "ofi", "lob38")] == [0, 1, 10]


def test_what_distinct_leaves_out_the_rest_nearly_says(bitcoin: Candles) -> None:
    from atb.features.layer import compute

    matrix = compute("full", bitcoin)[lookback("full") :].astype(np.float64)
    matrix = (matrix - matrix.mean(axis=0)) / matrix.std(axis=0)
    kept = np.isin(SETS["full"], SETS["distinct"])
    rest, out = matrix[:, kept], matrix[:, ~kept]
    unexplained = out - rest @ np.linalg.lstsq(rest, out)[0]
    assert out.shape[1] == 8
    assert (1 - unexplained.var(axis=0)).min() >= 0.95


@every_set
def test_shapes(name: str) -> None:
    import keras

    from atb.features.layer import FeatureSet

    layer, columns, before = FeatureSet(name), width(name), lookback(name)
    raw = RAW[market_of(name)]
    assert layer(np.ones((3, before + 7, raw), np.float32)).shape == (3, 7, columns)
    assert layer.compute_output_shape((None, before + 7, raw)) == (None, 7, columns)
    assert layer(keras.Input((None, raw))).shape == (None, None, columns)
    assert layer.count_params() == 0


@every_set
def test_unknown_lengths_give_the_same_rows(name: str, histories: Histories) -> None:
    import keras

    from atb.features.layer import FeatureSet

    raw = keras.Input((None, RAW[market_of(name)]))
    model = keras.Model(raw, FeatureSet(name)(raw))
    part = windows(histories[market_of(name)], lookback(name) + 30, 4)
    made = model.predict(part, verbose=0)
    np.testing.assert_allclose(made, FeatureSet(name)(part), rtol=1e-5, atol=1e-6)


def test_float32_whatever_the_policy() -> None:
    import keras

    from atb.features.layer import FeatureSet

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        layer = FeatureSet("price")
        made = layer(np.ones((1, 25, 5)))
    finally:
        keras.config.set_dtype_policy(before)
    assert made.dtype == "float32"
    assert layer.compute_dtype == "float32"


@every_set
def test_it_is_saved_by_name(name: str, tmp_path: Path, histories: Histories) -> None:
    import keras

    from atb.features.layer import FeatureSet

    raw = keras.Input((lookback(name) + 5, RAW[market_of(name)]))
    model = keras.Model(raw, FeatureSet(name, name="features")(raw))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    part = windows(histories[market_of(name)], lookback(name) + 5, 3)
    np.testing.assert_array_equal(again(part), model(part))
    assert again.get_layer("features").get_config() == {"name": "features", "set_name": name}


def test_an_unknown_set_is_refused_by_name() -> None:
    from atb.features.layer import FeatureSet, compute

    with pytest.raises(UsageError, match=r"'tecnical'.*'technical'"):
        FeatureSet("tecnical")
    with pytest.raises(UsageError, match="'tecnical'"):
        compute("tecnical", Candles("A", "1h", *(np.ones(1) for _ in range(6))))


def test_another_market_or_too_few_levels_are_refused(bitcoin: Candles, google: Book) -> None:
    from atb.features.layer import FeatureSet, compute

    with pytest.raises(UsageError, match=r"'lob40' is of kind book.*candles"):
        compute("lob40", bitcoin)
    with pytest.raises(UsageError, match=r"'full' is of kind candles.*book"):
        compute("full", google)
    with pytest.raises(DataError, match=r"5 price levels.*'lob40' reads 10"):
        compute("lob40", google.top(5))
    with pytest.raises(DataError, match=r"1 price levels.*'of' reads 10"):
        FeatureSet("of")(np.ones((1, 10, 6), np.float32))
    assert np.isfinite(compute("ofi", google.top(1))[100:]).all()


@every_set
def test_compute_is_the_layer_over_everything(name: str, histories: Histories) -> None:
    from atb.features.layer import FeatureSet, compute

    before, history = lookback(name), histories[market_of(name)]
    matrix = compute(name, history)
    assert matrix.dtype == np.float32
    assert matrix.shape == (len(history), width(name))
    assert np.isnan(matrix[:before]).all()
    assert np.isfinite(matrix[before:]).all()
    whole = np.asarray(FeatureSet(name)(history.matrix()[np.newaxis]))[0]
    spread = matrix[before:].std(axis=0)
    assert (np.abs(whole - matrix[before:]).max(axis=0) <= 5e-6 * spread).all()


@pytest.mark.parametrize("name", [name for name in SETS if market_of(name) == "book"])
def test_levels_beyond_those_it_reads_change_nothing(name: str, google: Book) -> None:
    from atb.features.layer import compute

    part = google.rows(0, 1000)
    deeper = np.concatenate([part.levels, part.levels[:, :20]], axis=1)
    wider = Book("GOOG", part.time_ns, deeper, part.traded, part.session, part.tick)
    np.testing.assert_array_equal(compute(name, wider), compute(name, part))


@pytest.mark.parametrize("rows", [1, 188, 16_383, 16_384, 16_385, 16_571, 16_572])
def test_pieces_join_without_a_seam(rows: int, bitcoin: Candles) -> None:
    from atb.features.layer import compute

    whole, prefix = compute("full", bitcoin), compute("full", bitcoin.rows(0, rows))
    assert prefix.tobytes() == whole[:rows].tobytes()


def test_a_piece_knows_when_the_row_before_it_was(google: Book) -> None:
    from atb.features.layer import CHUNK, compute

    joined = compute("micro", google)[CHUNK - 5 : CHUNK + 200]
    alone = compute("micro", google.rows(CHUNK - 500, CHUNK + 200))[495:]
    np.testing.assert_allclose(joined, alone, rtol=1e-6, atol=1e-6)


def test_no_candles_give_an_empty_matrix(bitcoin: Candles) -> None:
    from atb.features.layer import compute

    assert compute("technical", bitcoin.rows(0, 0)).shape == (0, 15)


def test_rescaling_is_the_scaling(bitcoin: Candles) -> None:
    from atb.features import scaling
    from atb.features.layer import compute, rescaling

    rows = compute("technical", bitcoin)[200:300]
    fitted = scaling.fit("minmax", rows)
    layer = rescaling(fitted)
    assert layer.compute_dtype == "float32"
    np.testing.assert_allclose(layer(rows), fitted.apply(rows), rtol=1e-6, atol=1e-6)


@every_set
def test_the_set_is_plain_onnx(name: str, histories: Histories) -> None:
    import keras
    import onnxruntime
    import tensorflow as tf
    import tf2onnx

    from atb.features.layer import FeatureSet

    bars, raw = lookback(name) + 60, RAW[market_of(name)]
    given = keras.Input((bars, raw))
    model = keras.Model(given, FeatureSet(name)(given))
    signature = [tf.TensorSpec((None, bars, raw), tf.float32, name="raw")]
    graph, _ = tf2onnx.convert.from_function(tf.function(model), signature, opset=18)
    assert not {"Loop", "If", "Scan"} & {node.op_type for node in graph.graph.node}
    session = onnxruntime.InferenceSession(
        graph.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    part = windows(histories[market_of(name)], bars, 257)
    served, ours = session.run(None, {"raw": part})[0], np.asarray(model(part))
    spread = ours.reshape(-1, ours.shape[-1]).std(axis=0)
    assert (np.abs(served - ours).max(axis=(0, 1)) <= 1e-5 * spread).all()
