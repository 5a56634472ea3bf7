"""What is done alike to several series, done once to all of them side by side.

Where series are put together, those that were made by the same operator are put together before it
instead: one logarithm of three series in place of three. A small operator takes about the same time
for one series as for ten. Knows where series come from, not what they mean.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence

import numpy as np
import onnx

from atb.export.editing import ELEMENTWISE, Editing, attributes

CHANNELS = 1  # the axis of [B, C, T] along which series lie side by side


def stack(model: onnx.ModelProto) -> None:
    """Rewrite a model in place; logarithms may round differently in another company."""
    editing = Editing(model)
    stacking = _Stacking(editing)
    for node in editing.old():
        if not stacking.write(node):
            editing.keep(node)
    editing.finish()


class _Stacking:
    """What made each tensor of a graph, and who reads it."""

    def __init__(self, editing: Editing) -> None:
        self._editing = editing
        self._makers = {result: node for node in editing.old() for result in node.output}
        self._readers = editing.readers()

    def write(self, node: onnx.NodeProto) -> bool:
        """The same series side by side, made with one operator for each kind."""
        if node.op_type != "Concat" or attributes(node)["axis"] != CHANNELS:
            return False
        groups = defaultdict(list)
        for place, name in enumerate(node.input):
            groups[self._kind(name)].append(place)
        if len(groups) == len(node.input) or not all(map(self._is_single, node.input)):
            return False
        order = np.concatenate(list(groups.values()))
        parts = [self._together([node.input[i] for i in places]) for places in groups.values()]
        mixed = self._editing.add("Concat", parts, f"{node.output[0]}/mixed", axis=CHANNELS)
        places = self._editing.integers(*np.argsort(order).tolist())
        self._editing.add("Gather", [mixed, places], node.output[0], axis=CHANNELS)
        return True

    def _kind(self, name: str) -> Hashable:
        """Equal for series that one operator can make together."""
        if not self._is_alone(name):
            return name
        maker = self._makers[name]
        return maker.op_type, *maker.input[1:]

    def _together(self, names: Sequence[str]) -> str:
        """Series of one kind as one tensor `[B, len(names), T]`."""
        if len(names) == 1:
            return names[0]
        makers = [self._makers[name] for name in names if self._is_alone(name)]
        alike = len(makers) == len(names) and len({(m.op_type, len(m.input)) for m in makers}) == 1
        operands = list(zip(*(maker.input for maker in makers), strict=True)) if alike else []
        # What is the same for all broadcasts; something must have a channel for each.
        if not any(len(set(operand)) > 1 for operand in operands):
            return self._add("Concat", names, names[0], axis=CHANNELS)
        inputs = [self._together(one) if len(set(one)) > 1 else one[0] for one in operands]
        return self._add(makers[0].op_type, inputs, names[0])

    def _add(self, operator: str, inputs: Sequence[str], first: str, **attributes: int) -> str:
        name = f"{first}/together/{len(self._editing.nodes)}"
        return self._editing.add(operator, inputs, name, **attributes)

    def _is_alone(self, name: str) -> bool:
        """Made of single series by an elementwise operator, for one reader."""
        maker = self._makers.get(name)
        if maker is None or maker.op_type not in ELEMENTWISE or name in self._editing.outputs:
            return False
        return len(self._readers[name]) == 1 and all(map(self._is_single, maker.input))

    def _is_single(self, name: str) -> bool:
        """Whether it is a series `[B, 1, T]`."""
        shape = self._editing.shapes.get(name, [])
        known = name in self._editing.constants
        return not known and len(shape) == 3 and shape[1] == 1 and shape[2] > 1
