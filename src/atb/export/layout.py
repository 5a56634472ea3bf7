"""One memory layout for series in an ONNX graph, instead of a reshape at every turn.

Keras keeps a series as `[B, T, 1]`, ONNX convolves it as `[B, 1, T]`, and the converter puts
reshapes wherever one meets the other. Both are the same numbers in the same order: here all
columns are turned at once, every series is a row `[B, 1, T]` as soon as it is cut out, and the
reshapes in between have nothing to do. Knows shapes and operators, not what is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

import numpy as np
import onnx
from onnx import helper

from atb.export.editing import ELEMENTWISE, Editing

RESHAPING = ("Reshape", "Squeeze", "Transpose", "Unsqueeze")


def as_rows(model: onnx.ModelProto) -> None:
    """Rewrite a model in place so that its series are rows; its results stay the same bits."""
    _Rewriting(Editing(model)).apply()


class _Rewriting:
    """One pass over a graph in its order, with what is known of each tensor so far."""

    def __init__(self, edit: Editing) -> None:
        self._edit, self._nodes = edit, edit.nodes
        self._shape, self._constants = edit.shapes, edit.constants
        self._rows: dict[str, str] = {}  # series of the old graph: the same as a row
        self._gone: set[str] = set()  # series that no longer exist in their old shape

    def apply(self) -> None:
        for node in self._edit.old():
            rule = _RULES.get(node.op_type)
            free = self._edit.outputs.isdisjoint(node.output)
            if not (free and rule is not None and rule(self, node)):
                self._keep(node)
        self._edit.finish()

    def split(self, node: onnx.NodeProto) -> bool:
        """Columns `[B, T, 1]` are rows from here on: turned together, and each cut out."""
        source, columns, time = node.input[0], len(node.output), self._length(node.output[0])
        series = time and all(self._shape.get(name) == [0, time, 1] for name in node.output)
        if not series or self._shape.get(source) != [0, time, columns]:
            return False
        turned, given = f"{source}/turned", [self._in_old_shape(source)]
        self._nodes.append(helper.make_node("Transpose", given, [turned], turned, perm=[0, 2, 1]))
        # A shape it has already: else onnxruntime turns each piece instead of the whole.
        rows = self._reshaped(turned, [0, columns, time], "rows")
        for column, name in enumerate(node.output):
            row = f"{name}/row"
            bounds = map(self._constant, ([column], [column + 1], [1]))
            self._nodes.append(helper.make_node("Slice", [rows, *bounds], [row], row))
            self._becomes(name, row)
        return True

    def reshape(self, node: onnx.NodeProto) -> bool:
        """A row already, whatever shape is asked for."""
        source, result = node.input[0], node.output[0]
        if not self._is_row(source) or self._length(source) != self._length(result):
            return False
        self._becomes(result, self._row(source))
        return True

    def elementwise(self, node: onnx.NodeProto) -> bool:
        """The same on rows, unless it broadcasts."""
        shape = self._shape.get(node.output[0])
        series = [name for name in node.input if not self._is_single(name)]
        if not any(map(self._is_row, series)) or any(self._shape.get(n) != shape for n in series):
            return False
        node.input[:] = [self._row(name) if name in series else name for name in node.input]
        self._becomes(node.output[0], node.output[0])
        self._nodes.append(node)
        return True

    def slice(self, node: onnx.NodeProto) -> bool:
        """The same along the last axis."""
        source, axes = node.input[0], self._constants.get(node.input[3])
        if not self._is_row(source) or not self._length(node.output[0]) or axes is None:
            return False
        time = self._shape[source].index(self._length(source))
        if not set(axes.tolist()) <= {0, time}:
            return False
        node.input[0] = self._row(source)
        node.input[3] = self._constant(np.where(axes == time, 2, axes))
        self._becomes(node.output[0], node.output[0])
        self._nodes.append(node)
        return True

    def concat(self, node: onnx.NodeProto) -> bool:
        """`[B, T, 1]` each: put below one another as rows, then turned to `[B, T, F]` once."""
        shape = self._shape.get(node.input[0], [])
        alike = all(self._shape.get(name) == shape for name in node.input)
        along_last = node.attribute[0].i in (2, -1)
        if len(shape) != 3 or shape[2] != 1 or not (alike and along_last):
            return False
        if not any(map(self._is_row, node.input)):
            return False
        (result,) = node.output
        stacked = f"{result}/stacked"
        rows = [self._row(name) for name in node.input]
        self._nodes += [
            helper.make_node("Concat", rows, [stacked], stacked, axis=1),
            helper.make_node("Transpose", [stacked], [result], result, perm=[0, 2, 1]),
        ]
        return True

    def _keep(self, node: onnx.NodeProto) -> None:
        node.input[:] = [self._in_old_shape(name) for name in node.input]
        self._nodes.append(node)

    def _becomes(self, series: str, row: str) -> None:
        self._rows[series] = row
        self._gone.add(series)

    def _length(self, name: str) -> int:
        """T of a series of the old graph: a free batch, and one other dimension above 1."""
        batch, *rest = self._shape.get(name) or [1]
        return max(rest) if not batch and len(rest) > 1 and np.prod(rest) == max(rest) > 1 else 0

    def _is_row(self, name: str) -> bool:
        return name in self._rows or self._shape.get(name) == [0, 1, self._length(name)]

    def _is_single(self, name: str) -> bool:
        return name in self._constants and self._constants[name].size == 1

    def _row(self, name: str) -> str:
        if not self._is_row(name):
            self._rows[name] = self._reshaped(name, [0, 1, -1], "row")
        return self._rows.get(name, name)

    def _in_old_shape(self, name: str) -> str:
        if name not in self._gone:
            return name
        shape = self._shape[name]
        row = self._rows[name]
        return row if shape == [0, 1, shape[-1]] else self._reshaped(row, shape, "old")

    def _reshaped(self, name: str, shape: list[int], kind: str) -> str:
        result = f"{name}/{kind}/{len(self._nodes)}"
        inputs = [name, self._constant(shape)]
        self._nodes.append(helper.make_node("Reshape", inputs, [result], result))
        return result

    def _constant(self, values: Iterable[int]) -> str:
        array = np.array(list(values), np.int64)
        return self._edit.constant("series/" + "x".join(map(str, array)), array)


_Rule: TypeAlias = Callable[[_Rewriting, onnx.NodeProto], bool]
_RULES: Mapping[str, _Rule] = {
    "Split": _Rewriting.split,
    "Slice": _Rewriting.slice,
    "Concat": _Rewriting.concat,
    **dict.fromkeys(RESHAPING, _Rewriting.reshape),
    **dict.fromkeys(ELEMENTWISE, _Rewriting.elementwise),
}
