"""A serving graph in fewer bits: the same raw rows in, nearly the same signal out.

Features and scaling stay in float32, since a price in eight bits is no price. With int8 the
network's convolutions and matrix products compute in whole numbers; the weights of its recurrent
layers are only kept so, since ONNX has no such recurrence. With float16 all its weights are kept
in half the bits. Knows graphs; whether the answers are close enough is asked in `closeness.py` and
by whoever registers a model.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnxruntime import quantization
from onnxruntime.quantization import QuantFormat, QuantType

from atb.errors import IntegrityError
from atb.export import graft, weights
from atb.registry.served import PRECISION

Float32 = npt.NDArray[np.float32]

BATCH = 64
PREPARED = ("onnx.quant.pre_process", "onnxruntime.quant")  # or it advises to prepare the graph


@dataclass(frozen=True)
class Way:
    """One way to make a graph smaller.

    Attributes:
        word: the precision, for the names of files and versions.
        words: what is done, for people.
        made: a model, and `[n, rows, C]` float32 windows to measure ranges on, to a smaller one.
    """

    word: str
    words: str
    made: Callable[[onnx.ModelProto, Float32], onnx.ModelProto]


def smaller(content: bytes, way: Way, windows: Float32) -> bytes:
    """A serving graph's file in fewer bits, with the same properties and its `precision`.

    Args:
        content: the file, whose checksum holds.
        way: one of `WAYS`.
        windows: `[n, rows, C]` float32 raw rows, for what has to be measured beforehand.

    Raises:
        IntegrityError: when the network has no weights to keep in fewer bits, or the graph gives
            no features.
    """
    model = onnx.load_from_string(content)
    says = {prop.key: prop.value for prop in model.metadata_props}
    if any(map(graft.is_learned, model.graph.node)):
        raise IntegrityError(
            "trees and lines have no form in fewer bits",
            remedy="serve it as it is",
        )
    if not weights.weighted(model.graph, tuple(weights.POSITIONS)):
        raise IntegrityError(
            f"the network has no weights of {', '.join(weights.POSITIONS)} to make smaller",
            remedy="serve it as it is",
        )
    made = way.made(model, windows)
    del made.graph.value_info[:]  # shapes that the quantiser was told, some of another batch
    onnx.helper.set_model_props(made, {**says, PRECISION: way.word})
    onnx.checker.check_model(made, full_check=True)
    return bytes(made.SerializeToString())


def _dynamic(model: onnx.ModelProto, _windows: Float32) -> onnx.ModelProto:
    """Ranges of what enters a product are measured in every window anew.

    They are those of all that is computed together, so that one window alone may be asked: in a
    batch each would change the answers to the others.
    """
    made = _quantised(model, quantization.quantize_dynamic, weight_type=QuantType.QInt8)
    for value in (*made.graph.input, *made.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 1
    return made


def _static(model: onnx.ModelProto, windows: Float32) -> onnx.ModelProto:
    """Ranges are those that were measured on the windows given."""
    return _quantised(
        model,
        quantization.quantize_static,
        calibration_data_reader=_Windows(model.graph.input[0].name, windows),
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QInt8,
        weight_type=QuantType.QInt8,
    )


def _quantised(model: onnx.ModelProto, by: Callable[..., None], **how: Any) -> onnx.ModelProto:
    weights.store(model.graph, weights.RECURRENT, weights.int8)
    products = [node.name for node in weights.weighted(model.graph, weights.PRODUCTS)]
    if not products:  # an empty list would mean all of them
        return model
    key, value = PREPARED
    model.metadata_props.add(key=key, value=value)
    with tempfile.TemporaryDirectory(prefix="atb-") as folder:
        path = Path(folder) / "model.onnx"
        by(model, path, nodes_to_quantize=products, per_channel=True, **how)
        return onnx.load(path)


def _halved(model: onnx.ModelProto, _windows: Float32) -> onnx.ModelProto:
    """All weights of the network in float16, its arithmetic in float32."""
    weights.store(model.graph, tuple(weights.POSITIONS), weights.float16)
    return model


class _Windows(quantization.CalibrationDataReader):  # type: ignore[misc]
    """Windows, some at a time, as the quantiser asks for them."""

    def __init__(self, name: str, windows: Float32) -> None:
        starts = range(0, len(windows), BATCH)
        self._batches: Iterator[Float32] = (windows[i : i + BATCH] for i in starts)
        self._name = name

    def get_next(self) -> dict[str, Float32] | None:
        """The next ones; None after the last."""
        batch = next(self._batches, None)
        return None if batch is None else {self._name: batch}


WAYS: Mapping[str, Way] = {
    "dynamic": Way("int8", "products in int8, ranges measured in each window", _dynamic),
    "static": Way("int8", "products in int8, ranges measured on validation windows", _static),
    "float16": Way("float16", "weights kept in float16", _halved),
}
