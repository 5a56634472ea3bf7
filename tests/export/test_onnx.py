from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from atb import presets
from atb.config.architectures import ConvRecurrent
from atb.errors import IntegrityError, StorageError

OUTPUTS = ["return", "probability"]


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("preset", ["fast", "balanced", "quality", "legacy"])
def test_recurrent_layers_become_one_operator_each(
    exported: Callable[[str, str], tuple[Any, Path]], preset: str, output: str
) -> None:
    config = presets.create_config_from_preset(preset, "BTCUSDT")
    _, path = exported(preset, output)
    graph = onnx.load(path).graph
    operators = Counter(node.op_type for node in graph.node)
    assert operators[config.model.cell.upper()] == len(config.model.units) == 2
    assert not operators.keys() & {"Loop", "Scan", "If"}
    directions = [
        attribute.s.decode()
        for node in graph.node
        if node.op_type in ("GRU", "LSTM")
        for attribute in node.attribute
        if attribute.name == "direction"
    ]
    assert directions.count("bidirectional") == config.model.bidirectional


@pytest.mark.parametrize("output", OUTPUTS)
def test_the_file_says_what_goes_in_and_what_comes_out(
    exported: Callable[[str, str], tuple[Any, Path]], output: str
) -> None:
    serving, path = exported("fast", output)
    session = onnxruntime.InferenceSession(path)
    (source,), (result, features) = session.get_inputs(), session.get_outputs()
    assert (source.name, source.type) == ("candles", "tensor(float)")
    assert source.shape == ["batch", serving.input.shape[1], 5]
    assert (result.name, result.type) == (output, "tensor(float)")
    assert result.shape == ["batch", 1]
    assert (features.name, features.type) == ("features", "tensor(float)")
    assert features.shape == ["batch", 15]
    assert session.get_modelmeta().custom_metadata_map == {"symbol": "BTCUSDT", "preset": "fast"}


def test_the_file_stands_alone_in_standard_operators(
    exported: Callable[[str, str], tuple[Any, Path]],
) -> None:
    _, path = exported("balanced", "return")
    model = onnx.load(path, load_external_data=False)
    assert [file.name for file in path.parent.iterdir()] == ["model.onnx"]
    assert {node.domain for node in model.graph.node} <= {"", "ai.onnx"}
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 18)]
    external = onnx.TensorProto.EXTERNAL
    assert all(tensor.data_location != external for tensor in model.graph.initializer)
    onnx.checker.check_model(model, full_check=True)


@pytest.mark.parametrize("preset", ["fast", "balanced", "quality", "legacy"])
def test_nothing_known_is_left_to_compute(
    exported: Callable[[str, str], tuple[Any, Path]], preset: str
) -> None:
    """No operator reads constants only, and every shape follows from the input's."""
    _, path = exported(preset, "return")
    model = onnx.load(path)
    constants = {tensor.name for tensor in model.graph.initializer}
    assert not [node.name for node in model.graph.node if constants.issuperset(node.input)]
    assert not [node.name for node in model.graph.node if node.op_type in ("Identity", "Constant")]
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)


def small(cell: Any) -> Any:
    import keras

    inputs = keras.Input((8, 5), name="candles")
    return keras.Model(inputs, keras.layers.Dense(1, name="return")(cell(inputs)))


def test_a_loop_is_refused_and_nothing_is_written(tensorflow_ready: None, tmp_path: Path) -> None:
    import keras

    from atb.export.onnx import export

    with pytest.raises(IntegrityError, match="Loop where a fused operator was expected"):
        export(small(keras.layers.GRU(3, activation="relu")), tmp_path / "model.onnx", {})
    assert not list(tmp_path.iterdir())


def test_an_operator_outside_onnx_is_refused(tensorflow_ready: None, tmp_path: Path) -> None:
    import keras

    from atb.export.onnx import export

    class Foreign(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return keras.ops.log1p(x[:, -1])

    with pytest.raises(IntegrityError, match="outside ONNX: Log1p"):
        export(small(Foreign()), tmp_path / "model.onnx", {})
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_a_storage_error(
    tensorflow_ready: None, tmp_path: Path
) -> None:
    import keras

    from atb.export.onnx import export

    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError):
        export(small(keras.layers.GRU(3)), tmp_path / "file" / "model.onnx", {})


@pytest.mark.parametrize(
    "fields",
    [
        {"filters": (), "pool": (), "units": (6,), "dense": ()},
        {"units": (6, 5, 4), "bidirectional": 2},
        {"units": (6, 5, 4), "bidirectional": 3, "cell": "lstm", "layer_norm": True},
    ],
    ids=["one-gru", "bi-gru", "bi-lstm"],
)
@pytest.mark.parametrize("window", [5, 31])
def test_other_specs_of_the_architecture_fuse_and_agree(
    serve: Callable[..., Any],
    candles: np.ndarray,
    tmp_path: Path,
    fields: dict[str, Any],
    window: int,
) -> None:
    from atb.export import parity, sampling
    from atb.export.onnx import export

    serving = serve(ConvRecurrent(**fields), "price", window, "return")
    export(serving, tmp_path / "model.onnx", {})
    operators = Counter(node.op_type for node in onnx.load(tmp_path / "model.onnx").graph.node)
    assert operators["GRU"] + operators["LSTM"] == len(fields["units"])
    rows = serving.input.shape[1]
    windows = sampling.sample(candles, np.arange(rows - 1, len(candles)), rows, 100)
    assert parity.check(serving, tmp_path / "model.onnx", windows).windows == 100


QUIET = """
import logging
import sys
from pathlib import Path
logging.basicConfig(level=logging.INFO)
from atb.backend import prepare
prepare(7)
import keras
from atb.export.onnx import export
inputs = keras.Input((8, 5), name="candles")
export(keras.Model(inputs, keras.layers.GRU(1, name="return")(inputs)), Path(sys.argv[1]), {})
"""


def test_an_export_says_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", QUIET, str(tmp_path / "model.onnx")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
