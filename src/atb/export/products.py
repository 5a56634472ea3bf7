"""A filter of one series as one matrix product: a band of weights, one column for each result.

To filter, onnxruntime copies each value once for every weight, then multiplies; the product reads
the series as it is. Knows kernels, not what they weigh.
"""

from __future__ import annotations

import math

import numpy as np
import onnx

from atb.export.editing import Array, Editing
from atb.export.filters import is_filter

LARGEST = 2**16  # numbers in a band, 256 KiB: a longer window is not worth the memory


def multiply(model: onnx.ModelProto) -> None:
    """Rewrite a model in place so that filters of one series are products, while they are small."""
    editing = Editing(model)
    for node in editing.old():
        if node.op_type == "Conv" and _is_small(editing, node):
            (series, weights), (result,) = node.input, node.output
            band = _band(editing.constants[weights][0, 0], editing.shapes[result][-1])
            editing.add("MatMul", [series, editing.constant(f"{result}/band", band)], result)
        else:
            editing.keep(node)
    editing.finish()


def _is_small(editing: Editing, node: onnx.NodeProto) -> bool:
    if not is_filter(editing, node) or editing.constants[node.input[1]].shape[1] != 1:
        return False
    lengths = [editing.shapes.get(name, [0])[-1] for name in (node.input[0], node.output[0])]
    return 0 < math.prod(lengths) <= LARGEST


def _band(weights: Array, results: int) -> Array:
    """`[results + bars - 1, results]`: each column the weights, one row lower than the last."""
    band = np.zeros((results + len(weights) - 1, results), weights.dtype)
    for column in range(results):
        band[column : column + len(weights), column] = weights
    return band
