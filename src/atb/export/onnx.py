"""A serving model as one ONNX file: fused recurrent operators, dynamic batch, nothing external.

Knows the file format, not what the numbers mean; whether they agree with Keras is asked in
`parity.py`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import keras
import onnx
import tensorflow as tf
import tf2onnx

from atb import atomic
from atb.errors import IntegrityError
from atb.export import graft
from atb.export.cuts import cut_once
from atb.export.editing import drop_unread
from atb.export.filters import join_filters
from atb.export.flat import flatten
from atb.export.graft import Gap
from atb.export.layout import as_rows
from atb.export.opset import OPSET
from atb.export.outputs import by_name, place
from atb.export.recurrent import fusable
from atb.export.short import shorten
from atb.export.side_by_side import stack
from atb.export.trim import trim
from atb.export.turns import join_turns
from atb.registry.onnx_learned import DOMAIN, OPSETS

CONTROL_FLOW = frozenset({"If", "Loop", "Scan"})
RECURRENT = frozenset({"GRU", "LSTM", "RNN"})
STATES = slice(5, 7)  # positions of the initial states among a recurrent operator's inputs
BATCH = "batch"
REWRITES = (  # in this order: each makes the next one easier
    flatten,
    as_rows,
    join_turns,
    trim,
    join_filters,
    stack,
    cut_once,
    shorten,
)

# The converter reports each step it cannot take, then takes another; what counts is checked here.
logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)


def export(serving: keras.Model, path: Path, metadata: Mapping[str, str]) -> None:
    """Write a serving model to an ONNX file, whole or not at all.

    The graph's input and first output carry the names of the model's input and last layer. Where
    the model computes features, a second output gives those of the last row, see `outputs`. The
    batch is free, and only operators of the standard domain are used, and those of estimators.

    Args:
        serving: a float32 functional model with one input and one output.
        path: the file to write.
        metadata: stored as the model's properties.

    Raises:
        IntegrityError: when a recurrence did not become a fused operator, or an operator is left
            that is no part of ONNX.
        StorageError: when the file cannot be written.
    """
    model, gaps = _converted(serving)
    _use_default_states(model.graph)
    for rewrite in REWRITES:
        rewrite(model)
        drop_unread(model.graph)
    graft.close(model, gaps)
    _name_batch(model.graph)
    onnx.helper.set_model_props(model, dict(sorted(metadata.items())))
    _require_standard(model.graph, str(path))
    del model.opset_import[:]
    model.opset_import.append(onnx.helper.make_opsetid("", OPSET))
    if gaps:
        model.opset_import.append(onnx.helper.make_opsetid(DOMAIN, OPSETS[-1]))
    onnx.checker.check_model(model, full_check=True)
    atomic.write_bytes(path, model.SerializeToString())


def _converted(serving: keras.Model) -> tuple[onnx.ModelProto, list[Gap]]:
    """The graph as it is converted, and the gaps in it."""
    by_names, (source,) = by_name(serving), serving.inputs
    whole, gaps = graft.opened(by_names)
    model = fusable(whole)
    answers = [
        tf.TensorSpec((None, gap.source.outputs), tf.float32, name=graft.answer(gap))
        for gap in gaps
    ]
    rows = tf.TensorSpec(source.shape, tf.float32, name=source.name)

    @tf.function(input_signature=[rows, *answers])  # type: ignore[untyped-decorator]
    def serve(inputs: tf.Tensor, *given: tf.Tensor) -> dict[str, tf.Tensor]:
        for gap, answer in zip(gaps, given, strict=True):
            gap.given = answer
        outputs: dict[str, tf.Tensor] = model(inputs, training=False)
        return outputs | {graft.question(gap): gap.asked for gap in gaps}

    converted, _ = tf2onnx.convert.from_function(serve, serve.input_signature, opset=OPSET)
    converted.graph.output.sort(key=lambda output: place(output.name))
    return converted, gaps


def _use_default_states(graph: onnx.GraphProto) -> None:
    """Leave out the zero states Keras makes for each batch: ONNX starts from zeros by itself."""
    for node in graph.node:
        if node.op_type in RECURRENT:
            del node.input[STATES]


def _name_batch(graph: onnx.GraphProto) -> None:
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = BATCH


def _require_standard(graph: onnx.GraphProto, where: str) -> None:
    loops = sorted({node.op_type for node in graph.node} & CONTROL_FLOW)
    if loops:
        raise IntegrityError(
            f"the exported graph contains {', '.join(loops)} where a fused operator was expected",
            where=where,
            remedy="use GRU or LSTM layers with their default activations",
        )
    foreign = sorted({node.op_type for node in graph.node if not _is_standard(node)})
    if foreign:
        raise IntegrityError(
            f"the exported graph contains operators outside ONNX: {', '.join(foreign)}",
            where=where,
            remedy="express the features and the network without them",
        )


def _is_standard(node: onnx.NodeProto) -> bool:
    standard = node.domain in ("", "ai.onnx") and onnx.defs.has(node.op_type, OPSET)
    return bool(standard or graft.is_learned(node))
