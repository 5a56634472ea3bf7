"""Factors and summands that are constant, made part of the weights before them.

A batch normalisation after a convolution, or the unscaling after a last layer, is one factor and
one summand for each output: the kernel and its bias can hold both. Sums of products are rounded a
little differently for it. Knows weights, not what they were trained for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import onnx

from atb.export.editing import Array, Editing, attributes

LINEAR = frozenset(("Conv", "MatMul"))


def fold(model: onnx.ModelProto) -> None:
    """Rewrite a model in place: what scales or shifts a linear node's outputs is in its weights."""
    editing = Editing(model)
    readers = editing.readers()
    absorbed: set[str] = set()
    for node in editing.old():
        if node.output[0] in absorbed:
            continue
        affine = list(_affine(editing, node, readers)) if _is_weighted(editing, node) else []
        if affine:
            absorbed.update(follower.output[0] for follower, _ in affine)
            _write(editing, node, affine)
        else:
            editing.keep(node)
    editing.finish()


def _is_weighted(editing: Editing, node: onnx.NodeProto) -> bool:
    return node.op_type in LINEAR and all(name in editing.constants for name in node.input[1:])


def _affine(
    editing: Editing, linear: onnx.NodeProto, readers: Mapping[str, Sequence[onnx.NodeProto]]
) -> Iterator[tuple[onnx.NodeProto, Array]]:
    """The nodes after a linear one that only scale or shift each output, and by how much."""
    outputs = _outputs(editing, linear)
    result = linear.output[0]
    while result not in editing.outputs and len(readers[result]) == 1:
        (node,) = readers[result]
        given = [editing.constants[name] for name in node.input if name in editing.constants]
        if node.op_type not in ("Add", "Mul") or len(given) != 1:
            return
        if (vector := _by_output(given[0], linear, editing, outputs)) is None:
            return
        yield node, vector
        result = node.output[0]


def _outputs(editing: Editing, linear: onnx.NodeProto) -> int:
    kernel = editing.constants[linear.input[1]]
    return int(kernel.shape[0 if linear.op_type == "Conv" else -1])


def _by_output(
    array: Array, linear: onnx.NodeProto, editing: Editing, outputs: int
) -> Array | None:
    """`[outputs]` of a constant that is one number for each output, or one for all."""
    if array.size == 1:
        return np.full(outputs, array.item(), array.dtype)
    after = editing.constants[linear.input[1]].ndim - 2 if linear.op_type == "Conv" else 0
    shape = (outputs, *(1 for _ in range(after)))
    fits = array.size == outputs and array.shape[-len(shape) :] == shape
    return array.ravel() if fits else None


def _write(
    editing: Editing, linear: onnx.NodeProto, affine: list[tuple[onnx.NodeProto, Array]]
) -> None:
    """The linear node with other weights, and a bias if it has one now."""
    factor, bias = np.ones(_outputs(editing, linear)), np.zeros(_outputs(editing, linear))
    for name in linear.input[2:]:
        bias = editing.constants[name].astype(np.float64)
    for node, vector in affine:
        factor, bias = (
            (factor * vector, bias * vector) if node.op_type == "Mul" else (factor, bias + vector)
        )
    result = affine[-1][0].output[0]
    offset = editing.constant(f"{result}/bias", bias.astype(np.float32))
    if linear.op_type == "Conv":
        weights = _scaled(editing, linear, factor.reshape(-1, *_ones(editing, linear)))
        given = attributes(linear)
        editing.add("Conv", [linear.input[0], weights, offset], result, **given)
    else:
        weights = _scaled(editing, linear, factor)
        product = editing.add("MatMul", [linear.input[0], weights], f"{result}/product")
        editing.add("Add", [product, offset], result)


def _ones(editing: Editing, convolution: onnx.NodeProto) -> tuple[int, ...]:
    return tuple(1 for _ in editing.constants[convolution.input[1]].shape[1:])


def _scaled(editing: Editing, linear: onnx.NodeProto, factor: Array) -> str:
    kernel = editing.constants[linear.input[1]] * factor
    return editing.constant(f"{linear.output[0]}/folded", kernel.astype(np.float32))
