"""How large the result of each operator is that a served graph may contain.

The table of rules is the list of operators that are allowed: of what is not in it, nobody here
could say how much memory it takes. Whole numbers that shapes are made of are computed along.
Rules follow the operators' definitions at onnx.ai/onnx/operators, opset 13 and newer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from atb.registry.onnx_known import (
    FEW,
    WHOLE,
    Known,
    Node,
    Shape,
    ShapeError,
    front,
    held,
    wide,
)

Rule: TypeAlias = Callable[[Node], Sequence[Known]]


def _same(node: Node) -> Sequence[Known]:
    return [Known(node[0].shape)] * node.outputs


def _elementwise(node: Node) -> Sequence[Known]:
    given = [one for one in node.inputs if one is not None]
    shape = np.broadcast_shapes(*(one.shape for one in given))
    compute = COMPUTED.get(node.operator)
    values = [found for one in given if (found := wide(one.value)) is not None]
    if compute is None or len(values) < len(given) or math.prod(shape) > FEW:
        return [Known(shape)]
    made, last = np.asarray(compute(*values)), given[-1].numbers
    return [Known(shape, held(made, made.dtype if made.dtype == bool else last.dtype))]


def _cast(node: Node) -> Sequence[Known]:
    value, kind = node[0].value, WHOLE.get(node.attributes["to"])
    known = value is not None and kind is not None
    return [Known(node[0].shape, held(value, np.dtype(kind)) if known else None)]


def _shaped(known: Known, shape: Shape) -> Sequence[Known]:
    """The same numbers in another shape."""
    if math.prod(shape) != math.prod(known.shape):
        raise ShapeError(f"{known.shape} cannot become {shape}")
    return [Known(shape, None if known.value is None else known.value.reshape(shape))]


def _reshape(node: Node) -> Sequence[Known]:
    wanted = [int(one) for one in node[1].numbers.ravel()]
    if not node.attributes.get("allowzero", 0):
        wanted = [one or node[0].shape[i] for i, one in enumerate(wanted)]
    if -1 in wanted:
        rest = math.prod(one for one in wanted if one != -1)
        wanted[wanted.index(-1)] = math.prod(node[0].shape) // max(rest, 1)
    return _shaped(node[0], tuple(wanted))


def _flatten(node: Node) -> Sequence[Known]:
    shape, axis = node[0].shape, node.attributes.get("axis", 1)
    if not -len(shape) <= axis <= len(shape):
        raise ShapeError(f"axis {axis} is not among {len(shape)}")
    return _shaped(node[0], (math.prod(shape[:axis]), math.prod(shape[axis:])))


def _squeeze(node: Node) -> Sequence[Known]:
    shape, axes = node[0].shape, node.listed("axes", 1)
    ones = [i for i, side in enumerate(shape) if side == 1]
    gone = ones if axes is None else front(axes, len(shape))
    return _shaped(node[0], tuple(side for i, side in enumerate(shape) if i not in gone))


def _unsqueeze(node: Node) -> Sequence[Known]:
    axes = node.listed("axes", 1) or []
    rank = len(node[0].shape) + len(axes)
    new, sides = front(axes, rank), list(node[0].shape)
    return _shaped(node[0], tuple(1 if i in new else sides.pop(0) for i in range(rank)))


def _transpose(node: Node) -> Sequence[Known]:
    shape = node[0].shape
    order = front(node.attributes.get("perm", range(len(shape))[::-1]), len(shape))
    if sorted(order) != list(range(len(shape))):
        raise ShapeError(f"{order} is no order of {len(shape)} axes")
    value = node[0].value
    turned = None if value is None else value.transpose(order)
    return [Known(tuple(shape[axis] for axis in order), turned)]


def _slice(node: Node) -> Sequence[Known]:
    shape = node[0].shape
    starts, ends = (node[position].numbers.ravel().tolist() for position in (1, 2))
    axes, steps = node.listed("axes", 3), node.listed("steps", 4)
    cuts = [slice(None)] * len(shape)
    chosen = front(range(len(starts)) if axes is None else axes, len(shape))
    for axis, *cut in zip(chosen, starts, ends, steps or [1] * len(starts), strict=True):
        cuts[axis] = slice(*(int(one) for one in cut))
    sides = (len(range(*cut.indices(side))) for cut, side in zip(cuts, shape, strict=True))
    value = node[0].value
    return [Known(tuple(sides), None if value is None else value[tuple(cuts)])]


def _concat(node: Node) -> Sequence[Known]:
    parts = [node[i] for i in range(len(node.inputs))]
    axis = node.axis(len(parts[0].shape))
    rests = {one.shape[:axis] + one.shape[axis + 1 :] for one in parts}
    if len(rests) != 1:
        raise ShapeError(f"{[one.shape for one in parts]} cannot be joined along {axis}")
    first = parts[0].shape
    shape = (*first[:axis], sum(one.shape[axis] for one in parts), *first[axis + 1 :])
    values = [one.value for one in parts if one.value is not None]
    known = len(values) == len(parts) and math.prod(shape) <= FEW
    return [Known(shape, np.concatenate(values, axis) if known else None)]


def _split(node: Node) -> Sequence[Known]:
    shape = node[0].shape
    axis = node.axis(len(shape))
    each = node.listed("split", 1)
    _require_said(node, "num_outputs", node.outputs)
    if each is None:
        size = -(-shape[axis] // node.outputs)
        each = [min(size, max(0, shape[axis] - i * size)) for i in range(node.outputs)]
    if len(each) != node.outputs or min(each) < 0 or sum(each) != shape[axis]:
        raise ShapeError(f"{shape} cannot be split into {each}")
    return [Known((*shape[:axis], one, *shape[axis + 1 :])) for one in each]


def _gather(node: Node) -> Sequence[Known]:
    shape, index = node[0].shape, node[1]
    axis = node.axis(len(shape))
    result = (*shape[:axis], *index.shape, *shape[axis + 1 :])
    value = node[0].value
    known = value is not None and index.value is not None and math.prod(result) <= FEW
    return [Known(result, np.take(value, index.value, axis) if known else None)]  # type: ignore[arg-type]


def _shape(node: Node) -> Sequence[Known]:
    cut = slice(node.attributes.get("start"), node.attributes.get("end"))
    sides = np.array(node[0].shape, np.int64)[cut]
    return [Known(sides.shape, sides)]


def _filled(node: Node) -> Sequence[Known]:
    return [Known(_sides(node[0]))]


def _expand(node: Node) -> Sequence[Known]:
    return [Known(np.broadcast_shapes(node[0].shape, _sides(node[1])))]


def _sides(known: Known) -> Shape:
    sides = tuple(int(one) for one in known.numbers.ravel())
    if any(side < 0 for side in sides):
        raise ShapeError(f"{sides} is no shape")
    return sides


def _pad(node: Node) -> Sequence[Known]:
    shape, pads = list(node[0].shape), node.listed("pads", 1) or []
    axes = front(node.listed("axes", 3) or range(len(shape)), len(shape))
    for axis, before, after in zip(axes, pads[: len(axes)], pads[len(axes) :], strict=True):
        shape[axis] = max(0, shape[axis] + before + after)
    return [Known(tuple(shape))]


def _reduce(node: Node) -> Sequence[Known]:
    shape, axes = node[0].shape, node.listed("axes", 1)
    if not axes and node.attributes.get("noop_with_empty_axes", 0):
        return _same(node)
    gone = front(axes or range(len(shape)), len(shape))
    keep = node.attributes.get("keepdims", 1)
    sides = [(i, 1 if i in gone else side) for i, side in enumerate(shape)]
    result = tuple(side for i, side in sides if keep or i not in gone)
    value = node[0].value
    if node.operator != "ReduceProd" or value is None:
        return [Known(result)]
    exact = np.asarray(np.prod(value.astype(object), axis=tuple(gone)), object).reshape(result)
    return [Known(result, held(exact, value.dtype))]


def _matmul(node: Node) -> Sequence[Known]:
    return _product(node[0].shape, node[1].shape)


def _matmul_quantised(node: Node) -> Sequence[Known]:
    return _product(node[0].shape, node[3].shape)


def _summed(shape: Shape, each: int) -> Known:
    """A result of which each number is a sum of so many products."""
    return Known(shape, products=math.prod(shape) * each)


def _product(one: Shape, other: Shape) -> Sequence[Known]:
    left = one if len(one) > 1 else (1, *one)
    right = other if len(other) > 1 else (*other, 1)
    if left[-1] != right[-2]:
        raise ShapeError(f"{one} cannot be multiplied by {other}")
    rest = np.broadcast_shapes(left[:-2], right[:-2])
    shape = (*rest, *left[-2:-1][: len(one) > 1], *right[-1:][: len(other) > 1])
    return [_summed(shape, left[-1])]


def _gemm(node: Node) -> Sequence[Known]:
    one, other = node[0].shape, node[1].shape
    left = one[::-1] if node.attributes.get("transA", 0) else one
    right = other[::-1] if node.attributes.get("transB", 0) else other
    return _product(left, right)


def _conv(node: Node) -> Sequence[Known]:
    weights = node[3 if node.operator == "QLinearConv" else 1].shape
    batch, *sides = node[0].shape[:1] + node[0].shape[2:]
    _require_said(node, "kernel_shape", [*weights[2:]])
    shape = (batch, weights[0], *_slid(node, sides, weights[2:]))
    return [_summed(shape, math.prod(weights[1:]))]


def _pool(node: Node) -> Sequence[Known]:
    batch, channels, *sides = node[0].shape
    kernel = node.attributes["kernel_shape"]
    shape = (batch, channels, *_slid(node, sides, kernel))
    return [_summed(shape, math.prod(kernel))] * node.outputs


def _require_said(node: Node, name: str, actual: Any) -> None:
    """What is said beside what is there agrees: onnxruntime ends the process over some lies."""
    said = node.attributes.get(name, actual)
    if said != actual:
        raise ShapeError(f"its {name} is said to be {said}, it is {actual}")


def _slid(node: Node, sides: Sequence[int], kernel: Sequence[int]) -> list[int]:
    """How often a window fits along each side."""
    count = len(sides)
    strides, dilations = (
        node.attributes.get(name, [1] * count) for name in ("strides", "dilations")
    )
    if min([*strides, *dilations, *kernel], default=0) < 1:
        raise ShapeError(f"a window of {list(kernel)} in steps of {list(strides)}")
    padding = node.attributes.get("auto_pad", "NOTSET")
    if padding.startswith("SAME"):
        return [-(-side // stride) for side, stride in zip(sides, strides, strict=True)]
    none = [0] * 2 * count
    pads = node.attributes.get("pads", none) if padding == "NOTSET" else none
    up = node.attributes.get("ceil_mode", 0)
    slid = []
    for i, side in enumerate(sides):
        room = side + pads[i] + pads[i + count] - dilations[i] * (kernel[i] - 1) - 1
        slid.append(max(0, (-(-room // strides[i]) if up else room // strides[i]) + 1))
    return slid


def _pool_whole(node: Node) -> Sequence[Known]:
    shape = node[0].shape
    return [Known((*shape[:2], *(1 for _ in shape[2:])))]


def _recurrent(node: Node) -> Sequence[Known]:
    if node.attributes.get("layout", 0):
        raise ShapeError("its batch comes first")
    steps, batch, _ = node[0].shape
    directions, gates, units = node[2].shape
    _require_said(node, "hidden_size", units)
    state = Known((directions, batch, units))
    products = steps * batch * directions * gates * (node[1].shape[2] + units)
    return [Known((steps, directions, batch, units), None, products), state, state][: node.outputs]


def _quantise(node: Node) -> Sequence[Known]:
    return [Known(node[0].shape), Known(()), Known(())]


COMPUTED: Mapping[str, Callable[..., Any]] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Equal": np.equal,
    "And": np.logical_and,
    "Where": np.where,
    "Max": np.maximum,
    "Min": np.minimum,
}
_ELEMENTWISE = (
    *("Add", "And", "Clip", "Div", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"),
    *("Max", "Min", "Mod", "Mul", "Or", "Pow", "Sub", "Sum", "Where"),
)
_SAME = (
    *("Abs", "Atanh", "Cos", "DequantizeLinear", "Elu", "Erf", "Exp", "Floor", "Gelu"),
    *("HardSigmoid", "Identity", "IsInf", "IsNaN", "LayerNormalization", "LeakyRelu", "Log"),
    *("LogSoftmax", "Neg", "Not", "QuantizeLinear", "Reciprocal", "Relu", "Selu", "Sigmoid"),
    *("Sign", "Sin", "Softmax", "Softplus", "Softsign", "Sqrt", "Tanh"),
)
_REDUCE = (
    *("ReduceL2", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd"),
    *("ReduceSum", "ReduceSumSquare"),
)
RULES: Mapping[str, Rule] = {
    **dict.fromkeys(_SAME, _same),
    **dict.fromkeys(_ELEMENTWISE, _elementwise),
    **dict.fromkeys(_REDUCE, _reduce),
    **dict.fromkeys(("Conv", "ConvInteger", "QLinearConv"), _conv),
    **dict.fromkeys(("MaxPool", "AveragePool"), _pool),
    **dict.fromkeys(("GlobalAveragePool", "GlobalMaxPool"), _pool_whole),
    **dict.fromkeys(("GRU", "LSTM"), _recurrent),
    **dict.fromkeys(("MatMul", "MatMulInteger"), _matmul),
    "QLinearMatMul": _matmul_quantised,
    "Gemm": _gemm,
    "DynamicQuantizeLinear": _quantise,
    "Cast": _cast,
    "Concat": _concat,
    "ConstantOfShape": _filled,
    "Expand": _expand,
    "Flatten": _flatten,
    "Gather": _gather,
    "Pad": _pad,
    "Reshape": _reshape,
    "Shape": _shape,
    "Slice": _slice,
    "Split": _split,
    "Squeeze": _squeeze,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
