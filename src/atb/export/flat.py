"""Convolutions along one axis, written as such.

The converter makes each one-dimensional convolution or pooling a two-dimensional one of height 1,
between an axis put in and the same axis taken out. Here the height is left out, so that what was
put in and taken out meets and vanishes in `turns.py`. Knows axes, not what is computed.
"""

from __future__ import annotations

import onnx

from atb.export.editing import Editing, attributes

HEIGHT = 2  # the axis of height in [B, C, 1, T]
SHAPED = ("dilations", "kernel_shape", "strides")


def flatten(model: onnx.ModelProto) -> None:
    """Rewrite a model in place: `[B, C, 1, T]` convolutions and poolings become `[B, C, T]`."""
    editing = Editing(model)
    for node in editing.old():
        if node.op_type in ("Conv", "MaxPool") and _is_flat(editing, node):
            _write_flat(editing, node)
        else:
            editing.keep(node)
    editing.finish()


def _is_flat(editing: Editing, node: onnx.NodeProto) -> bool:
    given = attributes(node)
    if node.op_type == "Conv" and node.input[1] not in editing.constants:
        return False
    kernel = given.get("kernel_shape") or editing.constants[node.input[1]].shape[HEIGHT:]
    shapes = [editing.shapes.get(name, []) for name in (node.input[0], node.output[0])]
    pads = given.get("pads", [0] * 4)
    return (
        all(len(shape) == 4 and shape[HEIGHT] == 1 for shape in shapes)
        and kernel[0] == 1
        and (pads[0], pads[2]) == (0, 0)
        and given.get("auto_pad", b"NOTSET") == b"NOTSET"
    )


def _write_flat(editing: Editing, node: onnx.NodeProto) -> None:
    given = dict(attributes(node))
    (result,) = node.output
    for name in SHAPED:
        if name in given:
            given[name] = given[name][1:]
    if "pads" in given:
        given["pads"] = [given["pads"][1], given["pads"][3]]
    axis = editing.integers(HEIGHT)
    inputs = [editing.add("Squeeze", [node.input[0], axis], f"{result}/flat_in"), *node.input[1:]]
    if node.op_type == "Conv":
        kernel = editing.constants[node.input[1]]
        inputs[1] = editing.constant(f"{node.input[1]}/flat", kernel.squeeze(HEIGHT))
    flat = editing.add(node.op_type, inputs, f"{result}/flat", **given)
    editing.add("Unsqueeze", [flat, axis], result)
