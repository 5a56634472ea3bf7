"""Two or three operators that ONNX has one for.

Knows operators by what they compute, not what for.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx

from atb.export.editing import Editing, attributes

ROOT_OF_SQUARES = ("Sqrt", "ReduceSum", "Mul")
ROW = ("Squeeze", "Slice")
EVERYTHING = (0, 2**31 - 1)  # a slice that leaves nothing out


def shorten(model: onnx.ModelProto) -> None:
    """Rewrite a model in place: the root of a sum of squares, and one row cut out, are one node."""
    editing = Editing(model)
    makers = {result: node for node in editing.old() for result in node.output}
    for node in editing.old():
        if not (_norm(editing, node, makers) or _row(editing, node, makers)):
            editing.keep(node)
    editing.finish()


def _chain(
    node: onnx.NodeProto, makers: Mapping[str, onnx.NodeProto], operators: tuple[str, ...]
) -> list[onnx.NodeProto]:
    """A node and those that made its first input, if they are of these operators."""
    found = [node]
    while len(found) < len(operators) and found[-1].input and found[-1].input[0] in makers:
        found.append(makers[found[-1].input[0]])
    return found if tuple(one.op_type for one in found) == operators else []


def _norm(editing: Editing, node: onnx.NodeProto, makers: Mapping[str, onnx.NodeProto]) -> bool:
    chain = _chain(node, makers, ROOT_OF_SQUARES)
    if not chain or chain[2].input[0] != chain[2].input[1]:
        return False
    total, square = chain[1:]
    kept = attributes(total).get("keepdims", 1)
    inputs = [square.input[0], *total.input[1:]]
    editing.add("ReduceL2", inputs, node.output[0], keepdims=kept)
    return True


def _row(editing: Editing, node: onnx.NodeProto, makers: Mapping[str, onnx.NodeProto]) -> bool:
    """One place along an axis, the axis taken out; from before a turn that keeps the others."""
    chain = _chain(node, makers, ROW)
    read = [*node.input[1:], *chain[1].input[1:]] if chain else []
    if len(read) != 4 or any(name not in editing.constants for name in read):
        return False
    squeezed, starts, ends, axes = (editing.constants[name].tolist() for name in read)
    cuts = {a: (start, end) for a, start, end in zip(axes, starts, ends, strict=True)}
    source, axis = chain[1].input[0], squeezed[0]
    place, _ = cuts.pop(axis, (None, None))
    if place is None or len(squeezed) > 1 or any(cut != EVERYTHING for cut in cuts.values()):
        return False
    turn = makers.get(source)
    if turn is not None and turn.op_type == "Transpose":
        order = list(attributes(turn)["perm"])
        if (rest := [a for a in order if a != order[axis]]) == sorted(rest):
            source, axis = turn.input[0], order[axis]
    index = editing.constant(f"integers/{place}", np.array(place, np.int64))
    editing.add("Gather", [source, index], node.output[0], axis=axis)
    return True
