"""Axes that move, appear and vanish between two tensors: one turn says it all, or none.

The converter turns a series for each operator that wants its axes in another order, and turns it
back. Here turns wait until something minds the order, and those that undo one another are gone.
Knows axes, not what is computed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import onnx

from atb.export.editing import ELEMENTWISE, Array, Editing, attributes

MOVES = frozenset(("Squeeze", "Transpose", "Unsqueeze"))


def join_turns(model: onnx.ModelProto) -> None:
    """Rewrite a model in place so that chains of moves are one turn; results stay the same bits."""
    editing = Editing(model)
    turning = _Turning(editing)
    for node in editing.old():
        if node.op_type in MOVES:
            turning.move(node)
        elif not turning.wait(node):
            editing.keep(node)
    editing.finish()


@dataclass(frozen=True)
class _Axes:
    """How a tensor's axes lie: those of a source, in some order, and new ones (None)."""

    source: str
    rank: int
    order: tuple[int | None, ...]

    def moved(self, editing: Editing, node: onnx.NodeProto) -> _Axes:
        if node.op_type == "Transpose":
            return replace(self, order=tuple(self.order[axis] for axis in attributes(node)["perm"]))
        given = editing.constants[node.input[1]].tolist()
        if node.op_type == "Squeeze":
            gone = {axis % len(self.order) for axis in given}
            kept = (axis for number, axis in enumerate(self.order) if number not in gone)
            return replace(self, order=tuple(kept))
        rank, rest = len(self.order) + len(given), iter(self.order)
        new = {axis % rank for axis in given}
        grown = (None if number in new else next(rest) for number in range(rank))
        return replace(self, order=tuple(grown))

    @property
    def is_turn(self) -> bool:
        return set(self.order) == set(range(self.rank))

    @property
    def is_still(self) -> bool:
        return self.order == tuple(range(self.rank))


class _Turning:
    """What is known of the tensors so far: from which they were turned, and in which forms."""

    def __init__(self, editing: Editing) -> None:
        self._editing = editing
        self._axes: dict[str, _Axes] = {}
        self._known: dict[_Axes, str] = {}

    def move(self, node: onnx.NodeProto) -> None:
        """The tensor it is already, or one turn of where it came from, or the move as it is."""
        editing, (result,) = self._editing, node.output
        source, *axes_given = node.input
        told = node.op_type == "Transpose" or axes_given
        if not (
            told and editing.shapes.get(source) and editing.constants.keys() >= set(axes_given)
        ):
            return editing.keep(node)  # the rank is not known, or which axes are meant
        axes = self._of(node.input[0]).moved(editing, node)
        if axes in self._known:
            editing.replace(result, self._known[axes])
        elif axes.is_still:
            editing.replace(result, axes.source)
        elif axes.is_turn:
            editing.add("Transpose", [axes.source], result, perm=axes.order)
        else:
            editing.keep(node)
        return self._learn(result, axes)

    def wait(self, node: onnx.NodeProto) -> bool:
        """Turn after an operator that minds no order, if all else it reads is constant."""
        editing, (result, *others) = self._editing, node.output
        turned = [name for name in node.input if name in self._axes]
        if node.op_type not in ELEMENTWISE or others or len(turned) != 1:
            return False
        axes = self._axes[turned[0]]
        known = {name: editing.constants.get(name) for name in node.input if name != turned[0]}
        if (
            not axes.is_turn
            or axes.is_still
            or any(array is None or array.ndim > axes.rank for array in known.values())
        ):
            return False
        inputs = [axes.source if name == turned[0] else name for name in node.input]
        for place, name in enumerate(node.input):
            if (array := known.get(name)) is not None and array.size > 1:
                inputs[place] = editing.constant(f"{name}/turned", _unturned(array, axes))
        before = editing.add(node.op_type, inputs, f"{result}/before")
        editing.shapes[before] = editing.shapes[axes.source]
        self._learn(result, replace(axes, source=before))
        editing.add("Transpose", [before], result, perm=axes.order)
        return True

    def _of(self, name: str) -> _Axes:
        rank = len(self._editing.shapes[name])
        return self._axes.get(name) or _Axes(self._editing.named(name), rank, tuple(range(rank)))

    def _learn(self, name: str, axes: _Axes) -> None:
        self._axes[name] = axes
        self._known.setdefault(axes, self._editing.named(name))


def _unturned(array: Array, axes: _Axes) -> Array:
    """A constant as it must be beside the source, so that it turns into what it is."""
    whole = array.reshape((1,) * (axes.rank - array.ndim) + array.shape)
    back: Array = whole.transpose(np.argsort(np.array(axes.order, np.int64)))
    return back
